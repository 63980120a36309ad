"""Days that histories tell of."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pointsman.operation_dispatcher import DispatchEvent, EventType, History
from tests.unit.library.operation_dispatcher.given import ROBOT, op

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def event(seconds: float, name: str, id: UUID | None = None, **meta: Any) -> DispatchEvent:  # noqa: ANN401
    why, was = meta.pop("why"), meta.pop("was", None)
    changes = [{"field": "termination_reason", "old_value": "NONE", "new_value": why}] * bool(why)
    changes += [{"field": "state", "old_value": was, "new_value": "…"}] * bool(was)
    return DispatchEvent(
        resource_id=ROBOT,
        operation_id=id,
        event_type=EventType[f"OPERATION_{name}"],
        changes=changes,  # type: ignore[arg-type]
        meta_data=meta,
        created_at=at(seconds),
    )


def day(*events: tuple[Any, ...], **also: Any) -> History:  # noqa: ANN401
    told = [event(*one[:3], **({"why": None} | (one[3] if len(one) > 3 else {}))) for one in events]
    return History(resource_id=ROBOT, events=told, **also)


DAY = day(
    (0, "DISPATCHER_STARTED"),
    (0, "ADDED", A),
    (1, "ADDED", B),
    (2, "ADDED", C),
    (10, "STARTED", A),
    (20, "PAUSED", A),
    (30, "RESUMED", A),
    (40, "COMPLETED", A),
    (41, "START_DENIED", B, {"reasoning": "busy"}),
    (42, "START_DENIED", B, {"reasoning": "no_answer"}),
    (45, "STARTED", B),
    (50, "FAILED", B, {"why": "EXTERNAL_ERROR", "error": "jammed"}),
    (60, "DISPATCHER_PAUSED"),
    (80, "DISPATCHER_RESUMED"),
    (90, "CANCEL_DENIED", C),
    (95, "CANCELLED", C, {"why": "USER_REQUEST"}),
    (100, "DISPATCHER_STOPPED"),
    operations=[
        op(id=A, planned_duration=10_000, due_date=at(35), created_at=NOON),
        op(id=B, release_date=at(40), due_date=at(60), created_at=at(1)),
    ],
)
