"""What must hold of work before it is taken in, and the ways in which a request is turned down."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from json.encoder import encode_basestring
from math import isfinite
from typing import Any, Final

from pointsman.core.entity import Rejected
from pointsman.operations.model import Dependency, Operation, Phase, Work
from pointsman.operations.policy import Policy

INTEGER_MOST: Final = 2**63 - 1
ID_LENGTH_MOST: Final = 128
PRIORITY_MOST: Final = INTEGER_MOST
JOB_ID_LENGTH_MOST: Final = 256
DEPENDENCIES_MOST: Final = 500
DURATION_MOST: Final = timedelta(days=3_650)
PAYLOAD_BYTES: Final = 250_000
"""As JSON. A fact has the old and the new one, and must fit into one record of the journal."""
PAYLOAD_DEPTH: Final = 32
RESULT_BYTES: Final = 100_000
META_BYTES: Final = 20_000
"""It is in a request, and in what becomes of that."""
TEXT_LENGTH_MOST: Final = 10_000
BY_LENGTH_MOST: Final = 256
COUNT_MOST: Final = 1_000_000
FACTOR_MOST: Final = 100
PLAIN: Final = frozenset({str, bool, int, float})
"""Of a class that is made of one of these, nobody knows how to write it; enumerations apart."""
YEARS: Final = range(2, 9_999)
"""Of these, every instant can be told in any zone."""
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
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "payload": (Mapping,),
    "priority": (int,),
    "release_date": (datetime, type(None)),
    "planned_duration": (timedelta, type(None)),
    "due_date": (datetime, type(None)),
    "job_id": (str, type(None)),
    "dependencies": (tuple,),
}
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


def times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def digits(number: float) -> str:
    """A number that somebody sent, for a line about it: it may have thousands of digits."""
    return "a number of many digits" if abs(number) > 10 * INTEGER_MOST else str(number)


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
        shown = digits(work.priority)
        raise Invalid(f"priority is {shown}: -{PRIORITY_MOST} to {PRIORITY_MOST} are allowed")
    _check_instant("created_at", work.created_at)
    _check_instant("release_date", work.release_date)
    _check_instant("due_date", work.due_date)
    if work.release_date and work.due_date and work.due_date <= work.release_date:
        raise Invalid("due_date must be after release_date")
    _check_duration(work.planned_duration)
    if work.job_id is not None:
        _check_job_id(work.job_id)
    if len(work.dependencies) > DEPENDENCIES_MOST:
        raise Invalid(
            f"there are {len(work.dependencies)} dependencies: at most {DEPENDENCIES_MOST} are"
            " allowed"
        )
    check_json("payload", work.payload)


def check_values(values: Mapping[str, Any]) -> None:
    """Refuse an update of what cannot be updated, or with what cannot be a value of that.

    Raises:
        Invalid: In one line, which names the fields.
    """
    if unknown := sorted(set(values) - set(UPDATABLE)):
        raise Invalid(
            f"unsupported operation update fields: {unknown}; {', '.join(UPDATABLE)} can be updated"
        )
    for field, value in values.items():
        allowed = _TYPES[field]
        if not isinstance(value, allowed) or (isinstance(value, bool)):
            raise Invalid(f"{field} cannot be a {type(value).__name__}")
    if not all(isinstance(one, Dependency) for one in values.get("dependencies", ())):
        raise Invalid("dependencies must be dependencies")


def check_policy(policy: Policy) -> None:
    """Refuse what nobody could live by.

    Raises:
        Invalid: In one line, which names the field.
    """
    for field in ("answer_within", "confirm_within", "heartbeat"):
        duration = getattr(policy, field)
        if duration is not None and not timedelta() < duration <= DURATION_MOST:
            raise Invalid(f"{field} must be greater than 0, and at most {DURATION_MOST.days} days")
    for field in ("cooldown", "backoff", "backoff_most"):
        if not timedelta() <= getattr(policy, field) <= DURATION_MOST:
            raise Invalid(f"{field} must be non-negative, and at most {DURATION_MOST.days} days")
    for field, least in (("pause_after_denials", 1), ("retries", 0), ("finished_kept", 0)):
        count = getattr(policy, field)
        if count is not None and not least <= count <= COUNT_MOST:
            raise Invalid(f"{field} must be {least} to {COUNT_MOST}")
    if policy.timeout_factor is not None and not 0 < policy.timeout_factor <= FACTOR_MOST:
        raise Invalid(f"timeout_factor must be greater than 0, and at most {FACTOR_MOST}")


def check_text(field: str, text: str, most: int = TEXT_LENGTH_MOST) -> None:
    """Refuse what is too long, or cannot be written.

    Raises:
        Invalid: In one line.
    """
    if len(text) > most:
        raise Invalid(f"{field} has {len(text)} characters: at most {most} are allowed")
    if not text.isascii():
        _text_size(field, text)


def check_json(field: str, value: object, bytes_most: int = PAYLOAD_BYTES) -> None:
    """Refuse what is no JSON, or nobody could store.

    Raises:
        Invalid: In one line.
    """
    size = _size(field, value, 1)
    if size > bytes_most:
        raise Invalid(f"{field} takes {size} bytes as JSON: at most {bytes_most} are allowed")


def _size(field: str, value: object, depth: int) -> int:
    """In bytes, as JSON."""
    if depth > PAYLOAD_DEPTH:
        raise Invalid(f"{field} is nested deeper than the {PAYLOAD_DEPTH} levels that are allowed")
    match value:
        case str() | int() | float() if type(value) not in PLAIN and not isinstance(value, Enum):
            raise _no_json(field, value)
        case str():
            return _text_size(field, value)
        case None | bool():
            return len("false")
        case int():
            if not -INTEGER_MOST <= value <= INTEGER_MOST:
                raise Invalid(f"{field} holds an integer beyond {INTEGER_MOST}: make it text")
            return len(str(value))
        case float():
            if not isfinite(value):
                raise Invalid(f"{field} holds {value}, which JSON has no word for")
            return len(repr(value))
        case dict():
            return _object_size(field, value, depth)
        case list() | tuple():
            return 2 + sum(1 + _size(field, one, depth + 1) for one in value)
        case _:
            raise _no_json(field, value)


def _no_json(field: str, value: object) -> Invalid:
    return Invalid(f"{field} holds a {type(value).__name__}, which is no JSON")


def _object_size(field: str, value: Mapping[Any, Any], depth: int) -> int:
    size = 2
    for name, one in value.items():
        if not isinstance(name, str):
            raise Invalid(f"{field} has the key {name!r}: keys are text")
        size += 2 + _text_size(field, name) + _size(field, one, depth + 1)
    return size


def _text_size(field: str, text: str) -> int:
    written = encode_basestring(text)
    try:
        return len(written) if written.isascii() else len(written.encode())
    except UnicodeEncodeError:
        raise Invalid(f"{field} holds text that cannot be written as UTF-8") from None


def _check_job_id(job_id: str) -> None:
    if not 0 < len(job_id) <= JOB_ID_LENGTH_MOST:
        raise Invalid(f"job_id has {len(job_id)} characters: 1 to {JOB_ID_LENGTH_MOST} are allowed")
    if not job_id.isprintable():
        raise Invalid(f"job_id is {job_id!r}: it must be printable")


def _check_instant(field: str, instant: datetime | None) -> None:
    if instant is None:
        return
    if instant.tzinfo is None:
        raise Invalid(f"{field} is {instant.isoformat()}, without a zone: end it with Z or +00:00")
    if instant.year not in YEARS:
        raise Invalid(
            f"{field} is {instant.isoformat()}: years {YEARS[0]} to {YEARS[-1]} are known"
        )


def _check_duration(duration: timedelta | None) -> None:
    if duration is not None and not timedelta() < duration <= DURATION_MOST:
        raise Invalid(
            f"planned_duration must be > 0, and at most {DURATION_MOST.days} days; it is {duration}"
        )
