"""The executor: which kinds there are, and that no bad machine or late word stops it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pointsman.devices import DeviceFailed
from pointsman.devices.executors import (
    Executor,
    check_executor,
    executor_for,
    executor_kinds,
    policy_for,
)
from pointsman.devices.machines import Deed, Shown, Stage
from pointsman.devices.protocols import DeviceTableError, MissingExtraError
from pointsman.operations.checks import NotFound
from pointsman.operations.facts import Fact
from pointsman.operations.intents import Cancel, Configure, Intent
from pointsman.operations.model import Operation, Phase
from pointsman.operations.policy import Policy
from pointsman.runtime.ask import Overloaded
from pointsman.runtime.clock import LoopClock, SystemClock
from tests.executor_books import Books
from tests.simulation.world import EPOCH, play


class Scripted:
    """A machine that does at once as it is told, unless something is wrong with it."""

    def __init__(self) -> None:
        self.stage = Stage.NOTHING
        self.done: list[Deed] = []
        self.ids: set[str] = set()
        self.refusals: list[Exception] = []
        self.blindness: list[Exception] = []
        self.crashes: list[Exception] = []
        self.heard_at = EPOCH
        self.asked = 0

    async def run(self, changed: Callable[[], None]) -> None:
        if self.crashes:
            raise self.crashes.pop()
        changed()
        await asyncio.Event().wait()

    def shows(self, operation: Operation) -> Shown:
        self.ids.add(operation.id)
        if self.blindness:
            raise self.blindness.pop()
        return Shown(self.stage, self.heard_at)

    async def ask(self) -> None:
        self.asked += 1
        self.heard_at = EPOCH + timedelta(seconds=asyncio.get_running_loop().time())

    async def do(self, operation: Operation, deed: Deed) -> None:
        self.done.append(deed)
        assert operation.id in self.ids
        if self.refusals:
            raise self.refusals.pop()
        self.stage = Stage.LET_GO if deed is Deed.CANCEL else Stage.RUNNING


class Busy(Books):
    """Refuses the first reports that it gets."""

    def __init__(self, clock: LoopClock, refusals: Sequence[Exception]) -> None:
        super().__init__(clock)
        self.refusals = list(refusals)

    async def ask(self, intent: Intent) -> Sequence[Fact]:
        if self.refusals:
            raise self.refusals.pop()
        return await super().ask(intent)


def tell(
    machine: Scripted, *refusals: Exception, cancel: bool = False, heartbeat_seconds: float = 0
) -> Books:
    """The books a minute after an operation was added."""

    async def story() -> Books:
        clock = LoopClock(EPOCH)
        books = Busy(clock, refusals)
        heartbeat = timedelta(seconds=heartbeat_seconds) or None
        books.say(Configure(Policy(ask=False, confirms=True, heartbeat=heartbeat)))
        async with asyncio.TaskGroup() as tasks:
            waking = tasks.create_task(books.run())
            running = tasks.create_task(Executor("robot-1", books, machine, clock).run())
            books.add("a", {})
            await asyncio.sleep(30)
            if cancel:
                books.say(Cancel("a"))
            await asyncio.sleep(30)
            waking.cancel()
            running.cancel()
        return books

    return play(story)


def test_it_starts_what_is_approved_once() -> None:
    machine = Scripted()
    assert tell(machine)["a"].phase is Phase.RUNNING
    assert machine.done == [Deed.START]


def test_what_can_never_be_started_fails_with_the_reason() -> None:
    machine = Scripted()
    machine.refusals = [DeviceFailed("no such node", permanent=True)]
    books = tell(machine)
    assert books["a"].phase is Phase.FAILED
    assert books["a"].ending.error == "no such node"  # type: ignore[union-attr]
    assert machine.done == [Deed.START]


def test_what_could_not_be_told_is_told_again() -> None:
    machine = Scripted()
    machine.refusals = [DeviceFailed("not connected"), DeviceFailed("not connected")]
    assert tell(machine)["a"].phase is Phase.RUNNING
    assert machine.done == [Deed.START] * 3


def test_a_machine_that_breaks_its_promises_fails_what_was_to_start() -> None:
    machine = Scripted()
    machine.refusals = [KeyError("oops")]
    books = tell(machine)
    assert books["a"].ending.error == "KeyError: 'oops'"  # type: ignore[union-attr]


def test_a_machine_that_crashes_or_cannot_be_read_is_given_another_chance() -> None:
    machine = Scripted()
    machine.crashes, machine.blindness = [OSError("gone")], [ValueError("unreadable")]
    assert tell(machine)["a"].phase is Phase.RUNNING


def test_a_machine_that_fails_when_it_is_to_end_ends_all_the_same() -> None:
    class Clumsy(Scripted):
        async def run(self, changed: Callable[[], None]) -> None:
            try:
                await super().run(changed)
            finally:
                raise OSError("its socket was closed already")

    tell(Clumsy())


def test_a_machine_that_cannot_cancel_yet_is_told_again() -> None:
    machine = Scripted()
    machine.stage = Stage.RUNNING
    machine.refusals = [KeyError("oops"), DeviceFailed("away")]
    assert tell(machine, cancel=True)["a"].phase is Phase.CANCELLED
    assert machine.done == [Deed.CANCEL] * 3


def test_a_report_that_comes_too_late_or_when_all_is_full_is_made_again() -> None:
    books = tell(Scripted(), Overloaded("full"), NotFound("there is no operation a"))
    assert books["a"].phase is Phase.RUNNING


def test_a_machine_that_says_nothing_unasked_is_asked_and_not_lost() -> None:
    machine = Scripted()
    assert tell(machine, heartbeat_seconds=2)["a"].phase is Phase.RUNNING
    assert 20 < machine.asked < 70, "in a minute"
    calm = Scripted()
    tell(calm)
    assert calm.asked == 0, "nobody watches for signs of life"


def test_nothing_is_done_while_nothing_goes_on() -> None:
    machine = Scripted()
    machine.stage = Stage.COMPLETED
    tell(machine)
    assert machine.done == []


# Which there are


@pytest.fixture
def no_such_library(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = replace(executor_kinds()["simulated"], extra="wire", machine="no_such_library:machine")
    monkeypatch.setattr("pointsman.devices.executors.executor_kinds", lambda: {"simulated": kind})


def test_an_external_resource_has_no_executor_and_confirms_nothing() -> None:
    books = Books(SystemClock())
    assert executor_for("robot-1", {"protocol": "external"}, books, SystemClock()) is None
    assert executor_for("robot-1", {}, books, SystemClock()) is None
    assert not policy_for(check_executor("robot-1", {}), Policy()).confirms


def test_a_simulated_one_is_made_and_confirms() -> None:
    device = {"protocol": "simulated", "duration_seconds": 3, "faults": {"fail": 0.5}}
    assert executor_for("robot-1", device, Books(SystemClock()), SystemClock()) is not None
    policy = policy_for(check_executor("robot-1", device), Policy())
    assert policy.confirms
    assert policy.heartbeat is not None


def test_what_the_site_file_says_of_signs_of_life_is_stronger() -> None:
    said = Policy(heartbeat=timedelta(seconds=7))
    kind = check_executor("robot-1", {"protocol": "simulated"})
    assert policy_for(kind, said).heartbeat == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ({"protocol": "simulatd"}, "did you mean 'simulated'"),
        ({"protocol": 5}, "5 is not known"),
        ({"protocol": "simulated", "duration": 3}, "did you mean 'duration_seconds'"),
        ({"protocol": "simulated", "seed": "x"}, "must be a whole number"),
        ({"protocol": "simulated", "faults": {"fial": 1}}, "did you mean 'fail'"),
        ({"protocol": "external", "broker": "x"}, "'broker' is not known"),
    ],
)
def test_a_table_that_says_no_executor_is_refused(device: Mapping[str, Any], message: str) -> None:
    with pytest.raises(DeviceTableError, match=f"resource 'robot-1'.*{message}"):
        check_executor("robot-1", device)


@pytest.mark.usefixtures("no_such_library")
def test_a_missing_extra_is_named() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'pointsman\[wire\]'"):
        executor_for("robot-1", {"protocol": "simulated"}, Books(SystemClock()), SystemClock())
