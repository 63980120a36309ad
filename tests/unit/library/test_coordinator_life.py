"""An engine's life: the loop that carries everything out, restarts, and what is closed when."""

# ruff: noqa: ANN401  Answers and options are of any kind.

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pointsman.coordinator import (
    AdapterRegistry,
    Command,
    CommandStatus,
    CommandType,
    CoordinatorConfig,
    DispatchEngine,
    DispatchError,
    EventBus,
    EventType,
)
from pointsman.devices import DeviceFailed
from pointsman.journal.memory import MemoryJournal
from pointsman.journal.ownership import InUse
from pointsman.runtime.clock import SystemClock
from tests.unit.library.coordination import BAY, MAP, Charger, Heard, at, by_hand, table, until

SOON = 5.0


def now() -> datetime:
    return SystemClock().now()


def due(asset_id: str = BAY, **also: Any) -> Command:
    """A command of one's own that is due just now."""
    return by_hand(asset_id, scheduled_at=also.pop("scheduled_at", now()), **also)


def served(*adapters: Any, **also: Any) -> tuple[DispatchEngine, Heard]:
    """An engine whose assets are served, one after the other: `BAY`, `BAY2` …"""
    registry, bus, heard = AdapterRegistry(), EventBus(), Heard()
    for number, adapter in enumerate(adapters, 1):
        registry.register(BAY if number == 1 else f"{BAY}{number}", adapter)
    bus.subscribe(None, heard)
    return DispatchEngine(bus, registry, **also), heard


@asynccontextmanager
async def running(engine: DispatchEngine) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks, engine:
        task = tasks.create_task(engine.run())
        yield
        task.cancel()


class Coroutine:
    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.sent: list[Command] = []
        self.opened = 0

    async def open(self) -> None:
        self.opened += 1

    async def close(self) -> None:
        self.opened -= 1

    async def send(self, command: Command) -> Any:
        assert self.opened == 1
        self.sent.append(command)
        await asyncio.sleep(0)
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, Exception):
            raise answer
        return answer


# The loop


async def test_the_loop_sends_what_is_due_and_takes_the_answer_in() -> None:
    adapter = Coroutine()
    engine, heard = served(adapter)
    command = engine.submit(due())
    async with running(engine):
        await until(lambda: command.status is CommandStatus.COMPLETED)
    assert adapter.sent == [command]
    assert heard.types == ["COMMAND_CREATED", "COMMAND_DISPATCHED", "COMMAND_COMPLETED"]


async def test_the_loop_carries_out_a_plan_row_by_row() -> None:
    adapter = Charger()
    engine, heard = served(adapter)
    start = now() + timedelta(seconds=0.05)
    times = [start + timedelta(seconds=0.1 * n) for n in range(3)]
    rows = {"timestamp": times, "ev_ev_001_kw": [3.0, 6.0, 9.0]}
    async with running(engine):
        commands = engine.schedule_to_commands(rows, MAP)
        await until(lambda: commands[-1].status is CommandStatus.COMPLETED)
    assert adapter.sent == list(commands)
    assert [c.parameters["power_kw"] for c in adapter.sent] == [3.0, 6.0, 9.0, 0.0]
    assert heard.types.count(EventType.COMMAND_COMPLETED) == 4


async def test_the_loop_wakes_up_for_what_is_submitted_on_another_thread() -> None:
    adapter = Charger()
    engine, _ = served(adapter, config=CoordinatorConfig(dispatch_interval_seconds=60))
    async with running(engine):
        await asyncio.sleep(0.05)  # It rests by now.
        thread = threading.Thread(target=lambda: engine.submit(due()))
        thread.start()
        await until(lambda: len(adapter.sent) == 1)
        thread.join()


async def test_the_loop_goes_by_a_later_time_that_it_is_told() -> None:
    adapter = Charger()
    engine, _ = served(adapter, config=CoordinatorConfig(dispatch_interval_seconds=60))
    tomorrow = now() + timedelta(days=1)
    command = engine.submit(due(scheduled_at=tomorrow))
    async with running(engine):
        await asyncio.sleep(0.05)  # It rests by now.
        engine.get_pending_commands(tomorrow)
        await until(lambda: adapter.sent == [command])


async def test_a_slow_device_holds_up_no_other() -> None:
    class Stuck:
        async def send(self, command: Command) -> None:  # noqa: ARG002
            await asyncio.sleep(60)

    engine, _ = served(Stuck(), Charger())
    engine.submit(due(BAY))
    other = due(f"{BAY}2")
    engine.submit(other)
    async with running(engine):
        await until(lambda: other.status is CommandStatus.COMPLETED)


async def test_the_loop_tries_again_and_gives_up() -> None:
    adapter = Coroutine(ConnectionError("no route"), False, DeviceFailed("no", permanent=True))
    engine, heard = served(adapter)
    command = engine.submit(due())
    async with running(engine):
        for attempt in (1, 2):
            await until(lambda: command.attempt == attempt and command.status == "PENDING")  # noqa: B023
            assert command.not_before is not None
            assert command.not_before > now()
            engine.get_pending_commands(command.not_before)  # The pause is over.
        await until(lambda: command.status is CommandStatus.FAILED)
    assert (command.attempt, command.error) == (3, "no")
    assert heard.types.count(EventType.COMMAND_FAILED) == 1


async def test_an_answer_may_come_later() -> None:
    adapter = Charger(None)
    engine, _ = served(adapter)
    command = engine.submit(due())
    async with running(engine):
        await until(lambda: command.status is CommandStatus.DISPATCHED)
        engine.handle_response(command, success=True)
    assert command.status is CommandStatus.COMPLETED


async def test_the_loop_judges_silence() -> None:
    engine, heard = served(Charger(None))
    command = engine.submit(due(timeout_seconds=0.05, max_retries=0))
    async with running(engine):
        await until(lambda: command.status is CommandStatus.TIMED_OUT)
    assert heard.types[-1] is EventType.COMMAND_TIMED_OUT


async def test_an_asset_without_an_adapter_is_rejected() -> None:
    engine, heard = served()
    command = engine.submit(due())
    async with running(engine):
        await until(lambda: command.status is CommandStatus.REJECTED)
    assert "no adapter" in str(command.error)
    assert heard.types[-1] is EventType.COMMAND_FAILED


async def test_a_dry_run_reaches_no_adapter_in_the_loop_either() -> None:
    adapter = Charger()
    engine, _ = served(adapter)
    command = engine.submit(due(dry_run=True))
    async with running(engine):
        await until(lambda: command.status is CommandStatus.COMPLETED)
    assert adapter.sent == []


async def test_the_loop_may_have_an_end() -> None:
    engine, _ = served(Charger())
    async with asyncio.timeout(SOON):
        await engine.run(until=now() + timedelta(seconds=0.05))
        await engine.run(until=now())


async def test_an_engine_runs_once_at_a_time() -> None:
    engine, _ = served(Charger())
    async with running(engine):
        await asyncio.sleep(0)
        with pytest.raises(DispatchError, match="runs already"):
            await engine.run()


async def test_adapters_are_opened_before_and_closed_after() -> None:
    adapter = Coroutine()
    engine, _ = served(adapter, adapter)
    async with engine:
        assert adapter.opened == 1
    assert adapter.opened == 0


async def test_if_one_adapter_cannot_be_opened_the_others_are_closed() -> None:
    class Broken(Charger):
        def open(self) -> None:
            raise OSError("the port is in use")

    adapter = Coroutine()
    engine, _ = served(adapter, Broken())
    with pytest.raises(OSError, match="in use"):
        async with engine:
            pytest.fail("it was opened")
    assert adapter.opened == 0


def test_adapters_are_opened_for_callers_without_a_loop_too() -> None:
    adapter = Coroutine()
    engine, _ = served(adapter)
    with engine:
        command = by_hand()
        assert engine.dispatch_command(command)
    assert (command.status, adapter.opened) == (CommandStatus.COMPLETED, 0)


# Restarts


def test_a_durable_engine_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    file = tmp_path / "site.db"
    with DispatchEngine(journal=file) as first:
        commands = list(first.schedule_to_commands(table(), MAP))
        first.get_pending_commands(at(8))
        first.dispatch_command(commands[0], Charger())
        waits = first.submit(by_hand("other", scheduled_at=at(12)))
    ids = [c.command_id for c in commands]
    assert commands[0].status is CommandStatus.COMPLETED, "it can still be looked up"
    with DispatchEngine(journal=file) as second:
        assert [c.command_id for c in second.get_commands_for_asset(BAY)] == ids
        done = second.get_command(ids[0])
        assert done is not None
        assert (done.status, done.parameters) == (CommandStatus.COMPLETED, {"power_kw": 22.0})
        assert second.get_pending_commands(at(10)) == []
        [pending] = second.get_pending_commands(at(11))
        assert pending.command_id == ids[1]
        assert len(second.schedule_to_commands(table(), MAP)) == 0, "it is in force"
        kept = second.get_command(waits.command_id)
        assert kept is not None
        assert kept.parameters == waits.parameters
        assert kept.source is waits.source


def test_before_an_adapter_is_called_the_file_says_dispatched(tmp_path: Path) -> None:
    file = tmp_path / "site.db"

    def copied(_: Command) -> None:
        """What a kill at this very moment would leave."""
        for part in tmp_path.glob("site.db*"):
            if not part.name.endswith(".lock"):
                (tmp_path / part.name.replace("site", "copy")).write_bytes(part.read_bytes())

    with DispatchEngine(journal=file) as engine:
        command = engine.submit(by_hand())
        engine.dispatch_command(command, Charger(before=copied))
    with DispatchEngine(journal=tmp_path / "copy.db") as copy:
        found = copy.get_command(command.command_id)
        assert found is not None
        assert (found.status, found.attempt) == (CommandStatus.DISPATCHED, 1)


def test_what_was_under_way_when_the_last_one_ended_is_judged_by_its_time(tmp_path: Path) -> None:
    file = tmp_path / "site.db"
    with DispatchEngine(journal=file) as first:
        command = first.submit(by_hand())
        first.get_pending_commands(at(8))
        first.dispatch_command(command, Charger(None))
    with DispatchEngine(journal=file) as second:
        again = second.get_command(command.command_id)
        assert again is not None
        assert second.check_timeouts(at(8, 0, 29)) == []
        assert again.status is CommandStatus.DISPATCHED
        assert second.check_timeouts(at(8, 0, 30)) == [again]
        assert (again.status, again.doubtful) == (CommandStatus.PENDING, True)


class Honest(Charger):
    """Knows what its equipment does."""

    def __init__(self, shows: Any) -> None:
        super().__init__()
        self.shows = shows

    def confirm(self, command: Command) -> bool:
        assert command.doubtful
        if isinstance(self.shows, Exception):
            raise self.shows
        return bool(self.shows)


@pytest.mark.parametrize(("shows", "sent"), [(True, 0), (False, 1)])
async def test_the_loop_asks_before_it_sends_a_doubtful_command_again(
    shows: bool, sent: int
) -> None:
    adapter = Honest(shows)
    engine, _ = served(adapter)
    command = engine.submit(due())
    engine.dispatch_command(command, Charger(None))
    async with running(engine):
        await until(lambda: command.status is CommandStatus.COMPLETED)
    assert (len(adapter.sent), command.attempt) == (sent, 2)


async def test_a_device_that_cannot_be_asked_is_not_told_blindly() -> None:
    adapter = Honest(DeviceFailed("silent"))
    engine, _ = served(adapter)
    command = engine.submit(due(max_retries=1))
    engine.dispatch_command(command, Charger(None))
    async with running(engine):
        await until(lambda: command.status is CommandStatus.FAILED)
    assert adapter.sent == []


async def test_nothing_goes_out_whose_time_went_by_while_the_device_was_asked() -> None:
    class Slow(Charger):
        async def confirm(self, command: Command) -> bool:
            await asyncio.sleep(0.2)
            return command.expires_at is None

    adapter = Slow()
    engine, _ = served(adapter)
    command = engine.submit(due(expires_at=now() + timedelta(seconds=0.15)))
    engine.dispatch_command(command, Charger(None))
    async with running(engine):
        await until(lambda: command.status is CommandStatus.EXPIRED)
    assert (adapter.sent, command.attempt) == ([], 2)


def test_a_file_has_one_engine_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "site.db"
    with DispatchEngine(journal=file), pytest.raises(InUse):
        DispatchEngine(journal=file)
    DispatchEngine(journal=file).close()


def test_a_closed_engine_says_so_and_can_still_be_asked(tmp_path: Path) -> None:
    engine = DispatchEngine(journal=tmp_path / "site.db")
    command = engine.submit(by_hand())
    engine.close()
    engine.close()
    assert engine.get_command(command.command_id) is command
    with pytest.raises(DispatchError, match="closed"):
        engine.cancel(command)


def test_an_engine_writes_the_journal_that_it_is_given() -> None:
    journal = MemoryJournal()
    command = DispatchEngine(journal=journal).submit(by_hand())
    found = DispatchEngine(journal=journal).get_command(command.command_id)
    assert found is not None
    assert (found.asset_id, found.command_type) == (BAY, CommandType.SET_CHARGE_RATE)
    assert found.scheduled_at.tzinfo is UTC
