"""The handshake: what callbacks may say, when, and what comes of it."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, get_ident
from typing import Any, Final

import pytest

from pointsman.operation_dispatcher import (
    DispatchEvent,
    EventType,
    ExecutionState,
    Operation,
    OperationDispatcher,
    RequestDecision,
    TerminationReason,
)
from tests.unit.library.operation_dispatcher.given import ROBOT, SECONDS, Told, dispatching, op

START = EventType.OPERATION_START_REQUESTED
CANCEL = EventType.OPERATION_CANCEL_REQUESTED
Answering = Callable[[DispatchEvent], object]


def starts_only(event: DispatchEvent) -> bool | None:
    return True if event.event_type is START else None


def refusing(*types: EventType) -> Answering:
    return lambda event: event.event_type not in types


def started(dispatcher: OperationDispatcher, told: Told) -> Operation:
    operation = dispatcher.add(op())
    told.until(EventType.OPERATION_STARTED)
    return operation


# What an answer is


def test_none_denies_a_start_and_lets_the_others_pass() -> None:
    with dispatching(lambda _: None) as (dispatcher, told):
        lift = dispatcher.add(op())
        denied = told.until(EventType.OPERATION_START_DENIED)
        assert denied.meta_data["reasoning"] == "no_opinion"
        assert dispatcher.cancel(lift.id) is lift


def test_what_none_means_can_be_said() -> None:
    with dispatching(lambda _: None, none_means=True) as (dispatcher, told):
        started(dispatcher, told)
    with dispatching(starts_only, none_means=False) as (dispatcher, told):
        lift = started(dispatcher, told)
        assert dispatcher.pause_operation(lift.id) is False
        assert told.types[-1] == "pause_denied"


@dataclass
class Decided:
    accepted: bool
    reasoning: str = "because"
    data: Mapping[str, Any] | None = None


@dataclass
class Allowed:
    is_allowed: bool
    reason: str = "because"
    metadata: str = "m"


YES = (True, {"accepted": 1}, RequestDecision(accepted=True), Decided(True), Allowed(True))
NO: Final[Sequence[tuple[object, str | None, object]]] = (
    (False, None, None),
    ({}, None, None),
    ({"accepted": False, "reasoning": "because", "data": 3}, "because", {"value": 3}),
    (RequestDecision(accepted=False, reasoning="because"), "because", None),
    (Decided(False, data={"a": 1}), "because", {"a": 1}),
    (Allowed(False), "because", {"value": "m"}),
    ("yes", "invalid_callback_result", {"result_type": "str"}),
)


@pytest.mark.parametrize("yes", YES, ids=lambda one: type(one).__name__)
def test_a_yes_may_have_many_shapes(yes: object) -> None:
    with dispatching(lambda _: yes) as (dispatcher, told):
        started(dispatcher, told)


@pytest.mark.parametrize(("no", "reasoning", "data"), NO)
def test_a_no_may_have_many_shapes(no: object, reasoning: str, data: object) -> None:
    with dispatching(lambda _: no) as (dispatcher, told):
        dispatcher.add(op())
        meta = told.until(EventType.OPERATION_START_DENIED).meta_data
        assert (meta.get("reasoning"), meta.get("decision_data")) == (reasoning, data)
        assert (meta["retry_count"], meta["max_retries"], meta["cooldown_seconds"]) == (1, 5, 1.0)


def test_an_exception_is_a_denial_that_is_told_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: DispatchEvent) -> bool:
        raise ZeroDivisionError("by zero")

    with dispatching(fail) as (dispatcher, told):
        dispatcher.add(op())
        meta = told.until(EventType.OPERATION_START_DENIED).meta_data
        assert meta["reasoning"] == "request_callback_exception"
        assert meta["decision_data"] == {"error": "by zero"}
        assert dispatcher.callback_failures == 1
    [line] = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert (line.exc_info, "ZeroDivisionError('by zero')" in line.getMessage()) == (None, True)


def test_a_decision_that_nobody_could_store_is_a_denial() -> None:
    answer = {"accepted": True, "data": {"a": object()}}
    with dispatching(lambda _: answer) as (dispatcher, told):
        dispatcher.add(op())
        meta = told.until(EventType.OPERATION_START_DENIED).meta_data
        assert "which is no JSON" in meta["decision_data"]["error"]


# In time, or not at all


def test_what_is_not_answered_in_time_is_denied_and_a_late_yes_starts_nothing() -> None:
    calls: list[DispatchEvent] = []

    def late(event: DispatchEvent) -> bool:
        calls.append(event)
        time.sleep(0.3)
        return True

    settings = {
        "request_event_timeout_seconds": 0.1,
        "start_request_retry_cooldown_seconds": 60,
    }
    with dispatching(late, **settings) as (dispatcher, told):
        lift = dispatcher.add(op())
        denied = told.until(EventType.OPERATION_START_DENIED)
        assert denied.meta_data["reasoning"] == "no_answer"
        time.sleep(0.35)
        assert lift.state is ExecutionState.QUEUED
        assert (len(calls), dispatcher.callback_failures) == (1, 1)
        assert not dispatcher.is_paused


def test_an_async_callback_that_is_late_is_cancelled() -> None:
    ended = Event()

    async def late(_: DispatchEvent) -> bool:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return True

    with dispatching(late, request_event_timeout_seconds=0.05) as (dispatcher, told):
        dispatcher.add(op())
        told.until(EventType.OPERATION_START_DENIED)
        assert ended.wait(SECONDS)


def test_the_rest_after_a_denial_counts_from_the_denial() -> None:
    asked: list[float] = []

    def slow_no(_: DispatchEvent) -> bool:
        asked.append(time.monotonic())
        time.sleep(0.2)
        return False

    with dispatching(slow_no, start_request_retry_cooldown_seconds=0.2) as (dispatcher, told):
        dispatcher.add(op())
        told.until(EventType.OPERATION_START_DENIED, 2)
    assert asked[1] - asked[0] >= 0.4


def test_a_denied_operation_rests_alone() -> None:
    bad = op(priority=9)
    with dispatching(lambda event: event.operation_id != bad.id) as (dispatcher, told):
        dispatcher.add_operations([bad, op(), op()])
        told.until(EventType.OPERATION_STARTED)
        dispatcher.complete_current()
        told.until(EventType.OPERATION_STARTED, 2)
        assert bad.state is ExecutionState.QUEUED


def test_denied_starts_pause_the_dispatcher_only_after_as_many_as_it_was_told() -> None:
    settings = {"start_request_retry_cooldown_seconds": 0, "start_request_max_retries": 3}
    with dispatching(lambda _: False, **settings) as (dispatcher, told):
        dispatcher.add(op())
        told.until(EventType.OPERATION_DISPATCHER_PAUSED)
        assert told.types.count("start_denied") == 3


# What may change while somebody is asked


def test_an_approval_starts_what_was_asked_for_and_nothing_else() -> None:
    asked, go = Event(), Event()

    def slowly(_: DispatchEvent) -> bool:
        asked.set()
        return go.wait(SECONDS)

    with dispatching(slowly) as (dispatcher, told):
        first = dispatcher.add(op())
        assert asked.wait(SECONDS)
        dispatcher.add(op(priority=99))
        go.set()
        assert told.until(EventType.OPERATION_STARTED).operation_id == first.id


def test_a_start_that_is_cancelled_while_asked_for_starts_nothing() -> None:
    asked, go = Told(), Event()

    def slowly(event: DispatchEvent) -> bool:
        asked(event)
        return event.event_type is CANCEL or go.wait(SECONDS)

    with dispatching(slowly) as (dispatcher, told):
        first, second = dispatcher.add_operations([op(), op()])
        asked.until(START)
        assert dispatcher.cancel_operation(first.id) is first
        assert first.termination_reason is TerminationReason.USER_REQUEST
        go.set()
        assert told.until(EventType.OPERATION_STARTED).operation_id == second.id
        assert [e.operation_id for e in asked.events if e.event_type is START] == [
            first.id,
            second.id,
        ]


def test_who_is_done_before_the_start_is_approved_is_done_when_it_is() -> None:
    def do_it(event: DispatchEvent) -> bool:
        assert event.operation_id is not None
        dispatcher.complete_operation(event.operation_id)
        return True

    with dispatching(do_it) as (dispatcher, told):
        lift = dispatcher.add(op())
        told.until(EventType.OPERATION_COMPLETED)
        assert lift.start_time is not None
        assert told.types[-2:] == ["started", "completed"]


def test_a_callback_may_call_the_dispatcher() -> None:
    def busy(event: DispatchEvent) -> bool:
        if event.event_type is not START:
            dispatcher.add(op(priority=5))
            dispatcher.update_operation(other.id, {"priority": 7})
        return True

    with dispatching(busy) as (dispatcher, told):
        lift = started(dispatcher, told)
        other = dispatcher.add(op())
        before = time.monotonic()
        assert dispatcher.pause_operation(lift.id)
        assert dispatcher.resume_operation(lift.id)
        assert dispatcher.cancel_operation(lift.id) is lift
        assert time.monotonic() - before < 2
        assert told.types.count("updated") == 1


def test_a_callback_may_even_cancel_another_operation() -> None:
    def cancels(event: DispatchEvent) -> bool:
        if event.event_type is START:
            assert dispatcher.cancel_operation(other.id) is other
        return True

    with OperationDispatcher(ROBOT, on_request_callback=cancels) as dispatcher:
        lift, other = dispatcher.add_operations([op(), op()])
        assert dispatcher.step() is lift


def test_a_notification_may_call_the_dispatcher() -> None:
    def follow_up(event: DispatchEvent) -> None:
        told(event)
        if event.event_type is EventType.OPERATION_STARTED:
            dispatcher.cancel_operation(event.operation_id or "")

    told = Told()
    ask: Answering = lambda _: True  # noqa: E731
    with dispatching(ask, on_notification_callback=follow_up) as (dispatcher, _):
        before = time.monotonic()
        dispatcher.add(op())
        told.until(EventType.OPERATION_CANCELLED)
        assert time.monotonic() - before < 2


def test_while_somebody_is_asked_others_need_not_wait() -> None:
    asked, go = Event(), Event()

    def slow_cancel(event: DispatchEvent) -> bool:
        if event.event_type is CANCEL:
            asked.set()
            go.wait(SECONDS)
        return True

    async def main() -> float:
        lift = dispatcher.add(op())
        cancelling = asyncio.ensure_future(asyncio.to_thread(dispatcher.cancel, lift.id))
        await asyncio.to_thread(asked.wait, SECONDS)
        before = time.monotonic()
        dispatcher.add(op())
        took = time.monotonic() - before
        go.set()
        assert await cancelling is lift
        return took

    with OperationDispatcher(ROBOT, on_request_callback=slow_cancel) as dispatcher:
        assert asyncio.run(main()) < 0.5


# Operators


def test_denied_cancellations_pause_nothing_and_each_is_asked() -> None:
    asked = Told()

    def keep(event: DispatchEvent) -> bool:
        asked(event)
        return event.event_type is START

    with dispatching(keep) as (dispatcher, told):
        lift = started(dispatcher, told)
        assert [dispatcher.cancel(lift.id) for _ in range(7)] == [None] * 7
        assert not dispatcher.is_paused
        assert len([e for e in asked.events if e.event_type is CANCEL]) == 7
        assert told.types.count("cancel_denied") == 7


def test_who_cancels_what_has_ended_asks_nobody() -> None:
    asked = Told()

    def yes(event: DispatchEvent) -> bool:
        asked(event)
        return True

    with dispatching(yes) as (dispatcher, told):
        lift = started(dispatcher, told)
        dispatcher.complete_operation(lift.id)
        assert dispatcher.cancel_operation(lift.id) is None
        assert lift.state is ExecutionState.COMPLETED
        assert [event.event_type for event in asked.events] == [START]


def test_pause_and_resume_say_whether_it_was_to_be() -> None:
    with dispatching(refusing(EventType.OPERATION_RESUME_REQUESTED)) as (dispatcher, told):
        lift = started(dispatcher, told)
        assert dispatcher.pause_current_operation() is True
        assert lift.state is ExecutionState.PAUSED
        assert dispatcher.resume_operation(lift.id) is False
        assert dispatcher.get_current_operation() == lift


# Whom and where


def test_a_request_is_recorded_before_it_is_asked_and_told_to_nobody_else() -> None:
    seen: list[tuple[DispatchEvent, list[DispatchEvent]]] = []

    def look(event: DispatchEvent) -> bool:
        seen.append((event, dispatcher.get_events(limit=1)))
        return True

    with dispatching(look) as (dispatcher, told):
        dispatcher.add(op())
        told.until(EventType.OPERATION_STARTED)
        [(event, recorded)] = seen
        assert recorded == [event]
        assert event not in told.events
        [again] = [e for e in dispatcher.get_history().events if e.event_type is START]
        assert again == event


async def test_async_callbacks_run_on_the_one_loop_of_the_caller() -> None:
    places: set[tuple[int, int]] = set()

    async def place(event: DispatchEvent) -> bool:
        places.add((get_ident(), id(asyncio.get_running_loop())))
        await asyncio.sleep(0)
        told(event)
        return True

    told = Told()
    dispatcher = OperationDispatcher(
        ROBOT, on_request_callback=place, on_notification_callback=place
    )
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(dispatcher.run())
        lift = dispatcher.add(op())
        await asyncio.to_thread(told.until, EventType.OPERATION_STARTED)
        assert await asyncio.to_thread(dispatcher.pause_operation, lift.id)
        assert await asyncio.to_thread(dispatcher.cancel_operation, lift.id) is lift
        dispatcher.request_stop()
    assert places == {(get_ident(), id(asyncio.get_running_loop()))}
    assert told.types[-1] == "dispatcher_stopped"


async def test_a_blocking_call_on_the_loop_itself_is_answered_all_the_same() -> None:
    async def yes(_: DispatchEvent) -> bool:
        await asyncio.sleep(0)
        return True

    told = Told()
    dispatcher = OperationDispatcher(ROBOT, on_request_callback=yes, on_notification_callback=told)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(dispatcher.run())
        lift = dispatcher.add(op())
        await asyncio.to_thread(told.until, EventType.OPERATION_STARTED)
        before = time.monotonic()
        assert dispatcher.cancel_operation(lift.id) is lift
        assert time.monotonic() - before < 1
        dispatcher.request_stop()


def test_a_callback_that_hangs_holds_up_nobody_for_long() -> None:
    go = Event()

    def hang(event: DispatchEvent) -> bool:
        return go.wait(30) if event.operation_id == bad.id else True

    bad = op(priority=1)
    settings = {
        "request_event_timeout_seconds": 0.1,
        "start_request_retry_cooldown_seconds": 60,
    }
    with dispatching(hang, **settings) as (dispatcher, told):
        good = dispatcher.add_operations([bad, op()])[1]
        assert told.until(EventType.OPERATION_STARTED).operation_id == good.id
        go.set()


def test_an_answer_to_a_dispatcher_that_is_closed_is_late_and_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked, go_on = Event(), Event()

    def slowly(_: DispatchEvent) -> bool:
        asked.set()
        return go_on.wait(SECONDS)

    with dispatching(slowly) as (dispatcher, _):
        dispatcher.add(op())
        assert asked.wait(SECONDS)
    handshakes = dispatcher._handshakes  # noqa: SLF001
    assert handshakes is not None
    go_on.set()
    until = time.monotonic() + SECONDS
    while not handshakes.late:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert not caplog.records


def test_who_waits_for_an_answer_hears_that_the_dispatcher_is_closed() -> None:
    asked, over = Event(), Event()

    def hangs(_: DispatchEvent) -> None:
        asked.set()
        over.wait(SECONDS)

    with OperationDispatcher(ROBOT, on_request_callback=hangs) as dispatcher:
        dispatcher.add(op())
        with ThreadPoolExecutor() as others:
            waiting = others.submit(dispatcher.step)
            assert asked.wait(SECONDS)
            dispatcher.close()
            with pytest.raises(RuntimeError, match="the dispatcher of robot-1 is closed"):
                waiting.result(1.0)
            over.set()


def test_what_of_a_job_is_not_to_be_cancelled_is_asked_for_once() -> None:
    asked: list[object] = []

    def no(event: DispatchEvent) -> bool:
        asked.append(event.operation_id)
        return len(asked) > 6  # So that it ends at all, if it asks again.

    with OperationDispatcher(ROBOT, on_request_callback=no) as dispatcher:
        queued = dispatcher.add_operations([op(job_id="night"), op(job_id="night")])
        assert dispatcher.cancel_job("night") == []
        assert sorted(map(str, asked)) == sorted(str(one.id) for one in queued)
