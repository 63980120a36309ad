"""Threads that call what may hang."""

import logging
import time
from threading import Event, active_count

import pytest

from pointsman.library.operation_dispatcher import hands
from pointsman.library.operation_dispatcher.hands import Hands


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
    monkeypatch.setattr(hands, "IDLE_SECONDS", 0.1)
    before, some = active_count(), Hands("hands")
    for _ in range(5):
        done = Event()
        some.do(done.set)
        assert done.wait(5)
        time.sleep(0.01)
    assert active_count() == before + 1
    deadline = time.monotonic() + 5
    while active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert active_count() == before


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
