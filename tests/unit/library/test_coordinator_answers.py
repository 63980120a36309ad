"""Answers in the library: taken in, tried again, too late, never."""

from datetime import timedelta

import pytest

from pointsman.coordinator import (
    CommandStatus,
    CoordinatorConfig,
    EventType,
)
from pointsman.devices import DeviceFailed
from tests.unit.library.coordination import (
    BAY,
    Charger,
    at,
    by_hand,
    engine_with_ears,
    in_force,
)


def test_a_failure_is_tried_again_later_and_more_patiently_each_time() -> None:
    engine, heard, commands = in_force()
    command, pauses, now = commands[0], [], at(8)
    for _ in range(3):
        engine.get_pending_commands(now)
        assert engine.dispatch_command(command, Charger(answer=False))
        assert command.status is CommandStatus.PENDING
        assert command.not_before is not None
        pauses.append((command.not_before - now).total_seconds())
        assert engine.get_pending_commands(now) == []
        now = command.not_before
    assert [round(p / w) for p, w in zip(pauses, (2, 4, 8), strict=True)] == [1, 1, 1]
    assert all(0.9 * w <= p <= 1.1 * w for p, w in zip(pauses, (2, 4, 8), strict=True))
    assert heard.of(EventType.COMMAND_FAILED) == []


def test_total_tries_are_one_and_the_retries() -> None:
    engine, heard = engine_with_ears()
    command = by_hand(max_retries=2)
    now = at(8)
    for attempt in (1, 2, 3):
        engine.get_pending_commands(now)
        engine.dispatch_command(command, Charger(None))
        engine.handle_response(command, success=False, error="connection timeout")
        assert command.attempt == attempt
        now += timedelta(minutes=2)
    assert (command.status, command.error) == (CommandStatus.FAILED, "connection timeout")
    [event] = heard.of(EventType.COMMAND_FAILED)
    assert event.payload["error"] == "connection timeout"


def test_an_exception_is_a_failure_with_its_message() -> None:
    engine, _ = engine_with_ears()
    command = by_hand()
    assert engine.dispatch_command(command, Charger(ConnectionError("no route"))) is True
    assert (command.status, command.error) == (CommandStatus.PENDING, "no route")


def test_what_is_of_no_use_is_not_tried_again() -> None:
    engine, _ = engine_with_ears()
    command = by_hand()
    engine.dispatch_command(command, Charger(DeviceFailed("cannot discharge", permanent=True)))
    assert (command.status, command.attempt) == (CommandStatus.FAILED, 1)
    other = by_hand("other")
    engine.dispatch_command(other, Charger(None))
    engine.handle_response(other, success=False, error="illegal address", permanent=True)
    assert other.status is CommandStatus.FAILED


def test_silence_that_an_adapter_tells_of_leaves_a_doubt() -> None:
    engine, heard = engine_with_ears()
    command = by_hand(max_retries=0)
    engine.dispatch_command(command, Charger(TimeoutError()))
    assert command.status is CommandStatus.TIMED_OUT
    assert len(heard.of(EventType.COMMAND_TIMED_OUT)) == 1
    patient = by_hand("other")
    engine.dispatch_command(patient, Charger(TimeoutError()))
    assert (patient.status, patient.doubtful) == (CommandStatus.PENDING, True)


def test_an_answer_that_is_none_is_a_failure_that_says_what_would_work() -> None:
    engine, _ = engine_with_ears()
    command = by_hand()
    engine.dispatch_command(command, Charger("OK"))
    assert command.status is CommandStatus.PENDING
    assert command.error == "send returned 'OK'; True, False or None would work"


def test_an_answer_to_what_is_over_is_only_an_event() -> None:
    engine, heard = engine_with_ears()
    command = by_hand(max_retries=0)
    engine.dispatch_command(command, Charger(answer=False))
    assert engine.handle_response(command, success=True) is False
    assert command.status is CommandStatus.FAILED
    stranger = by_hand()
    assert engine.handle_response(stranger, success=True) is False
    first, second = heard.of(EventType.COMMAND_LATE_RESPONSE)
    assert first.payload["command_id"] == command.command_id
    assert first.payload["success"] is True
    assert second.payload["asset_id"] == BAY


def test_an_answer_to_an_earlier_try_is_only_an_event() -> None:
    engine, heard = engine_with_ears()
    command = by_hand()
    engine.dispatch_command(command, Charger(answer=False))
    engine.get_pending_commands(at(8, 1))
    engine.dispatch_command(command, Charger(None))
    assert engine.handle_response(command, success=True, attempt=1) is False
    assert command.status is CommandStatus.DISPATCHED
    assert len(heard.of(EventType.COMMAND_LATE_RESPONSE)) == 1


def test_the_same_yes_twice_is_one() -> None:
    engine, heard = engine_with_ears()
    command = by_hand()
    engine.dispatch_command(command, Charger())
    assert engine.handle_response(command, success=True) is True
    assert len(heard.of(EventType.COMMAND_COMPLETED)) == 1
    assert heard.of(EventType.COMMAND_LATE_RESPONSE) == []


# Silence


def test_a_command_that_nobody_answers_is_pending_again_and_then_timed_out() -> None:
    engine, heard = engine_with_ears()
    command = by_hand(max_retries=1)
    engine.submit(command)
    engine.get_pending_commands(at(8))
    engine.dispatch_command(command, Charger(None))
    assert engine.check_timeouts(at(8, 0, 29.9)) == []
    assert engine.check_timeouts(at(8, 0, 30)) == [command]
    assert (command.status, command.doubtful) == (CommandStatus.PENDING, True)
    assert heard.of(EventType.COMMAND_TIMED_OUT) == []
    engine.get_pending_commands(at(8, 1))
    engine.dispatch_command(command, Charger(None))
    assert engine.check_timeouts(at(8, 2)) == [command]
    assert command.status is CommandStatus.TIMED_OUT
    assert len(heard.of(EventType.COMMAND_TIMED_OUT)) == 1
    assert engine.check_timeouts(at(8, 3)) == []


def test_a_late_yes_still_counts_while_nothing_newer_was_sent() -> None:
    engine, heard = engine_with_ears()
    command = by_hand(max_retries=0)
    engine.submit(command)
    engine.get_pending_commands(at(8))
    engine.dispatch_command(command, Charger(None))
    engine.check_timeouts(at(8, 1))
    assert engine.handle_response(command, success=True)
    assert (command.status, command.late) == (CommandStatus.COMPLETED, True)
    assert heard.types[-1] is EventType.COMMAND_COMPLETED
    assert heard.events[-1].payload["late"] is True


def test_the_configuration_tells_how_fast_patience_grows() -> None:
    engine, _ = engine_with_ears(config=CoordinatorConfig(retry_backoff_factor=5.0))
    command = by_hand()
    engine.submit(command)
    now = at(8)
    for _ in range(2):
        engine.get_pending_commands(now)
        engine.dispatch_command(command, Charger(answer=False))
        assert command.not_before is not None
        pause = (command.not_before - now).total_seconds()
        now = command.not_before
    assert pause == pytest.approx(10.0, rel=0.1)
