"""What must hold of work before it is taken in, and the ways in which a request is turned down."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from math import isfinite
from typing import Any, Final

from pointsman.core.entity import Rejected
from pointsman.operations.model import Operation, Phase, Work

ID_LENGTH_MOST: Final = 128
PRIORITY_MOST: Final = 2**31 - 1
JOB_ID_LENGTH_MOST: Final = 256
DEPENDENCIES_MOST: Final = 1_000
DURATION_MOST: Final = timedelta(days=3_650)
PAYLOAD_BYTES: Final = 1_000_000
"""As JSON. The doors refuse more before it is read."""
PAYLOAD_DEPTH: Final = 32
INTEGER_MOST: Final = 2**63 - 1
UPDATABLE: Final = (
    "payload",
    "priority",
    "release_date",
    "planned_duration",
    "due_date",
    "job_id",
    "dependencies",
)
"""Fields that their author may change. What becomes of an operation is told by other requests."""
_ID: Final = re.compile(r"[A-Za-z0-9_-]+")


class Invalid(Rejected, ValueError):
    """What is asked makes no sense, whatever the state. One line."""


class NotFound(Rejected):
    """There is no such operation, request or job."""


class Conflict(Rejected):
    """It makes no sense in the state that it met. Says which that is, and what would work."""

    def __init__(
        self, code: str, line: str, *, phase: Phase | None = None, allowed: Iterable[str] = ()
    ) -> None:
        super().__init__(line)
        self.code = code
        """A word for programs, such as `operation_not_running`."""
        self.phase = phase
        self.allowed = tuple(allowed)


ALLOWED: Final[Mapping[Phase, tuple[str, ...]]] = {
    Phase.QUEUED: ("update", "hold", "release", "cancel"),
    Phase.STARTING: ("complete", "fail", "cancel"),
    Phase.RUNNING: ("pause", "complete", "fail", "cancel"),
    Phase.PAUSING: ("complete", "fail", "cancel"),
    Phase.PAUSED: ("update", "resume", "complete", "fail", "cancel"),
    Phase.RESUMING: ("complete", "fail", "cancel"),
    Phase.CANCELLING: ("complete", "fail"),
    Phase.QUARANTINED: ("retry", "cancel"),
    Phase.COMPLETED: (),
    Phase.FAILED: (),
    Phase.CANCELLED: (),
}


def conflict(code: str, what: str, operation: Operation) -> Conflict:
    """`what` cannot be done to an operation that is as it is."""
    allowed = ALLOWED[operation.phase]
    instead = f"it allows {', '.join(allowed)}" if allowed else "nothing becomes of it any more"
    line = f"{what}: operation {operation.id} is {operation.phase}; {instead}"
    return Conflict(code, line, phase=operation.phase, allowed=allowed)


def check_id(id: str) -> None:
    """Refuse what cannot be a name.

    Raises:
        Invalid: In one line.
    """
    if len(id) > ID_LENGTH_MOST or not _ID.fullmatch(id):
        raise Invalid(
            f"id is {id[:ID_LENGTH_MOST]!r}: 1 to {ID_LENGTH_MOST} letters, digits, - and _ are"
            " allowed"
        )


def check_work(work: Work) -> None:
    """Refuse what makes no sense. How operations depend on each other, the queue knows.

    Raises:
        Invalid: In one line, which names the field.
    """
    if not -PRIORITY_MOST <= work.priority <= PRIORITY_MOST:
        shown = str(work.priority) if abs(work.priority) < 10**20 else "a number of many digits"
        raise Invalid(f"priority is {shown}: -{PRIORITY_MOST} to {PRIORITY_MOST} are allowed")
    _check_instant("created_at", work.created_at)
    _check_instant("release_date", work.release_date)
    _check_instant("due_date", work.due_date)
    if work.release_date and work.due_date and work.due_date <= work.release_date:
        raise Invalid("due_date must be after release_date")
    _check_duration(work.planned_duration)
    if work.job_id is not None and not 0 < len(work.job_id) <= JOB_ID_LENGTH_MOST:
        raise Invalid(
            f"job_id has {len(work.job_id)} characters: 1 to {JOB_ID_LENGTH_MOST} are allowed"
        )
    if len(work.dependencies) > DEPENDENCIES_MOST:
        raise Invalid(
            f"there are {len(work.dependencies)} dependencies: at most {DEPENDENCIES_MOST} are"
            " allowed"
        )
    _check_text("job_id", work.job_id or "")
    check_json("payload", work.payload)


def check_json(field: str, value: object, depth: int = 1) -> None:
    """Refuse what is no JSON, or nobody could store.

    Raises:
        Invalid: In one line.
    """
    if depth > PAYLOAD_DEPTH:
        raise Invalid(f"{field} is nested deeper than the {PAYLOAD_DEPTH} levels that are allowed")
    match value:
        case None | bool():
            pass
        case int():
            if not -INTEGER_MOST <= value <= INTEGER_MOST:
                raise Invalid(f"{field} holds an integer beyond {INTEGER_MOST}: make it text")
        case float():
            if not isfinite(value):
                raise Invalid(f"{field} holds {value}, which JSON has no word for")
        case str():
            _check_text(field, value)
        case Mapping():
            _check_object(field, value, depth)
        case list() | tuple():
            for one in value:
                check_json(field, one, depth + 1)
        case _:
            raise Invalid(f"{field} holds a {type(value).__name__}, which is no JSON")


def _check_object(field: str, value: Mapping[Any, Any], depth: int) -> None:
    for name, one in value.items():
        if not isinstance(name, str):
            raise Invalid(f"{field} has the key {name!r}: keys are text")
        _check_text(field, name)
        check_json(field, one, depth + 1)


def _check_text(field: str, text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Invalid(f"{field} holds text that cannot be written as UTF-8") from None


def _check_instant(field: str, instant: datetime | None) -> None:
    if instant is not None and instant.tzinfo is None:
        raise Invalid(f"{field} is {instant.isoformat()}, without a zone: end it with Z or +00:00")


def _check_duration(duration: timedelta | None) -> None:
    if duration is not None and not timedelta() < duration <= DURATION_MOST:
        raise Invalid(
            f"planned_duration must be > 0, and at most {DURATION_MOST.days} days; it is {duration}"
        )
