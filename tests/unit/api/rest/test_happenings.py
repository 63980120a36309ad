"""What is said of events is what their description says."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from pointsman.api.operation_events import Event
from pointsman.api.rest.happenings import DispatchEvent, said
from pointsman.operations.events import Change, EventType
from pointsman.operations.model import Dependency, State

NOON = datetime(2026, 1, 1, 12, microsecond=5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (State.QUEUED, State.RUNNING),
        (None, NOON),
        (timedelta(seconds=1.5), timedelta(minutes=1)),
        ((), (Dependency("lift"),)),
        ({"kg": 5}, {"kg": [1, None, "ü"]}),
    ],
)
def test_an_event_is_said_as_it_is_described(old: object, new: object) -> None:
    change = Change("field", old, new)
    about = (EventType.OPERATION_UPDATED, NOON, (change,), "ann", {"why": "so"}, None)
    event = Event(7, UUID(int=1), "robot-1", "lift", *about)
    line = msgspec.json.encode(said(event))
    described = DispatchEvent.model_validate_json(line, extra="forbid", strict=True)
    assert msgspec.json.decode(described.model_dump_json()) == msgspec.json.decode(line)
    assert described.created_at == NOON
