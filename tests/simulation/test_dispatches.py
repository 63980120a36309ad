"""A year of dispatches in seconds: crashes, gaps, wrong clocks, slow and dying receivers."""

import asyncio
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

import pytest

from pointsman.dispatches import FOLLOWER
from pointsman.runtime import shard, timers
from tests.seeds import LONG, SEEDS
from tests.simulation.authors import Author
from tests.simulation.chronicle import Chronicle, Watched
from tests.simulation.feeding import (
    IDS_APART,
    Feed,
    Receiver,
    Server,
    keep_an_engine,
    set_the_clock,
)
from tests.simulation.steps import play_bounded
from tests.simulation.story import Story
from tests.simulation.verdict import LOOKS, Judge
from tests.simulation.world import World

TURNS_A_DAY = 100_000
"""Of the event loop, at most."""


@pytest.fixture(autouse=True)
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a year there are too many minutes to look at the clock, or at the owner, in each."""
    monkeypatch.setattr(timers, "LONGEST_SLEEP_SECONDS", LOOKS.total_seconds())
    monkeypatch.setattr(shard, "STILL_OWNER_SECONDS", LOOKS.total_seconds())


@dataclass(frozen=True)
class Season:
    dispatches: int
    days: float
    hazard_seconds: float | None = 40_000
    """Between two troubles of one sort, about. None: nothing goes wrong."""


YEAR = Season(1_000, 365)
SHORT_YEAR = Season(250, 40, 20_000)


def simulate(seed: int, season: Season) -> Story:
    hazard = season.hazard_seconds

    async def story() -> Story:
        dice = random.Random(seed)
        journal = Watched(dice, lost=0.01 if hazard else 0)
        world, server, chronicle = World([FOLLOWER], journal, dice), Server(), Chronicle()
        receiver = Receiver(world, journal, hazard)
        author = Author(server, dice, season.days)
        stories = [
            Feed(world, server, chronicle, hazard).run(),
            receiver.run(),
            keep_an_engine(world, chronicle, hazard),
            *(author.write(IDS_APART * n) for n in range(1, season.dispatches + 1)),
        ]
        if hazard:
            stories.append(set_the_clock(world, server, chronicle, hazard * 4))
            stories.append(server.restart(dice, hazard * 4))
        with suppress(TimeoutError):
            async with asyncio.timeout(season.days * 86_400), asyncio.TaskGroup() as tasks:
                for one in stories:
                    tasks.create_task(one)
        return Story(
            server.versions,
            server.deleted,
            chronicle,
            journal.facts,
            receiver.heard,
            server.clock.now(),
            timedelta(seconds=15 if hazard else 3),
        )

    return play_bounded(story, int(TURNS_A_DAY * season.days))


def judged(seed: int, season: Season) -> Counter[str]:
    judge = Judge(simulate(seed, season))
    findings = list(islice(judge.findings(), 5))
    assert not findings, "\n".join(findings)
    return judge.tally


@pytest.mark.parametrize("seed", SEEDS)
def test_each_run_is_told_once_or_there_is_an_excuse(seed: int) -> None:
    tally = judged(seed, Season(60, 3, 10_000))
    assert tally["told"]


def test_a_year_of_dispatches() -> None:
    tally = judged(1, YEAR if LONG else SHORT_YEAR)
    assert tally["told"] > 0.8 * tally["due"], "most come in time though much goes wrong"
    assert min(tally[why] for why in ("missed", "unknown when due", "in time")) > 0


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_calm_runs_are_told_within_seconds(seed: int) -> None:
    tally = judged(seed, Season(100, 10, None))
    assert tally["told"] == tally["due"] > 100


def test_a_seed_replays_exactly() -> None:
    first, second = (simulate(7, Season(20, 1, 10_000)) for _ in range(2))
    assert first.facts == second.facts
    assert first.facts


@pytest.mark.parametrize(
    ("rest_seconds", "found"),
    [(0, "after 3600 virtual seconds: 20001 turns at one instant"), (60, "101 in all")],
)
def test_a_story_that_hangs_ends_with_a_sentence(rest_seconds: float, found: str) -> None:
    async def story() -> None:
        await asyncio.sleep(3_600)
        while True:  # noqa: ASYNC110  Nothing will ever happen.
            await asyncio.sleep(rest_seconds)

    with pytest.raises(AssertionError, match=found):
        play_bounded(story, 100 if rest_seconds else 100_000)
