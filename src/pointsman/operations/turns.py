"""Turns: what a resource does by itself when its time has come.

    1. what is watched: deadlines that have passed
    2. what waits for something that will never be: it fails, or is skipped
    3. the best that may start now: somebody is asked for leave

Each comes only if there is nothing of the ones before, for those may change what it would see.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

from pointsman.core.values import replace
from pointsman.operations.facts import Denied, Fact, Overdue, Overran
from pointsman.operations.handshake import NO_ANSWER, asked, denied
from pointsman.operations.model import (
    Ask,
    Ending,
    OnFailure,
    Operation,
    Phase,
    Reason,
    Request,
)
from pointsman.operations.moves import Teller
from pointsman.operations.queue import EVER, Resource
from pointsman.operations.ranking import rank_of
from pointsman.operations.watching import Sight, seen

AT_ONCE: Final = 200
"""Operations of which something is said in one turn."""


def taken(resource: Resource, tell: Teller) -> Sequence[Fact]:
    """The facts of one turn. None: there is nothing to do yet."""
    facts: list[Fact] = []
    watched = (id for _, id in resource.watched.until(tell.now))
    for id in islice(watched, AT_ONCE):
        facts += _judged(resource, tell, resource.operations[id])
    if not facts and resource.doomed and tell.now >= EVER:
        doomed = (resource.operations[id] for _, id in resource.doomed.in_order())
        facts = [_doomed(resource, tell, operation) for operation in islice(doomed, AT_ONCE)]
    if not facts and resource.header.running_since is not None:
        facts += next_asked(resource, tell)
    return facts


def next_asked(resource: Resource, tell: Teller) -> Sequence[Fact]:
    """Somebody is asked whether the best may start, unless the resource is paused."""
    best = None if resource.header.paused else best_now(resource, tell.now)
    return asked(tell, best, Ask.START) if best else []


def best_now(resource: Resource, now: datetime) -> Operation | None:
    """Whichever of all that may start now should be the next to be asked for."""
    if resource.active or resource.asking:
        return None
    ready = resource.first_ready(now)
    first = resource.later.first()
    if first is None or first[0] > now:
        return ready
    order = resource.header.policy.order
    later = (resource.operations[id] for _, id in resource.later.until(now))
    return min((*later, *filter(None, [ready])), key=lambda one: rank_of(one, order))


def _judged(resource: Resource, tell: Teller, operation: Operation) -> Sequence[Fact]:
    match seen(operation, resource.header, tell.now):
        case Sight.UNANSWERED:
            return denied(resource, tell, operation, NO_ANSWER)
        case Sight.UNCONFIRMED:
            return list(_unconfirmed(resource, tell, operation))
        case Sight.LOST:
            return list(_lost(resource, tell, operation))
        case Sight.TIMED_OUT:
            error = f"it runs {tell.policy.timeout_factor:g} times longer than planned"
            return [tell.let_go(operation, Ending(Phase.FAILED, Reason.TIMEOUT, error))]
        case Sight.OVERRUN:
            return [tell.told(Overran, operation, tell.changed(operation, overrun=True))]
        case Sight.OVERDUE:
            return [tell.told(Overdue, operation, tell.changed(operation, overdue=True))]
        case None:
            return []


def _unconfirmed(resource: Resource, tell: Teller, operation: Operation) -> Iterator[Fact]:
    """The executor did not do as it was asked to, as far as anybody knows."""
    match operation.phase:
        case Phase.STARTING:
            error = "its executor did not confirm that it started"
            yield tell.let_go(operation, Ending(Phase.FAILED, Reason.TIMEOUT, error))
        case Phase.PAUSING:
            yield _as_before(tell, operation, Ask.PAUSE, Phase.RUNNING)
        case Phase.RESUMING:
            yield _as_before(tell, operation, Ask.RESUME, Phase.PAUSED)
        case _:
            error = "its executor did not confirm that it let go"
            ending = operation.ending or Ending(Phase.CANCELLED, Reason.TIMEOUT)
            yield tell.end(operation, replace(ending, error=ending.error or error))
            yield from _executor_lost(resource, tell, f"operation {operation.id}: {error}")


def _lost(resource: Resource, tell: Teller, operation: Operation) -> Iterator[Fact]:
    heartbeat = tell.policy.heartbeat
    seconds = heartbeat.total_seconds() if heartbeat else 0
    error = f"its executor gave no sign of life for {seconds:g} s"
    yield tell.end(operation, Ending(Phase.FAILED, Reason.EXTERNAL_ERROR, error))
    yield from _executor_lost(resource, tell, f"operation {operation.id}: {error}")


def _executor_lost(resource: Resource, tell: Teller, why: str) -> Iterator[Fact]:
    """Nobody knows what the machine does: nothing more starts until somebody has looked."""
    if tell.policy.pause_when_lost and not resource.header.paused:
        yield tell.paused(resource.header, why)


def _as_before(tell: Teller, operation: Operation, ask: Ask, phase: Phase) -> Fact:
    since = operation.phase_since or tell.now
    request = Request(operation.requests, ask, since, tell.now)
    after = tell.changed(operation, phase=phase, phase_since=tell.now)
    meta = {"reasoning": "not_confirmed"}
    return Denied(after, operation.phase, tell.by, meta, request)


def _doomed(resource: Resource, tell: Teller, operation: Operation) -> Fact:
    """What it depends on has failed, or was cancelled."""
    dependency = resource.broken(operation)
    on = dependency.on if dependency else ""
    skips = dependency is not None and dependency.on_failure is OnFailure.SKIP
    phase = Phase.CANCELLED if skips else Phase.FAILED
    error = f"operation {on}, on which it depends, is {_phase(resource, on)}"
    return tell.end(operation, Ending(phase, Reason.DEPENDENCY_FAILED, error))


def _phase(resource: Resource, id: str) -> str:
    operation = resource.operations.get(id)
    return operation.phase if operation else "gone"
