"""Events: what the documented interfaces call a fact, and what has changed with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from pointsman.operations import facts
from pointsman.operations.facts import AboutOperation, Fact, Requested
from pointsman.operations.model import (
    OUTCOMES,
    OVER,
    STATES,
    Operation,
    Outcome,
    Phase,
    Reason,
    Work,
)


class EventType(StrEnum):
    """Its value is its name in small letters. Those of the last group are ours."""

    OPERATION_DISPATCHER_STARTED = "operation_dispatcher_started"
    OPERATION_DISPATCHER_STOPPED = "operation_dispatcher_stopped"
    OPERATION_DISPATCHER_PAUSED = "operation_dispatcher_paused"
    OPERATION_DISPATCHER_RESUMED = "operation_dispatcher_resumed"
    OPERATION_START_REQUESTED = "operation_start_requested"
    OPERATION_START_DENIED = "operation_start_denied"
    OPERATION_CANCEL_REQUESTED = "operation_cancel_requested"
    OPERATION_CANCEL_DENIED = "operation_cancel_denied"
    OPERATION_PAUSE_REQUESTED = "operation_pause_requested"
    OPERATION_PAUSE_DENIED = "operation_pause_denied"
    OPERATION_RESUME_REQUESTED = "operation_resume_requested"
    OPERATION_RESUME_DENIED = "operation_resume_denied"
    OPERATION_ADDED = "operation_added"
    OPERATION_UPDATED = "operation_updated"
    OPERATION_STARTED = "operation_started"
    OPERATION_COMPLETED = "operation_completed"
    OPERATION_FAILED = "operation_failed"
    OPERATION_PAUSED = "operation_paused"
    OPERATION_RESUMED = "operation_resumed"
    OPERATION_CANCELLED = "operation_cancelled"

    OPERATION_HELD = "operation_held"
    OPERATION_RELEASED = "operation_released"
    OPERATION_REQUEST_WITHDRAWN = "operation_request_withdrawn"
    OPERATION_REPORTED = "operation_reported"
    OPERATION_STARTING = "operation_starting"
    OPERATION_PAUSING = "operation_pausing"
    OPERATION_RESUMING = "operation_resuming"
    OPERATION_CANCELLING = "operation_cancelling"
    OPERATION_REQUEUED = "operation_requeued"
    OPERATION_PROGRESSED = "operation_progressed"
    OPERATION_HEARD = "operation_heard"
    OPERATION_OVERDUE = "operation_overdue"
    OPERATION_OVERRAN = "operation_overran"
    OPERATION_RETIMED = "operation_retimed"
    OPERATION_DISPATCHER_CONFIGURED = "operation_dispatcher_configured"
    JOB_HELD = "job_held"
    JOB_RELEASED = "job_released"


DOCUMENTED: Final = frozenset(islice(EventType, 20))
"""Those that are not ours."""


@dataclass(frozen=True, slots=True)
class Change:
    """A field of an operation that has another value by now."""

    field: str
    old_value: Any
    new_value: Any


_SIMPLE: Final[dict[type, EventType]] = {
    facts.Added: EventType.OPERATION_ADDED,
    facts.Updated: EventType.OPERATION_UPDATED,
    facts.Withdrawn: EventType.OPERATION_REQUEST_WITHDRAWN,
    facts.Reported: EventType.OPERATION_REPORTED,
    facts.Starting: EventType.OPERATION_STARTING,
    facts.Started: EventType.OPERATION_STARTED,
    facts.Pausing: EventType.OPERATION_PAUSING,
    facts.Paused: EventType.OPERATION_PAUSED,
    facts.Resuming: EventType.OPERATION_RESUMING,
    facts.Resumed: EventType.OPERATION_RESUMED,
    facts.Cancelling: EventType.OPERATION_CANCELLING,
    facts.Cancelled: EventType.OPERATION_CANCELLED,
    facts.Completed: EventType.OPERATION_COMPLETED,
    facts.Failed: EventType.OPERATION_FAILED,
    facts.Requeued: EventType.OPERATION_REQUEUED,
    facts.Progressed: EventType.OPERATION_PROGRESSED,
    facts.Heard: EventType.OPERATION_HEARD,
    facts.Overdue: EventType.OPERATION_OVERDUE,
    facts.Overran: EventType.OPERATION_OVERRAN,
    facts.Retimed: EventType.OPERATION_RETIMED,
    facts.Configured: EventType.OPERATION_DISPATCHER_CONFIGURED,
    facts.ResourceStarted: EventType.OPERATION_DISPATCHER_STARTED,
    facts.ResourceStopped: EventType.OPERATION_DISPATCHER_STOPPED,
    facts.ResourcePaused: EventType.OPERATION_DISPATCHER_PAUSED,
    facts.ResourceResumed: EventType.OPERATION_DISPATCHER_RESUMED,
}


def event_type_of(fact: Fact) -> EventType | None:
    """What it is called. None: it is not told to anybody."""
    if (simple := _SIMPLE.get(type(fact))) is not None:
        return simple
    match fact:
        case Requested(operation) if operation.request:
            return EventType[f"OPERATION_{operation.request.ask}_REQUESTED"]
        case facts.Denied(request=request) if request:
            return EventType[f"OPERATION_{request.ask}_DENIED"]
        case facts.Held(operation):
            return EventType.OPERATION_HELD if operation.held else EventType.OPERATION_RELEASED
        case facts.JobChanged(job):
            return EventType.JOB_HELD if job.held else EventType.JOB_RELEASED
        case _:
            return None


def is_documented(fact: type[Fact]) -> bool:
    """Whether facts of this class are told of as documented events."""
    return fact in (facts.Requested, facts.Denied) or _SIMPLE.get(fact) in DOCUMENTED


def changes_of(fact: Fact) -> tuple[Change, ...]:
    """What has other values with it, by the documented names. Of others there is none."""
    match fact:
        case facts.Updated(operation, old=old) if old:
            return tuple(_work_changes(old, operation.work))
        case facts.Held(operation):
            return (Change("held", not operation.held, operation.held),)
        case facts.Started(operation, before) if before is not None:
            return tuple(_phase_changes(Phase.QUEUED, operation))  # Of a start that took a while.
        case AboutOperation(operation, before) if before is not None:
            return tuple(_phase_changes(before, operation))
        case _:
            return ()


def said_of(fact: Fact) -> Iterator[tuple[str, Any]]:
    """What it says besides its changes: why something failed or is paused, what came of it."""
    match fact:
        case facts.Requeued(operation) if operation.failure:
            yield "error", operation.failure
        case facts.Progressed(operation) if operation.progress:
            yield "fraction", operation.progress.fraction
            yield "note", operation.progress.note
        case AboutOperation(operation) if operation.phase in OVER and operation.ending:
            ending = operation.ending
            told = {"error": ending.error, "error_code": ending.error_code}
            yield from ((name, one) for name, one in told.items() if one)
            if ending.result is not None:
                yield "result", ending.result
        case facts.ResourcePaused(header) if header.why:
            yield "reasoning", header.why


def _work_changes(old: Work, new: Work) -> Iterator[Change]:
    for field in Work.__struct_fields__:
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            yield Change(field, before, after)


def _phase_changes(before: Phase, operation: Operation) -> Iterator[Change]:
    old, new = STATES[before], operation.state
    if old is not new:
        yield Change("state", old, new)
    was = OUTCOMES.get(old, Outcome.NONE)
    if was is not operation.outcome:
        yield Change("outcome", was, operation.outcome)
    ending = operation.ending
    if ending and ending.phase is operation.phase and ending.reason is not Reason.NONE:
        yield Change("termination_reason", Reason.NONE, ending.reason)
    for name, instant in _instants(before, operation):
        yield Change(name, None, instant)


def _instants(before: Phase, operation: Operation) -> Iterator[tuple[str, datetime]]:
    """What has begun or ended with it."""
    starts = before is Phase.QUEUED and operation.phase in (Phase.STARTING, Phase.RUNNING)
    if starts and operation.start_time:
        yield "start_time", operation.start_time
    if operation.finish_time and operation.finish_time == operation.changed_at:
        yield "finish_time", operation.finish_time
