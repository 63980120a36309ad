"""What the door says: the documented shapes, and how they come from the values of `operations/`."""

from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from pydantic import AwareDatetime, BaseModel, Field

from pointsman.api.rest.fields import Uuid
from pointsman.operations import model
from pointsman.operations.model import Ask, DependencyType, OnFailure, Outcome, Phase, Reason, State
from pointsman.operations.queue import Resource
from pointsman.operations.why import Cause, blocked_by


class OperationDependency(BaseModel):
    id: Uuid
    depends_on_operation_id: Uuid
    dependency_type: DependencyType
    on_failure: OnFailure
    created_at: AwareDatetime


class Operation(BaseModel):
    """A piece of work, and what has become of it."""

    id: Uuid
    job_id: str | None
    payload: dict[str, Any]
    resource_id: str
    priority: int
    release_date: AwareDatetime | None
    planned_duration: int | None = Field(description="In milliseconds.")
    due_date: AwareDatetime | None
    dependencies: list[OperationDependency]
    state: State
    outcome: Outcome
    termination_reason: Reason
    retry_count: int
    start_time: AwareDatetime | None
    finish_time: AwareDatetime | None
    created_at: AwareDatetime

    @classmethod
    def of(cls, resource_id: str, operation: model.Operation) -> "Operation":
        return cls(**shown(resource_id, operation))


class Status(BaseModel):
    operation: Operation
    is_current_operation: bool

    @classmethod
    def of(cls, resource_id: str, operation: model.Operation) -> "Status":
        return cls(
            operation=Operation.of(resource_id, operation),
            is_current_operation=operation.phase in model.ACTIVE,
        )


class PendingRequest(BaseModel):
    """Somebody is asked for leave."""

    request_id: str
    kind: Ask
    operation_id: Uuid
    asked_at: AwareDatetime
    answer_by: AwareDatetime

    @classmethod
    def of(cls, operation: model.Operation, request: model.Request) -> "PendingRequest":
        return cls(
            request_id=f"{operation.id}.{request.number}",
            kind=request.ask,
            operation_id=operation.id,
            asked_at=request.asked_at,
            answer_by=request.answer_by,
        )


class Asked(BaseModel):
    """It is not done yet: somebody is asked for leave first."""

    request: PendingRequest


class Progress(BaseModel):
    at: AwareDatetime
    fraction: float
    note: str


class Block(BaseModel):
    """One thing that keeps an operation from starting."""

    cause: Cause
    line: str
    until: AwareDatetime | None = Field(
        description="When it is over by itself. null: somebody must do something."
    )
    operation_id: Uuid | None = Field(description="The other operation that it is about.")


class Detail(Status):
    """All there is to know of an operation."""

    phase: Phase
    phase_since: AwareDatetime | None
    revision: int
    held: bool
    attempt: int
    denials: int
    not_before: AwareDatetime | None = Field(description="It rests until then.")
    heard_at: AwareDatetime | None
    progress: Progress | None
    request: PendingRequest | None
    blocked_by: list[Block]
    error: str
    error_code: str
    result: Any
    overdue: bool
    overrun: bool

    @classmethod
    def seen(
        cls, resource_id: str, resource: Resource, operation: model.Operation, now: datetime
    ) -> "Detail":
        ending, progress, request = operation.ending, operation.progress, operation.request
        return cls(
            **dict(Status.of(resource_id, operation)),
            phase=operation.phase,
            phase_since=operation.phase_since,
            revision=operation.revision,
            held=operation.held,
            attempt=operation.attempt,
            denials=operation.denials,
            not_before=operation.not_before,
            heard_at=operation.heard_at,
            progress=Progress(at=progress.at, fraction=progress.fraction, note=progress.note)
            if progress
            else None,
            request=PendingRequest.of(operation, request) if request else None,
            blocked_by=[
                Block(cause=b.cause, line=b.line, until=b.until, operation_id=b.operation_id)
                for b in blocked_by(resource, operation, now)
            ],
            error=ending.error if ending else operation.failure,
            error_code=ending.error_code if ending else "",
            result=ending.result if ending else None,
            overdue=operation.overdue,
            overrun=operation.overrun,
        )


class DispatcherState(BaseModel):
    resource_id: str
    is_running: bool
    is_paused: bool
    queue_size: int = Field(description="Without the operation that goes on.")
    current_operation: Operation | None
    running_since: AwareDatetime | None
    uptime_seconds: float | None
    runtime_thread_alive: bool
    runtime_last_error: str | None = Field(description="Why it is paused, if somebody said so.")

    @classmethod
    def of(cls, resource_id: str, resource: Resource, now: datetime) -> "DispatcherState":
        header, active = resource.header, resource.active
        since = header.running_since
        return cls(
            resource_id=resource_id,
            is_running=since is not None,
            is_paused=header.paused,
            queue_size=resource.queued,
            current_operation=Operation.of(resource_id, resource.operations[active])
            if active
            else None,
            running_since=since,
            uptime_seconds=max((now - since).total_seconds(), 0.0) if since else None,
            runtime_thread_alive=since is not None,
            runtime_last_error=header.why or None,
        )


class Steered(BaseModel):
    message: str
    state: DispatcherState


class JobState(BaseModel):
    job_id: str
    held: bool
    operations: dict[State, int] = Field(description="How many of its operations are in a state.")


class JobCancelled(JobState):
    requests: list[PendingRequest] = Field(description="Those that must be answered first.")


class ResourceState(BaseModel):
    resource_id: str
    is_running: bool
    is_paused: bool
    queue_size: int
    current_operation_id: Uuid | None

    @classmethod
    def of(cls, resource_id: str, resource: Resource) -> "ResourceState":
        return cls(
            resource_id=resource_id,
            is_running=resource.header.running_since is not None,
            is_paused=resource.header.paused,
            queue_size=resource.queued,
            current_operation_id=resource.active,
        )


def shown(resource_id: str, operation: model.Operation) -> dict[str, Any]:
    """As `Operation` describes it: in a long list it is never made one, which takes too long."""
    work, ending = operation.work, operation.ending
    ended = ending is not None and ending.phase is operation.phase
    return {
        "id": operation.id,
        "job_id": work.job_id,
        "payload": work.payload,
        "resource_id": resource_id,
        "priority": work.priority,
        "release_date": work.release_date,
        "planned_duration": milliseconds(work.planned_duration),
        "due_date": work.due_date,
        "dependencies": [_shown(operation, one) for one in work.dependencies],
        "state": operation.state,
        "outcome": operation.outcome,
        "termination_reason": ending.reason if ending and ended else Reason.NONE,
        "retry_count": operation.retries,
        "start_time": operation.start_time,
        "finish_time": operation.finish_time,
        "created_at": work.created_at,
    }


def _shown(operation: model.Operation, dependency: model.Dependency) -> dict[str, Any]:
    name = f"{operation.id}/{dependency.on}/{dependency.type}"
    return {
        "id": str(uuid5(NAMESPACE_URL, name)),
        "depends_on_operation_id": dependency.on,
        "dependency_type": dependency.type,
        "on_failure": dependency.on_failure,
        "created_at": operation.work.created_at,
    }


def milliseconds(duration: timedelta | None) -> int | None:
    return None if duration is None else duration // timedelta(milliseconds=1)
