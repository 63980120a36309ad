"""What every executor's machine must keep, whatever is behind it. Each kind subclasses this."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final
from typing import Protocol as Shape

from pointsman.devices.executors import Executor
from pointsman.devices.machines import Machine
from pointsman.operations.intents import Cancel, Pause, Resume
from pointsman.operations.model import Outcome, Phase
from pointsman.runtime.clock import SystemClock
from tests.executor_books import Books

MOMENT_SECONDS: Final = 0.15


class Bench(Shape):
    """A machine under test, and the truth about the equipment behind it."""

    async def live(self) -> None:
        """The equipment's own life, until cancelled."""

    def machine(self) -> Machine:
        """Another one in front of the same equipment, as after a restart of this side."""

    def payload(self, seconds: float) -> dict[str, Any]:
        """Of an operation that takes about so long."""

    def impossible(self) -> dict[str, Any]:
        """Of an operation that cannot be started."""

    def starts(self) -> int:
        """How often the equipment began to carry out something."""


class Lives:
    """An executor that can be killed and started again."""

    def __init__(self, tasks: asyncio.TaskGroup, books: Books, bench: Bench) -> None:
        self._tasks = tasks
        self._books = books
        self._bench = bench
        self.begin()

    def begin(self) -> None:
        executor = Executor("robot-1", self._books, self._bench.machine(), self._books.clock)
        self._life = self._tasks.create_task(executor.run())

    async def end(self) -> None:
        self._life.cancel()
        await asyncio.wait([self._life])


@asynccontextmanager
async def working(
    bench: Bench,
    **policy: Any,  # noqa: ANN401  Fields of Policy.
) -> AsyncIterator[tuple[Books, Lives]]:
    """Books and their executor, which carries out what is added."""
    books = Books(SystemClock(), **policy)
    async with asyncio.TaskGroup() as tasks:
        living = [tasks.create_task(life) for life in (bench.live(), books.run())]
        lives = Lives(tasks, books, bench)
        yield books, lives
        await lives.end()
        for life in living:
            life.cancel()


class ExecutorContract:
    """A subclass gives the fixture `bench`."""

    async def test_it_starts_reports_and_completes(self, bench: Bench) -> None:
        async with working(bench) as (books, _):
            books.add("a", bench.payload(0.4))
            done = await books.until("a", Phase.COMPLETED)
            assert done.outcome is Outcome.SUCCESS
            assert books.told("a") == ["Added", "Starting", "Started", "Completed"]
            assert bench.starts() == 1

    async def test_one_follows_the_other(self, bench: Bench) -> None:
        async with working(bench) as (books, _):
            for id in "abc":
                books.add(id, bench.payload(0.1))
            for id in "abc":
                await books.until(id, Phase.COMPLETED)
            assert bench.starts() == 3

    async def test_what_is_paused_stands_still_and_goes_on(self, bench: Bench) -> None:
        async with working(bench) as (books, _):
            books.add("a", bench.payload(0.5))
            await books.until("a", Phase.RUNNING)
            books.say(Pause("a"))
            await books.until("a", Phase.PAUSED)
            await asyncio.sleep(0.7)
            assert books["a"].phase is Phase.PAUSED
            books.say(Resume("a"))
            await books.until("a", Phase.COMPLETED)
            assert books.told("a")[2:] == [
                "Started", "Pausing", "Paused", "Resuming", "Resumed", "Completed",
            ]  # fmt: skip
            assert bench.starts() == 1

    async def test_what_is_cancelled_is_let_go_and_the_next_one_starts(self, bench: Bench) -> None:
        async with working(bench) as (books, _):
            books.add("a", bench.payload(30))
            books.add("b", bench.payload(0.1))
            await books.until("a", Phase.RUNNING)
            books.say(Cancel("a"))
            await books.until("a", Phase.CANCELLED)
            await books.until("b", Phase.COMPLETED)

    async def test_what_is_paused_can_be_cancelled_and_the_next_one_runs(
        self, bench: Bench
    ) -> None:
        async with working(bench) as (books, _):
            books.add("a", bench.payload(30))
            await books.until("a", Phase.RUNNING)
            books.say(Pause("a"))
            await books.until("a", Phase.PAUSED)
            books.say(Cancel("a"))
            await books.until("a", Phase.CANCELLED)
            books.add("b", bench.payload(0.1))
            await books.until("b", Phase.COMPLETED)

    async def test_what_cannot_be_started_fails_and_says_why(self, bench: Bench) -> None:
        async with working(bench) as (books, _):
            books.add("a", bench.impossible())
            failed = await books.until("a", Phase.FAILED)
            assert failed.ending is not None
            assert failed.ending.error
            assert bench.starts() == 0

    async def test_a_restart_of_this_side_takes_up_what_runs(self, bench: Bench) -> None:
        async with working(bench) as (books, lives):
            books.add("a", bench.payload(1.0))
            await books.until("a", Phase.RUNNING)
            await lives.end()
            await asyncio.sleep(MOMENT_SECONDS)
            lives.begin()
            await books.until("a", Phase.COMPLETED)
            assert bench.starts() == 1

    async def test_what_ended_while_this_side_was_away_is_noticed(self, bench: Bench) -> None:
        async with working(bench) as (books, lives):
            books.add("a", bench.payload(0.3))
            await books.until("a", Phase.RUNNING)
            await lives.end()
            await asyncio.sleep(0.8)
            lives.begin()
            await books.until("a", Phase.COMPLETED)
            assert bench.starts() == 1

    async def test_what_was_paused_while_this_side_was_away_is_paused(self, bench: Bench) -> None:
        async with working(bench) as (books, lives):
            books.add("a", bench.payload(0.8))
            await books.until("a", Phase.RUNNING)
            await lives.end()
            books.say(Pause("a"))
            lives.begin()
            await books.until("a", Phase.PAUSED)
            books.say(Resume("a"))
            await books.until("a", Phase.COMPLETED)

    async def test_somebody_who_watches_for_signs_of_life_sees_them(self, bench: Bench) -> None:
        async with working(bench, heartbeat=timedelta(seconds=2)) as (books, _):
            books.add("a", bench.payload(2.5))
            await books.until("a", Phase.COMPLETED)
