"""Equipment that goes on where it was when the process that it lived in ended.

    last reading --tell what it was told by then--> recall --tell what it was told since--> now

So a run that was killed meets the same equipment again, as it would with real devices.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from pointsman.devices import DeviceFailed, Earlier
from pointsman.devices.earlier import sent_at
from pointsman.devices.simulated.commands import carry_out
from pointsman.devices.simulated.physics import Equipment, Unsupported
from pointsman.schedules.model import Command, CommandType

AWAY_MOST: Final = timedelta(days=1)
"""What happened longer ago is not lived through again."""
_STATES: Final = {
    CommandType.START_CHARGING,
    CommandType.STOP_CHARGING,
    CommandType.CHANGE_AVAILABILITY,
}
"""Commands whose effect is a state, which is known."""


def restore(equipment: Equipment, earlier: Earlier, now: datetime, *, told: bool = True) -> None:
    """Make new equipment what the journal knows of it. Without `told`, it was never told anything.

    What happens between its last reading and `now` is found when it is advanced.
    """
    measured, commands = earlier.measured, list(earlier.commands if told else ())
    if measured is not None:
        begin = min(max(measured.until, now - AWAY_MOST), now)
        equipment.begin_at(begin, measured)
        while commands and sent_at(commands[0]) <= begin:
            _tell_again(equipment, commands.pop(0), begin)
        equipment.recall(measured.soc_percent, earlier.state)
    for command in commands:
        with suppress(DeviceFailed, Unsupported):
            carry_out(equipment, command, max(sent_at(command), now - AWAY_MOST))


def _tell_again(equipment: Equipment, command: Command, now: datetime) -> None:
    """What it was told before its state was last seen."""
    if command.type not in _STATES:
        with suppress(DeviceFailed, Unsupported):
            carry_out(equipment, command, now)
    elif command.type is CommandType.START_CHARGING and command.signed_kw is not None:
        with suppress(Unsupported):
            equipment.tell(command.signed_kw, now, command.expires_at)
