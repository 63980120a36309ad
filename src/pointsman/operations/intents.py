"""What can be asked of a resource and of its operations.

`by` says who asks, and `meta` is any JSON that goes with it into the facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pointsman.operations.model import Phase, Reason, Work
from pointsman.operations.policy import Policy


@dataclass(frozen=True, slots=True)
class New:
    """An operation to be added, with an id that nobody has used."""

    id: str
    work: Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    by: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Add(Asked):
    """All of them, or none. They may depend on each other. Adding the same twice is adding once."""

    new: tuple[New, ...]


@dataclass(frozen=True, slots=True)
class Update(Asked):
    """Give new values by field of `Work`, while it waits or is paused."""

    id: str
    values: Mapping[str, Any]
    revision: int | None = None
    """If given, it must still be this one: whoever read another one knew something else."""


@dataclass(frozen=True, slots=True)
class Hold(Asked):
    """Let a queued operation wait until it is released; or release it."""

    id: str
    held: bool


@dataclass(frozen=True, slots=True)
class Cancel(Asked):
    id: str
    reason: Reason = Reason.USER_REQUEST


@dataclass(frozen=True, slots=True)
class Pause(Asked):
    id: str


@dataclass(frozen=True, slots=True)
class Resume(Asked):
    id: str


@dataclass(frozen=True, slots=True)
class Retry(Asked):
    """Have what is in quarantine, or rests, tried again."""

    id: str


@dataclass(frozen=True, slots=True)
class Answer(Asked):
    """Say yes or no to a request: the one of this number, of this operation."""

    id: str
    number: int
    accepted: bool
    reasoning: str = ""
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Report(Asked):
    """What an executor says. `attempt`, if it is given, must be the one that goes on."""

    id: str
    attempt: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Confirm(Report):
    """It has started, paused, resumed or let go, as it was asked to."""

    phase: Phase | None = None
    """What it was asked in. If it is asked for something else by now, this says nothing."""


@dataclass(frozen=True, slots=True)
class Complete(Report):
    result: Any = None


@dataclass(frozen=True, slots=True)
class Fail(Report):
    reason: Reason = Reason.INTERNAL_ERROR
    error: str = ""
    error_code: str = ""


@dataclass(frozen=True, slots=True)
class ReportProgress(Report):
    fraction: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Heartbeat(Report):
    pass


@dataclass(frozen=True, slots=True)
class HoldJob(Asked):
    job_id: str
    held: bool


@dataclass(frozen=True, slots=True)
class CancelJob(Asked):
    """Cancel all of it that has not ended. Ask again until nothing comes of it."""

    job_id: str
    reason: Reason = Reason.USER_REQUEST


@dataclass(frozen=True, slots=True)
class Configure(Asked):
    """Its owner begins: from now on it is run like this. What was stopped or paused stays so."""

    policy: Policy


@dataclass(frozen=True, slots=True)
class StartResource(Asked):
    paused: bool = False


@dataclass(frozen=True, slots=True)
class TakeTurn(Asked):
    """Have whoever is next asked for, though the resource be stopped. A pause it respects."""


@dataclass(frozen=True, slots=True)
class StopResource(Asked):
    """It starts nothing more. What runs goes on, and is supervised no less."""


@dataclass(frozen=True, slots=True)
class PauseResource(Asked):
    why: str = ""


@dataclass(frozen=True, slots=True)
class ResumeResource(Asked):
    pass


Intent: TypeAlias = (
    Add
    | Update
    | Hold
    | Cancel
    | Pause
    | Resume
    | Retry
    | Answer
    | Confirm
    | Complete
    | Fail
    | ReportProgress
    | Heartbeat
    | HoldJob
    | CancelJob
    | Configure
    | StartResource
    | TakeTurn
    | StopResource
    | PauseResource
    | ResumeResource
)
