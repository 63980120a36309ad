"""What a dispatcher tells: events, what changed with them, and what callbacks decide on them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID, uuid4

from pointsman.library.operation_dispatcher.coercing import (
    choice,
    instant,
    mapping,
    text,
    unique,
)
from pointsman.library.operation_dispatcher.model import Model
from pointsman.library.operation_dispatcher.operation import OperationId, execution_id
from pointsman.operations.events import EventType
from pointsman.runtime.clock import SystemClock


@dataclass(kw_only=True, slots=True)
class ChangeRecord(Model):
    """A field of an operation that has another value by now."""

    field: str
    old_value: Any = None
    new_value: Any = None


@dataclass(kw_only=True, slots=True)
class DispatchEvent(Model):
    """Something that happened to an operation, or to its dispatcher."""

    id: UUID = field(default_factory=uuid4)
    """The same for one event, whoever is told of it and whenever."""
    resource_id: str
    operation_id: OperationId | None = None
    event_type: EventType
    changes: list[ChangeRecord] = field(default_factory=list)
    meta_data: dict[str, Any] = field(default_factory=dict)
    """What came with it: from its caller, from who decided, or from the rules."""
    created_at: datetime = field(default_factory=lambda: SystemClock().now())

    def __post_init__(self) -> None:
        self.id = unique("id", self.id)
        self.resource_id = text("resource_id", self.resource_id)
        if self.operation_id is not None:
            self.operation_id = unique("operation_id", self.operation_id)
        self.event_type = choice("event_type", EventType, self.event_type)
        self.changes = [ChangeRecord.model_validate(one) for one in self.changes]
        self.meta_data = mapping("meta_data", self.meta_data)
        self.created_at = instant("created_at", self.created_at)

    @property
    def payload(self) -> dict[str, Any]:
        """Another name of `meta_data`."""
        return self.meta_data

    @property
    def execution_id(self) -> UUID | None:
        """The id of its operation's `OperationExecution`."""
        return None if self.operation_id is None else execution_id(self.operation_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestDecision(Model):
    """What a request callback decided."""

    accepted: bool
    reasoning: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


RequestCallback: TypeAlias = (
    Callable[[DispatchEvent], object] | Callable[[DispatchEvent], Awaitable[object]]
)
"""Returns True, False, a `RequestDecision` or something like one; None as `none_means` says."""
NotificationCallback: TypeAlias = (
    Callable[[DispatchEvent], object] | Callable[[DispatchEvent], Awaitable[object]]
)
