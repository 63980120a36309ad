"""What is due at a site: what ended, what is over, what may be sent next. Looks, moves nothing."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TypeAlias

from pointsman.schedules.commands import ended, replaced, silence, superseded, try_failed
from pointsman.schedules.facts import CommandFact, Expired
from pointsman.schedules.model import Channel, Command, CommandStatus
from pointsman.schedules.rows import command_of
from pointsman.schedules.site import Desk, Site

Rank: TypeAlias = Callable[[Command], tuple[int, datetime, bool, int, int, str]]


def silent(site: Site, now: datetime) -> Iterator[CommandFact]:
    """Tries that nobody will answer any more."""
    for desk in site.due_desks(now):
        if flying := desk.in_flight:
            lost = flying.progress.run < site.run_number
            yield from try_failed(site, flying, now, silence(flying, lost=lost))


def over(site: Site, now: datetime) -> Iterator[CommandFact]:
    """Pending commands whose time is over, or that something newer replaces."""
    for desk in site.due_desks(now):
        if desk.in_flight is None:
            due = _queued(site, desk, now)
            newest = _newest(due, _rows(site, desk, now))
            for command in due:
                if fact := _end(desk, command, newest[command.channel], now):
                    yield fact


def ready(site: Site, now: datetime) -> Iterator[Command]:
    """The best command of each asset that is free for one. Untouched rows among them."""
    for desk in site.due_desks(now):
        if desk.in_flight is None:
            due = [*_queued(site, desk, now), *_rows(site, desk, now)]
            newest = _newest(due, ())
            fit = [c for c in due if _end(desk, c, newest[c.channel], now) is None]
            if fit:
                yield min(fit, key=order_in(site))


def order_in(site: Site) -> Rank:
    """Urgent first, then what is due first; and less power before more, so that a limit that
    all share holds while they move. What is equal goes as its plan's table has it.
    """

    def rank(command: Command) -> tuple[int, datetime, bool, int, int, str]:
        lane = site.look(command.asset_id).lanes.get(command.channel)
        before = lane.last.signed_kw if lane and lane.last else None
        more = (command.signed_kw or 0.0) > (before or 0.0)
        place = site.places.get(command.plan_id, {}).get(command.asset_id, 0)
        urgent, id = -command.priority, command.asset_id
        return urgent, command.scheduled_at, more, command.sequence, place, id

    return rank


def _queued(site: Site, desk: Desk, now: datetime) -> list[Command]:
    return [site.commands[id] for _, id in desk.queue.until(now)]


def _rows(site: Site, desk: Desk, now: datetime) -> list[Command]:
    return [
        command_of(segment.plan, segment.timeline, row, site.commands)
        for segment, row in desk.rows_due(now)
    ]


def _newest(queued: Iterable[Command], rows: Iterable[Command]) -> dict[Channel, Command]:
    """The latest setpoint of each channel. Between equals, what a plan says now."""
    newest: dict[Channel, Command] = {}
    for command in (*queued, *rows):
        other = newest.get(command.channel)
        if other is None or _age(other) <= _age(command):
            newest[command.channel] = command
    return newest


def _age(command: Command) -> tuple[datetime, bool, int]:
    return command.scheduled_at, command.row >= 0, command.sequence


def _end(desk: Desk, command: Command, newest: Command, now: datetime) -> CommandFact | None:
    """How a pending command ends unsent. None: it may go out."""
    if command.expires_at is not None and command.expires_at <= now:
        return Expired(ended(command, CommandStatus.EXPIRED, now))
    if newest.id != command.id:
        return superseded(command, newest.id, now)
    lane = desk.lanes.get(command.channel)
    if lane is not None and (last := lane.last) is not None and _overtook(last, command):
        return superseded(command, last.id, now)
    if command.row >= 0 and (plan_id := replaced(desk, command)):
        return superseded(command, plan_id, now)
    return None


def _overtook(last: Command, command: Command) -> bool:
    """Whether something newer was sent while this waited. A row that was never said did not."""
    newer = last.scheduled_at >= command.scheduled_at and last.id != command.id
    return newer and 0 < command.sequence < last.sequence
