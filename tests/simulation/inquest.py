"""Judges a shift by what is in the journal: what must never happen, and what must not be lost."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from pointsman.operations.facts import (
    AboutOperation,
    AboutRequest,
    Added,
    JobChanged,
    Requested,
    Started,
    Starting,
)
from pointsman.operations.model import (
    ACTIVE,
    ENDED,
    Ask,
    DependencyType,
    OnFailure,
    Operation,
    Phase,
)
from pointsman.runtime.codec import Happened

P: Final = Phase
ARROWS: Final = {
    P.QUEUED: {P.STARTING, P.RUNNING, P.FAILED, P.CANCELLED},
    P.STARTING: {P.RUNNING, P.CANCELLING, P.QUEUED, P.QUARANTINED, P.COMPLETED, P.FAILED},
    P.RUNNING: ACTIVE - {P.STARTING, P.RESUMING} | ENDED | {P.QUEUED, P.QUARANTINED},
    P.PAUSING: {P.PAUSED, P.RUNNING, P.CANCELLING, P.QUEUED, P.QUARANTINED} | ENDED,
    P.PAUSED: {P.RESUMING, P.RUNNING, P.CANCELLING, P.QUEUED, P.QUARANTINED} | ENDED,
    P.RESUMING: {P.RUNNING, P.PAUSED, P.CANCELLING, P.QUEUED, P.QUARANTINED} | ENDED,
    P.CANCELLING: {P.QUEUED, P.QUARANTINED} | ENDED,
    P.QUARANTINED: {P.QUEUED, P.CANCELLED},
}


class Inquest:
    """Of all facts, oldest first. Its findings are sentences; none are best."""

    def __init__(
        self,
        happened: Iterable[Happened],
        added: set[tuple[str, str]],
        approved: set[tuple[str, str, int]],
        asks: Mapping[str, bool],
    ) -> None:
        self.added = added
        self.approved = approved
        self.asks = asks
        self.latest: dict[tuple[str, str], Operation] = {}
        self.pending: dict[tuple[str, str], Requested] = {}
        self.used = set[tuple[str, str, int]]()
        self.active = defaultdict[str, set[str]](set)
        self.held_jobs = set[tuple[str, str]]()
        self.tally = Counter[str]()
        self.findings = [*self._judged(happened), *self._lost(), *self._forgotten()]

    def _judged(self, happened: Iterable[Happened]) -> Iterator[str]:
        for entity, fact, at in happened:
            robot = entity.partition("/")[2]
            self.tally[type(fact).__name__] += 1
            if isinstance(fact, JobChanged):
                job = robot, fact.job.id
                self.held_jobs.add(job) if fact.job.held else self.held_jobs.discard(job)
            if isinstance(fact, AboutOperation):
                for what in self._about(robot, fact, at):
                    yield f"{robot} {at:%H:%M:%S} {type(fact).__name__}: {what}: {fact}"

    def _about(self, robot: str, fact: AboutOperation, at: datetime) -> Iterator[str]:
        operation, key = fact.operation, (robot, fact.operation.id)
        before = self.latest.get(key)
        if (before is None) is not isinstance(fact, Added):
            yield "what was not there is not added, or what was there is added once more"
        if before is not None:
            if operation.revision != before.revision + 1:
                yield "a version of it is lost"
            if fact.before not in (None, before.phase):
                yield f"it was {before.phase}"
            moved = before.phase is not operation.phase
            if moved and operation.phase not in ARROWS.get(before.phase, ()):
                yield f"it went from {before.phase} to {operation.phase}"
        match fact:
            case Requested() if operation.asks is Ask.START:
                yield from self._asked(robot, fact, at)
            case Started() | Starting() if fact.before is Phase.QUEUED:
                yield from self._started(robot, operation, at)
        if isinstance(fact, AboutRequest):
            self.pending.pop(key, None)
        self.latest[key] = operation
        going_on = self.active[robot]
        going_on.add(operation.id) if operation.phase in ACTIVE else going_on.discard(operation.id)
        if len(going_on) > 1:
            yield f"there go on {sorted(going_on)}"

    def _asked(self, robot: str, fact: Requested, at: datetime) -> Iterator[str]:
        """It may start by now, and nothing else is asked for or goes on."""
        operation = fact.operation
        for earliest in (operation.work.release_date, operation.not_before):
            if earliest is not None and earliest > at:
                yield f"it is not to start before {earliest}"
        if self.active[robot]:
            yield f"{self.active[robot]} goes on"
        if operation.held or (robot, operation.work.job_id) in self.held_jobs:
            yield "it is held"
        for one in operation.work.dependencies:
            provider = self.latest[robot, one.on]
            started = one.type is DependencyType.START_TO_START and provider.attempt > 0
            if provider.phase is not Phase.COMPLETED and not started:
                yield f"it depends on {one.on}, which is {provider.phase}"
        self.pending[robot, operation.id] = fact

    def _started(self, robot: str, operation: Operation, at: datetime) -> Iterator[str]:
        """Somebody said yes to this very request, about this very work, once."""
        requested = self.pending.pop((robot, operation.id), None)
        if requested is None:
            yield "nobody was asked for leave"
            return
        request = requested.operation.request
        number = request.number if request else 0
        if number != operation.requests:
            yield f"request {number} was answered, not {operation.requests}"
        if request and at >= request.answer_by:
            yield "the answer came too late"
        if requested.operation.work != operation.work:
            yield "it is not what was approved"
        if self.asks[robot] and (robot, operation.id, number) not in self.approved:
            yield f"nobody approved request {number}"
        if (robot, operation.id, number) in self.used:
            yield f"request {number} starts it again"
        self.used.add((robot, operation.id, number))

    def _lost(self) -> Iterator[str]:
        for robot, id in sorted(self.added):
            if (robot, id) not in self.latest:
                yield f"{robot}: {id} was accepted, and is lost"

    def _forgotten(self) -> Iterator[str]:
        """At the end of a shift, all has ended that could."""
        for (robot, id), operation in self.latest.items():
            if operation.phase not in ENDED and not self._waits(robot, operation):
                yield f"{robot}: {id} is forgotten: {operation}"

    def _waits(self, robot: str, operation: Operation) -> bool:
        """For something that somebody else must do: nobody is to be blamed."""
        if operation.phase is Phase.QUARANTINED:
            return True
        providers = [(one, self.latest[robot, one.on]) for one in operation.work.dependencies]
        return any(
            provider.phase not in ENDED
            or (provider.phase is not Phase.COMPLETED and one.on_failure is OnFailure.WAIT)
            for one, provider in providers
        )
