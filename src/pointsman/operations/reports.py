"""What executors say: that they did as asked, how far they are, that they live, how it ended."""

from collections.abc import Sequence
from typing import Final

from pointsman.core.values import replace
from pointsman.operations.checks import (
    RESULT_BYTES,
    Conflict,
    Invalid,
    check_json,
    check_text,
    conflict,
    digits,
)
from pointsman.operations.facts import Fact, Heard, Paused, Progressed, Reported, Resumed, Started
from pointsman.operations.intents import (
    Complete,
    Confirm,
    Fail,
    Report,
    ReportProgress,
)
from pointsman.operations.model import ACTIVE, Ask, Ending, Operation, Phase, Progress, Reason
from pointsman.operations.moves import Teller
from pointsman.operations.queue import Resource
from pointsman.operations.watching import BEATS

FAILURES: Final = frozenset(Reason) - {Reason.NONE}


def reported(resource: Resource, tell: Teller, report: Report) -> Sequence[Fact]:
    """What becomes of the operation that an executor tells of.

    Raises:
        NotFound, Conflict, Invalid: If it does not go on, or is at another attempt.
    """
    operation = resource.known(report.id)
    if report.attempt not in (None, operation.attempt) and not _is_early(operation, report):
        raise Conflict(
            "attempt_over",
            f"attempt {digits(report.attempt or 0)} of operation {operation.id} is over:"
            f" it is at attempt {operation.attempt}",
            phase=operation.phase,
        )
    match report:
        case Complete(result=result):
            check_json("result", result, RESULT_BYTES)
            return _ended(tell, operation, report, Ending(Phase.COMPLETED, result=result))
        case Fail(reason=reason, error=error, error_code=code):
            if reason not in FAILURES:
                raise Invalid("reason is NONE: say why it failed")
            check_text("error", error)
            check_text("error_code", code)
            return _ended(tell, operation, report, Ending(Phase.FAILED, reason, error, code))
    if operation.phase not in ACTIVE:
        raise conflict("operation_not_active", "it does not go on", operation)
    match report:
        case Confirm(phase=phase) if phase not in (None, operation.phase):
            return []
        case Confirm():
            return _confirmed(tell, operation)
        case ReportProgress(fraction=fraction, note=note):
            return _progressed(tell, operation, fraction, note)
        case _:
            return _heard(tell, operation)


def _confirmed(tell: Teller, operation: Operation) -> Sequence[Fact]:
    """It is as it was asked to be, and its executor lives."""
    match operation.phase:
        case Phase.STARTING:
            return [tell.moved(Started, operation, Phase.RUNNING, heard_at=tell.now)]
        case Phase.PAUSING:
            return [tell.moved(Paused, operation, Phase.PAUSED, heard_at=tell.now)]
        case Phase.RESUMING:
            return [tell.moved(Resumed, operation, Phase.RUNNING, heard_at=tell.now)]
        case Phase.CANCELLING if operation.ending:
            return [tell.end(operation, operation.ending)]
        case _:
            return []


def _is_early(operation: Operation, report: Report) -> bool:
    """It is of the attempt that somebody is asked to allow.

    One that does not say is taken to be of the first: later it might be of the attempt before,
    told once more.
    """
    waits = operation.phase is Phase.QUEUED and operation.asks is Ask.START
    said = 1 if report.attempt is None else report.attempt
    return waits and said == operation.attempt + 1


def _ended(tell: Teller, operation: Operation, report: Report, ending: Ending) -> Sequence[Fact]:
    """As it says; but what was let go and did not complete, ends as it was to end."""
    if _is_early(operation, report):
        if operation.ending == ending:
            return []
        return [tell.told(Reported, operation, tell.changed(operation, ending=ending))]
    if operation.phase not in ACTIVE:
        raise conflict("operation_not_active", "it does not go on", operation)
    planned = operation.ending
    if operation.phase is Phase.CANCELLING and planned and ending.phase is Phase.FAILED:
        ending = replace(planned, error=planned.error or ending.error)
    return [tell.end(operation, ending)]


def _progressed(tell: Teller, operation: Operation, fraction: float, note: str) -> Sequence[Fact]:
    if not 0 <= fraction <= 1:
        raise Invalid(f"fraction is {digits(fraction)}: 0 to 1 are allowed")
    check_text("note", note)
    said = operation.progress
    if said and (said.fraction, said.note) == (fraction, note):
        return _heard(tell, operation)
    progress = Progress(tell.now, float(fraction), note)
    after = tell.changed(operation, progress=progress, heard_at=tell.now)
    return [tell.told(Progressed, operation, after)]


def _heard(tell: Teller, operation: Operation) -> Sequence[Fact]:
    """Written down often enough for whoever watches, and no more often."""
    heartbeat, heard_at = tell.policy.heartbeat, operation.heard_at
    if heartbeat is None or (heard_at and tell.now - heard_at < heartbeat / BEATS):
        return []
    return [tell.told(Heard, operation, tell.changed(operation, heard_at=tell.now))]
