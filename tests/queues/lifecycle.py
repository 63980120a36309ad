"""A resource works through its queue, one operation at a time, never unasked.

               Wake             Answer(yes)            Finish
    queued ------------> offered ----------> started ----------> finished ---> (forgotten)
       ^                    |
       +--------------------+  Answer(no), or silence until `answer_by`: only this operation
                               pauses, the next best is offered at once

The entity is the resource, not the operation: an entity is as wide as its invariant, and
the invariant is "one at a time". The things that facts are about are its operations and
its header.

The queue is two agendas. `later` holds what waits for an instant; `ready` what could be
offered at `sorted_at`, best first. `decide` looks into both and moves nothing; the `Offered`
that follows tells `evolve` the time, and `evolve` moves what has become ready since. So each
operation is looked at and moved once, and offering costs O(log n) however many wait.
"""

from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, assert_never

from pointsman.core.agenda import Agenda
from pointsman.core.entity import Forgotten, Rejected, Wake
from pointsman.core.names import text_of, word
from tests.queues.model import (
    Add,
    Added,
    Answer,
    Fact,
    Finish,
    Finished,
    Header,
    Held,
    Hold,
    Intent,
    Offered,
    Operation,
    Refused,
    Started,
)

ANSWER_WITHIN: Final = timedelta(seconds=30)
PAUSE_AFTER_REFUSAL: Final = timedelta(minutes=1)
FORGET_AFTER: Final = timedelta(hours=6)
FORGET_AT_ONCE: Final = 1_000
NEVER: Final = datetime.min.replace(tzinfo=UTC)
FOREVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Resource:
    """One owner changes it in place. Where in the queue an operation stands is not its value."""

    header: Header = field(default_factory=Header)
    active: Offered | Started | None = None
    """The fact that keeps the resource busy. None: it is free."""
    queued: dict[str, Operation] = field(default_factory=dict)
    finished: dict[str, datetime] = field(default_factory=dict)
    """When each of the finished is forgotten. Until then, adding twice is adding once."""
    old: Agenda[datetime] = field(default_factory=Agenda, compare=False)
    ready: Agenda[tuple[int, datetime]] = field(default_factory=Agenda, compare=False)
    later: Agenda[datetime] = field(default_factory=Agenda, compare=False)
    sorted_at: datetime = field(default=NEVER, compare=False)

    def __copy__(self) -> "Resource":
        return replace(
            self,
            queued=self.queued.copy(),
            finished=self.finished.copy(),
            old=copy(self.old),
            ready=copy(self.ready),
            later=copy(self.later),
        )


def initial() -> Resource:
    return Resource()


def decide(resource: Resource, intent: Intent | Wake, now: datetime) -> list[Fact]:
    match resource.active, intent:
        case _, Wake() if old := list(islice(resource.old.until(now), FORGET_AT_ONCE)):
            return [Forgotten(thing) for thing in sorted(word(id) for _, id in old)]
        case None, Wake() if best := _best(resource, now):
            offer = replace(best, offers=best.offers + 1)
            return [Offered(offer, offered_at=now, answer_by=now + ANSWER_WITHIN)]
        case Offered(operation, _, answer_by), Wake() if answer_by <= now:
            return [Refused(operation, offer_again=now + PAUSE_AFTER_REFUSAL)]
        case _, Wake():
            return []
        case _, Add(operation):
            return [] if _knows(resource, operation.id) else [Added(operation)]
        case Offered(operation, _, by), Answer(approved=True) if _fits(intent, operation, by, now):
            return [Started(operation)]
        case Offered(operation, _, by), Answer(approved=False) if _fits(intent, operation, by, now):
            return [Refused(operation, offer_again=now + PAUSE_AFTER_REFUSAL)]
        case Started(operation), Answer(approved=True) if _fits(intent, operation):
            return []
        case Started(operation), Finish(id) if operation.id == id:
            return [Finished(operation, forget_at=now + FORGET_AFTER)]
        case _, Finish(id) if id in resource.finished:
            return []
        case _, Hold(on) if on == resource.header.on_hold:
            return []
        case _, Hold(on):
            return [Held(replace(resource.header, on_hold=on))]
        case active, _:
            raise Rejected(f"{intent} does not fit a resource that is {active or 'free'}")


def evolve(resource: Resource, fact: Fact) -> Resource:
    if isinstance(fact, Held):
        resource.header = fact.header
        return resource
    if isinstance(fact, Forgotten):
        _take_out(resource, text_of(fact.thing))
        return resource
    operation = fact.operation
    _take_out(resource, operation.id)
    match fact:
        case Added():
            _queue(resource, operation, operation.not_before)
        case Refused(offer_again=offer_again):
            _queue(resource, operation, offer_again)
        case Offered(offered_at=offered_at):
            resource.active = fact
            _sort(resource, offered_at)
        case Started():
            resource.active = fact
        case Finished(forget_at=forget_at):
            resource.finished[operation.id] = forget_at
            resource.old.put(operation.id, forget_at)
        case _:
            assert_never(fact)
    return resource


def due(resource: Resource) -> datetime | None:
    old = resource.old.first()
    instants = [old[0]] if old else []
    match resource.active:
        case Offered(answer_by=answer_by):
            instants.append(answer_by)
        case None if not resource.header.on_hold:
            instants += [resource.sorted_at] if resource.ready else []
            instants += [first[0]] if (first := resource.later.first()) else []
    return min(instants, default=None)


def _best(resource: Resource, now: datetime) -> Operation | None:
    """Whichever of all that may be offered at `now` should be."""
    if resource.header.on_hold:
        return None
    best = resource.ready.first() if resource.sorted_at <= now else None
    for instant, id in resource.later.until(now):
        entry = (-resource.queued[id].priority, instant), id
        best = min(best, entry) if best else entry
    return resource.queued[best[1]] if best else None


def _knows(resource: Resource, id: str) -> bool:
    active = resource.active
    return (
        id in resource.queued
        or id in resource.finished
        or (active is not None and active.operation.id == id)
    )


def _fits(
    answer: Answer, operation: Operation, answer_by: datetime = FOREVER, now: datetime = NEVER
) -> bool:
    """Whether it answers this very offer, and in time."""
    return (answer.id, answer.offer) == (operation.id, operation.offers) and now < answer_by


def _queue(resource: Resource, operation: Operation, instant: datetime) -> None:
    resource.queued[operation.id] = operation
    resource.later.put(operation.id, instant)


def _take_out(resource: Resource, id: str) -> None:
    """Take an operation from wherever it is. Its new fact says where it goes."""
    if resource.queued.pop(id, None):
        resource.ready.drop(id)
        resource.later.drop(id)
    elif resource.finished.pop(id, None):
        resource.old.drop(id)
    elif resource.active and resource.active.operation.id == id:
        resource.active = None


def _sort(resource: Resource, now: datetime) -> None:
    resource.sorted_at = max(resource.sorted_at, now)
    for instant, id in resource.later.take_until(now):
        resource.ready.put(id, (-resource.queued[id].priority, instant))
