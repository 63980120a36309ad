"""Handshakes: each request is put to the callback, beside all else, and its answer handed in.

The rules keep the time: what is not answered when it must be, is denied, and an answer that comes
later counts for nothing.
"""

import inspect
import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from pointsman.core.entity import Rejected
from pointsman.library.operation_dispatcher.deciding import decision_of, failure_of
from pointsman.library.operation_dispatcher.errors import DispatcherError
from pointsman.library.operation_dispatcher.events import (
    DispatchEvent,
    RequestCallback,
    RequestDecision,
)
from pointsman.library.operation_dispatcher.hands import Hands
from pointsman.library.operation_dispatcher.home import Home
from pointsman.library.operation_dispatcher.translating import events_of, name_of
from pointsman.operations.checks import Invalid
from pointsman.operations.facts import Denied, Requested
from pointsman.operations.handshake import NO_ANSWER
from pointsman.operations.intents import Answer
from pointsman.operations.model import Request
from pointsman.runtime.clock import Clock
from pointsman.runtime.codec import Happened

log = logging.getLogger(__name__)
GRACE_SECONDS: Final = 0.5
"""An async callback is cancelled so long after its answer has ceased to count."""


class Handshakes:
    def __init__(
        self,
        callback: RequestCallback,
        home: Home,
        answer: Callable[[Answer], object],
        resource_id: str,
        clock: Clock,
        *,
        seconds: float,
        none_means: bool | None,
    ) -> None:
        self._callback = callback
        self._home = home
        self._answer = answer
        self._resource_id = resource_id
        self._clock = clock
        self._seconds = seconds
        self._none_means = none_means
        self._hands = Hands("pointsman requests")
        self.failures = 0
        """How often the callback raised, or did not answer in time."""
        self.late = 0
        """How many answers came too late to count."""

    def hear(self, happened: Happened) -> None:
        match happened.fact:
            case Requested(operation) if operation.request is not None:
                [event] = events_of(happened, self._resource_id)
                self._hands.do(partial(self._carry, event, operation.request))
            case Denied(operation, meta=meta, request=request) if request is not None:
                if meta.get("reasoning") == NO_ANSWER:
                    self.failures += 1
                    log.warning(
                        "the request callback did not answer within %g s whether operation %s may"
                        " %s",
                        self._seconds,
                        operation.id,
                        request.ask.lower(),
                    )

    def close(self) -> None:
        """Ask nothing more. What is being asked may be answered, and that counts for nothing."""
        self._hands.close()

    def _carry(self, event: DispatchEvent, request: Request) -> None:
        if self._clock.now() >= request.answer_by:
            return  # All hands were full, and no answer counts any more.
        decision = self._decide(event, request)
        if decision is None:
            return
        answer = partial(Answer, name_of(event.operation_id), request.number)
        try:
            self._hand_in(
                answer(decision.accepted, decision.reasoning or "", decision.data or None)
            )
        except Invalid as error:
            self._failed(event, str(error))
            no = failure_of(error)
            self._hand_in(answer(False, no.reasoning or "", no.data))

    def _hand_in(self, answer: Answer) -> None:
        try:
            self._answer(answer)
        except Invalid:
            raise
        except (Rejected, DispatcherError):  # The dispatcher may be closed by now.
            self.late += 1

    def _decide(self, event: DispatchEvent, request: Request) -> RequestDecision | None:
        """What it decides. None: it took too long."""
        try:
            result = self._callback(event)
            if inspect.isawaitable(result):
                future = self._home.wait_for(result, self._seconds + GRACE_SECONDS)
                if future is None:
                    return None
                result = future.result()
            return decision_of(result, request.ask, self._none_means)
        except Exception as error:
            self._failed(event, repr(error))
            return failure_of(error)

    def _failed(self, event: DispatchEvent, why: str) -> None:
        self.failures += 1
        log.error("the request callback failed on %s: %s", event.event_type, why)
