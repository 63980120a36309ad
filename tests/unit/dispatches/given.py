"""A small dispatch to tell stories with: half past ten is `at(10, 30)`, all on one day."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pointsman.core.values import replace
from pointsman.dispatches.components import Category, ComponentKind, Target
from pointsman.dispatches.intents import Create
from pointsman.dispatches.model import DispatchData

DAY = datetime(2026, 1, 1, tzinfo=UTC)
MICROGRID = 7
BATTERIES = Target(kinds=(ComponentKind(Category.BATTERY),))


def at(hour: int, minute: int = 0, second: float = 0) -> datetime:
    return DAY + timedelta(hours=hour, minutes=minute, seconds=second)


def data(**also: Any) -> DispatchData:  # noqa: ANN401  Any field.
    given = DispatchData("charge", at(8), BATTERIES, duration_seconds=900)
    return replace(given, **also)


def create(dispatch_id: int = 64, *, start_now: bool = False, **also: Any) -> Create:  # noqa: ANN401
    return Create(dispatch_id, MICROGRID, data(**also), start_now=start_now)
