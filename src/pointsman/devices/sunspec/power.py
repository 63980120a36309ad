"""Power setpoints as writes of registers: of model 704, which has one, and of 124, which has not.

The order of the writes, signs and timers are explained in `messages.py`.
"""

from dataclasses import dataclass
from typing import Final

from pointsman.devices.sunspec.layout import Block, Write

W_PER_KW: Final = 1000.0
_WATTS: Final = 1
_CHARGE_LIMITED: Final = 1
_DISCHARGE_LIMITED: Final = 2
_FULL_PERCENT: Final = 100.0


@dataclass(frozen=True, slots=True)
class Orders:
    """What to write, in this order, and what the device will then have been told."""

    writes: tuple[Write, ...]
    applied_kw: float | None = None
    """What the registers will hold, signed our way: positive for charging."""
    timed: bool = True
    """Whether the device will give it up by itself when its time is over, if it has an end."""


def set_watts(block: Block, power_kw: float, safe_kw: float | None, seconds: int) -> Orders:
    """Model 704. After its time it holds the safe default; without one, it goes its own way."""
    block.require("WSet", "WSetEna")
    watts = -power_kw * W_PER_KW
    setting = block.writes(
        {
            "WSetMod": _WATTS,
            "WSet": watts,
            "WSetRvrt": -(safe_kw or 0.0) * W_PER_KW,
            "WSetEnaRvrt": 0 if safe_kw is None else 1,
            "WSetRvrtTms": block.capped("WSetRvrtTms", seconds),
        }
    )
    applied_kw = 0.0 - block.rounded("WSet", watts) / W_PER_KW
    timed = block.has("WSetRvrtTms")
    return Orders(setting + block.writes({"WSetEna": 1}), applied_kw, timed)


def release_watts(block: Block) -> Orders:
    """Model 704: back to the device's own control, and no timer may change that."""
    block.require("WSetEna")
    disarmed = block.writes({"WSetEnaRvrt": 0, "WSetRvrtTms": 0})
    return Orders(block.writes({"WSetEna": 0}) + disarmed)


def release_rates(block: Block) -> Orders:
    """Model 124: back to the device's own control. Its timer only counts while rates are on."""
    return Orders(block.require("StorCtl_Mod").writes({"StorCtl_Mod": 0}))


def set_rates(block: Block, power_kw: float, seconds: int, *, forced: bool) -> Orders:
    """Model 124, whose rates are limits: charging power is kept from -OutWRte to +InWRte.

    A limit alone does not make a device charge. A forced direction is the same limit with the
    other way's limit at minus its value, so that only one power is left. Where negative rates
    are not taken, the other way's limit is 0, and the device may do less than it is told.

    When the direction changes, both rates are written as 0 first, so that no device that takes
    one register after the other ever has limits that contradict each other.
    """
    block.require("StorCtl_Mod", "InWRte", "OutWRte", "WChaMax")
    most_kw = (block.value("WChaMax") or 0.0) / W_PER_KW
    if not most_kw:
        raise ValueError("model 124 says that WChaMax is 0, so no power is a share of it")
    percent = min(max(100 * power_kw / most_kw, -_FULL_PERCENT), _FULL_PERCENT)
    rates = {
        "InWRte": percent if percent > 0 or forced else 0.0,
        "OutWRte": -percent if percent < 0 or forced else 0.0,
    }
    turned = rates_percent(block) * percent < 0
    zero = block.writes({"OutWRte": 0, "InWRte": 0}) if turned else ()
    setting = block.writes(
        {
            **rates,
            "InOutWRte_WinTms": 0,
            "InOutWRte_RvrtTms": block.capped("InOutWRte_RvrtTms", seconds),
        }
    )
    enabled = block.writes({"StorCtl_Mod": _CHARGE_LIMITED | _DISCHARGE_LIMITED})
    applied_percent = block.rounded("InWRte", abs(percent)) * (1 if percent >= 0 else -1)
    timed = block.has("InOutWRte_RvrtTms")
    return Orders(zero + setting + enabled, applied_percent / 100 * most_kw, timed)


def rates_percent(block: Block) -> float:
    """What a block of model 124 makes the device do: positive for charging, 0 for neither."""
    if not block.raw("StorCtl_Mod"):
        return 0.0
    charge, discharge = block.value("InWRte") or 0.0, block.value("OutWRte") or 0.0
    if charge > 0 and charge >= discharge:
        return charge
    return -discharge if discharge > 0 else 0.0
