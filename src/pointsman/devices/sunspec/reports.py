"""What a device's registers say of it: readings, samples and states.

Watts are positive for injecting on the wire, and positive for charging everywhere else.
"""

from datetime import datetime
from typing import Final

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices import Reading, Sample
from pointsman.devices.sunspec.layout import Layout
from pointsman.devices.sunspec.messages import Blocks, nameplate_kw
from pointsman.devices.sunspec.models import (
    BATTERY,
    CONTROLS,
    DER_CAPACITY,
    DER_CONTROLS,
    DER_METER,
    DER_OPERATION,
    DER_SERVICE,
    DER_STORAGE,
    INVERTERS,
    NAMEPLATE,
    SETTINGS,
    STORAGE,
)
from pointsman.devices.sunspec.power import W_PER_KW, rates_percent

_METERS: Final = (DER_METER, *INVERTERS)
_STORES: Final = ((DER_STORAGE, "SoC"), (BATTERY, "SoC"), (STORAGE, "ChaState"))
_WATTS: Final = tuple((id, "W") for id in _METERS)
_FAULTED: Final = (
    (DER_METER, "InvSt", 6),
    *((id, "St", 7) for id in INVERTERS),
    (DER_STORAGE, "Sta", 2),
    (BATTERY, "State", 99),
)
_AWAY: Final = ((DER_SERVICE, "ES", 0), (CONTROLS, "Conn", 0), (BATTERY, "State", 1))


def read_models(layout: Layout) -> tuple[int, ...]:
    """The models that say what is set."""
    groups: tuple[tuple[int, ...], ...] = (
        (DER_CONTROLS, STORAGE),
        (DER_CAPACITY,),
        (SETTINGS,),
        (NAMEPLATE,),
        (DER_METER,),
        (DER_OPERATION,),
        (DER_SERVICE, CONTROLS),
        (BATTERY, STORAGE),
    )
    if not layout.first(DER_CONTROLS):
        groups = (*groups, (CONTROLS,))
    return tuple(dict.fromkeys(id for group in groups for id in layout.first(*group)))


def meter_models(layout: Layout) -> tuple[int, ...]:
    """The models that say what flows, and in which state the device is."""
    groups = (_METERS, (DER_STORAGE, BATTERY, STORAGE), (DER_SERVICE, CONTROLS), (BATTERY,))
    return tuple(dict.fromkeys(id for group in groups for id in layout.first(*group)))


def reading(blocks: Blocks) -> Reading:
    """What is set in the device."""
    setpoint_kw, controlled = _setpoint(blocks)
    return Reading(
        setpoint_kw,
        controlled,
        limit_kw=_limit_kw(blocks),
        soc_target_percent=_first(blocks, ((BATTERY, "SoCRsvMin"), (STORAGE, "MinRsvPct"))),
        available=_flag(blocks, ((DER_SERVICE, "ES", 1), (CONTROLS, "Conn", 1))),
        session_running=_flag(blocks, ((DER_METER, "St", 1),)) if DER_OPERATION in blocks else None,
    )


def sample(blocks: Blocks, at: datetime) -> Sample | None:
    """What the device's meter says. None: it has none."""
    watts = _first(blocks, _WATTS)
    if watts is None:
        return None
    absorbed, injected = _energy(blocks, "TotWhAbs"), _energy(blocks, "TotWhInj")
    both = absorbed is not None and injected is not None
    return Sample(
        at,
        0.0 - watts / W_PER_KW,
        absorbed if both else None,
        injected if both else None,
        _first(blocks, _STORES),
    )


def state(blocks: Blocks, asset: Asset) -> tuple[str, str] | None:
    """The state of the asset, in the words of its kind, and the reason where there is one.

    None: nothing is wrong with it, and it has no meter that would say more.
    """
    for id, point, fault in _FAULTED:
        if id in blocks and blocks[id].raw(point) == fault:
            return "faulted", f"model {id} says {point} = {fault}"
    for id, point, away in _AWAY:
        if id in blocks and blocks[id].raw(point) == away:
            return "unavailable", f"model {id} says {point} = {away}"
    watts = _first(blocks, _WATTS)
    if watts is None:
        return None
    if abs(watts) / W_PER_KW < asset.least_change_kw:
        return ("available" if asset.kind is AssetKind.EV_CHARGER else "idle"), ""
    return ("discharging" if watts > 0 else "charging"), ""


def _setpoint(blocks: Blocks) -> tuple[float | None, bool | None]:
    if DER_CONTROLS in blocks:
        return _watts(blocks)
    if STORAGE in blocks:
        block = blocks[STORAGE]
        controlled, most_w = block.raw("StorCtl_Mod"), block.value("WChaMax")
        if controlled is None:
            return None, None
        if not controlled or most_w is None:
            return None, bool(controlled)
        return rates_percent(block) / 100 * most_w / W_PER_KW, True
    return None, None


def _watts(blocks: Blocks) -> tuple[float | None, bool | None]:
    """Model 704. A timer that was set and has nothing left has run out."""
    block = blocks[DER_CONTROLS]
    enabled = block.raw("WSetEna")
    if not enabled:
        return None, None if enabled is None else False
    reverted = bool(block.raw("WSetRvrtTms")) and block.raw("WSetRvrtRem") == 0
    suffix = "Rvrt" if reverted else ""
    if block.raw("WSetMod") == 0:
        percent, rated_kw = block.value(f"WSetPct{suffix}"), nameplate_kw(blocks)
        known = percent is not None and rated_kw is not None
        return (0.0 - percent / 100 * rated_kw if known else None), not reverted  # type: ignore[operator]
    watts = block.value(f"WSet{suffix}")
    return (None if watts is None else 0.0 - watts / W_PER_KW), not reverted


def _limit_kw(blocks: Blocks) -> float | None:
    for id, switch in ((DER_CONTROLS, "WMaxLimPctEna"), (CONTROLS, "WMaxLim_Ena")):
        if id in blocks and blocks[id].raw(switch) == 1:
            percent, rated_kw = blocks[id].value("WMaxLimPct"), nameplate_kw(blocks)
            return None if percent is None or rated_kw is None else percent / 100 * rated_kw
    return None


def _energy(blocks: Blocks, name: str) -> float | None:
    watt_hours = blocks[DER_METER].value(name) if DER_METER in blocks else None
    return None if watt_hours is None else watt_hours / W_PER_KW


def _first(blocks: Blocks, points: tuple[tuple[int, str], ...]) -> float | None:
    values = (blocks[id].value(name) for id, name in points if id in blocks)
    return next((value for value in values if value is not None), None)


def _flag(blocks: Blocks, points: tuple[tuple[int, str, int], ...]) -> bool | None:
    for id, name, yes in points:
        if id in blocks and (value := blocks[id].raw(name)) is not None:
            return value == yes
    return None
