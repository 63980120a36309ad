"""What each type of command tells simulated equipment."""

from datetime import datetime
from math import isfinite
from typing import assert_never

from pointsman.devices import DeviceFailed, Taken
from pointsman.devices.simulated.faults import LUCKY, Fate
from pointsman.devices.simulated.physics import Equipment
from pointsman.schedules.model import Command, CommandType


def carry_out(equipment: Equipment, command: Command, now: datetime, fate: Fate = LUCKY) -> Taken:
    """Tell equipment what a command says.

    Raises:
        Unsupported: If equipment of its kind cannot do it.
        DeviceFailed: If it cannot do it now, or the command does not say what it must.
    """
    ends = fate.expiry(now, command.expires_at)
    power_kw = command.signed_kw

    def tell(kw: float | None) -> Taken:
        return Taken(equipment.tell(kw, now, ends, follows=fate.follows))

    match command.type:
        case CommandType.SET_CHARGE_RATE | CommandType.SET_DISCHARGE_RATE:
            return tell(None if command.release and not power_kw else _said(command, power_kw))
        case CommandType.SET_POWER_LIMIT:
            equipment.limit(_said(command, power_kw), now, ends)
        case CommandType.START_CHARGING:
            equipment.start(now)
            if not equipment.session_running:
                raise DeviceFailed(f"no car is plugged in at {equipment.asset.id!r}")
            if power_kw is None and not equipment.setpoint_kw:
                power_kw = equipment.most_kw
            return Taken(equipment.setpoint_kw) if power_kw is None else tell(power_kw)
        case CommandType.STOP_CHARGING:
            equipment.stop(now)
        case CommandType.CHANGE_AVAILABILITY:
            available = (command.parameters or {}).get("available")
            if not isinstance(available, bool):
                raise _lacking(command, "available")
            return Taken(later=not equipment.available(available, now))
        case CommandType.SET_SOC_TARGET:
            percent = (command.parameters or {}).get("soc_target_percent")
            equipment.soc_target(_said(command, percent, "soc_target_percent"), now)
        case unknown:
            assert_never(unknown)
    return Taken()


def _said(command: Command, value: object, name: str = "power_kw") -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return float(value)
    raise _lacking(command, name)


def _lacking(command: Command, name: str) -> DeviceFailed:
    return DeviceFailed(f"{command.type} for {command.asset_id!r} lacks {name}", permanent=True)
