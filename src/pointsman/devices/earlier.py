"""What a journal knows of each asset, for equipment that ended with the process it lived in."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from operator import attrgetter

from pointsman.devices import Earlier
from pointsman.schedules.model import Command, CommandStatus, CommandType, Measurement
from pointsman.schedules.site import Site


def earlier_of(site: Site) -> dict[str, Earlier]:
    """By asset id: its meter, its state, and what it was told that may be in effect still."""
    done: defaultdict[str, list[Command]] = defaultdict(list)
    for command in sorted(site.commands.values(), key=attrgetter("sequence")):
        if command.progress.status is CommandStatus.COMPLETED:
            done[command.asset_id].append(command)
    return {
        asset_id: Earlier(
            site.measured.get(asset_id),
            site.states[asset_id].state if asset_id in site.states else "",
            tuple(_not_replaced(done[asset_id], site.measured.get(asset_id))),
        )
        for asset_id in {*site.measured, *site.states, *done}
    }


def sent_at(command: Command) -> datetime:
    """When its last try was handed out."""
    return command.progress.dispatched_at or datetime.min.replace(tzinfo=UTC)


def _not_replaced(commands: Iterable[Command], measured: Measurement | None) -> Iterator[Command]:
    """Of those before the last reading the latest of each type; all that came since."""
    before: dict[CommandType, Command] = {}
    since: list[Command] = []
    for command in commands:
        if measured is None or sent_at(command) > measured.until:
            since.append(command)
        else:
            before[command.type] = command
    yield from sorted(before.values(), key=attrgetter("sequence"))
    yield from since
