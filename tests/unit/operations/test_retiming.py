"""Somebody sets the clock, and what is to take a while still takes as long."""

from datetime import timedelta
from typing import Any

import pytest

from pointsman.core.entity import Wake
from pointsman.operations.facts import Requested
from pointsman.operations.intents import (
    Answer,
    Cancel,
    Complete,
    Configure,
    Fail,
    Heartbeat,
    Pause,
    Resume,
    Retime,
)
from pointsman.operations.model import Phase
from pointsman.operations.watching import time_run
from tests.unit.operations.given import SECOND, Story, at, names

HOUR = timedelta(hours=1)
EITHER_WAY = pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["on", "back"])


def running(**policy: Any) -> Story:  # noqa: ANN401  Any field of Policy.
    story = Story(ask=False, **policy)
    story.add("lift", planned_duration=10 * SECOND)
    story.wake()
    return story


def set_clock(story: Story, step: timedelta) -> list[str]:
    story.now += step
    return names(story.ask(Retime(step)))


def falls_due(story: Story, seconds: float) -> list[str]:
    """What does after so long, and not sooner."""
    assert story.wait(seconds - 0.1) == []
    return names(story.wait(0.1))


@EITHER_WAY
def test_an_executor_may_be_silent_for_as_long_as_before(step: timedelta) -> None:
    story = running(heartbeat=4 * SECOND)
    story.wait(2)
    story.ask(Heartbeat("lift"))
    story.wait(3)
    assert set_clock(story, step) == ["Retimed"]
    assert falls_due(story, 2) == ["Failed", "ResourcePaused"]


@EITHER_WAY
def test_so_it_is_after_its_owner_began_anew(step: timedelta) -> None:
    story = running(heartbeat=4 * SECOND)
    story.wait(3)
    story.ask(Configure(story.resource.header.policy))
    story.wait(3)
    assert set_clock(story, step) == ["Configured", "Retimed"]
    assert falls_due(story, 1) == ["Failed", "ResourcePaused"]


@EITHER_WAY
def test_it_may_run_and_take_to_confirm_for_as_long_as_before(step: timedelta) -> None:
    story = running(timeout_factor=1.0)
    story.wait(3)
    story.ask(Pause("lift"))
    set_clock(story, step)
    story.ask(Resume("lift"))
    story.wait(3)
    set_clock(story, step)
    assert time_run(story["lift"], story.now) == 6 * SECOND
    assert falls_due(story, 4) == ["Failed"]

    story = running(confirms=True, confirm_within=4 * SECOND)
    story.wait(3)
    set_clock(story, step)
    assert falls_due(story, 1) == ["Cancelling"]


@EITHER_WAY
def test_a_request_waits_for_as_long_as_before(step: timedelta) -> None:
    story = Story(answer_within=30 * SECOND)
    story.add("lift")
    story.wake()
    story.wait(20)
    assert set_clock(story, step) == ["Retimed"]
    assert falls_due(story, 10) == ["Denied"]


@EITHER_WAY
def test_what_rests_does_so_for_as_long_as_before(step: timedelta) -> None:
    story = Story(cooldown=10 * SECOND)
    story.add("denied")
    story.wake()
    story.ask(Answer("denied", 1, accepted=False))
    story.wait(4)
    assert set_clock(story, step) == ["Retimed"]
    assert falls_due(story, 6) == ["Requested"]

    story = running(retries=1, backoff=10 * SECOND)
    story.ask(Fail("lift"))
    story.wait(4)
    assert set_clock(story, step) == ["Retimed"]
    assert falls_due(story, 6) == ["Requested", "Started"]


def test_dates_are_of_the_calendar_and_stay() -> None:
    story = Story()
    story.add("later", release_date=at(9, 0, 30), due_date=at(9, 30))
    story.wait(60)
    assert set_clock(story, HOUR) == []
    (asked,) = story.ask(Wake())
    assert isinstance(asked, Requested)
    assert story["later"].work.due_date == at(9, 30)


def test_what_is_not_released_any_more_waits_for_its_date() -> None:
    story = running()
    story.add("later", release_date=at(8, 0, 30))
    story.wait(60)
    story.add("seen")  # With it, what is released by now is known to be.
    story.ask(Complete("lift"))
    story.now = at(8, 0, 1)
    story.ask(Cancel("seen"))
    story.ask(Retime(-60 * SECOND))
    assert falls_due(story, 29) == ["Requested", "Started"]


@EITHER_WAY
def test_what_has_rested_or_ended_is_left_alone(step: timedelta) -> None:
    story = running(retries=1, backoff=1 * SECOND)
    story.ask(Fail("lift"))
    story.wait(2)
    story.ask(Fail("lift"))
    assert story["lift"].phase is Phase.QUARANTINED
    assert set_clock(story, step) == []
