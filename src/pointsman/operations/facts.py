"""What happens to operations and to their resource. Each fact says who did it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from pointsman.core.entity import Forgotten
from pointsman.core.names import part, text_of
from pointsman.operations.model import Operation, Phase, Request, Work
from pointsman.operations.policy import Header, Job

JOB: Final = "job"
"""Opens the thing of a job. The id of an operation is one word, so it never looks like that."""


@dataclass(frozen=True, slots=True)
class AboutOperation:
    operation: Operation
    before: Phase | None = None
    """The phase that it was in until now, if that is another one."""
    by: str = ""
    """Who did it. "": the queue itself, as its policy says."""
    meta: Mapping[str, Any] = field(default_factory=dict)
    """Any JSON that came with it."""

    @property
    def thing(self) -> str:
        return self.operation.id


@dataclass(frozen=True, slots=True)
class Added(AboutOperation):
    pass


@dataclass(frozen=True, slots=True)
class Updated(AboutOperation):
    """Its author says something else of it."""

    old: Work | None = None
    """What they said before."""


@dataclass(frozen=True, slots=True)
class Held(AboutOperation):
    """It is to wait until it is released; or it is released."""


@dataclass(frozen=True, slots=True)
class Requested(AboutOperation):
    """Somebody is asked for leave. The operation has the request."""


@dataclass(frozen=True, slots=True)
class AboutRequest(AboutOperation):
    request: Request | None = None
    """The one that is over now."""


@dataclass(frozen=True, slots=True)
class Denied(AboutRequest):
    """Somebody said no, or nobody said anything in time."""


@dataclass(frozen=True, slots=True)
class Withdrawn(AboutRequest):
    """What was asked for is no longer wanted. No answer counts."""


@dataclass(frozen=True, slots=True)
class Reported(AboutOperation):
    """Its executor says how it ended, before anybody said that it may start."""


@dataclass(frozen=True, slots=True)
class Starting(AboutOperation):
    pass


@dataclass(frozen=True, slots=True)
class Started(AboutOperation):
    pass


@dataclass(frozen=True, slots=True)
class Pausing(AboutOperation):
    pass


@dataclass(frozen=True, slots=True)
class Paused(AboutOperation):
    pass


@dataclass(frozen=True, slots=True)
class Resuming(AboutOperation):
    pass


@dataclass(frozen=True, slots=True)
class Resumed(AboutOperation):
    pass


@dataclass(frozen=True, slots=True)
class Cancelling(AboutOperation):
    """Its executor is to let go of it, so that it ends as its `ending` says."""


@dataclass(frozen=True, slots=True)
class Cancelled(AboutOperation):
    pass


@dataclass(frozen=True, slots=True)
class Completed(AboutOperation):
    pass


@dataclass(frozen=True, slots=True)
class Failed(AboutOperation):
    """For good, or until somebody has it tried again."""


@dataclass(frozen=True, slots=True)
class Requeued(AboutOperation):
    """It is to be tried again."""


@dataclass(frozen=True, slots=True)
class Progressed(AboutOperation):
    pass


@dataclass(frozen=True, slots=True)
class Heard(AboutOperation):
    """Its executor gave a sign of life."""


@dataclass(frozen=True, slots=True)
class Overdue(AboutOperation):
    """Its due date has passed."""


@dataclass(frozen=True, slots=True)
class Overran(AboutOperation):
    """It takes longer than planned."""


@dataclass(frozen=True, slots=True)
class AboutResource:
    header: Header
    by: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def thing(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Configured(AboutResource):
    """It has another policy from now on."""


@dataclass(frozen=True, slots=True)
class ResourceStarted(AboutResource):
    pass


@dataclass(frozen=True, slots=True)
class ResourceStopped(AboutResource):
    pass


@dataclass(frozen=True, slots=True)
class ResourcePaused(AboutResource):
    pass


@dataclass(frozen=True, slots=True)
class ResourceResumed(AboutResource):
    pass


@dataclass(frozen=True, slots=True)
class JobChanged:
    """All operations of a job are held, or released."""

    job: Job
    by: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)

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
)
ResourceFact: TypeAlias = (
    Configured | ResourceStarted | ResourceStopped | ResourcePaused | ResourceResumed
)
Fact: TypeAlias = OperationFact | ResourceFact | JobChanged | Forgotten
