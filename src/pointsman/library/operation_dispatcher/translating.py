"""Between the values of the rules and what programs hold."""

from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from hashlib import sha1
from typing import Any, Final
from uuid import UUID, uuid5

from pointsman.library.operation_dispatcher.events import ChangeRecord, DispatchEvent
from pointsman.library.operation_dispatcher.operation import (
    Operation,
    OperationDependency,
    OperationId,
)
from pointsman.operations import facts, model
from pointsman.operations.events import EventType, changes_of, event_type_of, said_of
from pointsman.operations.model import OVER, Dependency, Reason, Work
from pointsman.runtime.codec import Happened

EVENTS: Final = UUID("0d6a7f66-3f3e-4b6b-a7a4-0d1c7f2a9f11")
"""Ids of events are derived in here."""
DEPENDENCIES: Final = UUID("7b1a4c8e-55f1-4f0a-9a43-6d2f4f5b8a90")
CONTAINERS: Final = (dict, list, tuple)
MILLISECOND: Final = timedelta(milliseconds=1)


def name_of(id: object) -> str:
    """What the rules call an operation, by whatever its caller holds."""
    return str(id.id if isinstance(id, Operation) else id)


@lru_cache(maxsize=10_000)
def id_of(name: str) -> OperationId:
    """What programs call it."""
    try:
        id = UUID(name)
    except ValueError:
        return name
    return id if str(id) == name else name


def work_of(operation: Operation) -> Work:
    """What its author says of it, apart from whatever they do with their object.

    Raises:
        ValueError: If its payload holds itself.
    """
    try:
        payload = _copied(operation.payload)
    except RecursionError:
        raise ValueError("payload is nested deeper than anybody could follow") from None
    return Work(
        payload,
        operation.created_at,
        operation.priority,
        operation.release_date,
        operation.due_date,
        duration_of(operation.planned_duration),
        operation.job_id,
        dependencies_of(operation.dependencies),
    )


def duration_of(milliseconds: int | None) -> timedelta | None:
    """Raises: ValueError: If it is longer than anything."""
    try:
        return None if milliseconds is None else milliseconds * MILLISECOND
    except OverflowError:
        raise ValueError(f"planned_duration is {milliseconds} ms, which is too long") from None


def dependencies_of(given: list[OperationDependency]) -> tuple[Dependency, ...]:
    return tuple(
        Dependency(str(one.depends_on_operation_id), one.dependency_type, one.on_failure)
        for one in given
    )


def operation_of(value: model.Operation, resource_id: str) -> Operation:
    """A snapshot of it."""
    work = value.work
    return Operation(
        id=id_of(value.id),
        job_id=work.job_id,
        payload=_copied(work.payload),
        resource_id=resource_id,
        priority=work.priority,
        release_date=work.release_date,
        planned_duration=_milliseconds(work.planned_duration),
        due_date=work.due_date,
        dependencies=_dependencies(value),
        created_at=work.created_at,
        **_standing(value),
    )


def follow(operation: Operation, value: model.Operation) -> None:
    """Let it say how things stand by now. Its state comes last: who sees that, sees all of it."""
    work = value.work
    operation.job_id = work.job_id
    operation.priority = work.priority
    operation.release_date = work.release_date
    operation.planned_duration = _milliseconds(work.planned_duration)
    operation.due_date = work.due_date
    if operation.payload != work.payload:
        operation.payload = _copied(work.payload)
    if dependencies_of(operation.dependencies) != work.dependencies:
        operation.dependencies = _dependencies(value)
    for name, one in _standing(value).items():
        setattr(operation, name, one)


def is_told(fact: facts.Fact) -> bool:
    """Whether programs hear of it. That a dispatcher was made, who made it knows."""
    return not isinstance(fact, facts.Configured) and event_type_of(fact) is not None


def events_of(happened: Happened, resource_id: str) -> Iterator[DispatchEvent]:
    """What a fact is told as: an event, or none, or two if a dispatcher starts and is paused."""
    fact = happened.fact
    event_type = event_type_of(fact)
    if event_type is None or not is_told(fact):
        return
    yield _event(happened, event_type, resource_id)
    if isinstance(fact, facts.ResourceStarted) and fact.header.paused:
        yield _event(happened, EventType.OPERATION_DISPATCHER_PAUSED, resource_id)


def event_id(happened: Happened, event_type: EventType) -> UUID:
    """The same for one event, whoever tells of it."""
    fact = happened.fact
    revision = fact.operation.revision if isinstance(fact, facts.AboutOperation) else ""
    name = f"{happened.entity}/{fact.thing}:{event_type}:{revision}:{happened.at.isoformat()}"
    digest = sha1(EVENTS.bytes + name.encode(), usedforsecurity=False).digest()
    return UUID(bytes=digest[:16], version=5)  # As uuid5 makes it, in half the time.


def _event(happened: Happened, event_type: EventType, resource_id: str) -> DispatchEvent:
    fact = happened.fact
    operation = fact.operation if isinstance(fact, facts.AboutOperation) else None
    changes = [
        ChangeRecord(
            field=one.field, old_value=_told(one.old_value), new_value=_told(one.new_value)
        )
        for one in changes_of(fact)
    ]
    return DispatchEvent(
        id=event_id(happened, event_type),
        resource_id=resource_id,
        operation_id=id_of(operation.id) if operation else None,
        event_type=event_type,
        changes=changes,
        meta_data=_copied(fact.meta) | dict(_said(fact)),
        created_at=happened.at,
    )


def _said(fact: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  Any fact.
    """What a fact tells besides its changes."""
    if fact.by:
        yield "by", fact.by
    yield from said_of(fact)


def _standing(value: model.Operation) -> dict[str, Any]:
    """What became of it. The state is the last."""
    ending = value.ending if value.phase in OVER else None
    return {
        "outcome": value.outcome,
        "termination_reason": ending.reason if ending else Reason.NONE,
        "retry_count": value.retries,
        "start_time": value.start_time,
        "finish_time": value.finish_time if ending else None,
        "state": value.state,
    }


def _dependencies(value: model.Operation) -> list[OperationDependency]:
    return [
        OperationDependency(
            depends_on_operation_id=id_of(one.on),
            dependency_type=one.type,
            id=uuid5(DEPENDENCIES, f"{value.id}/{one.on}/{one.type}"),
            created_at=value.work.created_at,
            on_failure=one.on_failure,
        )
        for one in value.work.dependencies
    ]


def _milliseconds(duration: timedelta | None) -> int | None:
    return None if duration is None else duration // MILLISECOND


def _told(value: object) -> Any:  # noqa: ANN401  A field of any kind.
    """A value of the rules, by the documented names and units."""
    match value:
        case timedelta():
            return value // MILLISECOND
        case Dependency():
            return {
                "depends_on_operation_id": value.on,
                "dependency_type": value.type.value,
                "on_failure": value.on_failure.value,
            }
        case tuple():
            return [_told(one) for one in value]
        case _:
            return _copied(value)


def _copied(value: Any) -> Any:  # noqa: ANN401  Any JSON.
    """Its own containers, so that nobody changes what others see."""
    if isinstance(value, dict):
        return {
            name: _copied(one) if isinstance(one, CONTAINERS) else one
            for name, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [_copied(one) for one in value]
    return value
