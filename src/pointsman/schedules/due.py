"""What is due at a site: what ended, what is over, what may be sent next. Looks, moves nothing."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TypeAlias

from pointsman.schedules.commands import replaced
from pointsman.schedules.desk import Desk, silent_at
from pointsman.schedules.endings import ended, silence, superseded, try_failed
from pointsman.schedules.facts import CommandFact, Expired
from pointsman.schedules.model import Channel, Command, CommandStatus
from pointsman.schedules.rows import command_of
from pointsman.schedules.site import Site

Rank: TypeAlias = Callable[[Command], tuple[object, ...]]
Judged: TypeAlias = tuple[Command, CommandFact | None]
"""What is due, and how it ends unsent. None: it may go out."""


def silent(site: Site, now: datetime) -> Iterator[CommandFact]:
    """Tries that nobody will answer any more."""
    for desk in site.due_desks(now):
        for command in desk.unanswered:
            at = silent_at(command, site.run_number)
            if at is not None and at <= now:
                lost = command.progress.run < site.run_number
                yield from try_failed(site, command, now, silence(command, lost=lost))


def judged(site: Site, now: datetime) -> list[list[Judged]]:
    """All that is due, by asset, and how each of it ends unsent. Of assets that are free."""
    soon = now + site.together
    free = (desk for desk in site.due_desks(soon) if desk.in_flight is None)
    return [_judged(site, desk, now, soon + site.ahead) for desk in free]


def over(all_judged: Iterable[list[Judged]]) -> Iterator[CommandFact]:
    """Commands that are due, and whose time is over or that something newer replaces."""
    for of_one in all_judged:
        for _, end in of_one:
            if end is not None:
                yield end


def ready(site: Site, all_judged: Iterable[list[Judged]]) -> Iterator[Command]:
    """The best command of each asset that is free for one. Untouched rows among them."""
    rank = order_in(site)
    for of_one in all_judged:
        fit = [command for command, end in of_one if end is None]
        if fit:
            yield min(fit, key=rank)


def order_in(site: Site) -> Rank:
    """Urgent first, then what is due first, then less power before more. What is equal goes as
    its plan's table has it.
    """

    def rank(command: Command) -> tuple[object, ...]:
        more, equals = _asks_for_more(site, command), _place(site, command)
        return -command.priority, command.scheduled_at, more, *equals

    return rank


def sending_order_in(site: Site) -> Rank:
    """Urgent first, then less power before more, however long each has been due: so a limit
    that all assets share holds while they move.
    """

    def rank(command: Command) -> tuple[object, ...]:
        more, equals = _asks_for_more(site, command), _place(site, command)
        return -command.priority, more, command.scheduled_at, *equals

    return rank


def _asks_for_more(site: Site, command: Command) -> bool:
    lane = site.look(command.asset_id).lanes.get(command.channel)
    before = lane.last.signed_kw if lane and lane.last else None
    return (command.signed_kw or 0.0) > (before or 0.0)


def _place(site: Site, command: Command) -> tuple[int, int, str]:
    place = site.places.get(command.plan_id, {}).get(command.asset_id, 0)
    return command.sequence, place, command.asset_id


def _queued(site: Site, desk: Desk, until: datetime) -> list[Command]:
    return [site.commands[id] for _, id in sorted(desk.queue.until(until))]


def _rows(site: Site, desk: Desk, until: datetime) -> list[Command]:
    return [
        command_of(segment.plan, segment.timeline, row, site.commands)
        for segment, row in desk.rows_due(until)
    ]


def _judged(site: Site, desk: Desk, now: datetime, until: datetime) -> list[Judged]:
    due = [*_queued(site, desk, until), *_rows(site, desk, until)]
    ends = [(command, _end(desk, command, now)) for command in due]
    newest: dict[Channel, Command] = {}
    for command in sorted((c for c, end in ends if end is None), key=_age_in(site)):
        newest[command.channel] = command
    return [(c, end or _replaced(c, newest[c.channel], now)) for c, end in ends]


def _replaced(command: Command, newest: Command, now: datetime) -> CommandFact | None:
    return None if command.id == newest.id else superseded(command, newest.id, now)


def _age_in(site: Site) -> Rank:
    """Newer is greater. A row is as old as its plan's coming into force, at most; of equals,
    what the newer plan says is newest.
    """

    def rank(command: Command) -> tuple[object, ...]:
        plan = site.plans.get(command.plan_id) if command.row >= 0 else None
        if plan is None:
            return command.scheduled_at, 0, command.sequence
        known_at = plan.activated_at or command.scheduled_at
        return max(command.scheduled_at, known_at), plan.activation, command.sequence

    return rank


def _end(desk: Desk, command: Command, now: datetime) -> CommandFact | None:
    """How a pending command ends unsent, whatever else is due. None: it does not."""
    if command.expires_at is not None and command.expires_at <= now:
        return Expired(ended(command, CommandStatus.EXPIRED, now))
    lane = desk.lanes.get(command.channel)
    if lane is not None and (last := lane.last) is not None and _overtook(last, command):
        return superseded(command, last.id, now)
    if command.row >= 0 and (plan_id := replaced(desk, command)):
        return superseded(command, plan_id, now)
    return None


def _overtook(last: Command, command: Command) -> bool:
    """Whether something newer was sent while this waited. A row that was never said did not."""
    newer = last.scheduled_at >= command.scheduled_at
    return newer and 0 < command.sequence < last.sequence
