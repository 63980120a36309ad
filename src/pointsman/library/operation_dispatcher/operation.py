"""An operation as programs hold it: what is to be done on a resource, and what became of that."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID, uuid4, uuid5

from pointsman.library.operation_dispatcher.coercing import (
    choice,
    instant,
    integer,
    mapping,
    text,
    unique,
)
from pointsman.library.operation_dispatcher.model import Model
from pointsman.operations.model import DependencyType, OnFailure, Outcome, Reason, State
from pointsman.runtime.clock import SystemClock

ExecutionState = State
ExecutionOutcome = Outcome
TerminationReason = Reason
OperationId: TypeAlias = UUID | str
"""A UUID. Text, where another interface named it otherwise."""
EXECUTIONS: Final = UUID("5b0c3b6e-6f0b-4d0c-9f57-2d0a0f6c3f0e")
"""Execution ids are derived in here."""


def _now() -> datetime:
    return SystemClock().now()


@dataclass(kw_only=True, slots=True)
class OperationDependency(Model):
    """Something that must come first, on the same resource."""

    depends_on_operation_id: OperationId
    dependency_type: DependencyType = DependencyType.FINISH_TO_START
    id: UUID = field(default_factory=uuid4, compare=False)
    """Of this object alone: nothing asks for it. Snapshots have ids of their own."""
    created_at: datetime = field(default_factory=_now, compare=False)
    on_failure: OnFailure = OnFailure.FAIL
    """What becomes of the one that depends, if the other fails or is cancelled."""

    def __post_init__(self) -> None:
        self.id = unique("id", self.id)
        self.depends_on_operation_id = unique(
            "depends_on_operation_id", self.depends_on_operation_id
        )
        self.dependency_type = choice("dependency_type", DependencyType, self.dependency_type)
        self.on_failure = choice("on_failure", OnFailure, self.on_failure)
        self.created_at = instant("created_at", self.created_at)
        if self.depends_on_operation_id == self.id:
            raise ValueError("operation cannot depend on itself")


@dataclass(kw_only=True, slots=True, weakref_slot=True)
class Operation(Model):
    """Once it is added, the dispatcher keeps it up to date; to change it, ask the dispatcher.

    Raises:
        ValueError: If something of it makes no sense.
    """

    id: OperationId = field(default_factory=uuid4)
    job_id: str | None = None
    """A label. The operations of one job can be held and cancelled together."""
    payload: dict[str, Any] = field(default_factory=dict)
    """Any JSON object. Handed on, never looked into."""
    resource_id: str = ""
    priority: int = 0
    """Larger goes first."""
    release_date: datetime | None = None
    """It starts no earlier. Without a zone: in UTC; so are all times."""
    planned_duration: int | None = None
    """In milliseconds."""
    due_date: datetime | None = None
    dependencies: list[OperationDependency] = field(default_factory=list)
    state: ExecutionState = ExecutionState.QUEUED
    outcome: ExecutionOutcome = ExecutionOutcome.NONE
    termination_reason: TerminationReason = TerminationReason.NONE
    retry_count: int = 0
    """How often it was tried again."""
    start_time: datetime | None = None
    finish_time: datetime | None = None
    created_at: datetime = field(default_factory=_now)

    def __post_init__(self) -> None:
        self.id = unique("id", self.id)
        self.resource_id = text("resource_id", self.resource_id)
        self.job_id = None if self.job_id is None else text("job_id", self.job_id)
        self.payload = mapping("payload", self.payload)
        self.priority = integer("priority", self.priority)
        self.retry_count = integer("retry_count", self.retry_count)
        if self.planned_duration is not None:
            self.planned_duration = integer("planned_duration", self.planned_duration)
        self.dependencies = [OperationDependency.model_validate(one) for one in self.dependencies]
        self.state = choice("state", ExecutionState, self.state)
        self.outcome = choice("outcome", ExecutionOutcome, self.outcome)
        reason = choice("termination_reason", TerminationReason, self.termination_reason)
        self.termination_reason = reason
        self.created_at = instant("created_at", self.created_at)
        self.release_date = _optional("release_date", self.release_date)
        self.due_date = _optional("due_date", self.due_date)
        self.start_time = _optional("start_time", self.start_time)
        self.finish_time = _optional("finish_time", self.finish_time)
        self._check()

    def _check(self) -> None:
        if not self.resource_id:
            raise ValueError("resource_id is required: say which resource it is for")
        if self.planned_duration is not None and self.planned_duration <= 0:
            raise ValueError("planned_duration must be > 0")
        if self.release_date and self.due_date and self.due_date <= self.release_date:
            raise ValueError("due_date must be after release_date")
        if self.state is ExecutionState.RUNNING and self.start_time is None:
            raise ValueError("running operation requires actual_start_time")
        if self.start_time and self.finish_time and self.finish_time < self.start_time:
            raise ValueError("finish time must be after start time")
        if any(one.depends_on_operation_id == self.id for one in self.dependencies):
            raise ValueError("operation cannot depend on itself")


@dataclass(kw_only=True, slots=True)
class OperationExecution(Model):
    """What became of an operation, apart from what is to be done."""

    operation_id: OperationId
    id: UUID = field(default_factory=uuid4)
    state: ExecutionState = ExecutionState.QUEUED
    outcome: ExecutionOutcome = ExecutionOutcome.NONE
    termination_reason: TerminationReason = TerminationReason.NONE
    retry_count: int = 0
    start_time: datetime | None = None
    finish_time: datetime | None = None

    def __post_init__(self) -> None:
        self.operation_id = unique("operation_id", self.operation_id)
        self.id = unique("id", self.id)
        self.state = choice("state", ExecutionState, self.state)
        self.outcome = choice("outcome", ExecutionOutcome, self.outcome)
        reason = choice("termination_reason", TerminationReason, self.termination_reason)
        self.termination_reason = reason
        self.retry_count = integer("retry_count", self.retry_count)
        self.start_time = _optional("start_time", self.start_time)
        self.finish_time = _optional("finish_time", self.finish_time)
        if self.start_time and self.finish_time and self.finish_time < self.start_time:
            raise ValueError("finish time must be after start time")


def execution_of(operation: Operation) -> OperationExecution:
    """What became of it by now."""
    return OperationExecution(
        operation_id=operation.id,
        id=execution_id(operation.id),
        state=operation.state,
        outcome=operation.outcome,
        termination_reason=operation.termination_reason,
        retry_count=operation.retry_count,
        start_time=operation.start_time,
        finish_time=operation.finish_time,
    )


def execution_id(id: OperationId) -> UUID:
    """Always the same for one operation."""
    return uuid5(EXECUTIONS, str(id))


def _optional(name: str, value: object) -> datetime | None:
    return None if value is None else instant(name, value)
