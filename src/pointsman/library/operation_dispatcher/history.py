"""The past and the present of a dispatcher, as it answers who asks for them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from pointsman.library.operation_dispatcher.coercing import instant, text
from pointsman.library.operation_dispatcher.events import DispatchEvent
from pointsman.library.operation_dispatcher.model import Model
from pointsman.library.operation_dispatcher.operation import Operation, OperationId
from pointsman.operations.events import EventType
from pointsman.runtime.clock import SystemClock


@dataclass(kw_only=True, slots=True)
class TimeWindow(Model):
    """From its start to its end, with both. None: without a bound."""

    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        self.start = None if self.start is None else instant("start", self.start)
        self.end = None if self.end is None else instant("end", self.end)
        if self.start and self.end and self.end < self.start:
            raise ValueError("end time must be after start time")


@dataclass(kw_only=True, slots=True)
class History(Model):
    """What happened on a resource in a window of time, oldest first."""

    resource_id: str
    window: TimeWindow = field(default_factory=TimeWindow)
    events: list[DispatchEvent] = field(default_factory=list)
    operations: list[Operation] | None = None
    """Those that the events are about, as they are now. None: nobody asked for them."""
    created_at: datetime = field(default_factory=lambda: SystemClock().now())

    def __post_init__(self) -> None:
        self.resource_id = text("resource_id", self.resource_id)
        self.window = TimeWindow.model_validate(self.window)
        self.events = [DispatchEvent.model_validate(one) for one in self.events]
        self.created_at = instant("created_at", self.created_at)
        if self.operations is not None:
            self.operations = [Operation.model_validate(one) for one in self.operations]
            self._check(self.operations)

    def _check(self, operations: list[Operation]) -> None:
        ids = [operation.id for operation in operations]
        if len(set(ids)) < len(ids):
            raise ValueError("operations must not contain duplicates")
        if unknown := set(ids) - set(self.get_operation_ids()):
            shown = ", ".join(sorted(map(str, unknown))[:3])
            raise ValueError(f"operations must be referenced by an event; these are not: {shown}")

    def get_start(self) -> datetime | None:
        """The window's, else the first event's."""
        return self.window.start or min(self._instants(), default=None)

    def get_end(self) -> datetime | None:
        """The window's, else the last event's."""
        return self.window.end or max(self._instants(), default=None)

    def get_duration_seconds(self) -> float | None:
        start, end = self.get_start(), self.get_end()
        return None if start is None or end is None else (end - start).total_seconds()

    def get_operation_ids(self) -> list[OperationId]:
        """Each once, in the order in which events first tell of them."""
        ids = (event.operation_id for event in self.events)
        return list(dict.fromkeys(id for id in ids if id is not None))

    def get_completed_operations(self) -> list[OperationId]:
        """Those that an event says were completed."""
        done = (e for e in self.events if e.event_type is EventType.OPERATION_COMPLETED)
        return list(dict.fromkeys(e.operation_id for e in done if e.operation_id is not None))

    def _instants(self) -> Iterator[datetime]:
        return (event.created_at for event in self.events)


@dataclass(kw_only=True, slots=True)
class OperationDispatcherState(Model):
    """What a dispatcher is about at one moment."""

    resource_id: str
    is_running: bool = False
    is_paused: bool = False
    queue_size: int = 0
    """How many wait for their turn, without the one that goes on."""
    current_operation: Operation | None = None
    running_since: datetime | None = None
    uptime_seconds: float | None = None
    """Only while it runs."""
    runtime_last_error: str | None = None
    """What ended it, if anything did."""
