"""What the door says of what has happened: events, and the history that they make."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from fastapi import Response
from pydantic import AwareDatetime, BaseModel, Field

from pointsman.api.operation_events import Event
from pointsman.api.rest.answers import Operation, milliseconds
from pointsman.api.rest.fields import Uuid
from pointsman.operations import model
from pointsman.operations.events import Change, EventType


class ChangeRecord(BaseModel):
    field: str
    old_value: Any
    new_value: Any


class DispatchEvent(BaseModel):
    """Something that happened."""

    id: Uuid
    resource_id: str
    operation_id: Uuid | None
    event_type: EventType
    changes: list[ChangeRecord]
    meta_data: dict[str, Any]
    created_at: AwareDatetime
    seq: int = Field(description="Greater than that of any event before.")
    by: str = Field(description="Who did it. Empty: the dispatcher itself.")


class Window(BaseModel):
    start: AwareDatetime | None
    end: AwareDatetime | None


class History(BaseModel):
    resource_id: str
    window: Window
    events: list[DispatchEvent]
    operations: list[Operation] | None = Field(description="null unless they were asked for.")
    created_at: AwareDatetime


def said(event: Event) -> dict[str, Any]:
    """As `DispatchEvent` describes it. It is never made one: a thousand of those take too long.

    What is as JSON says it anyway, is left as it is.
    """
    authors_own = event.type is EventType.OPERATION_UPDATED
    return {
        "id": event.id,
        "resource_id": event.resource_id,
        "operation_id": event.operation_id,
        "event_type": event.type,
        "changes": [_shown(one) for one in event.changes] if authors_own else event.changes,
        "meta_data": event.meta,
        "created_at": event.at,
        "seq": event.seq,
        "by": event.by,
    }


def answered(body: object) -> Response:
    """What can be said as JSON at once, by a route that describes it with its model."""
    return Response(msgspec.json.encode(body), media_type="application/json")


def _shown(value: object) -> Any:  # noqa: ANN401  Any JSON.
    """What an author says of an operation, as it is shown elsewhere."""
    match value:
        case Change(field, old_value, new_value):
            return {
                "field": field,
                "old_value": _shown(old_value),
                "new_value": _shown(new_value),
            }
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
