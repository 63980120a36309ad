"""The controls of a dispatcher, and the machine that only pretends."""

import logging
import time
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest

from pointsman.operation_dispatcher import (
    OperationDispatcher,
    OperationDispatcherRuntimeController,
    SimulatedOperationRunner,
)
from tests.unit.library.operation_dispatcher.given import ROBOT

# Controls


def test_each_call_says_what_it_did_and_how_things_stand() -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        controls = OperationDispatcherRuntimeController(dispatcher)
        again = OperationDispatcherRuntimeController(dispatcher)
        steps: list[tuple[Callable[[], tuple[dict[str, Any], int]], int]] = [
            (controls.stop, 409),
            (controls.start, 202),
            (again.start, 409),
            (again.pause, 200),
            (controls.pause, 409),
            (controls.resume, 200),
            (controls.resume, 409),
        ]
        for call, status in steps:
            body, met = call()
            assert met == status, body
            assert set(body) == {"message", "state"} if met < 400 else {"error", "message", "code"}
        assert again.get_state()["runtime_thread_alive"] is True
        body, status = controls.stop()
        assert (status, body["state"]["is_running"]) == (202, False)


def test_a_dispatcher_that_was_told_to_stop_does_not_start() -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        dispatcher.request_stop()
        assert dispatcher.start() is False
        assert dispatcher.start() is True
    with pytest.raises(ValueError, match="startup_timeout_seconds must be greater than 0"):
        OperationDispatcherRuntimeController(dispatcher, startup_timeout_seconds=0)


# The simulated machine


def test_it_says_when_it_is_done() -> None:
    done = Event()
    runner = SimulatedOperationRunner(lambda _: done.set())
    before = time.monotonic()
    assert runner.start("lift", 0.1)
    assert runner.current == "lift"
    assert done.wait(5)
    assert time.monotonic() - before >= 0.1
    assert runner.progress == 0.0


def test_it_does_one_thing_at_a_time_and_says_so() -> None:
    runner = SimulatedOperationRunner(lambda _: None)
    assert runner.start("lift", 60)
    assert not runner.start("weld", 60)
    assert [call("weld") for call in (runner.pause, runner.resume, runner.cancel)] == [False] * 3
    assert runner.cancel("lift")
    assert not runner.cancel("lift")
    assert runner.start("weld", 60)
    runner.close()
    runner.close()
    assert runner.current is None


def test_a_pause_takes_no_time_off_the_work() -> None:
    done = Event()
    runner = SimulatedOperationRunner(lambda _: done.set())
    runner.start("lift", 0.2)
    assert not runner.resume("lift")
    assert runner.pause("lift")
    assert not runner.pause("lift")
    at_the_pause = runner.progress
    assert not done.wait(0.3)
    assert runner.progress == pytest.approx(at_the_pause, abs=0.05)
    assert runner.resume("lift")
    assert done.wait(5)


def test_while_it_works_it_costs_nothing() -> None:
    runner = SimulatedOperationRunner(lambda _: None)
    runner.start("lift", 60)
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.03
    runner.cancel("lift")


def test_what_on_complete_raises_is_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    runner = SimulatedOperationRunner(fail)
    runner.start("lift", 0)
    deadline = time.monotonic() + 5
    while not caplog.records and time.monotonic() < deadline:
        time.sleep(0.01)
    [line] = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert line.getMessage() == "on_complete failed for operation lift: ZeroDivisionError()"


def test_a_time_that_cannot_be_taken_is_refused() -> None:
    with pytest.raises(ValueError, match="run_seconds is -1"):
        SimulatedOperationRunner(lambda _: None).start("lift", -1)
    with pytest.raises(ValueError, match="must be > 0"):
        SimulatedOperationRunner(lambda _: None, tick_seconds=0)
