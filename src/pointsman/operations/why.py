"""Why an operation is not starting: all that keeps it back, for people and for programs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pointsman.operations.checks import times
from pointsman.operations.model import Ask, Operation, Phase
from pointsman.operations.policy import Header
from pointsman.operations.queue import Resource
from pointsman.operations.ranking import rank_of
from pointsman.operations.watching import confirm_by


class Cause(StrEnum):
    RESOURCE_STOPPED = "resource_stopped"
    RESOURCE_PAUSED = "resource_paused"
    RESOURCE_BUSY = "resource_busy"
    REQUEST_PENDING = "request_pending"
    """Somebody is asked whether it may start, be cancelled, paused or resumed."""
    HELD = "held"
    JOB_HELD = "job_held"
    NOT_RELEASED = "not_released"
    RESTING = "resting"
    """After a denial or a failure."""
    DEPENDENCY = "dependency"
    OTHERS_FIRST = "others_first"
    QUARANTINED = "quarantined"
    NOT_CONFIRMED = "not_confirmed"
    """It was approved, and its executor has not confirmed that it started."""


@dataclass(frozen=True, slots=True)
class Block:
    """One thing that keeps an operation from starting."""

    cause: Cause
    line: str
    until: datetime | None = None
    """When it is over by itself. None: somebody must do something."""
    operation_id: str | None = None
    """The other operation that it is about."""


def blocked_by(resource: Resource, operation: Operation, now: datetime) -> tuple[Block, ...]:
    """What keeps it from starting at `now`.

    Nothing: it is its turn, or it has started.
    """
    if operation.phase is Phase.QUARANTINED:
        line = f"it failed {operation.retries + 1} times: have it tried again, or cancel it"
        return (Block(Cause.QUARANTINED, line),)
    if operation.phase is Phase.STARTING:
        return (_unconfirmed(resource.header, operation, now),)
    if operation.phase is not Phase.QUEUED:
        return ()
    own = [*_of_itself(resource, operation, now)]
    return (*_of_resource(resource, operation, now), *own, *_of_others(resource, operation, own))


def _unconfirmed(header: Header, operation: Operation, now: datetime) -> Block:
    since = operation.phase_since or now
    until = confirm_by(since, header)
    line = (
        f"its executor was asked at {_clock(since)} to start it, and has not confirmed that yet:"
        f" it is given up at {_clock(until)}"
    )
    return Block(Cause.NOT_CONFIRMED, line, until)


def _of_resource(resource: Resource, operation: Operation, now: datetime) -> Iterator[Block]:
    header = resource.header
    if header.running_since is None:
        yield Block(Cause.RESOURCE_STOPPED, "the dispatcher is stopped")
    if header.paused:
        why = f": {header.why}" if header.why else ""
        yield Block(Cause.RESOURCE_PAUSED, f"the dispatcher is paused{why}")
    if resource.active is not None:
        active = resource.operations[resource.active]
        line = f"operation {active.id} is {active.phase} since {_clock(active.phase_since or now)}"
        yield Block(Cause.RESOURCE_BUSY, line, operation_id=active.id)
    elif resource.asking is not None and resource.asking != operation.id:
        asking = resource.operations[resource.asking]
        until = asking.request.answer_by if asking.request else None
        line = f"somebody is asked whether operation {asking.id} may start"
        yield Block(Cause.RESOURCE_BUSY, line, until, asking.id)


def _of_itself(resource: Resource, operation: Operation, now: datetime) -> Iterator[Block]:
    request = operation.request
    if request is not None:
        asks = "start" if request.ask is Ask.START else f"be {_PARTICIPLES[request.ask]}"
        line = f"somebody is asked whether it may {asks}, until {_clock(request.answer_by)}"
        yield Block(Cause.REQUEST_PENDING, line, request.answer_by)
    if operation.held:
        yield Block(Cause.HELD, "it is held")
    job = resource.jobs.get(operation.work.job_id or "")
    if job is not None and job.held:
        yield Block(Cause.JOB_HELD, f"its job {job.id!r} is held")
    release = operation.work.release_date
    if release is not None and release > now:
        yield Block(Cause.NOT_RELEASED, f"it is released at {_clock(release)}", release)
    rest = operation.not_before
    if rest is not None and rest > now:
        yield Block(
            Cause.RESTING, f"{_why_it_rests(operation)}; it rests until {_clock(rest)}", rest
        )
    for one in resource.unmet(operation):
        on = resource.operations[one.on]
        line = f"it waits for operation {on.id} ({one.type}), which is {on.phase}"
        yield Block(Cause.DEPENDENCY, line, operation_id=on.id)


def _of_others(resource: Resource, operation: Operation, own: list[Block]) -> Iterator[Block]:
    """What goes first of all that could start: told only if nothing else of its own keeps it."""
    if own:
        return
    best = resource.ready.first()
    if best is not None and best[0] < rank_of(operation, resource.header.policy.order):
        line = f"operation {best[1]} goes first"
        yield Block(Cause.OTHERS_FIRST, line, operation_id=best[1])


def _why_it_rests(operation: Operation) -> str:
    if operation.denials:
        return f"its start was denied {times(operation.denials)}"
    return f"it failed ({operation.failure})"


def _clock(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")


_PARTICIPLES = {Ask.CANCEL: "cancelled", Ask.PAUSE: "paused", Ask.RESUME: "resumed"}
