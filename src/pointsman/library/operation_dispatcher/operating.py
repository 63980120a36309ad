"""What operators ask of a dispatcher, and the request callback decides: cancel, pause, resume."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pointsman.library.operation_dispatcher.authoring import Authoring
from pointsman.library.operation_dispatcher.coercing import choice, meta_of, text
from pointsman.library.operation_dispatcher.errors import DispatcherError, as_documented
from pointsman.library.operation_dispatcher.operation import (
    Operation,
    OperationId,
    TerminationReason,
)
from pointsman.library.operation_dispatcher.translating import name_of
from pointsman.operations.authors import left_of_job
from pointsman.operations.checks import Conflict, NotFound
from pointsman.operations.facts import (
    AboutOperation,
    Cancelled,
    Cancelling,
    Fact,
    Paused,
    Pausing,
    Requested,
    Resumed,
    Resuming,
)
from pointsman.operations.intents import Cancel, CancelJob, Intent, Pause, Resume
from pointsman.operations.model import Ask, State

GRACE_SECONDS: Final = 10.0
"""The rules close each request in time. So much longer is waited for that."""


class Operating(Authoring):
    """Each call returns when the request callback has decided, or its time is over."""

    def cancel_operation(
        self,
        operation_id: OperationId,
        termination_reason: TerminationReason = TerminationReason.USER_REQUEST,
        meta_data: Mapping[str, Any] | None = None,
    ) -> Operation | None:
        """Cancel what waits or goes on, and return it.

        None: there is no such operation, it has ended already, or it was not to be.
        """
        reason = choice("termination_reason", TerminationReason, termination_reason)
        name = name_of(operation_id)
        try:
            fact = self._closed(Cancel(name, reason, meta=meta_of(meta_data)), name)
        except (NotFound, Conflict):
            return None
        if isinstance(fact, Cancelled | Cancelling):
            return self._machine.object_of(fact.operation)
        return None

    def cancel(self, operation_id: OperationId) -> Operation | None:
        """See `cancel_operation`."""
        return self.cancel_operation(operation_id)

    def cancel_job(
        self,
        job_id: str,
        termination_reason: TerminationReason = TerminationReason.USER_REQUEST,
    ) -> list[Operation]:
        """Cancel all operations of a job that have not ended, and return those that are.

        Raises:
            RuntimeError: If there is no such job.
        """
        reason = choice("termination_reason", TerminationReason, termination_reason)
        with as_documented(), self._machine.looking() as (resource, _):
            parts = left_of_job(resource, text("job_id", job_id))
        cancelled: list[Operation] = []
        for ids in parts:
            with self._machine.watches.watch() as watch, self._machine.home.blocked():
                for requested in requests_of(self._asked(CancelJob(job_id, ids, reason))):
                    fact = watch.until_closed(*requested, self.patience_seconds)
                    if isinstance(fact, Cancelled | Cancelling):
                        cancelled.append(self._machine.object_of(fact.operation))
        return cancelled

    def pause_operation(
        self,
        operation_id: OperationId,
        enforce_running_state: bool = True,
        meta_data: Mapping[str, Any] | None = None,
    ) -> bool:
        """Pause the operation that goes on. False: it was not to be.

        Raises:
            RuntimeError: If it does not go on; or if it is not running, unless that is not to be
                enforced.
        """
        name = self._current(operation_id)
        intent = Pause(name, meta=meta_of(meta_data))
        line = "current operation is not running"
        return self._moved(intent, State.RUNNING, line, enforced=enforce_running_state)

    def pause_current_operation(self) -> bool:
        """See `pause_operation`."""
        return self.pause_operation(self._current())

    def resume_operation(
        self,
        operation_id: OperationId,
        enforce_paused_state: bool = True,
        meta_data: Mapping[str, Any] | None = None,
    ) -> bool:
        """Let a paused operation go on. False: it was not to be.

        Raises:
            RuntimeError: If it is not the current one; or if it is not paused, unless that is not
                to be enforced.
        """
        name = self._current(operation_id)
        intent = Resume(name, meta=meta_of(meta_data))
        line = "current operation is not paused"
        return self._moved(intent, State.PAUSED, line, enforced=enforce_paused_state)

    def resume_current_operation(self) -> bool:
        """See `resume_operation`."""
        return self.resume_operation(self._current())

    @property
    def patience_seconds(self) -> float:
        """How long a call waits for a decision, at most."""
        return self.settings.request_event_timeout_seconds + GRACE_SECONDS

    def _closed(self, intent: Intent, id: str | None = None) -> AboutOperation | None:
        """What the request that an intent made ended with. None: it made none."""
        machine = self._machine
        with machine.watches.watch() as watch, machine.home.blocked():
            made = requests_of(machine.ask(intent))
            if not made and id is not None:
                made = self._pending(id)
            fact = watch.until_closed(*made[-1], self.patience_seconds) if made else None
        machine.tell()
        return fact

    def _pending(self, id: str) -> list[tuple[str, int]]:
        """The request that somebody else has made."""
        with self._machine.looking() as (resource, _):
            request = resource.known(id).request
        return [(id, request.number)] if request else []

    def _moved(self, intent: Pause | Resume, state: State, line: str, *, enforced: bool) -> bool:
        value = self.value_of(intent.id)
        if value is None or value.state is not state:
            if enforced:
                raise DispatcherError(line)
            return False
        with as_documented():
            fact = self._closed(intent, intent.id)
        return isinstance(fact, Paused | Pausing | Resumed | Resuming)

    def _current(self, operation_id: OperationId | None = None, *, early: bool = False) -> str:
        """The name of the operation that goes on, or is about to if that is `early` enough.

        Raises:
            RuntimeError: If it is another one.
        """
        with self._machine.looking() as (resource, _):
            active = resource.active
            name = active if operation_id is None else name_of(operation_id)
            known = resource.operations.get(name or "")
            about_to = known is not None and known.asks is Ask.START
        if name is not None and (name == active or (early and about_to)):
            return name
        line = "no current operation" if active is None else "operation is not current"
        raise DispatcherError(line, "operation_not_active")


def requests_of(facts: Sequence[Fact]) -> list[tuple[str, int]]:
    """The requests that were made, each by its operation and number."""
    made = (fact.operation for fact in facts if isinstance(fact, Requested))
    return [(one.id, one.request.number) for one in made if one.request]
