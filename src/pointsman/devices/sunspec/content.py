"""Which models and points a simulated SunSpec device has, by the kind of its asset."""

from typing import Final

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices.sunspec.image import Content
from pointsman.devices.sunspec.models import (
    CONTROLS,
    DER_CAPACITY,
    DER_CONTROLS,
    DER_METER,
    DER_OPERATION,
    DER_SERVICE,
    DER_STORAGE,
    INVERTERS,
    NAMEPLATE,
    STORAGE,
)

COMMON: Final = 1
METER: Final = INVERTERS[0]
_USUAL_KW: Final = 100.0
_W_PER_KW: Final = 1000.0
_INT16_MOST: Final = 32767
_STANDBY: Final = 7

_STORAGE: Final = dict.fromkeys(("MinRsvPct_SF", "ChaState_SF", "InOutWRte_SF"), -2.0) | {
    "OutWRte": 100.0,
    "InWRte": 100.0,
}
_STORAGE_ZERO: Final = (
    *("StorCtl_Mod", "MinRsvPct", "ChaState", "ChaSt"),
    *("InOutWRte_WinTms", "InOutWRte_RvrtTms"),
)
_METER_ZERO: Final = ("TotWh_SF", "W", "TotWhInj", "TotWhAbs")
_SETPOINT_ZERO: Final = (
    *("WSet_SF", "WSetEna", "WSetMod", "WSet", "WSetRvrt", "WSetEnaRvrt", "WSetRvrtTms"),
    *("WSetRvrtRem", "WSetPct_SF", "WSetPct", "WSetPctRvrt"),
)


def rated_kw(asset: Asset) -> float:
    """What 100 % of a device's power is."""
    known = (asset.charge_limit_kw, asset.discharge_limit_kw, asset.rating_kw)
    return max(value or 0.0 for value in known) or _USUAL_KW


def content_of(asset: Asset, control: int) -> dict[int, Content]:
    """The models of a device, in the order of its registers.

    Args:
        asset: What it is.
        control: The model by which a store takes setpoints: 704, or the older 124.
    """
    stores = asset.kind in (AssetKind.BATTERY, AssetKind.EV_CHARGER)
    watts = rated_kw(asset) * _W_PER_KW
    scale = next(n for n in range(10) if 2 * watts / 10**n < _INT16_MOST)
    common: Content = {"Mn": "pointsman", "Md": f"simulated {asset.kind}", "SN": asset.id}
    if control == STORAGE and stores:
        return {COMMON: common} | _older(watts, scale)
    return {COMMON: common} | _newer(asset, watts, scale, stores=stores)


def _older(watts: float, scale: int) -> dict[int, Content]:
    return {
        METER: {"W_SF": scale, "W": 0, "St": _STANDBY + 1},
        NAMEPLATE: {"WRtg_SF": scale, "WRtg": watts},
        CONTROLS: {
            **_limits("WMaxLimPct_RvrtTms", "WMaxLim_Ena"),
            "Conn_WinTms": 0,
            "Conn_RvrtTms": 0,
            "Conn": 1,
        },
        STORAGE: {
            "WChaMax_SF": scale,
            "WChaMax": watts,
            **_STORAGE,
            **dict.fromkeys(_STORAGE_ZERO, 0.0),
        },
    }


def _newer(asset: Asset, watts: float, scale: int, *, stores: bool) -> dict[int, Content]:
    found: dict[int, Content] = {
        DER_METER: {
            "W_SF": scale,
            **dict.fromkeys(_METER_ZERO, 0.0),
            "ACType": 2 if asset.phases > 1 else 0,
            "St": 1,
            "InvSt": _STANDBY,
        },
        DER_CAPACITY: {"W_SF": scale, "WMaxRtg": watts, "WMax": watts},
    }
    if asset.kind in (AssetKind.METER, AssetKind.LOAD):
        return found
    found[DER_SERVICE] = {"ES": 1}
    found[DER_CONTROLS] = {
        **_limits("WMaxLimPctRvrtTms", "WMaxLimPctEna"),
        "WMaxLimPctRvrt": 100,
        "WMaxLimPctEnaRvrt": 0,
        **dict.fromkeys(_SETPOINT_ZERO if stores else (), 0.0),
    }
    if stores and asset.capacity_kwh:
        found[DER_STORAGE] = {"Pct_SF": -2, "SoC": 0}
    if asset.kind is AssetKind.EV_CHARGER:
        found[DER_OPERATION] = {"LocRemCtl": 0, "OpCtl": 1}
    return found


def _limits(timer: str, switch: str) -> dict[str, float | str]:
    return {"WMaxLimPct_SF": -2, "WMaxLimPct": 100, timer: 0, switch: 0}
