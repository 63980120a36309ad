"""A run's clock runs fast, and stands still for whoever is slow."""

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from pointsman.runtime.clock import (
    LEAST_REST_SECONDS,
    LONG_REST_SECONDS,
    RunClock,
    SteadyClock,
    SystemClock,
    rest_seconds,
    sleep_until,
)
from pointsman.runtime.timers import Timers

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SPEED = 960.0


class Seconds:
    """A wall clock that passes when told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_it_runs_as_fast_as_it_should() -> None:
    wall = Seconds()
    clock = RunClock(NOON, SPEED, seconds=wall)
    wall.now += 1.5
    assert clock.now() == after(1440)


def test_it_stands_still_while_held_and_holds_nest() -> None:
    wall = Seconds()
    clock = RunClock(NOON, SPEED, seconds=wall)
    wall.now += 1
    with clock.held():
        wall.now += 5
        with clock.held():
            wall.now += 5
        wall.now += 5
        assert clock.now() == after(960)
    wall.now += 1
    assert clock.now() == after(1920)


def test_it_does_not_pass_where_it_was_told_to_stop() -> None:
    wall = Seconds()
    clock = RunClock(NOON, SPEED, seconds=wall)
    clock.stop_at(after(900))
    wall.now += 100
    assert clock.now() == after(900)
    clock.stop_at(after(1860))
    assert clock.now() == after(900), "what it stood still is not made up for"
    wall.now += 0.5
    assert clock.now() == after(1380)
    clock.stop_at(after(60))
    assert clock.now() == after(1380), "and it never goes back"
    clock.stop_at(None)
    wall.now += 1
    assert clock.now() == after(2340)


class Wall(SystemClock):
    """It passes with these seconds, and may be set."""

    def __init__(self, seconds: Seconds, takes_seconds: float = 0.0) -> None:
        self.seconds, self.set_by, self.takes_seconds = seconds, 0.0, takes_seconds

    def now(self) -> datetime:
        self.seconds.now += self.takes_seconds
        return after(self.seconds.now + self.set_by)


@pytest.mark.parametrize("step", [3_600.0, -3_600.0])
def test_a_steady_clock_notices_that_it_was_set_when_it_is_told_to(step: float) -> None:
    seconds = Seconds()
    wall = Wall(seconds)
    clock = SteadyClock(wall, seconds=seconds)
    wall.set_by = step
    begun = clock.now()
    seconds.now += 5
    assert clock.now() == after(1_005)
    assert clock.take_step() == timedelta(seconds=step)
    assert clock.now() == wall.now()
    seconds.now += 5
    assert clock.take_step() == timedelta()
    assert clock.now() == wall.now()
    assert clock.wall_seconds_since(begun) == 10
    assert clock.wall_seconds_since(clock.now()) == 0


def test_a_steady_clock_makes_up_for_a_little_without_a_word() -> None:
    seconds = Seconds()
    wall = Wall(seconds)
    clock = SteadyClock(wall, seconds=seconds)
    wall.set_by = 0.05
    assert clock.now() != wall.now()
    assert clock.take_step() == timedelta()
    assert clock.now() == wall.now()


def test_a_steady_clock_believes_no_look_that_took_long() -> None:
    seconds = Seconds()
    wall = Wall(seconds, takes_seconds=0.2)
    clock = SteadyClock(wall, seconds=seconds)
    begun, at = clock.now(), seconds.now
    wall.set_by = 3_600
    assert clock.take_step() == timedelta()
    assert clock.now() - begun == timedelta(seconds=seconds.now - at)
    wall.takes_seconds = 0.0
    assert abs(clock.take_step() - timedelta(hours=1)) < timedelta(seconds=1)


def test_a_rest_is_in_seconds_of_the_loop_and_never_so_short_that_it_spins() -> None:
    clock = RunClock(NOON, SPEED, seconds=Seconds())
    assert rest_seconds(clock, after(96)) == pytest.approx(0.1)
    assert rest_seconds(clock, after(0.001)) == LEAST_REST_SECONDS
    assert rest_seconds(clock, NOON) == 0
    assert rest_seconds(clock, after(-60)) == 0


def test_a_long_rest_ends_early_and_a_short_one_in_time() -> None:
    clock = RunClock(NOON, 1, seconds=Seconds())
    left_seconds, rests = 60.0, 0
    while left_seconds > LONG_REST_SECONDS:
        left_seconds -= rest_seconds(clock, after(left_seconds))
        rests += 1
        assert left_seconds > 0.005 * 60 or rests > 1, "so late a nice process may be"
    assert rests == 2
    assert rest_seconds(clock, after(left_seconds)) == pytest.approx(left_seconds, abs=1e-6)


async def test_who_sleeps_by_a_clock_that_is_held_sleeps_longer() -> None:
    clock = RunClock(NOON, SPEED)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        sleeper = tasks.create_task(sleep_until(clock, after(48)))
        with clock.held():
            await asyncio.sleep(0.2)
            assert not sleeper.done()
    assert clock.now() >= after(48)


async def test_at_speed_960_nothing_rings_late_although_the_loop_is_busy() -> None:
    """The clock waits for its timers: a slow computer makes the run longer, not late."""
    clock, rung = RunClock(NOON, SPEED), list[tuple[datetime, datetime]]()
    timers = Timers(clock, lambda name: rung.append((datetime.fromisoformat(name), clock.now())))
    for n in range(1, 41):
        timers.set(after(10 * n).isoformat(), after(10 * n))
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(timers.run())
        while len(rung) < 40:
            await asyncio.sleep(0.005)
            _burn(0.02)
        running.cancel()
    assert [due for due, _ in rung] == [now for _, now in rung]


async def test_a_timer_that_is_set_stops_the_clock_before_the_loop_gets_a_turn() -> None:
    clock = RunClock(NOON, SPEED)
    timers = Timers(clock, lambda _: None)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(timers.run())
        await asyncio.sleep(0.01)
        due = clock.now() + timedelta(seconds=30)
        timers.set("x", due)
        _burn(0.1)
        assert clock.now() == due
        running.cancel()


async def test_timers_ring_at_speed_960_within_milliseconds_of_the_wall_clock() -> None:
    loop, waits = asyncio.get_running_loop(), list[float]()
    clock = RunClock(NOON, SPEED)
    timers = Timers(clock, lambda _: waits.append(loop.time()))
    start = loop.time()
    for n in range(1, 21):
        timers.set(f"{n}", after(9.6 * n))
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(timers.run())
        while len(waits) < 20:  # noqa: ASYNC110  Timers ring a function, not an event.
            await asyncio.sleep(0.005)
        running.cancel()
    assert waits[-1] - start < 0.2 + 20 * 0.005


async def test_timers_do_not_spin_before_a_due_that_is_near() -> None:
    looks = 0

    class Counting(RunClock):
        def now(self) -> datetime:
            nonlocal looks
            looks += 1
            return super().now()

    clock = Counting(NOON, SPEED)
    timers = Timers(clock, lambda _: None)
    timers.set("x", after(960))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(timers.run())
        with clock.held():
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.1)
        running.cancel()
    assert looks < 50


async def test_a_clock_goes_on_when_its_timers_have_ended() -> None:
    clock = RunClock(NOON, SPEED)
    timers = Timers(clock, lambda _: None)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(timers.run())
        timers.set("x", after(0.001))
        timers.set("x", after(1))
        await asyncio.sleep(0)
        running.cancel()
    await asyncio.sleep(0.05)
    assert clock.now() > after(10)


def _burn(seconds: float) -> None:
    """Keep the event loop busy, as a slow computer would."""
    end = monotonic() + seconds
    while monotonic() < end:
        pass
