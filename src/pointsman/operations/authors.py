"""What authors of operations may ask: to add them, change them, hold them, and try them again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from pointsman.operations.checks import (
    UPDATABLE,
    Conflict,
    Invalid,
    NotFound,
    check_id,
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
CANCEL_MOST: Final = 200
"""Operations of a job that are cancelled at once."""
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
    for new in add.new:
        _check_dependencies(resource, batch, new.id)
    fresh = (new for new in add.new if not _is_known(resource, new))
    return [
        Added(Operation(new.id, number, new.work, tell.now), None, tell.by, tell.meta)
        for number, new in enumerate(fresh, start=resource.number + 1)
    ]


def updated(resource: Resource, tell: Teller, update: Update) -> Sequence[Fact]:
    """What was approved and not started yet, is asked for anew: it is something else now."""
    operation = resource.known(update.id)
    if unknown := sorted(set(update.values) - set(UPDATABLE)):
        raise Invalid(
            f"unsupported operation update fields: {unknown}; {', '.join(UPDATABLE)} can be updated"
        )
    if operation.phase not in CHANGEABLE:
        raise conflict("operation_update_failed", "it cannot be updated now", operation)
    before = operation.work
    work = replace(before, **update.values)
    check_work(work)
    _check_dependencies(resource, {operation.id: work}, operation.id)
    if work == before:
        return []
    overdue = operation.overdue and before.due_date == work.due_date
    withdrawn = start_withdrawn(resource, tell, "it was updated", of=operation.id)
    now = withdrawn[-1].operation if withdrawn else operation
    after = tell.changed(now, work=work, overdue=overdue)
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
    rests = operation.phase is Phase.QUEUED and operation.not_before is not None
    if operation.phase is not Phase.QUARANTINED and not rests:
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
    facts: list[Fact] = []
    for id in sorted(_members(resource, cancel.job_id)):
        operation = resource.operations[id]
        if operation.phase in ENDED or operation.phase is Phase.CANCELLING:
            continue
        facts += asked(tell, operation, Ask.CANCEL, cancel.reason)
        if len(facts) >= CANCEL_MOST:
            break
    return facts


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


def _check_dependencies(resource: Resource, batch: Mapping[str, Work], id: str) -> None:
    """Refuse what depends on itself, on something unknown, or on what depends on it."""
    for one in batch[id].dependencies:
        if one.on == id:
            raise Invalid("operation cannot depend on itself")
        if one.on not in batch and one.on not in resource.operations:
            raise Invalid(
                f"operation {id} depends on {one.on}, which this resource does not know (any more)"
            )
    if batch[id].dependencies and _leads_to(resource, batch, id):
        raise Invalid(f"operation {id} would depend on itself, through others")


def _leads_to(resource: Resource, batch: Mapping[str, Work], id: str) -> bool:
    seen, ahead = set[str](), [one.on for one in batch[id].dependencies]
    while ahead:
        on = ahead.pop()
        if on == id:
            return True
        if on not in seen:
            seen.add(on)
            ahead += _depends_on(resource, batch, on)
    return False


def _depends_on(resource: Resource, batch: Mapping[str, Work], id: str) -> Iterable[str]:
    known = resource.operations.get(id)
    work = batch.get(id) or (known.work if known else None)
    return (one.on for one in work.dependencies) if work else ()
