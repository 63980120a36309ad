"""Commands as writes of registers: what to read first, what to write, in which order.

    command --needs--> models to read --orders--> writes, one after the other

Between two writes the line may go dead, so no state between them may be dangerous:

* A value is written before the revert timer, and both before the switch that enables them. While
  it is disabled nothing happens until the last write. While an older setpoint is in force, the
  new value stands under the older timer, which ends about now; the last write arms the new one.
* Neighbouring points go in one write, so a device never sees half of them.
* A release disables first, and then stops the timer, which else could enable again.

Watts are positive for injecting on the wire, hence the minus signs. A revert timer counts the
seconds until the command's `expires_at`, rounded up, as far as the point can count. Without an
`expires_at` it is 0: no timer.
"""

from collections.abc import Mapping
from datetime import datetime
from math import ceil, floor, isfinite
from typing import Final, assert_never

from pointsman.core.assets import Asset
from pointsman.devices import DeviceFailed
from pointsman.devices.sunspec.layout import Block, Layout, Write
from pointsman.devices.sunspec.models import (
    BATTERY,
    CONTROLS,
    DER_CAPACITY,
    DER_CONTROLS,
    DER_OPERATION,
    DER_SERVICE,
    NAMEPLATE,
    SETTINGS,
    STORAGE,
)
from pointsman.devices.sunspec.power import (
    W_PER_KW,
    Orders,
    release_rates,
    release_watts,
    set_rates,
    set_watts,
)
from pointsman.schedules.model import Command, CommandType

Blocks = Mapping[int, Block]
"""What was read of a device just now, by model."""

NAMEPLATES: Final = (
    (DER_CAPACITY, "WMax"),
    (DER_CAPACITY, "WMaxRtg"),
    (SETTINGS, "WMax"),
    (NAMEPLATE, "WRtg"),
)
"""Which points say what 100 % of a device's power is, the best first."""
_FULL_PERCENT: Final = 100.0
_REMOTE: Final = 0

_POWER: Final = ((DER_CONTROLS, STORAGE),)
_LIMIT: Final = ((DER_CONTROLS, CONTROLS), (DER_CAPACITY,), (SETTINGS,), (NAMEPLATE,))
_SESSION: Final = ((DER_OPERATION, BATTERY),)
_WANTED: Final[Mapping[CommandType, tuple[tuple[int, ...], ...]]] = {
    CommandType.SET_CHARGE_RATE: _POWER,
    CommandType.SET_DISCHARGE_RATE: _POWER,
    CommandType.SET_POWER_LIMIT: _LIMIT,
    CommandType.START_CHARGING: _SESSION + _POWER,
    CommandType.STOP_CHARGING: _SESSION,
    CommandType.CHANGE_AVAILABILITY: ((DER_SERVICE, CONTROLS),),
    CommandType.SET_SOC_TARGET: ((BATTERY, STORAGE),),
}
"""For each type of command: groups of models, of each of which the first there is will do."""


def needs(command: Command, layout: Layout) -> tuple[int, ...]:
    """The models that must be read before this command can be written."""
    groups = _WANTED[command.type]
    return tuple(dict.fromkeys(id for group in groups for id in layout.first(*group)))


def orders(command: Command, blocks: Blocks, asset: Asset, now: datetime) -> Orders:
    """What to write for a command.

    Args:
        command: What the asset is told.
        blocks: What `needs` named.
        asset: Its owner's description.
        now: The present instant of the run, for the revert timer.

    Raises:
        DeviceFailed: If the device lacks the model, its value cannot be held, its time is over,
            or the device is under local control.
    """
    try:
        seconds = _seconds_left(command, now)
        match command.type:
            case CommandType.SET_CHARGE_RATE | CommandType.SET_DISCHARGE_RATE:
                return _power(command, blocks, asset, seconds)
            case CommandType.SET_POWER_LIMIT:
                return _limit(command, blocks, seconds)
            case CommandType.START_CHARGING:
                rate = Orders(())
                if command.power_kw is not None:
                    rate = _power(command, blocks, asset, seconds)
                started = _session(command, blocks, on=True)
                return Orders(rate.writes + started, rate.applied_kw, rate.timed)
            case CommandType.STOP_CHARGING:
                return Orders(_session(command, blocks, on=False))
            case CommandType.CHANGE_AVAILABILITY:
                return _availability(command, blocks, seconds)
            case CommandType.SET_SOC_TARGET:
                return _soc_target(command, blocks)
            case unknown:
                assert_never(unknown)
    except ValueError as error:
        raise DeviceFailed(f"{_who(command)}: {error}", permanent=True) from error


def nameplate_kw(blocks: Blocks) -> float | None:
    """What 100 % of the device's power is. None: it does not say."""
    for id, point in NAMEPLATES:
        watts = blocks[id].value(point) if id in blocks else None
        if watts:
            return watts / W_PER_KW
    return None


def _power(command: Command, blocks: Blocks, asset: Asset, seconds: int) -> Orders:
    power_kw = _said(command, command.signed_kw, "power_kw")
    released = command.release and power_kw == 0
    if DER_CONTROLS in blocks:
        if released:
            return release_watts(blocks[DER_CONTROLS])
        return set_watts(blocks[DER_CONTROLS], power_kw, asset.safe_default_kw, seconds)
    if STORAGE in blocks:
        if released:
            return release_rates(blocks[STORAGE])
        forced = bool(asset.device.get("negative_rates", True))
        return set_rates(blocks[STORAGE], power_kw, seconds, forced=forced)
    raise _no_model(command, "704 or 124")


def _limit(command: Command, blocks: Blocks, seconds: int) -> Orders:
    """A share of the nameplate, rounded down: a limit is never more than what was asked."""
    id = DER_CONTROLS if DER_CONTROLS in blocks else CONTROLS
    if id not in blocks:
        raise _no_model(command, "704 or 123")
    block = blocks[id]
    switch = "WMaxLimPctEna" if id == DER_CONTROLS else "WMaxLim_Ena"
    timer = "WMaxLimPctRvrtTms" if id == DER_CONTROLS else "WMaxLimPct_RvrtTms"
    block.require("WMaxLimPct", switch)
    if command.release:
        return Orders(block.writes({switch: 0}) + block.writes({timer: 0}))
    limit_kw = _said(command, command.power_kw, "power_kw")
    rated_kw = nameplate_kw(blocks)
    if rated_kw is None:
        raise _no_model(command, "702, 121 or 120 that says what 100 % is")
    if limit_kw < 0:
        raise ValueError(f"a limit is 0 or more, not {limit_kw:g} kW")
    step = block.meant("WMaxLimPct", 1) or 1.0
    percent = floor(min(100 * limit_kw / rated_kw, _FULL_PERCENT) / step + 1e-9) * step
    setting = {"WMaxLimPct": percent, timer: block.capped(timer, seconds)}
    if id == DER_CONTROLS:
        setting |= {"WMaxLimPctRvrt": 100, "WMaxLimPctEnaRvrt": 0}
    else:
        setting["WMaxLimPct_WinTms"] = 0
    writes = block.writes(setting) + block.writes({switch: 1})
    return Orders(writes, percent / 100 * rated_kw, block.has(timer))


def _session(command: Command, blocks: Blocks, *, on: bool) -> tuple[Write, ...]:
    for id, point, values in ((DER_OPERATION, "OpCtl", (0, 1)), (BATTERY, "SetOp", (2, 1))):
        if id in blocks:
            block = blocks[id].require(point)
            if block.raw("LocRemCtl") not in (_REMOTE, None):
                raise DeviceFailed(f"{_who(command)}: is under local control; switch it to remote")
            return block.writes({point: values[on]})
    raise _no_model(command, "715 or 802")


def _availability(command: Command, blocks: Blocks, seconds: int) -> Orders:
    available = (command.parameters or {}).get("available")
    if not isinstance(available, bool):
        raise ValueError(f"lacks available = true or false; it says {available!r}")
    if DER_SERVICE in blocks:
        return Orders(blocks[DER_SERVICE].require("ES").writes({"ES": int(available)}))
    if CONTROLS in blocks:
        block = blocks[CONTROLS].require("Conn")
        timer = 0 if available else block.capped("Conn_RvrtTms", seconds)
        setting = {"Conn_WinTms": 0, "Conn_RvrtTms": timer, "Conn": int(available)}
        return Orders(block.writes(setting))
    raise _no_model(command, "703 or 123")


def _soc_target(command: Command, blocks: Blocks) -> Orders:
    value = (command.parameters or {}).get("soc_target_percent")
    percent = _said(command, value, "soc_target_percent")
    if not 0 <= percent <= _FULL_PERCENT:
        raise ValueError(f"soc_target_percent is from 0 to 100, not {percent:g}")
    for id, point in ((BATTERY, "SoCRsvMin"), (STORAGE, "MinRsvPct")):
        if id in blocks:
            return Orders(blocks[id].require(point).writes({point: percent}))
    raise _no_model(command, "802 or 124")


def _seconds_left(command: Command, now: datetime) -> int:
    """Until the command's end, at least 1. 0: it has none."""
    if command.expires_at is None:
        return 0
    seconds = ceil((command.expires_at - now).total_seconds())
    if seconds <= 0:
        raise ValueError(f"its time was over at {command.expires_at.isoformat()}")
    return seconds


def _said(command: Command, value: object, name: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return float(value)
    raise ValueError(f"{command.type} needs {name}, a number; it says {value!r}")


def _no_model(command: Command, models: str) -> DeviceFailed:
    return DeviceFailed(f"{_who(command)}: the device has no model {models}", permanent=True)


def _who(command: Command) -> str:
    return f"{command.type} for {command.asset_id!r}"
