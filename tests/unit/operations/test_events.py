"""What the documented interfaces call a fact, and what has changed with it."""

from typing import Any, get_args

import pytest

from pointsman.core.entity import Forgotten
from pointsman.operations import facts
from pointsman.operations.events import (
    Change,
    EventType,
    changes_of,
    event_type_of,
    is_documented,
    said_of,
)
from pointsman.operations.facts import Fact
from pointsman.operations.intents import (
    Answer,
    Cancel,
    Complete,
    Confirm,
    Fail,
    Hold,
    HoldJob,
    Pause,
    PauseResource,
    ReportProgress,
    Retry,
    Update,
)
from pointsman.operations.model import Ask, Outcome, Reason, State
from pointsman.operations.policy import Job
from tests.unit.operations.given import Story


def told(story: Story) -> list[EventType | None]:
    return [event_type_of(fact) for fact in story.facts]


def changes(fact: Fact) -> dict[str, tuple[Any, Any]]:
    return {one.field: (one.old_value, one.new_value) for one in changes_of(fact)}


def running(**policy: Any) -> Story:  # noqa: ANN401  Any field of Policy.
    story = Story(ask=False, **policy)
    story.add("lift", priority=3)
    story.wake()
    return story


def test_a_day_is_told_in_the_documented_words() -> None:
    story = Story()
    story.add("lift")
    story.wake()
    story.ask(Answer("lift", 1, accepted=True))
    story.ask(Pause("lift"))
    story.ask(Answer("lift", 2, accepted=False))
    story.ask(Complete("lift"))
    assert told(story) == [
        EventType.OPERATION_DISPATCHER_STARTED,
        EventType.OPERATION_ADDED,
        EventType.OPERATION_START_REQUESTED,
        EventType.OPERATION_STARTED,
        EventType.OPERATION_PAUSE_REQUESTED,
        EventType.OPERATION_PAUSE_DENIED,
        EventType.OPERATION_COMPLETED,
    ]
    assert all(type.value == type.name.lower() for type in EventType)


@pytest.mark.parametrize("fact", get_args(Fact))
def test_every_fact_but_one_has_an_event(fact: type[Any]) -> None:
    story = Story()
    lift, header = story.add("lift"), story.resource.header
    story.wake()
    lift = story["lift"]
    about: Any = lift
    if issubclass(fact, facts.AboutResource):
        about = header
    elif fact is facts.JobChanged:
        about = Job("job")
    also = {"request": lift.request} if fact is facts.Denied else {}
    told = event_type_of(fact(about, **also))
    assert (told is None) is (fact is Forgotten)


def test_what_is_forgotten_is_told_to_nobody() -> None:
    assert event_type_of(Forgotten("lift")) is None
    assert not is_documented(Forgotten)
    assert is_documented(facts.Started)
    assert not is_documented(facts.Starting)


@pytest.mark.parametrize("ask", Ask)
def test_each_thing_that_can_be_asked_has_two_events(ask: Ask) -> None:
    assert f"OPERATION_{ask}_REQUESTED" in EventType.__members__
    assert f"OPERATION_{ask}_DENIED" in EventType.__members__


def test_holds_and_releases_are_told_apart() -> None:
    story = running()
    story.add("weld", job_id="job")
    for held in (True, False):
        story.ask(Hold("weld", held))
        story.ask(HoldJob("job", held))
    assert told(story)[-4:] == [
        EventType.OPERATION_HELD,
        EventType.JOB_HELD,
        EventType.OPERATION_RELEASED,
        EventType.JOB_RELEASED,
    ]
    assert changes_of(story.facts[-2]) == (Change("held", True, False),)
    assert changes_of(story.facts[-1]) == ()


def test_a_start_changes_the_state_and_the_time() -> None:
    story = running()
    assert changes(story.facts[-1]) == {
        "state": (State.QUEUED, State.RUNNING),
        "start_time": (None, story.now),
    }


def test_a_start_that_was_confirmed_changes_the_same() -> None:
    story = running(confirms=True)
    approved_at = story.now
    story.wait(1)
    [started] = story.ask(Confirm("lift"))
    assert event_type_of(started) is EventType.OPERATION_STARTED
    assert changes(started) == {
        "state": (State.QUEUED, State.RUNNING),
        "start_time": (None, approved_at),
    }


def test_an_end_changes_the_outcome_and_says_why() -> None:
    story = running()
    [failed] = story.ask(Fail("lift", Reason.EXTERNAL_ERROR))
    assert changes(failed) == {
        "state": (State.RUNNING, State.FAILED),
        "outcome": (Outcome.NONE, Outcome.FAILURE),
        "termination_reason": (Reason.NONE, Reason.EXTERNAL_ERROR),
        "finish_time": (None, story.now),
    }


def test_a_request_changes_nothing() -> None:
    story = Story()
    story.add("lift")
    [requested] = story.wake()
    assert changes_of(requested) == ()


def test_an_update_says_what_was_before() -> None:
    story = Story()
    story.add("lift", priority=3)
    [updated] = story.ask(Update("lift", {"priority": 5, "payload": {"a": 1}}))
    assert changes(updated) == {"priority": (3, 5), "payload": ({}, {"a": 1})}


def test_what_is_tried_again_is_queued_again() -> None:
    story = running(retries=1)
    [requeued] = story.ask(Fail("lift"))
    assert event_type_of(requeued) is EventType.OPERATION_REQUEUED
    assert changes(requeued) == {"state": (State.RUNNING, State.QUEUED)}
    story.wait(2)
    story.ask(Fail("lift"))
    [again] = story.ask(Retry("lift"))
    assert changes(again)["outcome"] == (Outcome.FAILURE, Outcome.NONE)


def test_a_cancelled_operation_that_never_ran_has_no_start() -> None:
    story = Story(ask=False)
    story.ask(Hold(story.add("lift").id, held=True))
    cancelled = story.ask(Cancel("lift"))[-1]
    assert "start_time" not in changes(cancelled)
    assert changes(cancelled)["finish_time"] == (None, story.now)


def test_an_end_says_why_it_failed_or_what_came_of_it() -> None:
    story = running()
    story.ask(Fail("lift", Reason.EXTERNAL_ERROR, "the gripper is jammed", "E42"))
    assert dict(said_of(story.facts[-1])) == {
        "error": "the gripper is jammed",
        "error_code": "E42",
    }
    other = running()
    other.ask(ReportProgress("lift", 0.5, "half"))
    assert dict(said_of(other.facts[-1])) == {"fraction": 0.5, "note": "half"}
    other.ask(Complete("lift", {"parts": 3}))
    assert dict(said_of(other.facts[-1])) == {"result": {"parts": 3}}


def test_a_pause_says_what_for() -> None:
    story = running()
    assert dict(said_of(story.facts[-1])) == {}
    story.ask(PauseResource("the floor is wet"))
    assert dict(said_of(story.facts[-1])) == {"reasoning": "the floor is wet"}
