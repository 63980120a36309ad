"""What the tests of the coordinator stand on: small tables, adapters that keep what they get."""

# ruff: noqa: ANN401  Columns, options and answers are of any kind.

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pointsman.coordinator import Command, CommandType, DispatchEngine, Event, EventBus, EventType

DAY = datetime(2025, 1, 15, tzinfo=UTC)
BAY = "ast_bay_1"
MAP = {"ev_001": BAY}


def at(hour: int, minute: int = 0, second: float = 0) -> datetime:
    return DAY + timedelta(hours=hour, minutes=minute, seconds=second)


def table(
    values: Sequence[float | None] = (22.0, 22.0, 22.0, 0.0),
    start: int = 8,
    **columns: Sequence[float | None],
) -> dict[str, Any]:
    """An hour a row. Without further columns, of one vehicle."""
    columns = columns or {"ev_ev_001_kw": values}
    rows = max(len(column) for column in columns.values())
    return {"timestamp": [at(start + n) for n in range(rows)], **columns}


def by_hand(asset_id: str = BAY, power_kw: float = 5.0, **also: Any) -> Command:
    return Command(
        asset_id=asset_id,
        command_type=also.pop("command_type", CommandType.SET_CHARGE_RATE),
        parameters=also.pop("parameters", {"power_kw": power_kw}),
        scheduled_at=also.pop("scheduled_at", at(8)),
        **also,
    )


@dataclass
class Charger:
    """An adapter that answers what it is told to."""

    answer: Any = True
    sent: list[Command] = field(default_factory=list)
    before: Callable[[Command], object] = lambda _: None

    def send(self, command: Command) -> Any:
        self.sent.append(command)
        self.before(command)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class Heard:
    """All events of an engine, in order."""

    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def types(self) -> list[EventType]:
        return [event.event_type for event in self.events]

    def of(self, event_type: EventType) -> list[Event]:
        return [event for event in self.events if event.event_type is event_type]


def engine_with_ears(**also: Any) -> tuple[DispatchEngine, Heard]:
    bus, heard = EventBus(), Heard()
    bus.subscribe(None, heard)
    return DispatchEngine(event_bus=bus, **also), heard


def in_force(
    values: Sequence[float | None] = (22.0, 22.0, 22.0, 0.0), **also: Any
) -> tuple[DispatchEngine, Heard, Sequence[Command]]:
    engine, heard = engine_with_ears(**also)
    return engine, heard, engine.schedule_to_commands(table(values), asset_map=MAP)


async def until(done: Callable[[], bool]) -> None:
    """Return as soon as something is so."""
    async with asyncio.timeout(5):
        while not done():  # noqa: ASYNC110  Nobody would set an event for all that is waited for.
            await asyncio.sleep(0.001)
