"""A resource as it stands: what is queued, what goes on, and what is to be looked at when.

    waiting    for its dependencies, or held: in no agenda
    later      for an instant, by which it may start
    ready      the best first
    asking     for leave to start: one at a time
    active     it keeps the resource busy: one at a time

Facts move operations from one place to another, each in O(log n). Where an operation stands is
worked out from its own value and from what it depends on, so facts may come in any order.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from pointsman.core.agenda import Agenda
from pointsman.operations.checks import NotFound
from pointsman.operations.model import (
    ACTIVE,
    ENDED,
    Ask,
    Dependency,
    DependencyType,
    OnFailure,
    Operation,
    Phase,
)
from pointsman.operations.policy import Header, Job
from pointsman.operations.ranking import Rank, rank_of
from pointsman.operations.watching import next_look

EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""All that happens, happens later."""


@dataclass(slots=True)
class Resource:
    """One owner changes it in place."""

    header: Header = field(default_factory=Header)
    operations: dict[str, Operation] = field(default_factory=dict)
    """All that are known by heart, ended ones too."""
    jobs: dict[str, Job] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    """The operations of each job."""
    active: str | None = None
    asking: str | None = None
    """The one that waits for leave to start."""
    number: int = 0
    """The greatest that an operation has."""
    seen_at: datetime = field(default=EVER, compare=False)
    """The latest instant that a fact told of: until then, `later` is sorted into `ready`."""
    ready: Agenda[Rank] = field(default_factory=Agenda, compare=False)
    later: Agenda[datetime] = field(default_factory=Agenda, compare=False)
    watched: Agenda[datetime] = field(default_factory=Agenda, compare=False)
    """When something is to be said of an operation, if nobody else does."""
    dependents: dict[str, set[str]] = field(default_factory=dict)
    """Those that depend on an operation and have not ended."""
    doomed: Agenda[int] = field(default_factory=Agenda, compare=False)
    """What they depend on has failed, and they do not wait: by their numbers."""
    quarantined: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    spent: Agenda[tuple[datetime, int]] = field(default_factory=Agenda, compare=False)
    """Those of the ended that nothing depends on, the oldest first."""

    def __copy__(self) -> "Resource":
        twin = Resource(self.header, self.operations.copy(), self.jobs.copy())
        twin.members = {job: ids.copy() for job, ids in self.members.items()}
        twin.active, twin.asking, twin.number = self.active, self.asking, self.number
        twin.seen_at = self.seen_at
        twin.ready, twin.later, twin.watched = (
            copy(self.ready),
            copy(self.later),
            copy(self.watched),
        )
        twin.dependents = {on: ids.copy() for on, ids in self.dependents.items()}
        twin.doomed, twin.quarantined = copy(self.doomed), self.quarantined.copy()
        twin.ended, twin.spent = self.ended.copy(), copy(self.spent)
        return twin

    # What there is

    @property
    def queued(self) -> int:
        """How many wait for their turn."""
        elsewhere = len(self.ended) + len(self.quarantined) + (self.active is not None)
        return len(self.operations) - elsewhere

    def known(self, id: str) -> Operation:
        """The operation of this id.

        Raises:
            NotFound: If it is not known by heart.
        """
        operation = self.operations.get(id)
        if operation is None:
            raise NotFound(f"there is no operation {id}")
        return operation

    def first_ready(self, now: datetime) -> Operation | None:
        """The best of those that may start by what has been seen so far, and by `now`."""
        for _, id in self.ready.in_order():
            operation = self.operations[id]
            if earliest_start(operation) <= now:
                return operation
        return None

    def starts_nothing(self) -> bool:
        header = self.header
        return header.paused or header.running_since is None

    def is_held(self, operation: Operation) -> bool:
        job = self.jobs.get(operation.work.job_id or "")
        return operation.held or (job is not None and job.held)

    def unmet(self, operation: Operation) -> Iterator[Dependency]:
        """What it still waits for."""
        return (one for one in operation.work.dependencies if not self._is_met(one))

    def broken(self, operation: Operation) -> Dependency | None:
        """What it depends on, will never come, and is not waited for."""
        for one in operation.work.dependencies:
            waits = one.on_failure is OnFailure.WAIT
            if not waits and self._will_never_be(one):
                return one
        return None

    def _is_met(self, dependency: Dependency) -> bool:
        provider = self.operations.get(dependency.on)
        if provider is None or provider.phase is Phase.COMPLETED:
            return True  # What is forgotten has ended well: the others are kept while needed.
        started = dependency.type is DependencyType.START_TO_START
        return started and provider.attempt > 0

    def _will_never_be(self, dependency: Dependency) -> bool:
        provider = self.operations.get(dependency.on)
        failed = provider is not None and provider.phase in (Phase.FAILED, Phase.CANCELLED)
        return failed and not self._is_met(dependency)

    def may_forget(self, operation: Operation) -> bool:
        """If nothing depends on it: it does not have the number from which others count on."""
        return operation.number < self.number

    def is_empty(self, job: Job) -> bool:
        return job.id not in self.members

    # What changes it

    def put(self, operation: Operation) -> None:
        """Take in what an operation is by now."""
        before = self.operations.get(operation.id)
        if before is not None:
            self._unlink(before)
        self.operations[operation.id] = operation
        self.number = max(self.number, operation.number)
        self._link(operation)
        self._place(operation)
        dependents = self.dependents.get(operation.id, ())
        if dependents and (before is None or _lets(before) != _lets(operation)):
            for id in dependents:
                self._place(self.operations[id])
        self.see(operation.changed_at)

    def forget(self, id: str) -> None:
        operation = self.operations.pop(id, None)
        if operation is not None:
            self._unlink(operation)
            self._displace(id)
            for dependent in self.dependents.get(id, ()):
                self._place(self.operations[dependent])

    def put_header(self, header: Header) -> None:
        reordered = header.policy.order != self.header.policy.order
        self.header = header
        if reordered:
            self.ready = Agenda()  # Ranks of two orders cannot be compared.
        for id in [*self.operations] if reordered else [*filter(None, [self.active])]:
            self._place(self.operations[id])
        if header.changed_at is not None:
            self.see(header.changed_at)

    def put_job(self, job: Job) -> None:
        self.jobs[job.id] = job
        for id in self.members.get(job.id, ()):
            self._place(self.operations[id])

    def forget_job(self, id: str) -> None:
        self.jobs.pop(id, None)
        for member in self.members.get(id, ()):
            self._place(self.operations[member])

    def see(self, instant: datetime) -> None:
        """It is at least so late: what has become ready is ready."""
        if instant > self.seen_at:
            self.seen_at = instant
            first, order = self.later.first(), self.header.policy.order
            if first is None or first[0] > instant:
                return
            for _, id in self.later.take_until(instant):
                self.ready.put(id, rank_of(self.operations[id], order))

    def _link(self, operation: Operation) -> None:
        if operation.phase not in ENDED:
            for one in operation.work.dependencies:
                self.dependents.setdefault(one.on, set()).add(operation.id)
                self.spent.drop(one.on)
        if operation.work.job_id is not None:
            self.members.setdefault(operation.work.job_id, set()).add(operation.id)

    def _unlink(self, operation: Operation) -> None:
        for one in operation.work.dependencies:
            _discard(self.dependents, one.on, operation.id)
            if one.on in self.ended and one.on not in self.dependents:
                self._spend(self.operations[one.on])
        if operation.work.job_id is not None:
            _discard(self.members, operation.work.job_id, operation.id)

    def _spend(self, operation: Operation) -> None:
        """Nobody needs it any more."""
        ended_at = operation.finish_time or operation.changed_at
        self.spent.put(operation.id, (ended_at, operation.number))

    def _displace(self, id: str) -> None:
        for agenda in (self.ready, self.later, self.watched, self.doomed, self.spent):
            agenda.drop(id)
        self.ended.discard(id)
        self.quarantined.discard(id)
        if self.active == id:
            self.active = None
        if self.asking == id:
            self.asking = None

    def _place(self, operation: Operation) -> None:
        """Put it where it belongs, and nowhere else."""
        id = operation.id
        if operation.phase in ENDED:
            self._displace(id)
            self.ended.add(id)
            if id not in self.dependents:
                self._spend(operation)
            return
        self.active = id if operation.phase in ACTIVE else _unless(self.active, id)
        self.asking = id if operation.asks is Ask.START else _unless(self.asking, id)
        quarantined = operation.phase is Phase.QUARANTINED
        self.quarantined.add(id) if quarantined else self.quarantined.discard(id)
        waits = operation.phase is Phase.QUEUED and operation.request is None
        self._queue(operation) if waits else self._dequeue(id)
        look = next_look(operation, self.header)
        self.watched.put(id, look) if look else self.watched.drop(id)

    def _queue(self, operation: Operation) -> None:
        id, depends = operation.id, operation.work.dependencies
        if depends and self.broken(operation):
            self._dequeue(id)
            self.doomed.put(id, operation.number)
            return
        self.doomed.drop(id)
        if self.is_held(operation) or (depends and next(self.unmet(operation), None)):
            self._dequeue(id)
            return
        earliest = earliest_start(operation)
        if earliest > operation.changed_at:
            self.ready.drop(id)
            self.later.put(id, earliest)
        else:
            self.later.drop(id)
            self.ready.put(id, rank_of(operation, self.header.policy.order))

    def _dequeue(self, id: str) -> None:
        self.ready.drop(id)
        self.later.drop(id)
        self.doomed.drop(id)


def earliest_start(operation: Operation) -> datetime:
    """When it may start, as far as time alone keeps it back."""
    return max(operation.work.release_date or EVER, operation.not_before or EVER)


def _lets(operation: Operation) -> tuple[Phase | None, bool]:
    """All that those who depend on it look at."""
    return operation.phase if operation.phase in ENDED else None, operation.attempt > 0


def _unless(id: str | None, other: str) -> str | None:
    return None if id == other else id


def _discard(sets: dict[str, set[str]], key: str, id: str) -> None:
    ids = sets.get(key)
    if ids is not None:
        ids.discard(id)
        if not ids:
            del sets[key]
