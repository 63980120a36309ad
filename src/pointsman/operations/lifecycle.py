"""A resource works through its queue: one operation at a time, and none that nobody approved.

               +--------- denied, withdrawn, unanswered: it rests, and others go first
               v                 |
    Add --> QUEUED --Wake--> a request --yes--> (STARTING) --> RUNNING --> COMPLETED
              | ^                                  |            |  ^  |
              | +-- tried again, after a rest -----|------------+  |  +--> FAILED, QUARANTINED
              |                                    |            v  |
              |                                    |   (PAUSING) PAUSED (RESUMING)
              |                                    v            |
              +--cancel--> CANCELLED <----- (CANCELLING) <------+

Phases in brackets come only where the executor confirms. Of what is watched meanwhile, see
`watching`; of requests, `handshake`.

The entity is the resource, not the operation: an entity is as wide as its invariant, and that is
"one at a time". The things that facts are about are its operations, its jobs and its header.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Final, TypeAlias, assert_never

from pointsman.core.entity import Forgotten, Wake
from pointsman.operations import turns
from pointsman.operations.authors import added, held, job_cancelled, job_held, retried, updated
from pointsman.operations.checks import (
    BY_LENGTH_MOST,
    META_BYTES,
    check_json,
    check_text,
    conflict,
)
from pointsman.operations.facts import (
    AboutOperation,
    AboutResource,
    Fact,
    JobChanged,
    job_of,
)
from pointsman.operations.handshake import answered, asked
from pointsman.operations.intents import (
    Add,
    Answer,
    Cancel,
    CancelJob,
    Hold,
    HoldJob,
    Intent,
    Pause,
    Report,
    Resume,
    Retime,
    Retry,
    TakeTurn,
    Update,
)
from pointsman.operations.model import ENDED, Ask, Operation, Phase
from pointsman.operations.moves import Teller
from pointsman.operations.policy import Job
from pointsman.operations.queue import EVER, Resource
from pointsman.operations.reports import reported
from pointsman.operations.retiming import retimed
from pointsman.operations.steering import steered

FORGOTTEN_MOST: Final = 50
"""Operations that have ended and are forgotten with one intent."""

Control: TypeAlias = Cancel | Pause | Resume


def initial() -> Resource:
    return Resource()


def decide(resource: Resource, intent: Intent | Wake, now: datetime) -> Sequence[Fact]:
    policy = resource.header.policy
    if isinstance(intent, Wake):
        facts = turns.taken(resource, Teller(now, policy))
    else:
        if intent.by or intent.meta:
            check_text("by", intent.by, BY_LENGTH_MOST)
            check_json("meta", intent.meta, META_BYTES)
        facts = _decided(resource, Teller(now, policy, intent.by, intent.meta), intent)
    return [*facts, *_tidied(resource, facts)] if facts else []


def _decided(resource: Resource, tell: Teller, intent: Intent) -> Sequence[Fact]:
    match intent:
        case Add():
            return added(resource, tell, intent)
        case Update():
            return updated(resource, tell, intent)
        case Hold():
            return held(resource, tell, intent)
        case Retry():
            return retried(resource, tell, intent)
        case HoldJob():
            return job_held(resource, tell, intent)
        case CancelJob():
            return job_cancelled(resource, tell, intent)
        case Cancel() | Pause() | Resume():
            return _controlled(resource, tell, intent)
        case Answer():
            return answered(resource, tell, intent)
        case Report():
            return reported(resource, tell, intent)
        case TakeTurn():
            return turns.next_asked(resource, tell)
        case Retime(step):
            return retimed(resource, tell, step)
        case _:
            return steered(resource, tell, intent)


def _controlled(resource: Resource, tell: Teller, intent: Control) -> Sequence[Fact]:
    operation = resource.known(intent.id)
    match operation.phase, intent:
        case phase, Cancel() if phase in ENDED:
            raise conflict("operation_cancellation_denied", "it cannot be cancelled", operation)
        case _, Cancel() if _is_to_be_cancelled(operation):
            return []
        case (Phase.PAUSING, Pause()) | (Phase.RESUMING, Resume()):
            return []
        case _, Cancel(reason=reason):
            return asked(tell, operation, Ask.CANCEL, reason)
        case Phase.RUNNING, Pause():
            return asked(tell, operation, Ask.PAUSE)
        case Phase.PAUSED, Resume():
            return asked(tell, operation, Ask.RESUME)
        case _, Pause():
            raise conflict("operation_not_running", "it cannot be paused", operation)
        case _, Resume():
            raise conflict("operation_not_paused", "it cannot be resumed", operation)
        case _:
            assert_never(intent)


def _is_to_be_cancelled(operation: Operation) -> bool:
    """And not to fail, after which it might be tried again."""
    planned = operation.ending if operation.phase is Phase.CANCELLING else None
    return planned is not None and planned.phase is Phase.CANCELLED


def evolve(resource: Resource, fact: Fact) -> Resource:
    match fact:
        case AboutOperation():
            resource.put(fact.operation)
        case Forgotten(thing) if (job_id := job_of(thing)) is not None:
            resource.forget_job(job_id)
        case Forgotten(thing):
            resource.forget(thing)
        case JobChanged(job):
            resource.put_job(job)
        case AboutResource(header):
            resource.put_header(header)
    return resource


def due(resource: Resource) -> datetime | None:
    idle = not (resource.active or resource.asking or resource.starts_nothing())
    if resource.doomed or (idle and resource.ready):
        return EVER
    watched, later = resource.watched.first(), resource.later.first() if idle else None
    return min((entry[0] for entry in (watched, later) if entry), default=None)


def _tidied(resource: Resource, facts: Sequence[Fact]) -> Sequence[Fact]:
    """The oldest of those that have ended and that nothing depends on, once there are too many."""
    kept = resource.header.policy.finished_kept
    if len(resource.spent) <= kept + kept // 2:
        return []
    news, needed = {fact.thing for fact in facts}, set[str]()
    for fact in facts:
        if isinstance(fact, AboutOperation):
            work = fact.operation.work
            needed.update(one.on for one in work.dependencies)
            if work.job_id is not None:
                needed.add(JobChanged(Job(work.job_id)).thing)
    spent = (resource.operations[id] for _, id in resource.spent.in_order())
    oldest = (one for one in spent if one.id not in news | needed and resource.may_forget(one))
    empty = (JobChanged(job).thing for job in resource.jobs.values() if resource.is_empty(job))
    jobs = islice((thing for thing in empty if thing not in news | needed), FORGOTTEN_MOST)
    ids = (operation.id for operation in islice(oldest, FORGOTTEN_MOST))
    return [Forgotten(thing) for thing in (*ids, *jobs)]
