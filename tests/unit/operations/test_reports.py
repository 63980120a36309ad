"""What executors may say, early, late, twice, and of the wrong attempt."""

from typing import Any

import pytest

from pointsman.operations.checks import Conflict, Invalid, NotFound
from pointsman.operations.intents import (
    Add,
    Answer,
    Cancel,
    Complete,
    Confirm,
    Fail,
    Heartbeat,
    Pause,
    ReportProgress,
    Resume,
)
from pointsman.operations.model import Outcome, Phase, Progress, Reason, State
from tests.unit.operations.given import SECOND, Story, names, new


def running(**policy: Any) -> Story:  # noqa: ANN401  Any field of Policy.
    story = Story(ask=False, **policy)
    story.add("lift")
    story.wake()
    return story


def starting(**policy: Any) -> Story:  # noqa: ANN401  As above.
    return running(confirms=True, **policy)


def not_active(story: Story, report: Any) -> None:  # noqa: ANN401  Any report.
    before = len(story.facts)
    with pytest.raises(Conflict, match="it does not go on") as found:
        story.ask(report)
    assert found.value.code == "operation_not_active"
    assert len(story.facts) == before


def test_what_completes_has_its_result_and_the_next_one_may_start() -> None:
    story = running()
    story.add("weld")
    story.ask(Complete("lift", {"weight_kg": 12.5}))
    lift = story["lift"]
    assert (lift.state, lift.outcome, lift.finish_time) == (
        State.COMPLETED,
        Outcome.SUCCESS,
        story.now,
    )
    assert lift.ending is not None
    assert lift.ending.result == {"weight_kg": 12.5}
    story.wake()
    assert story.resource.active == "weld"


def test_what_fails_says_why() -> None:
    story = running()
    story.ask(Fail("lift", Reason.EXTERNAL_ERROR, "the gripper is stuck", "E42"))
    ending = story["lift"].ending
    assert ending is not None
    assert (ending.reason, ending.error, ending.error_code) == (
        Reason.EXTERNAL_ERROR,
        "the gripper is stuck",
        "E42",
    )
    assert story["lift"].outcome is Outcome.FAILURE


def test_an_executor_that_confirms_is_starting_until_it_does() -> None:
    story = starting()
    assert (story["lift"].phase, story["lift"].state) == (Phase.STARTING, State.RUNNING)
    assert names(story.ask(Confirm("lift"))) == ["Started"]
    assert story.ask(Confirm("lift")) == [], "twice is once"
    for control, phase, fact in (
        (Pause("lift"), Phase.PAUSING, "Paused"),
        (Resume("lift"), Phase.RESUMING, "Resumed"),
        (Cancel("lift"), Phase.CANCELLING, "Cancelled"),
    ):
        story.ask(control)
        assert story["lift"].phase is phase
        assert story.ask(control) == [], "it is asked for already"
        assert names(story.ask(Confirm("lift"))) == [fact]


def test_what_is_done_before_it_confirmed_its_start_is_done() -> None:
    story = starting()
    story.ask(Complete("lift"))
    assert story["lift"].phase is Phase.COMPLETED


def test_what_is_done_before_anybody_approved_is_done_once_somebody_does() -> None:
    story = Story()
    story.add("lift")
    story.wake()
    assert names(story.ask(Complete("lift", 7))) == ["Reported"]
    assert story.ask(Complete("lift", 7)) == [], "twice is once"
    assert story["lift"].state is State.QUEUED
    assert names(story.ask(Answer("lift", 1, accepted=True))) == ["Started", "Completed"]
    assert story.resource.active is None


def test_what_is_done_before_somebody_denied_it_counts_for_nothing() -> None:
    story = Story()
    story.add("lift")
    story.wake()
    story.ask(Fail("lift"))
    story.ask(Answer("lift", 1, accepted=False))
    story.wait(1)
    assert names(story.ask(Answer("lift", 2, accepted=True))) == ["Started"]


def test_a_failure_that_is_told_twice_is_not_one_of_the_next_attempt() -> None:
    story = Story(retries=3)
    story.add("lift")
    story.wake()
    story.ask(Answer("lift", 1, accepted=True))
    story.ask(Fail("lift"))
    story.wait(1)
    assert story.resource.asking == "lift"
    not_active(story, Fail("lift"))
    with pytest.raises(Conflict, match="it does not go on"):
        story.ask(Fail("lift", attempt=1))
    assert names(story.ask(Complete("lift", attempt=2))) == ["Reported"], "this one is"


def test_a_report_of_another_attempt_changes_nothing() -> None:
    story = running(retries=3)
    story.ask(Fail("lift", attempt=1))
    story.wait(1)
    assert story["lift"].attempt == 2
    with pytest.raises(Conflict, match="attempt 1 of operation lift is over") as found:
        story.ask(Complete("lift", attempt=1))
    assert found.value.code == "attempt_over"
    story.ask(Complete("lift", attempt=2))
    assert story["lift"].phase is Phase.COMPLETED


@pytest.mark.parametrize(
    "report", [Confirm("b"), Complete("b"), Fail("b"), ReportProgress("b"), Heartbeat("b")]
)
def test_what_is_queued_or_has_ended_takes_no_report(report: Any) -> None:  # noqa: ANN401
    story = running()
    story.add("b")
    not_active(story, report)
    story.ask(Cancel("b"))
    not_active(story, report)


def test_a_report_about_nothing_known_is_not_found() -> None:
    with pytest.raises(NotFound):
        running().ask(Complete("swim"))


def test_what_is_let_go_ends_as_it_was_to_end_though_its_executor_says_that_it_failed() -> None:
    story = starting()
    story.ask(Cancel("lift"))
    story.ask(Fail("lift", error="aborted"))
    ending = story["lift"].ending
    assert ending is not None
    assert (ending.phase, ending.reason, ending.error) == (
        Phase.CANCELLED,
        Reason.USER_REQUEST,
        "aborted",
    )


def test_what_completes_while_it_is_let_go_has_completed() -> None:
    story = starting()
    story.ask(Cancel("lift"))
    story.ask(Complete("lift"))
    assert story["lift"].phase is Phase.COMPLETED


def test_a_failure_is_tried_again_after_a_rest_that_doubles_and_then_in_quarantine() -> None:
    story = running(retries=2, backoff=4 * SECOND)
    for rest in (4, 8):
        story.ask(Fail("lift", error="slipped"))
        assert story["lift"].failure == "slipped"
        assert story.wait(rest - 0.1) == []
        assert names(story.wait(0.1)) == ["Requested", "Started"]
    assert names(story.ask(Fail("lift"))) == ["Failed"]
    assert (story["lift"].phase, story["lift"].state) == (Phase.QUARANTINED, State.FAILED)
    assert story["lift"].attempt == 3


def test_a_rest_never_passes_its_limit_however_often_it_failed() -> None:
    story = running(retries=200, backoff=4 * SECOND, backoff_most=20 * SECOND)
    for _ in range(200):
        story.ask(Fail("lift"))
        rest = story["lift"].not_before
        assert rest is not None
        assert rest - story.now <= 20 * SECOND
        story.wait(20)


def test_what_somebody_wanted_to_fail_is_not_tried_again() -> None:
    story = running(retries=2)
    story.ask(Fail("lift", Reason.USER_REQUEST))
    assert story["lift"].phase is Phase.FAILED


def test_without_retries_a_failure_is_for_good() -> None:
    story = running()
    story.ask(Fail("lift"))
    assert story["lift"].phase is Phase.FAILED


def test_progress_is_kept_and_the_same_again_is_no_news() -> None:
    story = running()
    story.ask(ReportProgress("lift", fraction=0.5, note="half"))
    assert story["lift"].progress == Progress(story.now, 0.5, "half")
    assert story.ask(ReportProgress("lift", fraction=0.5, note="half")) == []


def test_signs_of_life_are_written_down_a_few_times_within_a_heartbeat() -> None:
    story = running(heartbeat=4 * SECOND)
    written = 0
    for _ in range(40):
        story.wait(0.1)
        written += len(story.ask(Heartbeat("lift")))
    assert written == 4


def test_signs_of_life_that_nobody_watches_are_not_written_down() -> None:
    assert running().ask(Heartbeat("lift")) == []


@pytest.mark.parametrize(
    ("report", "match"),
    [
        (ReportProgress("lift", fraction=1.1), "fraction is 1.1: 0 to 1"),
        (ReportProgress("lift", fraction=float("nan")), "fraction is nan"),
        (ReportProgress("lift", note="x" * 10_001), "note has 10001 characters"),
        (Fail("lift", Reason.NONE), "say why it failed"),
        (Fail("lift", error="x" * 10_001), "error has 10001"),
        (Fail("lift", error_code="\ud800"), "error_code holds text that cannot be written"),
        (Complete("lift", {1}), "result holds a set"),
        (Complete("lift", "x" * 100_001), "result takes 100003 bytes"),
    ],
)
def test_a_report_that_makes_no_sense_changes_nothing(report: Any, match: str) -> None:  # noqa: ANN401
    story = running()
    with pytest.raises(Invalid, match=match):
        story.ask(report)
    assert story["lift"].phase is Phase.RUNNING


def test_a_clock_that_is_set_back_lets_nothing_finish_before_it_started() -> None:
    story = running()
    started = story.now
    story.now -= 3_600 * SECOND
    story.ask(Complete("lift"))
    assert story["lift"].finish_time == started


def test_an_operation_that_is_added_while_one_goes_on_waits() -> None:
    story = running()
    story.ask(Add((new("urgent", priority=99),)))
    assert story.wake() == []
