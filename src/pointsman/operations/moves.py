"""Moves: what becomes of an operation, as the facts that say so. Whether it may, others know."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from pointsman.core.values import Value, replace
from pointsman.operations.facts import (
    Cancelled,
    Cancelling,
    Completed,
    Failed,
    OperationFact,
    Paused,
    Pausing,
    Requested,
    Requeued,
    ResourcePaused,
    Resumed,
    Resuming,
    Started,
    Starting,
)
from pointsman.operations.model import ENDED, Ask, Ending, Operation, Phase, Reason, Request
from pointsman.operations.policy import Header, Policy
from pointsman.operations.watching import time_run

NOT_TRIED_AGAIN: Final = frozenset({Reason.USER_REQUEST, Reason.DEPENDENCY_FAILED})
DOUBLINGS_MOST: Final = 32
REST_LEAST: Final = timedelta(milliseconds=10)
"""However short the cooldown: nobody is asked a thousand times a second."""


class Teller(Value, frozen=True):
    """Says what happens now, under which policy, by whom, and what else they said."""

    now: datetime
    policy: Policy
    by: str = ""
    meta: Mapping[str, Any] = {}

    def changed(self, operation: Operation, **values: Any) -> Operation:  # noqa: ANN401
        """The next version of it."""
        revision = operation.revision + 1
        return replace(operation, revision=revision, changed_at=self.now, **values)

    def told(self, fact: type[OperationFact], before: Operation, after: Operation) -> OperationFact:
        phase = before.phase if before.phase is not after.phase else None
        return fact(after, phase, self.by, self.meta)

    def moved(
        self,
        fact: type[OperationFact],
        operation: Operation,
        phase: Phase,
        **values: Any,  # noqa: ANN401
    ) -> OperationFact:
        """It is in another phase from now on, and what was asked for it is over.

        But if it is to be cancelled, that is still so, for as long as it has not ended.
        """
        goes_on = operation.asks is Ask.CANCEL and phase not in ENDED
        values.setdefault("ran", time_run(operation, self.now))
        after = self.changed(
            operation,
            phase=phase,
            phase_since=self.now,
            request=operation.request if goes_on else None,
            **values,
        )
        return self.told(fact, operation, after)

    def paused(self, header: Header, why: str) -> ResourcePaused:
        """The resource starts nothing more."""
        paused = replace(header, paused=True, why=why, changed_at=self.now)
        return ResourcePaused(paused, self.by, self.meta)

    # The handshake

    def requested(
        self, operation: Operation, ask: Ask, reason: Reason = Reason.NONE
    ) -> OperationFact:
        number = operation.requests + 1
        by_then = self.now + self.policy.answer_within
        request = Request(number, ask, self.now, by_then, reason, self.by, self.meta)
        after = self.changed(operation, requests=number, request=request)
        return self.told(Requested, operation, after)

    # What the executor is asked for

    def start(self, operation: Operation) -> Sequence[OperationFact]:
        """It starts; and ends at once, if its executor was quicker than the answer."""
        confirms = self.policy.confirms
        started = self.moved(
            Starting if confirms else Started,
            operation,
            Phase.STARTING if confirms else Phase.RUNNING,
            attempt=operation.attempt + 1,
            denials=0,
            not_before=None,
            start_time=self.now,
            finish_time=None,
            ran=timedelta(),
            heard_at=None,
            progress=None,
            overrun=False,
            ending=None,
        )
        if operation.ending is None:
            return [started]
        return [started, self.end(started.operation, operation.ending)]

    def pause(self, operation: Operation) -> OperationFact:
        if self.policy.confirms:
            return self.moved(Pausing, operation, Phase.PAUSING)
        return self.moved(Paused, operation, Phase.PAUSED)

    def resume(self, operation: Operation) -> OperationFact:
        if self.policy.confirms:
            return self.moved(Resuming, operation, Phase.RESUMING)
        return self.moved(Resumed, operation, Phase.RUNNING)

    def let_go(self, operation: Operation, ending: Ending) -> OperationFact:
        """It ends as soon as the executor has let go of it."""
        if self.policy.confirms:
            return self.moved(Cancelling, operation, Phase.CANCELLING, ending=ending)
        return self.end(operation, ending)

    # The end

    def end(self, operation: Operation, ending: Ending) -> OperationFact:
        """It has ended; or it is tried again, if that is what becomes of failures here."""
        match ending.phase:
            case Phase.COMPLETED:
                fact: type[OperationFact] = Completed
            case Phase.CANCELLED:
                fact = Cancelled
            case _ if ending.reason not in NOT_TRIED_AGAIN and self.policy.retries:
                if operation.retries < self.policy.retries:
                    return self._tried_again(operation, ending)
                fact, ending = Failed, replace(ending, phase=Phase.QUARANTINED)
            case _:
                fact = Failed
        finished_at = max(self.now, operation.start_time or self.now)
        return self.moved(fact, operation, ending.phase, ending=ending, finish_time=finished_at)

    def _tried_again(self, operation: Operation, ending: Ending) -> OperationFact:
        doublings = min(operation.retries, DOUBLINGS_MOST)
        seconds = self.policy.backoff.total_seconds() * 2**doublings
        most = self.policy.backoff_most.total_seconds()
        rest = max(timedelta(seconds=min(seconds, most)), REST_LEAST)
        return self.moved(
            Requeued,
            operation,
            Phase.QUEUED,
            retries=operation.retries + 1,
            not_before=self.now + rest,
            failure=ending.error or ending.reason,
            ending=None,
        )
