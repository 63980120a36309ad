"""The bus: who hears what, and that nobody can hold up another."""

import asyncio
import gc
import threading
from datetime import UTC, datetime

import pytest

from pointsman.coordinator import CommandType, DispatchEngine, Event, EventBus, EventType
from tests.unit.library.coordination import (
    BAY,
    MAP,
    Charger,
    Heard,
    at,
    by_hand,
    engine_with_ears,
    in_force,
    table,
    until,
)

NEWS = Event(EventType.STATE_CHANGED, {"asset_id": BAY}, datetime(2026, 1, 1, tzinfo=UTC))
OTHER = Event(EventType.COMMAND_FAILED, {}, datetime(2026, 1, 1, tzinfo=UTC))


def test_the_eight_documented_types_and_three_more() -> None:
    assert set(EventType) == {
        "COMMAND_CREATED",
        "COMMAND_DISPATCHED",
        "COMMAND_ACKNOWLEDGED",
        "COMMAND_COMPLETED",
        "COMMAND_FAILED",
        "COMMAND_TIMED_OUT",
        "STATE_CHANGED",
        "SCHEDULE_RECEIVED",
        "COMMAND_SUPERSEDED",
        "COMMAND_LATE_RESPONSE",
        "SCHEDULE_EXPIRED",
    }


def test_a_subscriber_hears_its_type_or_all() -> None:
    bus, one, everything = EventBus(), Heard(), Heard()
    bus.subscribe(EventType.STATE_CHANGED, one)
    bus.subscribe(None, everything)
    bus.publish(NEWS)
    bus.publish(OTHER)
    assert one.events == [NEWS]
    assert everything.events == [NEWS, OTHER]


def test_a_type_may_be_said_as_a_word_and_a_wrong_one_is_refused() -> None:
    bus, heard = EventBus(), Heard()
    bus.subscribe("STATE_CHANGED", heard)
    bus.publish(NEWS)
    assert heard.events == [NEWS]
    with pytest.raises(ValueError, match="STATE_CHANGE"):
        bus.subscribe("STATE_CHANGE", heard)


def test_who_has_unsubscribed_hears_nothing_more() -> None:
    bus, heard = EventBus(), Heard()
    unsubscribe = bus.subscribe(None, heard)
    bus.publish(NEWS)
    unsubscribe()
    unsubscribe()
    bus.publish(NEWS)
    assert len(heard.events) == 1


def test_one_that_raises_is_counted_and_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    bus, heard = EventBus(), Heard()

    def broken(_: Event) -> None:
        raise RuntimeError("not my day")

    unsubscribe = bus.subscribe(None, broken)
    bus.subscribe(None, heard)
    bus.publish(NEWS)
    assert (heard.events, bus.failures) == ([NEWS], 1)
    assert "not my day" in caplog.text
    unsubscribe()
    assert bus.failures == 1


def test_a_broken_subscriber_does_not_break_the_engine(caplog: pytest.LogCaptureFixture) -> None:
    bus = EventBus()
    bus.subscribe(None, lambda _: 1 / 0)
    engine = DispatchEngine(event_bus=bus)
    engine.schedule_to_commands(table(), MAP)
    [command] = engine.get_pending_commands(at(8))
    assert engine.dispatch_command(command, Charger())
    assert (command.status, bus.failures) == ("COMPLETED", 3)
    assert "ZeroDivisionError" in caplog.text


def test_a_subscriber_may_call_the_engine() -> None:
    engine, heard = engine_with_ears()
    charger = Charger()

    def send_all(event: Event) -> None:
        for command in engine.get_pending_commands(at(8)):
            engine.dispatch_command(command, charger)
        assert event.payload["plan_id"]

    engine.bus.subscribe(EventType.SCHEDULE_RECEIVED, send_all)
    commands = engine.schedule_to_commands(table(), MAP)
    assert charger.sent == [commands[0]]
    assert commands[0].status == "COMPLETED"
    assert heard.types == ["SCHEDULE_RECEIVED", "COMMAND_DISPATCHED", "COMMAND_COMPLETED"]
    assert engine.bus.failures == 0


def test_every_event_about_a_command_says_which_and_what() -> None:
    engine, heard = engine_with_ears()
    command = by_hand()
    engine.dispatch_command(command, Charger(None))
    engine.acknowledge(command)
    engine.handle_response(command, success=True)
    engine.handle_response(command, success=False)
    assert heard.types == [
        "COMMAND_CREATED",
        "COMMAND_DISPATCHED",
        "COMMAND_ACKNOWLEDGED",
        "COMMAND_COMPLETED",
        "COMMAND_LATE_RESPONSE",
    ]
    for event in heard.events:
        assert event.payload["command_id"] == command.command_id
        assert event.payload["command_type"] is CommandType.SET_CHARGE_RATE
        assert event.payload["asset_id"] == BAY
        assert event.timestamp.tzinfo is not None
    assert f"{heard.events[0].payload['command_type']}" == "SET_CHARGE_RATE"
    assert heard.events[0].payload["parameters"] == command.parameters


def test_events_of_a_plan_carry_the_time_that_was_told() -> None:
    engine, heard, commands = in_force()
    engine.get_pending_commands(at(8, 30))
    engine.dispatch_command(commands[0], Charger())
    assert [e.timestamp for e in heard.events[1:]] == [at(8, 30), at(8, 30)]


# Coroutines


async def test_a_coroutine_is_awaited_on_the_loop_where_it_subscribed() -> None:
    bus, heard = EventBus(), list[tuple[Event, str]]()

    async def hear(event: Event) -> None:
        heard.append((event, threading.current_thread().name))

    bus.subscribe(None, hear)
    for event in (NEWS, OTHER):
        await asyncio.to_thread(bus.publish, event)
    await until(lambda: len(heard) == 2)
    here = threading.current_thread().name
    assert heard == [(NEWS, here), (OTHER, here)]


def test_without_a_loop_a_coroutine_is_awaited_on_a_thread_of_the_bus() -> None:
    bus, came = EventBus(), threading.Event()

    class Ear:
        async def __call__(self, event: Event) -> None:
            assert event is NEWS
            came.set()

    bus.subscribe(EventType.STATE_CHANGED, Ear())
    bus.publish(NEWS)
    assert came.wait(5)
    bus.close()


async def test_a_coroutine_that_is_too_slow_loses_events_and_holds_up_nobody() -> None:
    bus, go, heard = EventBus(), asyncio.Event(), list[Event]()

    async def slow(event: Event) -> None:
        await go.wait()
        heard.append(event)

    bus.subscribe(None, slow, maxsize=2)
    bus.publish(NEWS)
    await asyncio.sleep(0.01)  # The first is taken, and waits.
    for _ in range(5):
        bus.publish(OTHER)
    assert bus.dropped == 3
    go.set()
    await until(lambda: len(heard) == 3)
    assert heard == [NEWS, OTHER, OTHER]


async def test_a_coroutine_that_raises_hears_the_next_event(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bus, heard = EventBus(), list[Event]()

    async def moody(event: Event) -> None:
        heard.append(event)
        if event is NEWS:
            raise RuntimeError("not my day")

    bus.subscribe(None, moody)
    bus.publish(NEWS)
    bus.publish(OTHER)
    await until(lambda: len(heard) == 2)
    assert bus.failures == 1
    assert "not my day" in caplog.text


def test_events_for_a_loop_that_has_ended_are_dropped() -> None:
    bus = EventBus()

    async def hear(event: Event) -> None:
        raise AssertionError(event)

    async def subscribe() -> None:
        bus.subscribe(None, hear)

    asyncio.run(subscribe())
    bus.publish(NEWS)
    gc.collect()
    assert (bus.dropped, bus.failures) == (1, 0)


async def test_a_queue_is_iterated_over_and_has_a_bound() -> None:
    bus = EventBus()
    queue = bus.queue(EventType.STATE_CHANGED, maxsize=2)
    for _ in range(3):
        bus.publish(NEWS)
        bus.publish(OTHER)
    assert queue.dropped == 1
    found = []
    async with asyncio.timeout(5):
        async for event in queue:
            found.append(event)
            if len(found) == 2:
                break
    bus.publish(NEWS)
    queue.close()
    bus.publish(NEWS)
    assert (await queue.get(), queue.dropped, found) == (NEWS, 1, [NEWS, NEWS])


def test_a_queue_needs_a_loop_and_room() -> None:
    with pytest.raises(RuntimeError, match="loop"):
        EventBus().queue()

    async def hear(event: Event) -> None:
        """Never called."""

    with pytest.raises(ValueError, match="maxsize=0"):
        EventBus().subscribe(None, hear, maxsize=0)
