"""What the door says of what has happened: events, and the history that they make."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field

from pointsman.api.operation_events import Event
from pointsman.api.rest.answers import Operation, milliseconds
from pointsman.operations import model
from pointsman.operations.events import EventType


class ChangeRecord(BaseModel):
    field: str
    old_value: Any
    new_value: Any


class DispatchEvent(BaseModel):
    """Something that happened."""

    id: str
    resource_id: str
    operation_id: str | None
    event_type: EventType
    changes: list[ChangeRecord]
    meta_data: dict[str, Any]
    created_at: AwareDatetime
    seq: int = Field(description="Greater than that of any event before.")
    by: str = Field(description="Who did it. Empty: the dispatcher itself.")

    @classmethod
    def of(cls, event: Event) -> "DispatchEvent":
        return cls(
            id=str(event.id),
            resource_id=event.resource_id,
            operation_id=event.operation_id,
            event_type=event.type,
            changes=[
                ChangeRecord(
                    field=change.field,
                    old_value=_shown(change.old_value),
                    new_value=_shown(change.new_value),
                )
                for change in event.changes
            ],
            meta_data=dict(event.meta),
            created_at=event.at,
            seq=event.seq,
            by=event.by,
        )


class Window(BaseModel):
    start: AwareDatetime | None
    end: AwareDatetime | None


class History(BaseModel):
    resource_id: str
    window: Window
    events: list[DispatchEvent]
    operations: list[Operation] | None = Field(description="null unless they were asked for.")
    created_at: AwareDatetime


def _shown(value: object) -> Any:  # noqa: ANN401  Any JSON.
    """The value of a field, as it is shown elsewhere."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case timedelta():
            return milliseconds(value)
        case model.Dependency(on, type, on_failure):
            return {
                "depends_on_operation_id": on,
                "dependency_type": type,
                "on_failure": on_failure,
            }
        case tuple() | list():
            return [_shown(one) for one in value]
        case _:
            return value
