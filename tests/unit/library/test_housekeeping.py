"""A run forgets what is over, once a day by its own clock."""

import asyncio
from datetime import UTC, datetime, timedelta

from pointsman.library.housekeeping import KEEP, stay_tidy, tidy
from pointsman.runtime.clock import LoopClock
from pointsman.schedules.intents import Tidy
from tests.simulation.world import play

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class Site:
    """Has something to forget, two parts of it at each time."""

    def __init__(self) -> None:
        self.asked: list[datetime] = []

    async def submit(self, intent: Tidy) -> list[str]:
        self.asked.append(intent.before)
        return ["something"] if len(self.asked) % 3 else []


def test_it_goes_on_until_nothing_is_over() -> None:
    async def story() -> list[datetime]:
        site = Site()
        await tidy(site.submit, LoopClock(EPOCH))
        return site.asked

    assert play(story) == [EPOCH - KEEP] * 3


def test_it_is_done_once_a_day() -> None:
    async def story() -> list[datetime]:
        site = Site()
        async with asyncio.TaskGroup() as tasks:
            tidying = tasks.create_task(stay_tidy(site.submit, LoopClock(EPOCH)))
            await asyncio.sleep(timedelta(days=3, hours=12).total_seconds())
            tidying.cancel()
        return site.asked

    days = [EPOCH - KEEP + timedelta(days=n) for n in (1, 2, 3)]
    asked = play(story)
    assert [asked[n] for n in (0, 3, 6)] == [asked[n] for n in (2, 5, 8)]
    assert len(asked) == 3 * len(days)
    for at, day in zip(asked[::3], days, strict=True):
        assert day <= at < day + timedelta(minutes=2)
