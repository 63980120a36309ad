"""What is said of an operation when nobody says anything."""

from typing import Any

import pytest

from pointsman.operations.facts import Denied, Overdue, Overran, ResourcePaused
from pointsman.operations.intents import (
    Complete,
    Configure,
    Confirm,
    Heartbeat,
    Hold,
    Pause,
    PauseResource,
    ReportProgress,
    Resume,
)
from pointsman.operations.model import Phase, Reason
from pointsman.operations.policy import Policy
from pointsman.operations.watching import time_run
from tests.unit.operations.given import SECOND, Story, at, names


def running(**policy: Any) -> Story:  # noqa: ANN401  Any field of Policy.
    story = Story(ask=False, **policy)
    story.add("lift", planned_duration=10 * SECOND)
    story.wake()
    return story


def test_what_takes_longer_than_planned_is_told_once_and_goes_on() -> None:
    story = running()
    assert story.wait(9.9) == []
    [overran] = story.wait(0.1)
    assert isinstance(overran, Overran)
    assert story.wait(3_600) == []
    assert story["lift"].phase is Phase.RUNNING


def test_what_takes_too_long_fails_for_that() -> None:
    story = running(timeout_factor=1.5)
    assert names(story.wait(14.9)) == ["Overran"]
    assert names(story.wait(0.1)) == ["Failed"]
    ending = story["lift"].ending
    assert ending is not None
    assert (ending.reason, ending.error) == (
        Reason.TIMEOUT,
        "it runs 1.5 times longer than planned",
    )


def test_a_pause_does_not_count_as_time_that_it_runs() -> None:
    story = running(timeout_factor=1.0)
    story.wait(5)
    story.ask(Pause("lift"))
    assert story.wait(3_600) == []
    story.ask(Resume("lift"))
    assert time_run(story["lift"], story.now + 2 * SECOND) == 7 * SECOND
    assert story.wait(4.9) == []
    assert names(story.wait(0.1)) == ["Failed"]


def test_a_due_date_that_passes_is_told_once_whether_it_runs_or_waits() -> None:
    story = Story(ask=False)
    story.add("runs", due_date=at(8, 1))
    story.add("waits", due_date=at(8, 2))
    story.ask(Hold("waits", held=True))
    story.wake()
    assert [fact.thing for fact in story.wait(120) if isinstance(fact, Overdue)] == [
        "runs",
        "waits",
    ]
    assert story.wait(3_600) == []


def test_a_due_date_of_what_is_done_is_of_no_interest() -> None:
    story = Story(ask=False)
    story.add("lift", due_date=at(8, 1))
    story.wake()
    story.ask(Complete("lift"))
    assert story.wait(3_600) == []


def test_an_executor_that_is_silent_for_too_long_is_lost_and_nothing_more_starts() -> None:
    story = running(heartbeat=5 * SECOND)
    story.add("weld")
    failed, paused = story.wait(5)
    assert names([failed]) == ["Failed"]
    assert isinstance(paused, ResourcePaused)
    assert story.resource.header.why == (
        "operation lift: its executor gave no sign of life for 5 s"
    )
    ending = story["lift"].ending
    assert ending is not None
    assert ending.reason is Reason.EXTERNAL_ERROR
    assert story.wait(3_600) == []


@pytest.mark.parametrize("sign", [Heartbeat("lift"), ReportProgress("lift", fraction=0.1)])
def test_an_executor_that_is_never_silent_for_so_long_is_not_lost(
    sign: Heartbeat | ReportProgress,
) -> None:
    """Not all of its signs are written down, and it is as if they were."""
    story = Story(ask=False, heartbeat=5 * SECOND)
    story.add("lift")
    story.wake()
    story.ask(sign)
    for seconds in (1, 4.9, 0.5, 4.9, 1.2, 4.9):
        assert story.wait(seconds) == []
        story.ask(sign)
    assert "Failed" in names(story.wait(5 * 1.25 + 0.1)), "at the latest"


def test_a_confirmation_is_a_sign_of_life() -> None:
    story = Story(ask=False, confirms=True, heartbeat=5 * SECOND)
    story.add("lift")
    story.wake()
    story.ask(Confirm("lift"))
    story.wait(4)
    story.ask(Pause("lift"))
    story.wait(1)
    story.ask(Confirm("lift"))
    assert story.wait(4.9) == []


@pytest.mark.parametrize("heard", [False, True])
def test_silence_is_counted_from_when_there_was_somebody_to_hear(*, heard: bool) -> None:
    story = running(heartbeat=4 * SECOND)
    if heard:
        story.ask(Heartbeat("lift"))
    story.now += 3_600 * SECOND  # Nobody is there to be told anything, nor to wake it.
    story.ask(Configure(story.resource.header.policy))
    assert names(story.wait(3.9)) == ["Overran"]
    assert names(story.wait(0.1)) == ["Failed", "ResourcePaused"]


def test_an_executor_that_could_not_be_told_has_all_its_time_to_confirm() -> None:
    story = Story(ask=False, confirms=True, confirm_within=5 * SECOND)
    story.add("lift")
    story.wake()
    story.now += 3_600 * SECOND
    story.ask(Configure(story.resource.header.policy))
    assert story.wait(4.9) == []
    assert names(story.wait(0.1)) == ["Cancelling"]


def test_a_lost_executor_need_not_pause_the_resource() -> None:
    story = running(heartbeat=5 * SECOND, pause_when_lost=False)
    story.add("weld")
    assert names(story.wait(5)) == ["Failed", "Requested", "Started"]


def test_a_lost_executor_of_a_paused_resource_pauses_it_no_more() -> None:
    story = running(heartbeat=5 * SECOND)
    story.ask(PauseResource("lunch"))
    assert names(story.wait(5)) == ["Failed"]
    assert story.resource.header.why == "lunch"


def test_a_start_that_nobody_confirms_is_let_go_and_fails() -> None:
    story = Story(ask=False, confirms=True, confirm_within=5 * SECOND)
    story.add("lift")
    story.wake()
    assert names(story.wait(5)) == ["Cancelling"]
    story.ask(Confirm("lift"))
    ending = story["lift"].ending
    assert ending is not None
    assert (ending.phase, ending.reason) == (Phase.FAILED, Reason.TIMEOUT)
    assert ending.error == "its executor did not confirm that it started"


def test_an_executor_that_never_lets_go_is_lost() -> None:
    story = Story(ask=False, confirms=True, confirm_within=5 * SECOND)
    story.add("lift")
    story.wake()
    assert names(story.wait(10)) == ["Cancelling", "Failed", "ResourcePaused"]


@pytest.mark.parametrize("paused", [False, True])
def test_a_pause_or_resume_that_nobody_confirms_is_as_before_and_says_so(*, paused: bool) -> None:
    story = Story(ask=False, confirms=True, confirm_within=5 * SECOND)
    story.add("lift")
    story.wake()
    story.ask(Confirm("lift"))
    if paused:
        story.ask(Pause("lift"))
        story.ask(Confirm("lift"))
    story.ask(Resume("lift") if paused else Pause("lift"))
    [denied] = story.wait(5)
    assert isinstance(denied, Denied)
    assert denied.before is (Phase.RESUMING if paused else Phase.PAUSING)
    assert denied.meta == {"reasoning": "not_confirmed"}
    assert story["lift"].phase is (Phase.PAUSED if paused else Phase.RUNNING)


def test_what_runs_is_watched_as_a_new_policy_says() -> None:
    story = running()
    story.ask(Configure(Policy(ask=False, heartbeat=3 * SECOND)))
    assert names(story.wait(3)) == ["Failed", "ResourcePaused"]


def test_a_clock_that_is_set_back_takes_no_time_away() -> None:
    story = running()
    assert time_run(story["lift"], story.now - 60 * SECOND) == 0 * SECOND
