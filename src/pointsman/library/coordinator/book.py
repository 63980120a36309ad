"""The book: one object a command, whoever asks for it and however often.

A row of a plan has no object before somebody touches it, and none after everybody let go of it.
Where a row has no fact, how it stands is told from the plans in force and the time.
"""

from collections.abc import Hashable, Iterator, Sequence
from datetime import datetime
from typing import Final, TypeAlias
from weakref import WeakValueDictionary

from pointsman.core.values import replace
from pointsman.library.coordinator.checks import says_the_same
from pointsman.library.coordinator.commands import Command, command_of_value
from pointsman.library.coordinator.opening import ToldTime
from pointsman.library.coordinator.rows import Rows, first_row, is_made
from pointsman.library.coordinator.settings import DispatchError
from pointsman.runtime.direct import Direct
from pointsman.schedules.commands import replaced
from pointsman.schedules.desk import NEVER, Segment
from pointsman.schedules.facts import Fact
from pointsman.schedules.intents import Intent
from pointsman.schedules.model import Command as Value
from pointsman.schedules.model import CommandStatus, Plan, Progress, Timeline
from pointsman.schedules.rows import command_of, idempotency_key
from pointsman.schedules.site import Site

Owner: TypeAlias = Direct[Site, Intent, Fact]
INDEXES: Final = 8
"""Plans whose rows can be found by their ids without looking at all of them anew."""


class Book:
    """Every method may be called from any thread."""

    def __init__(self, owner: Owner, time: ToldTime) -> None:
        self._owner = owner
        self._time = time
        self._by_id: WeakValueDictionary[str, Command] = WeakValueDictionary()
        self._by_row: WeakValueDictionary[Hashable, Command] = WeakValueDictionary()
        self._indexes: dict[str, Rows] = {}

    def row(self, plan: Plan, timeline: Timeline, row: int) -> Command:
        """The command that a row of a plan is."""
        key = plan.id, timeline.asset_id, timeline.channel, row
        with self._owner.looking() as site:
            command = self._by_row.get(key)
            if command is None:
                value = command_of(plan, timeline, row, _Taken(self, site, key))
                command = self._keep(site.commands.get(value.id, value), plan)
            return command

    def of(self, value: Value) -> Command:
        """The command that the rules know as `value`."""
        with self._owner.looking() as site:
            command = self._by_row.get(_key(value)) if value.row >= 0 else None
            command = command or self._by_id.get(value.id)
            if command is None:
                return self._keep(value, site.plans.get(value.plan_id))
            if command.command_id != value.id:
                command.command_id = value.id
                self._by_id[value.id] = command
            return command

    def add(self, command: Command, value: Value) -> None:
        """Keep a command that a user made.

        Raises:
            DispatchError: If another one has its id, and says something else.
        """
        with self._owner.looking() as site:
            known = site.commands.get(value.id)
            if known is not None and not says_the_same(known, value):
                raise DispatchError(f"{value.id} is known already, and says something else")
            self._by_id.setdefault(command.command_id, command)
            command.keep(self, value)

    def drop(self, command: Command) -> None:
        """Give a user's command back: it did not become one of the engine's."""
        with self._owner.looking():
            if self._by_id.get(command.command_id) is command:
                del self._by_id[command.command_id]
            command.let_go()

    def pending(self, value: Value) -> Command:
        """The command that a row is, which is due, or one that waits."""
        if value.row < 0:
            return self.of(value)
        with self._owner.looking() as site:
            plan = site.plans[value.plan_id]
            lane = site.look(value.asset_id).lanes[value.channel]
            timeline = next(s.timeline for s in lane.segments if s.plan.id == plan.id)
            return self.row(plan, timeline, value.row)

    def find(self, id: str) -> Command | None:
        """The command of this id, be it a row that nobody has touched yet."""
        if (command := self.known(id)) or not is_made(id):
            return command
        with self._owner.looking() as site:
            plans = _timelines(site)
        for plan, timelines in plans.values():  # Without the lock, as this may take long.
            for timeline, row in self._index(plan, timelines).like(id):
                command = self.row(plan, timeline, row)
                if command.command_id == id:
                    return command
        return None

    def known(self, id: str) -> Command | None:
        """The command of this id, if it was touched or has a history."""
        with self._owner.looking() as site:
            if command := self._by_id.get(id):
                return command
            value = site.commands.get(id)
            return self._keep(value, site.plans.get(value.plan_id)) if value else None

    def of_asset(self, asset_id: str) -> list[Command]:
        """All that are known of an asset: rows of plans in force, and whatever has a history."""
        with self._owner.looking() as site:
            found = [self.of(v) for v in site.commands.values() if v.asset_id == asset_id]
            for lane in site.look(asset_id).lanes.values():
                for segment in lane.segments:
                    found += self._rows_of(segment)
            found += [c for c in self._by_id.values() if c.asset_id == asset_id]
            each = {command.command_id: command for command in found}
            return sorted(each.values(), key=lambda c: (c.scheduled_at, c.value.sequence))

    def latest(self, command: Command, given: Value) -> Value:
        """The command as it stands now; see `Command.value`."""
        with self._owner.looking() as site:
            value = site.commands.get(given.id)
            if value is not None and _key(value) == _key(given):
                command.keep(self, value)
                return value
            if given.row < 0 or given.progress.status is not CommandStatus.PENDING:
                return given  # It ended so long ago that the journal has forgotten it.
            value = replace(given, progress=_untold(site, given, self._time.told or NEVER))
            if value.progress.status is not CommandStatus.PENDING:
                command.keep(self, value)
            return value

    def owner_of(self, id: str, site: Site) -> Hashable:
        """Which row, or other command, has this id. None: it is free."""
        if value := site.commands.get(id):
            return _key(value)
        command = self._by_id.get(id)
        return _key(command.given) if command else None

    def _keep(self, value: Value, plan: Plan | None) -> Command:
        key = _idempotency_key(value) if value.row >= 0 else ""
        command = command_of_value(value, key, plan.rev if plan else None)
        command.keep(self, value)
        self._by_id[value.id] = command
        if value.row >= 0:
            self._by_row[_key(value)] = command
        return command

    def _rows_of(self, segment: Segment) -> Iterator[Command]:
        timeline = segment.timeline
        for row in range(first_row(timeline), len(timeline.slots)):
            command = self.row(segment.plan, timeline, row)
            if command.value.progress.attempt or command.scheduled_at < segment.until:
                yield command

    def _index(self, plan: Plan, timelines: Sequence[Timeline]) -> Rows:
        index = self._indexes.get(plan.id)
        if index is None or not index.covers(timelines):
            index = Rows(plan, timelines)
            while len(self._indexes) >= INDEXES:
                self._indexes.pop(next(iter(self._indexes)))
            self._indexes[plan.id] = index
        return index


class _Taken:
    """Ids that belong to others than one row."""

    def __init__(self, book: Book, site: Site, key: Hashable) -> None:
        self._book, self._site, self._key = book, site, key

    def __contains__(self, id: object) -> bool:
        return self._book.owner_of(str(id), self._site) not in {None, self._key}


def _timelines(site: Site) -> dict[str, tuple[Plan, list[Timeline]]]:
    """Of each plan that still has something to say, by its id."""
    plans: dict[str, tuple[Plan, list[Timeline]]] = {}
    for desk in site.desks.values():
        for lane in desk.lanes.values():
            for segment in lane.segments:
                plans.setdefault(segment.plan.id, (segment.plan, []))[1].append(segment.timeline)
    return plans


def _key(value: Value) -> Hashable:
    if value.row < 0:
        return value.id
    return value.plan_id, value.asset_id, value.channel, value.row


def _idempotency_key(value: Value) -> str:
    said = (value.parameters or {}).get("soc_target_percent", value.signed_kw)
    return idempotency_key(
        value.plan_id, value.asset_id, value.scheduled_at, value.type, float(said or 0.0)
    )


def _untold(site: Site, value: Value, now: datetime) -> Progress:
    """How a row stands that has no fact."""
    desk = site.look(value.asset_id)
    over = value.expires_at is not None and value.expires_at <= now
    lane = desk.lanes.get(value.channel)
    segments = lane.segments if lane else []
    own = next((s for s in segments if s.plan.id == value.plan_id), None)
    if own is None and not over:
        newer = segments[-1].plan.id if segments else ""
        return _ended(value, CommandStatus.SUPERSEDED, newer)
    if any(begin <= value.row < end for begin, end in desk.cut.get(value.plan_id, ())):
        return _ended(value, CommandStatus.CANCELLED)
    if by := replaced(desk, value):
        since = site.plans[by].activated_at
        lapsed = since is not None and value.expires_at is not None and value.expires_at <= since
        return _ended(value, CommandStatus.EXPIRED if lapsed else CommandStatus.SUPERSEDED, by)
    if over:
        return _ended(value, CommandStatus.EXPIRED)
    if own is not None and own.until <= now:
        return _ended(value, CommandStatus.SUPERSEDED, segments[-1].plan.id)
    return value.progress


def _ended(value: Value, status: CommandStatus, by: str = "") -> Progress:
    by = by if status is CommandStatus.SUPERSEDED else ""
    return replace(value.progress, status=status, superseded_by=by)
