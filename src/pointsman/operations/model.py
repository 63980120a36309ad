"""The nouns of operations: the work that is queued on a resource, and what is asked about that.

An operation is one value for all of its life. What its author says of it is its `work`; the rest
is what has become of it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from pointsman.core.values import Value


class Phase(StrEnum):
    """Where an operation stands: one finer than its state."""

    QUEUED = "QUEUED"
    STARTING = "STARTING"
    """Approved. The executor has not confirmed yet that it runs."""
    RUNNING = "RUNNING"
    PAUSING = "PAUSING"
    PAUSED = "PAUSED"
    RESUMING = "RESUMING"
    CANCELLING = "CANCELLING"
    """The executor is to let go of it; then it ends as its `ending` says."""
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    QUARANTINED = "QUARANTINED"
    """It failed as often as it may. Somebody may look into it, and have it tried again."""
    CANCELLED = "CANCELLED"


class State(StrEnum):
    """What the documented interfaces call it."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Outcome(StrEnum):
    NONE = "NONE"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    CANCELLED = "CANCELLED"


class Reason(StrEnum):
    """Why it ended otherwise than as it should."""

    NONE = "NONE"
    USER_REQUEST = "USER_REQUEST"
    TIMEOUT = "TIMEOUT"
    DEPENDENCY_FAILED = "DEPENDENCY_FAILED"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    EXTERNAL_ERROR = "EXTERNAL_ERROR"


STATES: Final = {
    Phase.QUEUED: State.QUEUED,
    Phase.STARTING: State.RUNNING,
    Phase.RUNNING: State.RUNNING,
    Phase.PAUSING: State.RUNNING,
    Phase.PAUSED: State.PAUSED,
    Phase.RESUMING: State.PAUSED,
    Phase.CANCELLING: State.RUNNING,
    Phase.COMPLETED: State.COMPLETED,
    Phase.FAILED: State.FAILED,
    Phase.QUARANTINED: State.FAILED,
    Phase.CANCELLED: State.CANCELLED,
}
OUTCOMES: Final = {
    State.COMPLETED: Outcome.SUCCESS,
    State.FAILED: Outcome.FAILURE,
    State.CANCELLED: Outcome.CANCELLED,
}
ACTIVE: Final = frozenset(
    {
        Phase.STARTING,
        Phase.RUNNING,
        Phase.PAUSING,
        Phase.PAUSED,
        Phase.RESUMING,
        Phase.CANCELLING,
    }
)
"""It keeps its resource busy."""
UNCONFIRMED: Final = frozenset({Phase.STARTING, Phase.PAUSING, Phase.RESUMING, Phase.CANCELLING})
"""The executor is asked for something, and has not confirmed it yet."""
ENDED: Final = frozenset({Phase.COMPLETED, Phase.FAILED, Phase.CANCELLED})
"""Nothing becomes of it any more."""
OVER: Final = ENDED | {Phase.QUARANTINED}
"""Neither going on nor waiting for its turn."""


class Ask(StrEnum):
    """What a request asks leave for."""

    START = "START"
    CANCEL = "CANCEL"
    PAUSE = "PAUSE"
    RESUME = "RESUME"


class Request(Value, frozen=True):
    """Somebody is asked for leave. An answer names the request, and comes before its deadline."""

    number: int
    """Counts the requests of an operation, from 1 on."""
    ask: Ask
    asked_at: datetime
    answer_by: datetime
    reason: Reason = Reason.NONE
    """Why it is to be cancelled."""
    by: str = ""
    """Who wants it. "": the queue's own turn."""
    meta: Mapping[str, Any] = {}


class DependencyType(StrEnum):
    FINISH_TO_START = "FINISH_TO_START"
    START_TO_START = "START_TO_START"


class OnFailure(StrEnum):
    """What becomes of an operation if one that it depends on fails or is cancelled."""

    FAIL = "FAIL"
    SKIP = "SKIP"
    """It is cancelled."""
    WAIT = "WAIT"
    """It waits, until somebody changes what it depends on."""


class Dependency(Value, frozen=True):
    on: str
    """The operation that comes before, on the same resource."""
    type: DependencyType = DependencyType.FINISH_TO_START
    on_failure: OnFailure = OnFailure.FAIL


class Work(Value, frozen=True):
    """What its author says of an operation."""

    payload: Mapping[str, Any]
    """Any JSON object. Handed on, never looked into."""
    created_at: datetime
    priority: int = 0
    """Larger goes first."""
    release_date: datetime | None = None
    """It starts no earlier."""
    due_date: datetime | None = None
    planned_duration: timedelta | None = None
    job_id: str | None = None
    dependencies: tuple[Dependency, ...] = ()


class Ending(Value, frozen=True):
    """How it ended, or is to end."""

    phase: Phase
    reason: Reason = Reason.NONE
    error: str = ""
    """In one line, for people."""
    error_code: str = ""
    result: Any = None
    """Any JSON that the executor gave."""


class Progress(Value, frozen=True):
    """What its executor said last."""

    at: datetime
    fraction: float = 0.0
    """From 0 to 1."""
    note: str = ""


class Operation(Value, frozen=True):
    """Work on one resource, and what has become of it."""

    id: str
    number: int
    """Counts what was added to the resource, from 1 on."""
    work: Work
    changed_at: datetime
    """When this version of it came to be."""
    revision: int = 1
    phase: Phase = Phase.QUEUED
    held: bool = False
    """It is not to start until somebody says so."""
    requests: int = 0
    """How many there were."""
    request: Request | None = None
    """The one that waits for an answer."""
    denials: int = 0
    """How often in a row it was not allowed to start."""
    not_before: datetime | None = None
    """It rests until then, after a denial or a failure."""
    attempt: int = 0
    """Counts its starts."""
    retries: int = 0
    """Counts its starts since somebody last had it tried again, without the first."""
    start_time: datetime | None = None
    finish_time: datetime | None = None
    phase_since: datetime | None = None
    ran: timedelta = timedelta()
    """How long this attempt had run when it was paused last."""
    heard_at: datetime | None = None
    """When its executor last gave a sign of life."""
    progress: Progress | None = None
    ending: Ending | None = None
    failure: str = ""
    """Why it failed last, if it was to be tried again."""
    overdue: bool = False
    """It was told that the due date has passed."""
    overrun: bool = False
    """It was told that it takes longer than planned."""

    @property
    def state(self) -> State:
        return STATES[self.phase]

    @property
    def outcome(self) -> Outcome:
        return OUTCOMES.get(self.state, Outcome.NONE)

    @property
    def asks(self) -> Ask | None:
        return self.request.ask if self.request else None
