"""What is said of events is what their description says."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import msgspec
import pytest

from pointsman.api.operation_events import Event
from pointsman.api.rest.happenings import DispatchEvent, said
from pointsman.operations.events import Change, EventType
from pointsman.operations.model import Dependency, State

NOON = datetime(2026, 1, 1, 12, microsecond=5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("type", "old", "new"),
    [
        (EventType.OPERATION_STARTED, State.QUEUED, State.RUNNING),
        (EventType.OPERATION_STARTED, None, NOON),
        (EventType.OPERATION_HELD, False, True),
        (EventType.OPERATION_UPDATED, None, NOON.astimezone(timezone(timedelta(hours=2)))),
        (EventType.OPERATION_UPDATED, timedelta(seconds=1.5), timedelta(minutes=1)),
        (EventType.OPERATION_UPDATED, (), (Dependency("lift"),)),
        (EventType.OPERATION_UPDATED, {"kg": 5}, {"kg": [1, None, "ü"]}),
    ],
)
def test_an_event_is_said_as_it_is_described(type: EventType, old: object, new: object) -> None:
    change = Change("field", old, new)
    event = Event(
        7, UUID(int=1), "robot-1", "lift", type, NOON, (change,), "ann", {"why": "so"}, None
    )
    line = msgspec.json.encode(said(event))
    described = DispatchEvent.model_validate_json(line, extra="forbid", strict=True)
    assert msgspec.json.decode(described.model_dump_json()) == msgspec.json.decode(line)
    assert described.created_at == NOON
