"""When a dispatcher starts operations, and when it does not."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import pytest

from pointsman.journal import Token
from pointsman.journal.memory import MemoryJournal
from pointsman.operation_dispatcher import (
    DispatchEvent,
    EventType,
    ExecutionOutcome,
    ExecutionState,
    OperationDependency,
    OperationDispatcher,
    SortDirection,
    SortField,
    SortRule,
    TerminationReason,
)
from tests.unit.library.operation_dispatcher.given import ROBOT, Told, dispatching, op


def test_without_a_callback_requests_are_approved() -> None:
    with dispatching() as (dispatcher, told):
        lift = dispatcher.add(op())
        told.until(EventType.OPERATION_STARTED)
        assert lift.state is ExecutionState.RUNNING
        assert dispatcher.complete_operation(lift.id) is lift
        assert (lift.state, lift.outcome) == (ExecutionState.COMPLETED, ExecutionOutcome.SUCCESS)


class CountingJournal(MemoryJournal):
    def __init__(self) -> None:
        super().__init__()
        self.appends: list[int] = []
        """How many records each had."""

    def append_now(self, token: Token, records: Sequence[tuple[str, bytes]]) -> int:
        self.appends.append(len(records))
        return super().append_now(token, records)


def test_the_end_of_one_and_the_start_of_the_next_are_made_durable_together() -> None:
    journal = CountingJournal()
    with dispatching(journal=journal) as (dispatcher, told):
        first, second = dispatcher.add_operations([op(), op()])
        told.until(EventType.OPERATION_STARTED)
        journal.appends.clear()
        dispatcher.complete_operation(first.id)
        assert second.state is ExecutionState.RUNNING
        assert journal.appends[0] == 3, "completed, requested, started"


async def test_it_runs_on_the_callers_loop_until_it_is_stopped() -> None:
    told = Told()
    dispatcher = OperationDispatcher(ROBOT, on_notification_callback=told)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(dispatcher.run())
        await asyncio.sleep(0)
        assert dispatcher.is_running
        with pytest.raises(RuntimeError, match="operation dispatcher is already running"):
            await dispatcher.run()
        dispatcher.request_stop()
        await running
    assert told.types == ["dispatcher_started", "dispatcher_stopped"]
    assert not dispatcher.is_running


async def test_whoever_cancels_the_run_stops_it() -> None:
    dispatcher = OperationDispatcher(ROBOT)
    running = asyncio.ensure_future(dispatcher.run())
    await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not dispatcher.is_running


async def test_a_stop_that_comes_before_the_run_is_not_lost() -> None:
    told = Told()
    dispatcher = OperationDispatcher(ROBOT, on_notification_callback=told)
    dispatcher.add(op())
    dispatcher.request_stop()
    async with asyncio.timeout(5):
        await dispatcher.run()
    assert told.types == ["added"]


def test_an_operation_of_later_does_not_keep_others_back() -> None:
    with dispatching() as (dispatcher, told):
        later = datetime.now(UTC) + timedelta(hours=1)  # noqa: TID251
        dispatcher.add(op(release_date=later))
        ready = dispatcher.add(op(priority=99))
        assert told.until(EventType.OPERATION_STARTED).operation_id == ready.id


def test_an_operation_starts_when_it_is_released() -> None:
    with dispatching() as (dispatcher, told):
        at = datetime.now(UTC) + timedelta(milliseconds=200)  # noqa: TID251
        dispatcher.add(op(release_date=at))
        started = told.until(EventType.OPERATION_STARTED)
        assert timedelta() <= started.created_at - at < timedelta(seconds=1)


def test_the_order_of_the_queue_can_be_chosen() -> None:
    rules = [SortRule(SortField.PRIORITY, SortDirection.ASC)]
    with OperationDispatcher(ROBOT, dispatch_queue_sort_rules=rules) as dispatcher:
        for priority in (3, 1, 2):
            dispatcher.add(op(priority=priority))
        assert [one.priority for one in dispatcher.get_queue()] == [1, 2, 3]


def test_who_waits_for_the_active_one_costs_nothing() -> None:
    with dispatching() as (dispatcher, told):
        for _ in range(20):
            dispatcher.add(op())
        told.until(EventType.OPERATION_STARTED)
        time.sleep(0.1)
        before = time.process_time()
        time.sleep(0.5)
        assert time.process_time() - before < 0.05


def test_a_pause_leaves_what_runs_alone() -> None:
    with dispatching() as (dispatcher, told):
        first, second = dispatcher.add_operations([op(), op()])
        told.until(EventType.OPERATION_STARTED)
        dispatcher.pause_dispatcher_runtime()
        dispatcher.pause()
        assert (first.state, dispatcher.is_paused) == (ExecutionState.RUNNING, True)
        dispatcher.complete_current()
        time.sleep(0.05)
        assert second.state is ExecutionState.QUEUED
        dispatcher.resume_dispatcher_runtime()
        told.until(EventType.OPERATION_STARTED, 2)
        assert told.types.count("dispatcher_paused") == 1


def test_what_begins_paused_says_so_when_it_starts() -> None:
    with dispatching(start_paused=True) as (dispatcher, told):
        dispatcher.add(op())
        time.sleep(0.05)
        assert told.types == ["dispatcher_started", "dispatcher_paused", "added"]
        dispatcher.resume()
        told.until(EventType.OPERATION_STARTED)


def test_nothing_starts_after_a_stop_not_even_what_is_approved_then() -> None:
    asked, go = Event(), Event()

    def slowly(_: DispatchEvent) -> bool:
        asked.set()
        return go.wait(5)

    with dispatching(slowly) as (dispatcher, told):
        lift = dispatcher.add(op())
        assert asked.wait(5)
        dispatcher.stop()
        assert not dispatcher.state.is_running
        go.set()
        time.sleep(0.1)
        assert lift.state is ExecutionState.QUEUED
        assert told.types[-1] == "dispatcher_stopped"


def test_a_stopped_dispatcher_can_be_stepped_through() -> None:
    with OperationDispatcher(ROBOT, on_request_callback=lambda _: True) as dispatcher:
        first, second = dispatcher.add_operations([op(), op()])
        assert dispatcher.step() is first
        assert dispatcher.step() is None, "one at a time"
        dispatcher.complete_operation(first.id)
        assert asyncio.run(dispatcher.run_once()) is second
        dispatcher.fail_current()
        assert asyncio.run(dispatcher.step_dispatch()) is None


def test_it_can_run_in_a_thread_without_a_loop() -> None:
    told = Told()
    dispatcher = OperationDispatcher(ROBOT, on_notification_callback=told)
    running = Thread(target=dispatcher.run_until_stopped)
    running.start()
    dispatcher.add(op())
    told.until(EventType.OPERATION_STARTED)
    dispatcher.request_stop()
    running.join(5)
    assert not running.is_alive()


def test_even_without_any_rest_a_denied_start_is_asked_for_every_10_ms_at_most() -> None:
    asked = Told()

    def no(event: DispatchEvent) -> bool:
        asked(event)
        return False

    settings = {"start_request_retry_cooldown_seconds": 0, "start_request_max_retries": None}
    with dispatching(no, **settings) as (dispatcher, _):
        dispatcher.add(op())
        time.sleep(0.2)
    assert 1 < len(asked.events) <= 21


def test_with_an_operation_all_fail_that_wait_for_it_before_that_is_told() -> None:
    links = [op()]
    for _ in range(30):
        links.append(op(dependencies=[OperationDependency(depends_on_operation_id=links[-1].id)]))
    with OperationDispatcher(ROBOT) as dispatcher:
        dispatcher.add_operations(links)
        dispatcher.step()
        dispatcher.fail_current()
        reasons = [link.termination_reason for link in links]
    assert reasons == [
        TerminationReason.INTERNAL_ERROR,
        *30 * [TerminationReason.DEPENDENCY_FAILED],
    ]


def test_it_can_be_closed_while_something_is_due(caplog: pytest.LogCaptureFixture) -> None:
    def cancel(event: DispatchEvent) -> None:
        """The rest fails for that, one after the other and after this call."""
        if event.operation_id == links[-1].id and event.event_type is EventType.OPERATION_ADDED:
            dispatcher.cancel(links[0].id)

    for _ in range(20):
        links = [op()]
        for _ in range(5):
            ahead = OperationDependency(depends_on_operation_id=links[-1].id)
            links.append(op(dependencies=[ahead]))
        with OperationDispatcher(ROBOT, on_notification_callback=cancel) as dispatcher:
            dispatcher.add_operations(links)
        assert dispatcher.get_state().runtime_last_error is None
    assert caplog.records == []
