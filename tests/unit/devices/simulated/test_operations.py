"""The simulated machine: the contract of executors, and what goes wrong with it on purpose."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from pointsman.devices.executors import Executor
from pointsman.devices.machines import Deed, Machine, Stage
from pointsman.devices.protocols import DeviceTableError
from pointsman.devices.simulated.operations import RunFaults, SimulatedMachine, machine_of
from pointsman.operations.facts import Progressed
from pointsman.operations.intents import Pause, Resume
from pointsman.operations.model import Operation, Phase, Reason
from pointsman.runtime.clock import LoopClock, SystemClock
from tests.executor_books import Books
from tests.executor_contract import ExecutorContract
from tests.simulation.world import EPOCH, play

DURATION = timedelta(seconds=10)


class Counted(SimulatedMachine):
    """Counts what it begins."""

    starts = 0

    async def do(self, operation: Operation, deed: Deed) -> None:
        begins = deed is Deed.START and self.shows(operation).stage is Stage.NOTHING
        await super().do(operation, deed)
        self.starts += begins


class SimulatedBench:
    def __init__(self) -> None:
        self._machines: list[Counted] = []

    async def live(self) -> None:
        """It lives in the machine."""

    def machine(self) -> Machine:
        self._machines.append(Counted(SystemClock(), DURATION))
        return self._machines[-1]

    def payload(self, seconds: float) -> dict[str, Any]:
        return {"duration_seconds": seconds}

    def impossible(self) -> dict[str, Any]:
        return {"duration_seconds": "long"}

    def starts(self) -> int:
        return sum(machine.starts for machine in self._machines)


class TestSimulatedContract(ExecutorContract):
    @pytest.fixture
    def bench(self) -> SimulatedBench:
        return SimulatedBench()


Tale = Callable[[Books], Awaitable[None]]


def tell(tale: Tale, faults: RunFaults | None = None, **policy: Any) -> Books:  # noqa: ANN401
    """The books after a tale of virtual time."""

    async def story() -> Books:
        clock = LoopClock(EPOCH)
        books = Books(clock, **policy)
        machine = SimulatedMachine(clock, DURATION, faults=faults)
        async with asyncio.TaskGroup() as tasks:
            lives = [books.run(), Executor("robot-1", books, machine, clock).run()]
            running = [tasks.create_task(life) for life in lives]
            await tale(books)
            for task in running:
                task.cancel()
        return books

    return play(story)


async def one(books: Books) -> None:
    books.add("a", {})
    await asyncio.sleep(60)


def ran_seconds(books: Books) -> float:
    operation = books["a"]
    assert operation.start_time
    assert operation.finish_time
    return (operation.finish_time - operation.start_time).total_seconds()


def test_it_takes_as_long_as_the_table_says_and_tells_each_tenth() -> None:
    books = tell(one)
    assert ran_seconds(books) == pytest.approx(10, abs=0.2)
    told = [f.operation.progress.fraction for f in books.facts if isinstance(f, Progressed)]  # type: ignore[union-attr]
    assert told == [step / 10 for step in range(1, 10)]


def test_the_planned_duration_is_stronger_and_the_payload_strongest() -> None:
    async def planned(books: Books) -> None:
        books.add("a", {}, seconds=20)
        await asyncio.sleep(60)

    async def said(books: Books) -> None:
        books.add("a", {"duration_seconds": 30}, seconds=20)
        await asyncio.sleep(60)

    assert ran_seconds(tell(planned)) == pytest.approx(20, abs=0.4)
    assert ran_seconds(tell(said)) == pytest.approx(30, abs=0.6)


def test_a_pause_keeps_the_remaining_time() -> None:
    async def paused(books: Books) -> None:
        books.add("a", {})
        await asyncio.sleep(4)
        books.say(Pause("a"))
        await asyncio.sleep(100)
        books.say(Resume("a"))
        await asyncio.sleep(10)

    assert ran_seconds(tell(paused)) == pytest.approx(110, abs=0.5)


@pytest.mark.parametrize(
    ("fault", "facts"),
    [
        ("refuse", ["Added", "Starting", "Failed"]),
        ("fail_start", ["Added", "Starting", "Failed"]),
        ("fail", ["Added", "Starting", "Started", "Failed"]),
    ],
)
def test_what_fails_says_why(fault: str, facts: list[str]) -> None:
    books = tell(one, RunFaults(**{fault: 1}))
    assert books.told("a") == facts
    ending = books["a"].ending
    assert ending is not None
    assert ending.error_code == fault
    assert ending.reason is Reason.EXTERNAL_ERROR


def test_what_hangs_lives_until_it_is_timed_out_and_then_lets_go() -> None:
    async def planned(books: Books) -> None:
        books.add("a", {}, seconds=10)
        await asyncio.sleep(60)

    policy = {"timeout_factor": 2.0, "heartbeat": timedelta(seconds=5)}
    books = tell(planned, RunFaults(hang=1), **policy)
    assert books.told("a")[-2:] == ["Cancelling", "Failed"]
    assert ran_seconds(books) == pytest.approx(20, abs=0.4)
    assert not books.resource.header.paused


def test_what_dies_is_lost_after_the_heartbeat_and_the_resource_waits_for_somebody() -> None:
    books = tell(one, RunFaults(die=1), heartbeat=timedelta(seconds=5))
    assert books["a"].phase is Phase.FAILED
    assert books["a"].ending.reason is Reason.EXTERNAL_ERROR  # type: ignore[union-attr]
    assert ran_seconds(books) <= 5 + 5 + 1
    assert books.resource.header.paused


def test_what_is_late_starts_late_and_takes_as_long_as_ever() -> None:
    books = tell(one, RunFaults(late=1, late_seconds=3))
    assert books.told("a") == ["Added", "Starting", "Started", "Completed"]
    assert ran_seconds(books) == pytest.approx(13, abs=0.3)


def test_what_answers_too_late_is_let_go() -> None:
    books = tell(one, RunFaults(late=1, late_seconds=8), confirm_within=timedelta(seconds=5))
    ending = books["a"].ending
    assert ending is not None
    assert ending.reason is Reason.TIMEOUT
    assert "Completed" not in books.told("a")


def test_the_same_seed_strikes_the_same_operations() -> None:
    async def many(books: Books) -> None:
        for n in range(20):
            books.add(f"op{n}", {"duration_seconds": 1})
        await asyncio.sleep(100)

    def failed() -> list[str]:
        books = tell(many, RunFaults(fail=0.5))
        return [id for id, o in books.resource.operations.items() if o.phase is Phase.FAILED]

    first = failed()
    assert 0 < len(first) < 20
    assert failed() == first


@pytest.mark.parametrize(
    "table",
    [
        {"duration_seconds": 0},
        {"duration_seconds": float("inf")},
        {"faults": {"fail": 2}},
        {"faults": {"late_seconds": -1}},
    ],
)
def test_a_table_that_cannot_be_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(DeviceTableError, match=r"'robot-1'.* would do"):
        machine_of("robot-1", table, SystemClock())
