"""Threads that call what may hang."""

import logging
import threading
import time
from threading import Event

import pytest

from pointsman.library.operation_dispatcher import hands
from pointsman.library.operation_dispatcher.hands import Hands
from pointsman.operation_dispatcher import OperationDispatcher
from tests.unit.library.operation_dispatcher.given import ROBOT, op


class Threads:
    """Those that began since, and have not ended. Others may end meanwhile: of tests before."""

    def __init__(self) -> None:
        self._before = {*threading.enumerate()}

    def count(self) -> int:
        return len({*threading.enumerate()} - self._before)

    def end_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.count() and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.count() == 0


def test_one_that_hangs_holds_up_no_other() -> None:
    go, done = Event(), Event()
    some = Hands("hands")
    some.do(lambda: go.wait(10))
    some.do(done.set)
    assert done.wait(5)
    go.set()


def test_what_finds_all_hands_full_is_called_once_one_is_free() -> None:
    go, calls = Event(), list[int]()
    some = Hands("hands", most=2)
    for _ in range(2):
        some.do(lambda: go.wait(10))
    for number in range(5):
        some.do(lambda number=number: calls.append(number))  # type: ignore[misc]
    time.sleep(0.05)
    assert calls == []
    go.set()
    deadline = time.monotonic() + 5
    while len(calls) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sorted(calls) == [0, 1, 2, 3, 4]


def test_idle_ones_are_taken_before_new_ones_and_end_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hands, "IDLE_SECONDS", 0.5)
    begun, some = Threads(), Hands("hands")
    for _ in range(10):
        done = Event()
        some.do(done.set)
        assert done.wait(5)
        time.sleep(0.01)
    assert 1 <= begun.count() <= 3, "one, unless it was slow to be idle"
    assert begun.end_within(10)


def test_what_gets_out_of_a_call_is_told_and_ends_no_thread(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done = Event()
    some = Hands("hands", most=1)
    some.do(lambda: 1 / 0)
    some.do(done.set)
    assert done.wait(5)
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR] == [
        "hands: something got out of a call"
    ]


def test_closed_ones_begin_nothing_more_and_end_at_once() -> None:
    begun, go, calls = Threads(), Event(), list[str]()
    some = Hands("hands", most=2)
    done = Event()
    some.do(done.set)
    some.do(lambda: go.wait(10))
    assert done.wait(5)
    some.do(lambda: go.wait(10))
    some.do(lambda: calls.append("waited"))
    some.close()
    some.do(lambda: calls.append("late"))
    go.set()
    assert begun.end_within(hands.IDLE_SECONDS / 2)
    assert calls == []


def test_a_dispatcher_that_is_closed_lets_go_of_its_threads() -> None:
    begun = Threads()
    for _ in range(20):
        with OperationDispatcher(ROBOT, on_request_callback=lambda _: True) as dispatcher:
            dispatcher.add(op())
            dispatcher.step()
    assert begun.end_within(hands.IDLE_SECONDS / 2)
