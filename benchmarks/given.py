"""What several benchmarks begin with: a site's assets, its commands, and its plan."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pointsman.journal import Cursor, Journal
from pointsman.runtime.follow import follow
from pointsman.schedules import SCHEDULES
from pointsman.schedules.model import (
    Channel,
    Command,
    CommandType,
    Mark,
    Plan,
    Timeline,
)

SITE: Final = "depot"
LATER: Final = datetime(2100, 1, 1, tzinfo=UTC)


def asset_ids(count: int) -> list[str]:
    return [f"ast_charger_{number:04}" for number in range(count)]


def commands(count: int, assets: int, first: int = 0) -> Iterator[Command]:
    """Commands made by hand, for each asset one after the other, far in the future."""
    ids = asset_ids(assets)
    for number in range(first, first + count):
        at = LATER + timedelta(seconds=number)
        yield Command(
            id=f"cmd_{number:012x}",
            asset_id=ids[number % assets],
            type=CommandType.SET_CHARGE_RATE,
            scheduled_at=at,
            expires_at=at + timedelta(minutes=15),
            power_kw=7.4,
        )


def even_plan(
    start: datetime, assets: int, seconds: int, *, plan_id: str = "even", at_once: bool = False
) -> tuple[Plan, list[Timeline]]:
    """A plan that says something new to each asset once a second, evenly spread or all at once."""
    ids = asset_ids(assets)
    step_seconds = 1.0 / assets
    slots = assets * (seconds + 1)
    offsets = tuple(round(slot * step_seconds, 6) for slot in range(slots + 1))
    plan = Plan(plan_id, start, offsets, tuple(ids), start)
    timelines = []
    for number, id in enumerate(ids):
        own = tuple(assets * second + (0 if at_once else number) for second in range(seconds))
        values = (*(4.0 + second % 2 for second in range(seconds)), 0.0)
        marks = {seconds: Mark.RELEASE}
        timelines.append(Timeline(plan_id, id, Channel.POWER, (*own, slots), values, marks))
    return plan, timelines


async def facts_of(journal: Journal, cursor: Cursor) -> AsyncIterator[Any]:
    """What a driver follows."""
    async for _, happened in follow(journal, [SCHEDULES], cursor):
        yield happened.fact
