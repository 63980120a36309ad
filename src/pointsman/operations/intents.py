"""What can be asked of a resource and of its operations.

`by` says who asks, and `meta` is any JSON that goes with it into the facts.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeAlias

from pointsman.core.values import Value
from pointsman.operations.model import Phase, Reason, Work
from pointsman.operations.policy import Policy


class New(Value, frozen=True):
    """An operation to be added, with an id that nobody has used."""

    id: str
    work: Work


class Asked(Value, frozen=True, kw_only=True):
    by: str = ""
    meta: Mapping[str, Any] = {}


class Add(Asked, frozen=True):
    """All of them, or none. They may depend on each other. Adding the same twice is adding once."""

    new: tuple[New, ...]


class Update(Asked, frozen=True):
    """Give new values by field of `Work`, while it waits or is paused."""

    id: str
    values: Mapping[str, Any]
    revision: int | None = None
    """If given, it must still be this one: whoever read another one knew something else."""


class Hold(Asked, frozen=True):
    """Let a queued operation wait until it is released; or release it."""

    id: str
    held: bool


class Cancel(Asked, frozen=True):
    id: str
    reason: Reason = Reason.USER_REQUEST


class Pause(Asked, frozen=True):
    id: str


class Resume(Asked, frozen=True):
    id: str


class Retry(Asked, frozen=True):
    """Have what is in quarantine, or rests, tried again."""

    id: str


class Answer(Asked, frozen=True):
    """Say yes or no to a request: the one of this number, of this operation."""

    id: str
    number: int
    accepted: bool
    reasoning: str = ""
    data: Mapping[str, Any] | None = None


class Told(Asked, frozen=True, kw_only=True):
    attempt: int | None = None
    """If given, it must be the one that goes on."""


class Report(Told, frozen=True):
    """What an executor says."""

    id: str


class Confirm(Report, frozen=True):
    """It has started, paused, resumed or let go, as it was asked to."""

    phase: Phase | None = None
    """What it was asked in. If it is asked for something else by now, this says nothing."""


class Complete(Report, frozen=True):
    result: Any = None


class Fail(Report, frozen=True):
    reason: Reason = Reason.INTERNAL_ERROR
    error: str = ""
    error_code: str = ""


class ReportProgress(Report, frozen=True):
    fraction: float = 0.0
    note: str = ""


class Heartbeat(Report, frozen=True):
    pass


class HoldJob(Asked, frozen=True):
    job_id: str
    held: bool


class CancelJob(Asked, frozen=True):
    """Cancel these operations of it, unless they have ended."""

    job_id: str
    ids: tuple[str, ...]
    """A part of `authors.left_of_job`."""
    reason: Reason = Reason.USER_REQUEST


class Configure(Asked, frozen=True):
    """Its owner begins: from now on it is run like this. What was stopped or paused stays so.

    And its executor is heard from now on, so silence is counted anew.
    """

    policy: Policy


class Retime(Asked, frozen=True):
    """The clock was set by so much, and it is now by the new one."""

    step: timedelta


class StartResource(Asked, frozen=True):
    paused: bool = False


class TakeTurn(Asked, frozen=True):
    """Have whoever is next asked for, though the resource be stopped. A pause it respects."""


class StopResource(Asked, frozen=True):
    """It starts nothing more. What runs goes on, and is supervised no less."""


class PauseResource(Asked, frozen=True):
    why: str = ""


class ResumeResource(Asked, frozen=True):
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
    | Retime
    | StartResource
    | TakeTurn
    | StopResource
    | PauseResource
    | ResumeResource
)
