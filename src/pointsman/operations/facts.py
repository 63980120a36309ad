"""What happens to operations and to their resource. Each fact says who did it."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from pointsman.core.entity import Forgotten
from pointsman.core.names import part, text_of
from pointsman.core.values import Value
from pointsman.operations.model import Operation, Phase, Request, Work
from pointsman.operations.policy import Header, Job

JOB: Final = "job"
"""Opens the thing of a job. The id of an operation is one word, so it never looks like that."""


class AboutOperation(Value, frozen=True):
    operation: Operation
    before: Phase | None = None
    """The phase that it was in until now, if that is another one."""
    by: str = ""
    """Who did it. "": the queue itself, as its policy says."""
    meta: Mapping[str, Any] = {}
    """Any JSON that came with it."""

    @property
    def thing(self) -> str:
        return self.operation.id


class Added(AboutOperation, frozen=True):
    pass


class Updated(AboutOperation, frozen=True):
    """Its author says something else of it."""

    old: Work | None = None
    """What they said before."""


class Held(AboutOperation, frozen=True):
    """It is to wait until it is released; or it is released."""


class Requested(AboutOperation, frozen=True):
    """Somebody is asked for leave. The operation has the request."""


class AboutRequest(AboutOperation, frozen=True):
    request: Request | None = None
    """The one that is over now."""


class Denied(AboutRequest, frozen=True):
    """Somebody said no, or nobody said anything in time."""


class Withdrawn(AboutRequest, frozen=True):
    """What was asked for is no longer wanted. No answer counts."""


class Reported(AboutOperation, frozen=True):
    """Its executor says how it ended, before anybody said that it may start."""


class Starting(AboutOperation, frozen=True):
    pass


class Started(AboutOperation, frozen=True):
    pass


class Pausing(AboutOperation, frozen=True):
    pass


class Paused(AboutOperation, frozen=True):
    pass


class Resuming(AboutOperation, frozen=True):
    pass


class Resumed(AboutOperation, frozen=True):
    pass


class Cancelling(AboutOperation, frozen=True):
    """Its executor is to let go of it, so that it ends as its `ending` says."""


class Cancelled(AboutOperation, frozen=True):
    pass


class Completed(AboutOperation, frozen=True):
    pass


class Failed(AboutOperation, frozen=True):
    """For good, or until somebody has it tried again."""


class Requeued(AboutOperation, frozen=True):
    """It is to be tried again."""


class Progressed(AboutOperation, frozen=True):
    pass


class Heard(AboutOperation, frozen=True):
    """Its executor gave a sign of life."""


class Overdue(AboutOperation, frozen=True):
    """Its due date has passed."""


class Overran(AboutOperation, frozen=True):
    """It takes longer than planned."""


class Retimed(AboutOperation, frozen=True):
    """The clock was set, and what it is to wait for or to take, is by the new time."""


class AboutResource(Value, frozen=True):
    header: Header
    by: str = ""
    meta: Mapping[str, Any] = {}

    @property
    def thing(self) -> str:
        return ""


class Configured(AboutResource, frozen=True):
    """It has another policy from now on."""


class ResourceStarted(AboutResource, frozen=True):
    pass


class ResourceStopped(AboutResource, frozen=True):
    pass


class ResourcePaused(AboutResource, frozen=True):
    pass


class ResourceResumed(AboutResource, frozen=True):
    pass


class JobChanged(Value, frozen=True):
    """All operations of a job are held, or released."""

    job: Job
    by: str = ""
    meta: Mapping[str, Any] = {}

    @property
    def thing(self) -> str:
        return part(JOB, self.job.id)


def job_of(thing: str) -> str | None:
    """The id of the job that a thing is. None: it is something else."""
    words = thing.split("~")
    return text_of(words[1]) if len(words) == 2 and words[0] == JOB else None  # noqa: PLR2004


OperationFact: TypeAlias = (
    Added
    | Updated
    | Held
    | Requested
    | Denied
    | Withdrawn
    | Reported
    | Starting
    | Started
    | Pausing
    | Paused
    | Resuming
    | Resumed
    | Cancelling
    | Cancelled
    | Completed
    | Failed
    | Requeued
    | Progressed
    | Heard
    | Overdue
    | Overran
    | Retimed
)
ResourceFact: TypeAlias = (
    Configured | ResourceStarted | ResourceStopped | ResourcePaused | ResourceResumed
)
Fact: TypeAlias = OperationFact | ResourceFact | JobChanged | Forgotten
