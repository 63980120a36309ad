"""What authors of operations may ask: to add them, change them, hold them, and try them again."""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Final

from pointsman.core.values import replace
from pointsman.operations.checks import (
    Conflict,
    Invalid,
    NotFound,
    check_id,
    check_values,
    check_work,
    conflict,
)
from pointsman.operations.facts import Added, Fact, Held, JobChanged, Requeued, Updated
from pointsman.operations.handshake import asked, start_withdrawn
from pointsman.operations.intents import Add, CancelJob, Hold, HoldJob, New, Retry, Update
from pointsman.operations.model import ENDED, Ask, Operation, Phase, Work
from pointsman.operations.moves import Teller
from pointsman.operations.policy import Job
from pointsman.operations.queue import Resource

ADD_MOST: Final = 900
"""Operations that are added at once."""
CANCEL_MOST: Final = 100
"""Operations of a job that are cancelled at once."""
CYCLE_SHOWN: Final = 10
"""So many operations of a cycle are named."""
REVISED: Final = "operation_revised"
CHANGEABLE: Final = frozenset({Phase.QUEUED, Phase.PAUSED, Phase.QUARANTINED})


def added(resource: Resource, tell: Teller, add: Add) -> Sequence[Fact]:
    if len(add.new) > ADD_MOST:
        raise Invalid(f"there are {len(add.new)} operations: add at most {ADD_MOST} at once")
    batch: dict[str, Work] = {}
    for new in add.new:
        check_id(new.id)
        check_work(new.work)
        if new.id in batch:
            raise Invalid(f"there are two operations with the id {new.id}")
        batch[new.id] = new.work
    _check_dependencies(resource, batch)
    fresh = (new for new in add.new if not _is_known(resource, new))
    return [
        Added(Operation(new.id, number, new.work, tell.now), None, tell.by, tell.meta)
        for number, new in enumerate(fresh, start=resource.number + 1)
    ]


def updated(resource: Resource, tell: Teller, update: Update) -> Sequence[Fact]:
    """What was approved and not started yet, is asked for anew: it is something else now."""
    operation = resource.known(update.id)
    check_values(update.values)
    if operation.phase not in CHANGEABLE:
        raise conflict("operation_update_failed", "it cannot be updated now", operation)
    if update.revision not in (None, operation.revision):
        raise conflict(
            REVISED, f"revision {update.revision} is not {operation.revision}", operation
        )
    before = operation.work
    work = replace(before, **update.values)
    check_work(work)
    if work == before:
        return []
    if work.dependencies != before.dependencies:
        _check_dependencies(resource, {operation.id: work})
    told = {
        "overdue": operation.overdue and before.due_date == work.due_date,
        "overrun": operation.overrun and before.planned_duration == work.planned_duration,
    }
    withdrawn = start_withdrawn(resource, tell, "it was updated", of=operation.id)
    now = withdrawn[-1].operation if withdrawn else operation
    after = tell.changed(now, work=work, **told)
    return [*withdrawn, Updated(after, None, tell.by, tell.meta, before)]


def held(resource: Resource, tell: Teller, hold: Hold) -> Sequence[Fact]:
    operation = resource.known(hold.id)
    if operation.phase is not Phase.QUEUED:
        raise conflict("operation_not_queued", "only what is queued is held", operation)
    if operation.held == hold.held:
        return []
    withdrawn = start_withdrawn(resource, tell, "it is held", of=hold.id) if hold.held else ()
    now = withdrawn[-1].operation if withdrawn else operation
    after = tell.changed(now, held=hold.held)
    return [*withdrawn, Held(after, None, tell.by, tell.meta)]


def retried(resource: Resource, tell: Teller, retry: Retry) -> Sequence[Fact]:
    """What is in quarantine is queued anew; what rests need not rest any longer."""
    operation = resource.known(retry.id)
    rest = operation.not_before
    rests = operation.phase is Phase.QUEUED and rest is not None and rest > tell.now
    if operation.asks is Ask.START or not (rests or operation.phase is Phase.QUARANTINED):
        raise conflict("operation_not_quarantined", "there is nothing to try again", operation)
    values = {"ending": None, "retries": 0, "denials": 0, "not_before": None, "finish_time": None}
    return [tell.moved(Requeued, operation, Phase.QUEUED, **values)]


def job_held(resource: Resource, tell: Teller, hold: HoldJob) -> Sequence[Fact]:
    members = _members(resource, hold.job_id)
    job = resource.jobs.get(hold.job_id, Job(hold.job_id))
    if job.held == hold.held:
        return []
    asking = resource.asking
    withdrawn: Sequence[Fact] = ()
    if hold.held and asking in members:
        withdrawn = start_withdrawn(resource, tell, "its job is held")
    return [*withdrawn, JobChanged(replace(job, held=hold.held), tell.by, tell.meta)]


def job_cancelled(resource: Resource, tell: Teller, cancel: CancelJob) -> Sequence[Fact]:
    if len(cancel.ids) > CANCEL_MOST:
        raise Invalid(f"there are {len(cancel.ids)} ids: cancel at most {CANCEL_MOST} at once")
    members = resource.members.get(cancel.job_id, ())
    facts: list[Fact] = []
    for operation in (resource.operations[id] for id in dict.fromkeys(cancel.ids) if id in members):
        if operation.phase not in ENDED | {Phase.CANCELLING}:
            facts += asked(tell, operation, Ask.CANCEL, cancel.reason)
    return facts


def left_of_job(resource: Resource, job_id: str) -> Iterator[tuple[str, ...]]:
    """Those of a job that have not ended, each once, as many together as can be cancelled at once.

    Raises:
        NotFound: If there is no such job.
    """
    left = sorted(_members(resource, job_id) - resource.ended)
    return (tuple(left[n : n + CANCEL_MOST]) for n in range(0, len(left), CANCEL_MOST))


def _members(resource: Resource, job_id: str) -> set[str]:
    members = resource.members.get(job_id)
    if not members:
        raise NotFound(f"there is no operation of the job {job_id!r}")
    return members


def _is_known(resource: Resource, new: New) -> bool:
    """Whether the very same was added before."""
    known = resource.operations.get(new.id)
    if known is None:
        return False
    if replace(new.work, created_at=known.work.created_at) != known.work:
        raise Conflict(
            "operation_exists", f"there is another operation {new.id} already", phase=known.phase
        )
    return True


def _check_dependencies(resource: Resource, batch: Mapping[str, Work]) -> None:
    """Refuse what depends on itself, on something unknown, or on what depends on it."""
    for id, work in batch.items():
        for one in work.dependencies:
            if one.on == id:
                raise Invalid("operation cannot depend on itself")
            if one.on not in batch and one.on not in resource.operations:
                raise Invalid(
                    f"operation {id} depends on {one.on}, which this resource does not know (any"
                    " more)"
                )
    if not any(work.dependencies for work in batch.values()):
        return
    try:
        TopologicalSorter(_reached(resource, batch)).prepare()
    except CycleError as error:
        cycle = [str(id) for id in error.args[1][:CYCLE_SHOWN]]
        raise Invalid(
            f"operation {cycle[0]} would depend on itself, through others: {' <- '.join(cycle)}"
        ) from None


def _reached(resource: Resource, batch: Mapping[str, Work]) -> Mapping[str, Sequence[str]]:
    """All that these depend on and that has not ended, with what each of that depends on."""
    reached: dict[str, Sequence[str]] = {}
    ahead = [id for id, work in batch.items() if work.dependencies]
    fresh = all(id not in resource.operations for id in batch)
    while ahead:
        id = ahead.pop()
        if id not in reached:
            reached[id] = _depends_on(resource, batch, id)
            ahead += [on for on in reached[id] if on in batch or not fresh]
    return reached


def _depends_on(resource: Resource, batch: Mapping[str, Work], id: str) -> Sequence[str]:
    known = resource.operations.get(id)
    if known is not None and known.phase in ENDED:
        return ()
    work = batch.get(id) or (known.work if known else None)
    return [one.on for one in work.dependencies] if work else ()
