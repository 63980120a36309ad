"""Traces: a history as what became of each operation, and when its dispatcher ran."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from pointsman.library.operation_dispatcher.events import DispatchEvent
from pointsman.library.operation_dispatcher.history import History
from pointsman.library.operation_dispatcher.operation import (
    ExecutionState,
    Operation,
    OperationId,
    TerminationReason,
)
from pointsman.operations.events import EventType

Span = tuple[datetime, datetime]
ENDS: Final = {
    EventType.OPERATION_COMPLETED: ExecutionState.COMPLETED,
    EventType.OPERATION_FAILED: ExecutionState.FAILED,
    EventType.OPERATION_CANCELLED: ExecutionState.CANCELLED,
}
RUNS: Final = (EventType.OPERATION_STARTED, EventType.OPERATION_RESUMED)
RESTS: Final = (EventType.OPERATION_PAUSED, EventType.OPERATION_REQUEUED)
GOES_ON: Final = (*RUNS, EventType.OPERATION_PAUSED)
"""It is not over: it runs, or stands still."""
UP: Final = EventType.OPERATION_DISPATCHER_STARTED
DOWN: Final = EventType.OPERATION_DISPATCHER_STOPPED
PAUSED: Final = EventType.OPERATION_DISPATCHER_PAUSED
RESUMED: Final = EventType.OPERATION_DISPATCHER_RESUMED
STARTING: Final = (
    EventType.OPERATION_START_REQUESTED,
    EventType.OPERATION_START_DENIED,
    EventType.OPERATION_STARTED,
)
"""What a dispatcher does only while it is up."""


@dataclass(slots=True)
class Trace:
    """What a history tells of one operation."""

    id: OperationId
    operation: Operation | None = None
    """As it is now, if the history has it."""
    added_at: datetime | None = None
    started_at: datetime | None = None
    """The first time."""
    ended_at: datetime | None = None
    state: ExecutionState | None = None
    """None: nothing tells."""
    reason: TerminationReason = TerminationReason.NONE
    error: str = ""
    attempts: int = 0
    is_whole: bool = False
    """Whether the history has its first start, and so all of the time that it ran."""
    running: list[Span] = field(default_factory=list)
    paused: list[Span] = field(default_factory=list)
    denials: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By what was asked for, and why not."""

    @property
    def running_time(self) -> timedelta:
        return sum((end - start for start, end in self.running), timedelta())

    @property
    def planned(self) -> timedelta | None:
        planned = self.operation.planned_duration if self.operation else None
        return None if planned is None else timedelta(milliseconds=planned)

    @property
    def waited(self) -> timedelta | None:
        """From when it could have started, as far as its author is concerned, until it did."""
        if self.started_at is None or self.added_at is None:
            return None
        released = self.operation.release_date if self.operation else None
        ready = max(self.added_at, released) if released else self.added_at
        return max(self.started_at - ready, timedelta())

    @property
    def late(self) -> timedelta | None:
        """How long after its due date it ended; negative if before."""
        due = self.operation.due_date if self.operation else None
        return None if due is None or self.ended_at is None else self.ended_at - due


def traces_of(history: History) -> Sequence[Trace]:
    """One for each operation, in the order in which the history first tells of them."""
    known = {one.id: one for one in history.operations or ()}
    by_id: dict[OperationId, list[DispatchEvent]] = {}
    for event in history.events:
        if event.operation_id is not None:
            by_id.setdefault(event.operation_id, []).append(event)
    covered = covered_by(history)
    return [_trace(id, events, known.get(id), covered) for id, events in by_id.items()]


def _trace(
    id: OperationId,
    events: Iterable[DispatchEvent],
    operation: Operation | None,
    covered: Span | None,
) -> Trace:
    trace = Trace(id, operation)
    if operation is not None:
        trace.added_at = operation.created_at
        if operation.start_time and covered and operation.start_time <= covered[1]:
            trace.started_at = operation.start_time
    since: datetime | None = None
    spans: list[Span] | None = None
    for event in events:
        at, event_type = event.created_at, event.event_type
        _note(trace, event)
        if event_type in (*RUNS, *RESTS, *ENDS):
            if spans is None and covered:
                since, spans = covered[0], _before(trace, event)
            if since is not None and spans is not None:
                spans.append((since, at))
            since = at if event_type in GOES_ON else None
            spans = trace.running if event_type in RUNS else trace.paused
    if since is not None and spans is not None and covered and covered[1] > since:
        spans.append((since, covered[1]))
    return trace


def _before(trace: Trace, first: DispatchEvent) -> list[Span] | None:
    """What an operation was about until its first turn that the history tells of."""
    trace.is_whole = first.event_type is EventType.OPERATION_STARTED
    was = next((one.old_value for one in first.changes if one.field == "state"), None)
    if was == ExecutionState.RUNNING:
        return trace.running
    return trace.paused if was == ExecutionState.PAUSED else None


def _note(trace: Trace, event: DispatchEvent) -> None:
    """What an event tells, besides how long things took."""
    match event.event_type:
        case EventType.OPERATION_ADDED:
            trace.added_at, trace.state = event.created_at, ExecutionState.QUEUED
        case EventType.OPERATION_STARTED:
            first = trace.attempts == 0
            trace.started_at = event.created_at if first else trace.started_at
            trace.attempts += 1
            _reopen(trace, ExecutionState.RUNNING)
        case EventType.OPERATION_PAUSED:
            trace.state = ExecutionState.PAUSED
        case EventType.OPERATION_RESUMED:
            trace.state = ExecutionState.RUNNING
        case EventType.OPERATION_REQUEUED:
            _reopen(trace, ExecutionState.QUEUED)
        case ended if ended in ENDS:
            trace.ended_at, trace.state = event.created_at, ENDS[ended]
            trace.reason = _reason(event)
            trace.error = str(event.meta_data.get("error", ""))
        case denied if denied.name.endswith("_DENIED"):
            asked = denied.name.removeprefix("OPERATION_").removesuffix("_DENIED")
            trace.denials[asked, str(event.meta_data.get("reasoning") or "unsaid")] += 1


def _reopen(trace: Trace, state: ExecutionState) -> None:
    """However it ended before: somebody had it tried again."""
    trace.state, trace.ended_at = state, None
    trace.reason, trace.error = TerminationReason.NONE, ""


def _reason(event: DispatchEvent) -> TerminationReason:
    for change in event.changes:
        if change.field == "termination_reason" and change.new_value in set(TerminationReason):
            return TerminationReason(change.new_value)
    return TerminationReason.NONE


def spans_of(history: History, begin: EventType, end: EventType) -> Sequence[Span]:
    """When a dispatcher was up, or paused: from each `begin` to the next `end`.

    Whatever ends first was so from the start of the history on; what does not end, until its end.
    In a part of a history a dispatcher that starts operations is up.
    """
    covered = covered_by(history)
    if covered is None:
        return []
    start, until = covered
    spans: list[Span] = []
    turns = [event for event in history.events if event.event_type in (begin, end)]
    was_so = turns[0].event_type is end if turns else begin is UP and _was_up(history)
    since = start if was_so else None
    for event in turns:
        if event.event_type is begin:
            since = since or event.created_at
        elif since is not None:
            spans.append((since, event.created_at))
            since = None
    if since is not None:
        spans.append((since, max(until, since)))
    return within(spans, covered)


def is_told(history: History) -> bool:
    """Whether a history tells if its dispatcher was up. A part of one need not."""
    turns = any(event.event_type in (UP, DOWN) for event in history.events)
    return turns or history.window.start is None or _was_up(history)


def _was_up(history: History) -> bool:
    """Whether it shows, in a part of a history where it neither starts nor stops."""
    since = history.window.start
    return since is not None and any(
        event.event_type in STARTING and event.created_at >= since for event in history.events
    )


def covered_by(history: History) -> Span | None:
    """What a history tells of: its window, but nothing from after it was told. None: nothing."""
    start, end = history.get_start(), history.get_end()
    if start is None or end is None:
        return None
    last = max((event.created_at for event in history.events), default=start)
    told = history.created_at
    return start, told if max(start, last) <= told < end else end


def within(spans: Iterable[Span], bounds: Span) -> Sequence[Span]:
    """What of them is in bounds."""
    start, end = bounds
    return [(max(a, start), min(b, end)) for a, b in spans if b > start and a < end]


def overlap(ones: Iterable[Span], others: Sequence[Span]) -> timedelta:
    """How long both were. Those of each do not overlap themselves."""
    total = timedelta()
    for a, b in ones:
        for c, d in others:
            total += max(min(b, d) - max(a, c), timedelta())
    return total


def total(spans: Iterable[Span]) -> timedelta:
    return sum((end - start for start, end in spans), timedelta())


def history_of(history: History | Mapping[str, object]) -> History:
    """A history, also from what another interface says of one.

    Raises:
        ValueError: If it is none.
    """
    return History.model_validate(history)
