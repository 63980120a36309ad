"""Notifications, the history, and what a file keeps of them."""

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import get_ident

import pytest

from pointsman.journal import Fenced
from pointsman.journal.memory import MemoryJournal
from pointsman.journal.ownership import InUse
from pointsman.operation_dispatcher import (
    DispatchEvent,
    EventType,
    ExecutionState,
    History,
    OperationDependency,
    OperationDispatcher,
    TimeWindow,
)
from tests.unit.library.operation_dispatcher.given import ROBOT, Told, dispatching, op

# Notifications


def test_a_snapshot_of_what_depends_on_something_equals_what_was_added() -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        first = dispatcher.add(op())
        second = op(dependencies=[OperationDependency(depends_on_operation_id=first.id)])
        dispatcher.add(second)
        assert dispatcher.get_operation(second.id) == second


async def test_a_plain_function_is_called_on_the_loop_that_runs() -> None:
    threads: set[int] = set()
    told = Told()

    def tell(event: DispatchEvent) -> None:
        threads.add(get_ident())
        told(event)

    dispatcher = OperationDispatcher(ROBOT, on_notification_callback=tell)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(dispatcher.run())
        await asyncio.to_thread(dispatcher.add, op())
        await asyncio.to_thread(told.until, EventType.OPERATION_STARTED)
        dispatcher.complete_current()
        assert told.types[-1] == "completed", "told before the call returns"
        dispatcher.request_stop()
    assert threads == {get_ident()}


async def test_coroutines_are_awaited_in_order() -> None:
    told = Told()

    async def tell(event: DispatchEvent) -> None:
        await asyncio.sleep(0.02 if event.event_type is EventType.OPERATION_ADDED else 0)
        told(event)

    dispatcher = OperationDispatcher(ROBOT, on_notification_callback=tell)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(dispatcher.run())
        for _ in range(3):
            dispatcher.add(op())
        await asyncio.sleep(0)
        dispatcher.request_stop()
    adds = [one for one in told.types if one == "added"]
    assert (len(adds), told.types[-1]) == (3, "dispatcher_stopped")


def test_a_function_that_returns_a_coroutine_is_awaited_too() -> None:
    told = Told()

    async def tell(event: DispatchEvent) -> None:
        told(event)

    def hand_on(event: DispatchEvent) -> object:
        return tell(event)

    with OperationDispatcher(ROBOT, on_notification_callback=hand_on) as dispatcher:
        dispatcher.add(op())
        dispatcher.add(op())
        told.until(EventType.OPERATION_ADDED, 2)


def test_what_a_callback_raises_is_told_in_one_line_and_stops_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: DispatchEvent) -> None:
        raise ZeroDivisionError("by zero")

    with OperationDispatcher(ROBOT, on_notification_callback=fail) as dispatcher:
        dispatcher.add_operations([op(), op()])
        assert dispatcher.callback_failures == 2
        assert len(dispatcher.get_queue()) == 2
    lines = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert (
        lines
        == ["the notification callback failed on operation_added: ZeroDivisionError('by zero')"] * 2
    )


def test_a_coroutine_that_hangs_is_given_up_in_time() -> None:
    told = Told()

    async def hang(event: DispatchEvent) -> None:
        if event.operation_id == first.id:
            await asyncio.sleep(60)
        told(event)

    first = op()
    with OperationDispatcher(
        ROBOT, on_notification_callback=hang, request_event_timeout_seconds=0.05
    ) as dispatcher:
        second = dispatcher.add_operations([first, op()])[1]
        assert told.until(EventType.OPERATION_ADDED).operation_id == second.id
        assert dispatcher.callback_failures == 1


def test_a_slow_callback_stalls_no_operation() -> None:
    async def slow(_: DispatchEvent) -> None:
        await asyncio.sleep(5)

    with dispatching(on_notification_callback=slow) as (dispatcher, _):
        before = time.monotonic()
        for _ in range(3):
            dispatcher.add(op())
        while dispatcher.current_operation is None:
            time.sleep(0.005)
        assert time.monotonic() - before < 4


# History


def test_the_history_is_a_window_of_the_last_events_oldest_first() -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        lifts = [dispatcher.add(op()) for _ in range(3)]
        middle = datetime.now(UTC)  # noqa: TID251
        time.sleep(0.002)
        dispatcher.step()
        dispatcher.complete_current()
        everything = dispatcher.get_history()
        assert [e.event_type.name.removeprefix("OPERATION_") for e in everything.events] == [
            *["ADDED"] * 3,
            "START_REQUESTED",
            "STARTED",
            "COMPLETED",
        ]
        later = dispatcher.get_history(from_time=middle, resolve_operations=True)
        assert later.operations == [lifts[0]]
        assert later.window == TimeWindow(start=middle)
        assert len(dispatcher.get_history(to_time=middle).events) == 3
        assert dispatcher.get_history(limit=2).events == everything.events[-2:]
        assert dispatcher.get_history(limit=0).events == []
        assert dispatcher.get_events(lifts[1].id) == [everything.events[1]]


def test_a_time_without_a_zone_is_in_utc() -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        dispatcher.add(op())
        naive = datetime.now(UTC).replace(tzinfo=None)  # noqa: TID251
        assert len(dispatcher.get_history(naive - timedelta(minutes=1), naive).events) == 1
        with pytest.raises(ValueError, match="end time must be after start time"):
            dispatcher.get_history(naive, naive - timedelta(minutes=1))
        with pytest.raises(ValueError, match="from_time is 'yesterday'"):
            dispatcher.get_history("yesterday")


@pytest.mark.parametrize(("limit", "found"), [(None, 2), (10**30, 2), ("1", 1), (0, 0), (-1, 0)])
def test_a_limit_is_how_many_events_there_are_at_most(limit: int | None, found: int) -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        lift = dispatcher.add(op())
        dispatcher.update_operation(lift.id, {"priority": 5})
        assert len(dispatcher.get_events(limit=limit)) == found
        assert len(dispatcher.get_events(lift.id, limit=limit)) == found
        assert len(dispatcher.get_history(limit=limit).events) == found
        with pytest.raises(ValueError, match=r"limit is 1\.5: a whole number would work"):
            dispatcher.get_events(limit=1.5)  # type: ignore[arg-type]


def test_somebody_else_may_tell_the_history() -> None:
    asked: list[tuple[object, ...]] = []
    other = History(resource_id=ROBOT)
    answers: list[object] = [other, None, "no history"]

    def tell(*question: object) -> History | None:
        asked.append(question)
        return answers.pop(0)  # type: ignore[return-value]

    with OperationDispatcher(ROBOT, on_history_callback=tell) as dispatcher:
        dispatcher.add(op())
        assert dispatcher.get_history(limit=5) is other
        remembered = dispatcher.get_history(limit=5)
        assert len(remembered.events) == 1
        assert asked[1][:4] == (None, None, False, 5)
        assert asked[1][4] is remembered
        with pytest.raises(ValueError, match="returned a str: a History or None would work"):
            dispatcher.get_history()


async def test_whoever_tells_the_history_may_be_a_coroutine_on_any_thread() -> None:
    other = History(resource_id=ROBOT)

    async def tell(*_: object) -> History | None:
        await asyncio.sleep(0)
        return other

    async with asyncio.timeout(5), OperationDispatcher(ROBOT, on_history_callback=tell) as cell:
        assert cell.get_history() is other
        assert await asyncio.to_thread(cell.get_history) is other


@pytest.mark.parametrize("way", ["raises", "hangs"])
def test_a_history_callback_that_fails_is_reported_and_harmless(
    way: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def tell(*_: object) -> History | None:
        if way == "raises":
            raise OSError("the archive is away")
        await asyncio.Event().wait()
        return None

    with OperationDispatcher(
        ROBOT, on_history_callback=tell, request_event_timeout_seconds=0.05
    ) as dispatcher:
        dispatcher.add(op())
        assert len(dispatcher.get_history().events) == 1
        assert dispatcher.callback_failures == 1
    assert "the history callback failed" in caplog.text


def test_what_is_remembered_has_a_bound() -> None:
    with OperationDispatcher(ROBOT, events_kept=10, finished_kept=2) as dispatcher:
        first = dispatcher.add(op())
        for _ in range(8):
            dispatcher.add(op())
            dispatcher.step()
            dispatcher.complete_current()
        assert len(dispatcher.get_events()) == 10
        assert dispatcher.get_events(first.id) == []
        assert dispatcher.get_operation(first.id) is None
        assert first.state is ExecutionState.COMPLETED


# A file


def test_what_a_file_keeps_goes_on_with_the_next_dispatcher(tmp_path: Path) -> None:
    file = tmp_path / "cell.db"
    with OperationDispatcher(ROBOT, journal=file) as dispatcher:
        first, second = dispatcher.add_operations([op(), op(payload={"to": "B"})])
        dispatcher.start()
        while first.state is not ExecutionState.RUNNING:
            time.sleep(0.01)
        with pytest.raises(InUse):
            OperationDispatcher(ROBOT, journal=file)
        told = dispatcher.get_events()
    with OperationDispatcher(ROBOT, journal=file) as dispatcher:
        assert not dispatcher.is_running
        assert dispatcher.current_operation == first
        assert dispatcher.get_queue() == [second]
        assert dispatcher.get_events()[: len(told)] == told
        assert dispatcher.complete_operation(first.id).state is ExecutionState.COMPLETED
        assert dispatcher.step() == dispatcher.get_operation(second.id)


def test_an_earlier_life_that_was_killed_leaves_nothing_running(tmp_path: Path) -> None:
    file = tmp_path / "cell.db"
    killed = OperationDispatcher(ROBOT, journal=file, start_paused=True)
    killed.start()
    killed._machine.close()  # noqa: SLF001  Without a stop, as a kill would leave it.
    with OperationDispatcher(ROBOT, journal=file) as dispatcher:
        assert (dispatcher.is_running, dispatcher.is_paused) == (False, True)
        dispatcher.start()


def test_a_dispatcher_whose_journal_has_another_owner_says_so() -> None:
    journal = MemoryJournal()
    first = OperationDispatcher(ROBOT, journal=journal)
    first.start()
    with OperationDispatcher(ROBOT, journal=journal):
        for _ in range(2):
            with pytest.raises(Fenced):
                first.add(op())
        assert "Fenced" in (first.get_state().runtime_last_error or "")
        first.close()


async def test_a_run_ends_with_what_ended_its_dispatcher() -> None:
    journal = MemoryJournal()
    with OperationDispatcher(ROBOT, journal=journal) as first:
        running = asyncio.ensure_future(first.run())
        await asyncio.sleep(0)
        with OperationDispatcher(ROBOT, journal=journal):
            with pytest.raises(Fenced):
                first.add(op())
            with pytest.raises(Fenced):
                await asyncio.wait_for(running, 5)
