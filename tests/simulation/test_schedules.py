"""Days of a site in seconds: a program that is killed, a slow journal, devices that lie."""

import asyncio
import random
from datetime import timedelta

import pytest

from pointsman.core.entity import fold
from pointsman.schedules import SCHEDULES
from pointsman.schedules.desk import FLYING
from pointsman.schedules.facts import AboutCommand, Dispatched
from pointsman.schedules.intents import Write
from pointsman.schedules.model import CommandStatus, Mark, Plan, Timeline
from pointsman.schedules.plans import carried_out
from pointsman.schedules.rows import ends_at, starts_at
from pointsman.schedules.site import Site
from tests.seeds import SEEDS
from tests.simulation.plant import PLANT, SLOT, Plant, Told
from tests.simulation.world import FaultyJournal, World, play

SLOTS = 16
FAULTS = {
    "drop": 0.1,
    "lose": 0.1,
    "delay": 0.2,
    "delay_seconds": 20.0,
    "refuse": 0.1,
    "revert": 0.05,
    "revert_seconds": 300.0,
    "ignore": 0.05,
}
ENDED = set(CommandStatus) - {CommandStatus.PENDING, *FLYING}


class Day:
    """What is left at its end."""

    def __init__(self, plant: Plant, plan: Plan, timelines: tuple[Timeline, ...]) -> None:
        self.plan, self.timelines = plan, timelines
        self.told = {id: witness.told for id, witness in plant.witnesses.items()}
        self.lives = plant.lives
        assert not any(w.collided for w in plant.witnesses.values()), "one call at a time"
        journal = plant.world.journal
        assert isinstance(journal, FaultyJournal)
        self.happened = journal.happened([SCHEDULES])
        self.site: Site = fold(SCHEDULES.entity, [h.fact for h in self.happened])


def simulate(
    seed: int, *, faults: dict[str, float], kill_seconds: float | None, lost: float = 0.05
) -> Day:
    async def story() -> Day:
        dice = random.Random(seed)
        world = World([SCHEDULES], FaultyJournal(dice, lost=lost), dice)
        plant = Plant(world, 4, faults)
        plan, timelines = plant.plan(SLOTS)
        async with asyncio.timeout(7 * 24 * 3600), asyncio.TaskGroup() as tasks:
            equipment = tasks.create_task(plant.fleet.run())
            lives = plant.live() if kill_seconds is None else plant.live_and_die(kill_seconds)
            program = tasks.create_task(lives)
            await asyncio.sleep(1)
            await plant.put_in_force(plan, timelines)
            await asyncio.sleep(SLOT.total_seconds() * (SLOTS + 4))
            program.cancel()
            calm = tasks.create_task(plant.live())  # The last commands come to their ends.
            await asyncio.sleep(SLOT.total_seconds())
            calm.cancel()
            equipment.cancel()
        return Day(plant, plan, timelines)

    return play(story)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_dies_nothing_is_lost_stale_or_sent_twice_unasked(seed: int) -> None:
    day = simulate(seed, faults=FAULTS, kill_seconds=600)
    assert day.lives > 10
    assert carried_out(day.site, "plan"), "every command came to an end"
    for command in day.site.commands.values():
        assert command.progress.status in ENDED
    for told in day.told.values():
        sends = [t for t in told if t.command]
        assert sends
        for t in sends:
            assert t.command is not None
            assert t.at >= t.command.scheduled_at, "early"
            assert t.command.expires_at is None or t.at < t.command.expires_at, "stale"
        check_no_blind_repetition(told)
    check_every_row_is_accounted_for(day)


def check_no_blind_repetition(told: list[Told]) -> None:
    """Between two tries whose first may have arrived, the device was read."""
    open_tries: dict[str, Told] = {}
    for t in told:
        if t.what == "read":
            open_tries.clear()
        elif t.command is not None:
            before = open_tries.get(t.command.id)
            assert before is None, f"{t.command.id} was sent again unread after {before}"
            if t.ended != "no":
                open_tries[t.command.id] = t


def check_every_row_is_accounted_for(day: Day) -> None:
    """A row without a fact was over before anybody lived who could say it."""
    said = {(c.asset_id, c.row) for c in day.site.commands.values() if c.row >= 0}
    alive = sorted(h.at for h in day.happened if isinstance(h.fact, Dispatched))
    for timeline in day.timelines:
        for row in range(len(timeline.slots)):
            if (timeline.asset_id, row) in said:
                continue
            end = ends_at(day.plan, timeline, row)
            assert end is not None, "a release is never over"
            start = starts_at(day.plan, timeline, row)
            calm = [at for at in alive if start + timedelta(minutes=5) <= at < end]
            busy = [c for c in day.site.commands.values() if c.asset_id == timeline.asset_id]
            assert not calm or any(c.progress.attempt > 1 for c in busy)


@pytest.mark.parametrize("seed", SEEDS[:5])
def test_on_a_calm_day_each_row_is_applied_within_seconds_of_its_time(seed: int) -> None:
    """A program that is killed often hides a missed wake-up: a new one looks at everything."""
    day = simulate(seed, faults={}, kill_seconds=None, lost=0)
    rows = sum(len(t.slots) for t in day.timelines)
    done = [c for c in day.site.commands.values() if c.row >= 0]
    assert len(done) == rows
    for command in done:
        assert command.progress.status is CommandStatus.COMPLETED
        assert command.progress.attempt == 1
        assert command.progress.answered_at is not None
        late = command.progress.answered_at - command.scheduled_at
        assert timedelta(0) <= late < timedelta(seconds=5)
        assert command.progress.lateness_seconds is not None
        assert command.progress.lateness_seconds < 2
    for told in day.told.values():
        assert all(t.what == "send" and t.ended == "yes" for t in told)
        assert told[-1].command is not None
        assert told[-1].command.reason == Mark.RELEASE


@pytest.mark.parametrize("seed", SEEDS[:5])
def test_a_device_that_never_answers_holds_up_no_other(seed: int) -> None:
    async def story() -> None:
        dice = random.Random(seed)
        world = World([SCHEDULES], FaultyJournal(dice, lost=0), dice)
        plant = Plant(world, 3, {})
        deaf = Plant(world, 1, {"lose": 1.0})
        plant.witnesses["battery-0"] = deaf.witnesses["battery-0"]
        plan, timelines = plant.plan(SLOTS)
        async with asyncio.TaskGroup() as tasks:
            lives = [tasks.create_task(plant.live()), tasks.create_task(plant.fleet.run())]
            await asyncio.sleep(1)
            await plant.put_in_force(plan, timelines)
            await asyncio.sleep(SLOT.total_seconds() * (SLOTS + 2))
            for life in lives:
                life.cancel()
        site = fold(SCHEDULES.entity, [h.fact for h in world.journal.happened([SCHEDULES])])  # type: ignore[attr-defined]
        ends = {c.asset_id: set[CommandStatus]() for c in site.commands.values()}
        for command in site.commands.values():
            ends[command.asset_id].add(command.progress.status)
        assert CommandStatus.TIMED_OUT in ends.pop("battery-0")
        assert list(ends.values()) == [{CommandStatus.COMPLETED}] * 2

    play(story)


def test_a_seed_replays_exactly() -> None:
    first, second = (simulate(7, faults=FAULTS, kill_seconds=600) for _ in range(2))
    assert first.happened == second.happened
    assert any(isinstance(h.fact, AboutCommand) for h in first.happened)


def test_a_crash_in_the_middle_of_an_import_leaves_the_old_plan_in_force() -> None:
    async def story() -> None:
        dice = random.Random(3)
        world = World([SCHEDULES], FaultyJournal(dice, lost=0), dice)
        plant = Plant(world, 3, {})
        old, rows = plant.plan(SLOTS, "old")
        new, newer_rows = plant.plan(SLOTS, "new")
        async with asyncio.TaskGroup() as tasks:
            life = tasks.create_task(plant.live())
            await asyncio.sleep(1)
            await plant.put_in_force(old, rows)
            await world.ask(SCHEDULES, PLANT, Write(newer_rows[:2]))
            life.cancel()
        again = fold(SCHEDULES.entity, [h.fact for h in world.journal.happened([SCHEDULES])])  # type: ignore[attr-defined]
        assert set(again.plans) == {"old"}
        assert set(again.staged) == {"new"}
        assert new.id == "new"

    play(story)
