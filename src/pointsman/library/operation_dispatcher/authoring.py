"""What authors of operations ask of a dispatcher: to add them, change them, and hold them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pointsman.library.operation_dispatcher.coercing import mapping, meta_of, text
from pointsman.library.operation_dispatcher.errors import DispatcherError, as_documented
from pointsman.library.operation_dispatcher.operation import (
    ExecutionState,
    Operation,
    OperationId,
)
from pointsman.library.operation_dispatcher.questions import Questions
from pointsman.library.operation_dispatcher.translating import name_of, work_of
from pointsman.operations.facts import Added, Fact
from pointsman.operations.intents import Add, Hold, HoldJob, Intent, New, Update
from pointsman.operations.model import Phase, Work


class Authoring(Questions):
    """Every method may be called from any thread, and from callbacks."""

    def add_operation(
        self,
        operation: Operation,
        apply_default_planned_duration: bool = True,
        meta_data: Mapping[str, Any] | None = None,
    ) -> Operation:
        """Queue an operation. From now on the object says how it stands.

        Args:
            operation: Queued, and never added before.
            apply_default_planned_duration: Whether it gets the dispatcher's if it has none.
            meta_data: Any JSON object, which goes into the event.

        Returns:
            The same object.

        Raises:
            ValueError: If it is for another resource, was added before, depends on what is not
                there, or on itself; or if nobody could store its payload.
        """
        [added] = self._add([operation], apply_default_planned_duration, meta_data)
        return added

    def add(self, operation: Operation) -> Operation:
        """See `add_operation`."""
        return self.add_operation(operation)

    def add_operations(
        self,
        operations: Iterable[Operation],
        apply_default_planned_duration: bool = True,
        meta_data: Mapping[str, Any] | None = None,
    ) -> list[Operation]:
        """Queue all of them, or none. They may depend on each other.

        Raises:
            ValueError: As `add_operation`; or if there are more than 900.
        """
        return self._add([*operations], apply_default_planned_duration, meta_data)

    def update_operation(
        self,
        operation_id: OperationId,
        updates: Mapping[str, Any] | None = None,
        meta_data: Mapping[str, Any] | None = None,
        **more: Any,  # noqa: ANN401  Fields of any kind.
    ) -> Operation | None:
        """Give new values to what waits or is paused. None: there is no such operation.

        What was approved and has not started is asked for anew: it is something else now.

        Raises:
            ValueError: If a field cannot be updated, or would make no sense.
            RuntimeError: If it runs, or has ended.
        """
        values = {**({} if updates is None else mapping("updates", updates)), **more}
        allowed = self.settings.updatable
        if unsupported := sorted(set(values) - allowed):
            raise ValueError(
                f"unsupported operation update fields: {unsupported};"
                f" {', '.join(sorted(allowed))} would work"
            )
        value = self.value_of(operation_id)
        if value is None:
            return None
        if value.phase in (Phase.STARTING, Phase.RUNNING):
            raise DispatcherError("cannot update a running operation", "operation_update_failed")
        author = self._machine.snapshot(value).model_copy(update=values)
        work = work_of(author)
        said = {name: getattr(work, name) for name in values}
        self._asked(Update(name_of(operation_id), said, meta=meta_of(meta_data)))
        return self._machine.object_of(value)

    def hold_operation(self, operation_id: OperationId) -> None:
        """Let a queued operation wait until it is released."""
        self._asked(Hold(name_of(operation_id), held=True))

    def release_operation(self, operation_id: OperationId) -> None:
        """Hold it no longer."""
        self._asked(Hold(name_of(operation_id), held=False))

    def hold_job(self, job_id: str) -> None:
        """Let no operation of a job start until it is released."""
        self._asked(HoldJob(text("job_id", job_id), held=True))

    def release_job(self, job_id: str) -> None:
        """Hold it no longer."""
        self._asked(HoldJob(text("job_id", job_id), held=False))

    def _add(
        self,
        operations: list[Operation],
        default: bool,
        meta_data: Mapping[str, Any] | None,
    ) -> list[Operation]:
        for operation in operations:
            self._check(operation)
        named = {str(operation.id): operation for operation in operations}
        if len(named) < len(operations):
            raise ValueError("an operation is there twice")
        self._machine.refuse_known(named)
        new = tuple(New(name, self._work(one, default)) for name, one in named.items())
        with as_documented():
            facts = self._machine.submit(Add(new, meta=meta_of(meta_data)))
        fresh = {fact.thing for fact in facts if isinstance(fact, Added)}
        self._machine.adopt({name: one for name, one in named.items() if name in fresh})
        self._machine.tell()
        if again := named.keys() - fresh:  # Somebody was quicker by a moment.
            raise ValueError(f"operation {min(again)} was added before")
        return operations

    def _asked(self, intent: Intent) -> Sequence[Fact]:
        with as_documented():
            return self._machine.ask(intent)

    def _check(self, operation: Operation) -> None:
        if not isinstance(operation, Operation):
            raise ValueError(
                f"a {type(operation).__name__} cannot be added: an Operation would work"
            )
        if operation.resource_id != self.resource_id:
            raise ValueError("operation resource_id does not match schedule resource_id")
        if operation.state is not ExecutionState.QUEUED:
            raise ValueError(
                f"operation {operation.id} is {operation.state}: one that is QUEUED can be added"
            )

    def _work(self, operation: Operation, default: bool) -> Work:
        duration = self.settings.default_planned_duration if default else None
        if operation.planned_duration is None and duration is not None:
            operation = operation.model_copy(update={"planned_duration": duration})
        return work_of(operation)
