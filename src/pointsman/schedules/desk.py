"""What there is to say to one asset: what is in force for it, what waits, what is under way.

Desk (an asset) -- Lane (a channel of it) -- Segments (its plans, one after the other)
     |
     +-- queue: commands with a history of their own, by when they are due
     +-- in flight: at most one command at a time
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from pointsman.core.agenda import Agenda
from pointsman.schedules.model import Channel, Command, CommandStatus, Plan, Timeline
from pointsman.schedules.rows import row_at, starts_at

NEVER: Final = datetime.min.replace(tzinfo=UTC)
FOREVER: Final = datetime.max.replace(tzinfo=UTC)
MOMENT: Final = timedelta.resolution
FLYING: Final = (CommandStatus.DISPATCHED, CommandStatus.ACKNOWLEDGED)
LIVING: Final = (CommandStatus.PENDING, *FLYING)


class Segment(NamedTuple):
    """One plan's rows for a lane, up to the first row of a newer plan."""

    plan: Plan
    timeline: Timeline
    start: datetime
    until: datetime = FOREVER


@dataclass(slots=True)
class Lane:
    """One channel of one asset: which row is to be said next."""

    segments: list[Segment] = field(default_factory=list)
    """Oldest plan first. The last one is in force, or will be once its first row begins."""
    last: Command | None = None
    """The command sent last, whatever became of it."""

    def adopt(self, plan: Plan, timeline: Timeline) -> bool:
        """Take over from every older plan, from the first row of this one on.

        Returns whether that changes anything, for a newer one may be there already.
        """
        if self.segments and _covers(self.segments[-1], plan):
            return False
        kept = [s for s in self.segments if s.plan.id != plan.id]
        kept.append(Segment(plan, timeline, starts_at(plan, timeline, 0)))
        self.segments = _one_after_the_other(kept) if len(kept) > 1 else kept
        return True

    def renew(self, plan: Plan) -> None:
        """Take note of what became of a plan."""
        self.segments = [
            s._replace(plan=plan) if s.plan.id == plan.id else s for s in self.segments
        ]

    def __copy__(self) -> "Lane":
        return Lane(self.segments.copy(), self.last)


@dataclass(slots=True)
class Desk:
    """All that there is to say to one asset."""

    lanes: dict[Channel, Lane] = field(default_factory=dict)
    """In the order in which facts came; what is decided must not depend on that."""
    in_flight: Command | None = None
    promised: dict[str, Command] = field(default_factory=dict)
    """What the device took and will do when it can. It keeps no other command waiting."""
    queue: Agenda[datetime] = field(default_factory=Agenda, compare=False)
    """Ids of pending commands that have facts, by when they are due."""
    said: dict[tuple[str, Channel], int] = field(default_factory=dict, compare=False)
    """The last row of each plan that became a command."""
    cut: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    """Rows, by plan, that are cancelled as their vehicle has left."""

    @property
    def bare(self) -> bool:
        """Nothing on it, and nothing to remember."""
        sent = self.in_flight or self.promised or self.lanes
        return not (sent or len(self.queue) or self.said or self.cut)

    @property
    def unanswered(self) -> tuple[Command, ...]:
        """What was sent, and may be answered still."""
        promised = tuple(self.promised[id] for id in sorted(self.promised)) if self.promised else ()
        return promised if self.in_flight is None else (self.in_flight, *promised)

    @property
    def segments(self) -> Iterator[Segment]:
        """Every plan's rows for the asset, channel by channel."""
        for channel in sorted(self.lanes):
            yield from self.lanes[channel].segments

    def say(self, plan_id: str, channel: Channel, row: int) -> bool:
        """A row became a command, or passed; so did all before it. Returns whether it is news."""
        news = row > self.said.get((plan_id, channel), -1)
        if news:
            self.said[plan_id, channel] = row
        return news

    def lane(self, channel: Channel) -> Lane:
        lane = self.lanes.get(channel)
        if lane is None:
            lane = self.lanes[channel] = Lane()
        return lane

    def next_row(self, segment: Segment) -> int:
        """The first row that is neither said nor cancelled. May be one past the last."""
        row = self.said.get((segment.plan.id, segment.timeline.channel), -1) + 1
        for begin, end in self._spans_cut(segment):
            if begin <= row < end:
                row = end
        return row

    def row_due(self, segment: Segment, now: datetime) -> int | None:
        """The row to be said at `now`, if there is one. Those before it are over."""
        row = row_at(segment.plan, segment.timeline, now)
        if row < self.next_row(segment) or now >= segment.until or self._cut(segment, row):
            return None
        return None if row == 0 and self._stands(segment, now) else row

    def next_at(self, segment: Segment) -> datetime | None:
        """When `row_due` has something next. None: never again, as far as is known now."""
        row, timeline = self.next_row(segment), segment.timeline
        if row >= len(timeline.slots):
            return None
        at = starts_at(segment.plan, timeline, row) if row else segment.start
        if row == 0 and timeline.assumed is not None:
            after = starts_at(segment.plan, timeline, 1)
            at = min(after, max(timeline.assumed_until or after, at))
        return at if at < segment.until else None

    def rows_due(self, now: datetime) -> Iterator[tuple[Segment, int]]:
        for segment in self.segments:
            if (row := self.row_due(segment, now)) is not None:
                yield segment, row

    def _stands(self, segment: Segment, now: datetime) -> bool:
        """Whether row 0 need not be said, as its value is in force already."""
        timeline = segment.timeline
        return timeline.assumed is not None and now < (timeline.assumed_until or FOREVER)

    def _cut(self, segment: Segment, row: int) -> bool:
        return any(begin <= row < end for begin, end in self._spans_cut(segment))

    def _spans_cut(self, segment: Segment) -> tuple[tuple[int, int], ...]:
        """A vehicle takes its power with it, and no limit or target of the charger."""
        power = segment.timeline.channel is Channel.POWER
        return self.cut.get(segment.plan.id, ()) if power and self.cut else ()

    def lapsed(self, now: datetime) -> Iterator[tuple[Segment, int]]:
        """Rows whose time has come and gone, with no row to be said in their place."""
        for segment in self.segments:
            at = self.next_at(segment)
            if at is not None and at <= now and self.row_due(segment, now) is None:
                until = min(now, segment.until - MOMENT)
                yield segment, row_at(segment.plan, segment.timeline, until)

    def due(self, run_number: int, ahead: timedelta) -> datetime | None:
        """When this asset next needs a look, which is `ahead` of what is to be sent. A command
        in flight keeps all others waiting.
        """
        instants = [at for c in self.unanswered if (at := silent_at(c, run_number)) is not None]
        if self.in_flight is None:
            first = self.queue.first()
            instants += [first[0] - ahead] if first else []
            for lane in self.lanes.values():
                starts = (at for s in lane.segments if (at := self.next_at(s)) is not None)
                instants += [at - ahead for at in starts]
        return min(instants, default=None)

    def __copy__(self) -> "Desk":
        return replace(
            self,
            lanes={channel: copy(lane) for channel, lane in self.lanes.items()},
            promised=self.promised.copy(),
            queue=copy(self.queue),
            said=self.said.copy(),
            cut=self.cut.copy(),
        )


def _covers(newest: Segment, older: Plan) -> bool:
    """Whether nothing of an older plan is in force any more."""
    plan = newest.plan
    since = max(older.start, plan.activated_at or NEVER)
    return older.activation < plan.activation and newest.start <= since


def _one_after_the_other(segments: list[Segment]) -> list[Segment]:
    """Each until the first row of a newer plan, without those that have no time left."""
    segments.sort(key=lambda s: s.plan.activation)
    since, until = segments[-1].plan.activated_at or NEVER, FOREVER
    kept: list[Segment] = []
    for segment in reversed(segments):
        if until > max(segment.start, since):
            kept.append(segment if segment.until == until else segment._replace(until=until))
        until = min(until, segment.start)
    return kept[::-1]


def silent_at(command: Command, run_number: int) -> datetime | None:
    """When silence about a command in flight becomes a failure. None: never, it may take long.

    What an earlier run sent is in doubt at once, for nobody waits for its answer any more.
    """
    progress = command.progress
    sent_at = progress.dispatched_at or command.scheduled_at
    if progress.run < run_number:
        return sent_at
    if progress.patient:
        return command.expires_at
    return sent_at + timedelta(seconds=command.policy.timeout_seconds)


def due_at(command: Command) -> datetime:
    """When a pending command may go out, or be found to be over."""
    not_before = command.progress.not_before
    return max(command.scheduled_at, not_before) if not_before else command.scheduled_at


def in_force_kw(desk: Desk, channel: Channel, now: datetime) -> float | None:
    """The signed value that the asset is known to follow: acknowledged and not expired."""
    lane = desk.lanes.get(channel)
    if lane is None or (last := lane.last) is None or last.progress.status != "COMPLETED":
        return None
    if last.expires_at is not None and last.expires_at <= now:
        return None
    return last.signed_kw
