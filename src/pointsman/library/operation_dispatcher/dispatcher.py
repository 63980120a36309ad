"""The dispatcher of one resource: operations are queued, asked leave for, started and followed.

    dispatcher = OperationDispatcher("robot-1", on_request_callback=may_it)
    dispatcher.add(Operation(resource_id="robot-1", payload={"task": "pickup"}))
    await dispatcher.run()

`may_it` is asked before anything starts, is cancelled, paused or resumed. Whoever carries
operations out says how they end: `complete_operation`, `fail_operation`.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from pointsman.library.operation_dispatcher.coercing import choice, meta_of, number, text
from pointsman.library.operation_dispatcher.operating import Operating
from pointsman.library.operation_dispatcher.operation import (
    Operation,
    OperationId,
    TerminationReason,
)
from pointsman.library.operation_dispatcher.translating import name_of
from pointsman.operations.facts import AboutOperation, Started, Starting
from pointsman.operations.intents import (
    Complete,
    Fail,
    Heartbeat,
    ReportProgress,
    Retry,
    TakeTurn,
)


class OperationDispatcher(Operating):
    """Usable from any thread, with or without an event loop, and from its own callbacks.

    Args:
        resource_id: The robot, machine or vehicle. Its operations must name it.
        on_request_callback: Asked before an operation starts, is cancelled, paused or resumed.
            Returns True, False, or a `RequestDecision`. None: whatever is asked for is approved.
        on_notification_callback: Told of all other events, one after the other.
        on_history_callback: Called with `(from, to, resolve_operations, limit, history)`; may
            return another `History`. All three may be coroutine functions.
        none_means: What None from the request callback stands for. None: no for a start, yes for
            all else.
        journal: The file that keeps everything, made if it is not there; the next dispatcher
            goes on from it. None: nothing outlives this one.
        clock: What time it is. None: the time of day.
        logger: Where each event is a line.
        settings: See `Keywords`.

    Raises:
        ValueError: If a number is out of its range.
        InUse: If another dispatcher writes the journal's file.
        JournalUnreadable: If the file is no journal.
    """

    # Turn by turn

    async def step_dispatch(self) -> Operation | None:
        """Ask leave for whatever is next, and return it if it started. `run` is not needed."""
        if self._handshakes is None:
            return self.step()
        return await asyncio.to_thread(self.step)

    run_once = step_dispatch

    def step(self) -> Operation | None:
        """As `step_dispatch`, without an event loop."""
        fact = self._closed(TakeTurn())
        if isinstance(fact, Started | Starting):
            return self._machine.object_of(fact.operation)
        return None

    # What executors report

    def complete_operation(
        self,
        operation_id: OperationId,
        meta_data: Mapping[str, Any] | None = None,
        *,
        result: Any = None,  # noqa: ANN401  Any JSON.
    ) -> Operation:
        """It ended well. That may be told before its start is approved: then it counts from there.

        Raises:
            RuntimeError: If it does not go on.
        """
        name = self._current(operation_id, early=True)
        return self._reported(Complete(name, result, meta=meta_of(meta_data)))

    def complete_current(self, *, result: Any = None) -> Operation:  # noqa: ANN401  Any JSON.
        """See `complete_operation`."""
        return self.complete_operation(self._current(), result=result)

    def fail_operation(
        self,
        operation_id: OperationId,
        termination_reason: TerminationReason = TerminationReason.INTERNAL_ERROR,
        meta_data: Mapping[str, Any] | None = None,
        *,
        error: str = "",
        error_code: str = "",
    ) -> Operation:
        """It ended badly. If failures are tried again here, it is queued once more.

        Raises:
            RuntimeError: If it does not go on.
        """
        reason = choice("termination_reason", TerminationReason, termination_reason)
        name = self._current(operation_id, early=True)
        told = text("error", error), text("error_code", error_code)
        return self._reported(Fail(name, reason, *told, meta=meta_of(meta_data)))

    def fail_current(
        self, termination_reason: TerminationReason = TerminationReason.INTERNAL_ERROR
    ) -> Operation:
        """See `fail_operation`."""
        return self.fail_operation(self._current(), termination_reason)

    def report_progress(
        self, operation_id: OperationId, fraction: float, note: str = ""
    ) -> Operation:
        """How far it is, from 0 to 1. A sign of life, too."""
        return self._reported(
            ReportProgress(name_of(operation_id), number("fraction", fraction), text("note", note))
        )

    def heartbeat(self, operation_id: OperationId) -> Operation:
        """Whoever carries it out is alive."""
        return self._reported(Heartbeat(name_of(operation_id)))

    def retry_operation(self, operation_id: OperationId) -> Operation:
        """Have what failed for good, or rests, tried again."""
        return self._reported(Retry(name_of(operation_id)))

    def _reported(self, intent: Complete | Fail | ReportProgress | Heartbeat | Retry) -> Operation:
        facts = self._asked(intent)
        told = next((f.operation for f in facts if isinstance(f, AboutOperation)), None)
        with self._machine.looking() as (resource, _):
            value = told or resource.known(intent.id)
        return self._machine.object_of(value)
