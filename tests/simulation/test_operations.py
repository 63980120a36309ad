"""Shifts of robots in milliseconds: crashes, wrong clocks, slow, lying and dying executors."""

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta

import pytest

from pointsman.journal.memory import MemoryJournal
from pointsman.operations import OPERATIONS
from pointsman.operations.facts import Added, Completed, Requested, Started
from pointsman.operations.intents import Add, Answer, Complete, Configure, New, StartResource
from pointsman.operations.model import Ask, Work
from pointsman.operations.policy import Policy
from pointsman.runtime import shard, timers
from pointsman.runtime.codec import Happened
from tests.seeds import LONG, SEEDS
from tests.simulation.inquest import Inquest
from tests.simulation.shift import HOUR, ROBOTS, Shift
from tests.simulation.steps import play_bounded
from tests.simulation.world import EPOCH, FaultyJournal, World

FEW = SEEDS if LONG else SEEDS[:4]
LOOKS_SECONDS = 600.0
TURNS_AN_HOUR = 60_000
"""Of the event loop, at most."""


@pytest.fixture(autouse=True)
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a shift there are too many minutes to look at the clock, or at the owner, in each."""
    monkeypatch.setattr(timers, "LONGEST_SLEEP_SECONDS", LOOKS_SECONDS)
    monkeypatch.setattr(shard, "STILL_OWNER_SECONDS", LOOKS_SECONDS)


@dataclass(frozen=True)
class Hours:
    """How long a shift is, how much is to be done, and how much goes wrong."""

    hours: float
    operations: int
    trouble: float


async def set_the_clock(world: World) -> None:
    """Forward and back, by minutes."""
    while True:
        await asyncio.sleep(world.dice.uniform(0, 2 * HOUR))
        world.clock.step(timedelta(seconds=world.dice.uniform(-300, 300)))


def work(seed: int, hours: Hours) -> tuple[Inquest, list[Happened], int]:
    """What is found of a shift, all that happened, and how often an engine was fenced."""

    async def story() -> tuple[Inquest, list[Happened], int]:
        dice = random.Random(seed)
        journal = FaultyJournal(dice, lost=hours.trouble / 3, shards=2)
        world = World([OPERATIONS], journal, dice)
        shift = Shift(world, hours.trouble)
        async with asyncio.timeout(20 * hours.hours * HOUR), asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(world.listen(shift.react))
            if hours.trouble:
                stories = [world.keep_an_engine(), world.keep_a_rival(), set_the_clock(world)]
            else:
                stories = [world.run(world.engine)]
            helpers = [tasks.create_task(one) for one in stories]
            await shift.open()
            looking = tasks.create_task(shift.look_after())
            await shift.write(hours.operations, hours.hours)
            looking.cancel()
            shift.trouble = shift.trouble / 4
            await finish(shift)
            for helper in (listening, *helpers):
                helper.cancel()
        happened = journal.happened([OPERATIONS])
        asks = {robot: policy.ask for robot, policy in ROBOTS.items()}
        return Inquest(happened, shift.added, shift.approved, asks), happened, world.fenced

    return play_bounded(story, int(TURNS_AN_HOUR * hours.hours * 20))


async def finish(shift: Shift) -> None:
    """Nobody adds anything any more, and whoever stands still is helped on."""
    for _ in range(15):
        for robot in ROBOTS:
            await shift.tidy(robot, 1)
        await asyncio.sleep(600)


@pytest.mark.parametrize("seed", FEW)
def test_whatever_goes_wrong_nothing_starts_unasked_and_nothing_is_lost(seed: int) -> None:
    inquest, _, fenced = work(seed, Hours(2, 30, 0.15))
    assert not inquest.findings, "\n".join(inquest.findings[:5])
    told = inquest.tally
    assert told["Completed"] > 10
    assert min(told[what] for what in ("Denied", "Failed", "Requeued", "Heard")) > 0
    assert fenced > 3, "the rivals did meet"


def test_a_calm_shift_ends_all_that_it_began() -> None:
    inquest, _, _ = work(1, Hours(2, 30, 0))
    assert not inquest.findings, "\n".join(inquest.findings[:5])


def test_a_seed_replays_exactly() -> None:
    assert work(7, Hours(1, 10, 0.15))[1] == work(7, Hours(1, 10, 0.15))[1]


def test_calm_requests_are_punctual() -> None:
    """Crashes would hide a missed wake-up, since a new engine looks at everything afresh."""

    async def story() -> list[Happened]:
        dice, patient = random.Random(1), Policy(answer_within=timedelta(days=1))
        journal = MemoryJournal(shards=2)
        world = World([OPERATIONS], journal, dice)

        async def ask(robot: str, *intents: Configure | StartResource | Add) -> None:
            for intent in intents:
                await world.engine.submit(OPERATIONS, robot, intent)

        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(world.run(world.engine))
            for n in range(50):
                when = EPOCH + timedelta(seconds=dice.uniform(10, 9_000))
                job = Add((New("lift", Work({}, EPOCH, release_date=when)),))
                await ask(f"depot/robot-{n}", Configure(patient), StartResource(), job)
            await asyncio.sleep(10_000)
            running.cancel()
        return FaultyJournal.happened(journal, [OPERATIONS])  # type: ignore[arg-type]

    happened = play_bounded(story, 100_000)
    added = {name: fact.operation for name, fact, _ in happened if isinstance(fact, Added)}
    first = {name: at for name, fact, at in reversed(happened) if isinstance(fact, Requested)}
    assert len(first) == 50
    for name, at in first.items():
        release = added[name].work.release_date
        assert release is not None
        assert timedelta(0) <= at - release < timedelta(milliseconds=1)


def test_the_next_is_asked_for_as_soon_as_the_one_before_is_done() -> None:
    async def story() -> list[Happened]:
        journal = MemoryJournal(shards=2)
        world = World([OPERATIONS], journal, random.Random(1))
        submit, robot = world.engine.submit, "depot/robot"

        async def react(_: str, fact: object) -> None:
            match fact:
                case Requested(operation) if operation.asks is Ask.START:
                    await asyncio.sleep(1)
                    await submit(OPERATIONS, robot, Answer(operation.id, 1, accepted=True))
                case Started(operation):
                    await asyncio.sleep(1)
                    await submit(OPERATIONS, robot, Complete(operation.id))

        async with asyncio.TaskGroup() as tasks:
            helpers = [tasks.create_task(world.run(world.engine))]
            helpers.append(tasks.create_task(world.listen(react)))
            await submit(OPERATIONS, robot, StartResource())
            jobs = tuple(New(f"lift-{n}", Work({}, EPOCH)) for n in range(100))
            await submit(OPERATIONS, robot, Add(jobs))
            await asyncio.sleep(300)
            for helper in helpers:
                helper.cancel()
        return FaultyJournal.happened(journal, [OPERATIONS])  # type: ignore[arg-type]

    done = [at for _, fact, at in play_bounded(story, 100_000) if isinstance(fact, Completed)]
    assert len(done) == 100
    assert done[-1] - EPOCH < timedelta(seconds=201)
