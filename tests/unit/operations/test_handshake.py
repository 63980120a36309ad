"""Only an answer to that very request, in time, lets anything happen."""

from datetime import timedelta
from typing import Any

import pytest

from pointsman.core.values import replace
from pointsman.operations.checks import Conflict, Invalid, NotFound
from pointsman.operations.facts import (
    Denied,
    Paused,
    Requested,
    ResourcePaused,
    Started,
    Withdrawn,
)
from pointsman.operations.intents import (
    Answer,
    Cancel,
    CancelJob,
    Complete,
    Confirm,
    Fail,
    Hold,
    HoldJob,
    Pause,
    PauseResource,
    Resume,
    ResumeResource,
    StartResource,
    StopResource,
    Update,
)
from pointsman.operations.model import Ask, Phase, Reason, State
from tests.unit.operations.given import SECOND, Story, names


def asked(**policy: Any) -> Story:  # noqa: ANN401  Any field of Policy.
    """Somebody is asked whether `lift` may start; `weld` comes next."""
    story = Story(**policy)
    story.add("lift")
    story.add("weld")
    story.wake()
    assert story.resource.asking == "lift"
    return story


def running(**policy: Any) -> Story:  # noqa: ANN401  As above.
    story = asked(**policy)
    story.ask(Answer("lift", 1, accepted=True))
    assert story["lift"].phase is Phase.RUNNING
    return story


def closed(story: Story, answer: Answer) -> None:
    before = len(story.facts)
    with pytest.raises(Conflict, match="does not wait for an answer") as found:
        story.ask(answer)
    assert found.value.code == "request_closed"
    assert len(story.facts) == before


def test_a_request_says_when_it_was_asked_and_until_when_it_can_be_answered() -> None:
    story = asked(answer_within=30 * SECOND)
    request = story["lift"].request
    assert request is not None
    assert (request.number, request.ask) == (1, Ask.START)
    assert request.answer_by - request.asked_at == 30 * SECOND
    assert request.asked_at == story.now, "it is written down before anybody answers"


def test_an_approved_operation_starts_and_says_what_was_decided() -> None:
    story = asked()
    [started] = story.ask(Answer("lift", 1, True, "go", {"bay": 3}, by="ann"))
    assert isinstance(started, Started)
    assert (started.by, started.before) == ("ann", Phase.QUEUED)
    decision = {"accepted": True, "reasoning": "go", "data": {"bay": 3}}
    assert started.meta == {"request_decision": decision}
    assert story["lift"].start_time == story.now


def test_five_approvals_of_one_request_start_once() -> None:
    story = asked()
    assert names(story.ask(Answer("lift", 1, accepted=True))) == ["Started"]
    for _ in range(4):
        closed(story, Answer("lift", 1, accepted=True))
    assert names(story.facts).count("Started") == 1


def test_an_approval_of_one_starts_no_other_though_a_better_one_came_meanwhile() -> None:
    story = asked()
    story.add("urgent", priority=99)
    [started] = story.ask(Answer("lift", 1, accepted=True))
    assert started.thing == "lift"
    closed(story, Answer("urgent", 1, accepted=True))


def test_what_is_cancelled_while_somebody_is_asked_starts_nothing() -> None:
    story = asked()
    assert names(story.ask(Cancel("lift"))) == ["Withdrawn", "Requested"]
    closed(story, Answer("lift", 1, accepted=True))
    assert names(story.ask(Answer("lift", 2, accepted=True))) == ["Cancelled"]
    assert names(story.wake()) == ["Requested"], "the next one is asked for, and not started"
    assert story.resource.active is None


def test_an_answer_that_comes_too_late_changes_nothing() -> None:
    story = asked(answer_within=5 * SECOND)
    story.now += 5 * SECOND
    closed(story, Answer("lift", 1, accepted=True))
    story.wake()
    closed(story, Answer("lift", 1, accepted=True))
    assert story.resource.active is None


def test_silence_is_a_denial_that_says_so() -> None:
    story = asked(answer_within=5 * SECOND)
    story.now += 5 * SECOND
    denied, requested = story.wake()
    assert isinstance(denied, Denied)
    assert denied.meta["reasoning"] == "no_answer"
    assert (requested.thing, type(requested)) == ("weld", Requested)


@pytest.mark.parametrize("number", [0, 2, -1, 10**400])
def test_an_answer_to_a_request_that_never_was_changes_nothing(number: int) -> None:
    closed(asked(), Answer("lift", number, accepted=True))


def test_an_answer_about_nothing_known_is_not_found() -> None:
    with pytest.raises(NotFound, match="no operation swim"):
        asked().ask(Answer("swim", 1, accepted=True))


@pytest.mark.parametrize(
    "change",
    [
        Update("lift", {"payload": {"other": "thing"}}),
        Hold("lift", held=True),
        HoldJob("job", held=True),
        PauseResource(),
        StopResource(),
    ],
)
def test_an_approval_is_void_once_what_was_asked_for_is_something_else(change: Any) -> None:  # noqa: ANN401
    story = Story()
    story.add("lift", job_id="job")
    story.wake()
    withdrawn, *_ = story.ask(change)
    assert isinstance(withdrawn, Withdrawn)
    assert withdrawn.request is not None
    assert withdrawn.meta["withdrawn"]
    closed(story, Answer("lift", 1, accepted=True))


def test_a_change_of_another_operation_leaves_the_request_alone() -> None:
    story = asked()
    story.ask(Update("weld", {"priority": 7}))
    story.ask(Hold("weld", held=True))
    assert names(story.ask(Answer("lift", 1, accepted=True))) == ["Started"]


def test_a_denied_operation_rests_alone_and_the_next_is_asked_for_at_once() -> None:
    story = asked(cooldown=10 * SECOND)
    [denied] = story.ask(Answer("lift", 1, False, "blocked", {"by": "a pallet"}))
    assert isinstance(denied, Denied)
    assert denied.meta == {
        "reasoning": "blocked",
        "decision_data": {"by": "a pallet"},
        "retry_count": 1,
        "max_retries": None,
        "cooldown_seconds": 10.0,
    }
    [requested] = story.wake()
    assert requested.thing == "weld"
    story.ask(Hold("weld", held=True))
    assert story.wait(9.9) == []
    assert [fact.thing for fact in story.wait(0.1)] == ["lift"]
    assert story["lift"].requests == 2


def test_the_rest_counts_from_the_decision_however_long_it_took() -> None:
    story = asked(cooldown=SECOND, answer_within=30 * SECOND)
    story.now += 29 * SECOND
    story.ask(Answer("lift", 1, accepted=False))
    assert story["lift"].not_before == story.now + SECOND


def test_without_a_cooldown_it_is_still_not_asked_for_a_thousand_times_a_second() -> None:
    story = Story(cooldown=timedelta())
    story.add("lift")
    for number in range(1, 11):
        start = story.now
        while not story["lift"].request:
            story.wait(0.01)
        assert story.now - start <= 0.02 * SECOND
        story.ask(Answer("lift", number, accepted=False))
        assert story.wake() == []


def test_so_many_denials_of_one_start_pause_the_resource_and_after_a_resume_so_many_more() -> None:
    story = Story(pause_after_denials=2, cooldown=timedelta())
    story.add("lift")
    for number in (1, 2, 3, 4):
        story.wait(1)
        facts = story.ask(Answer("lift", number, accepted=False))
        if number % 2:
            assert names(facts) == ["Denied"]
            continue
        assert isinstance(facts[-1], ResourcePaused)
        assert story.resource.header.why == f"operation lift was denied its start {number} times"
        assert story.wait(60) == []
        story.ask(ResumeResource())


def test_denials_of_different_operations_are_not_added_up() -> None:
    story = asked(pause_after_denials=2)
    story.ask(Answer("lift", 1, accepted=False))
    story.wake()
    assert names(story.ask(Answer("weld", 1, accepted=False))) == ["Denied"]


def test_an_approved_start_ends_the_count_of_denials() -> None:
    story = asked(retries=1, backoff=timedelta())
    story.ask(Answer("lift", 1, accepted=False))
    story.ask(Hold("weld", held=True))
    story.wait(2)
    story.ask(Answer("lift", 2, accepted=True))
    assert story["lift"].denials == 0


@pytest.mark.parametrize("control", [Cancel("lift"), Pause("lift")])
def test_denied_cancels_and_pauses_are_never_counted_and_never_cool_down(control: Any) -> None:  # noqa: ANN401
    story = running(pause_after_denials=1)
    for number in range(2, 9):
        assert names(story.ask(control)) == ["Requested"], "at once, each time"
        assert names(story.ask(Answer("lift", number, accepted=False))) == ["Denied"]
    assert story["lift"].phase is Phase.RUNNING
    assert not story.resource.header.paused


def test_pause_and_resume_happen_once_they_are_approved() -> None:
    story = running()
    story.ask(Pause("lift"))
    assert story["lift"].phase is Phase.RUNNING, "a request that waits changes nothing"
    story.ask(Answer("lift", 2, accepted=True))
    assert story["lift"].state is State.PAUSED
    story.ask(Resume("lift"))
    story.ask(Answer("lift", 3, accepted=True))
    assert story["lift"].phase is Phase.RUNNING


def test_asking_for_the_same_twice_is_asking_once() -> None:
    story = running()
    story.ask(Pause("lift"))
    assert story.ask(Pause("lift")) == []
    story.ask(Cancel("lift"))
    assert story.ask(Cancel("lift")) == []


def test_a_cancellation_takes_the_place_of_any_request_and_nothing_takes_its_place() -> None:
    story = running()
    story.ask(Pause("lift"))
    assert names(story.ask(Cancel("lift"))) == ["Withdrawn", "Requested"]
    with pytest.raises(Conflict, match="a request to cancel operation lift waits") as found:
        story.ask(Pause("lift"))
    assert found.value.code == "request_pending"


def test_a_cancel_reason_and_what_came_with_it_reach_the_end() -> None:
    story = running()
    story.ask(Cancel("lift", Reason.EXTERNAL_ERROR, by="ann", meta={"ticket": 7}))
    [cancelled] = story.ask(Answer("lift", 2, accepted=True))
    ending = story["lift"].ending
    assert ending is not None
    assert ending.reason is Reason.EXTERNAL_ERROR
    assert cancelled.meta["ticket"] == 7  # type: ignore[union-attr]


def test_a_denial_says_what_came_with_the_request() -> None:
    story = running()
    story.ask(Cancel("lift", meta={"ticket": 7}))
    [denied] = story.ask(Answer("lift", 2, accepted=False))
    assert denied.meta == {"request_meta_data": {"ticket": 7}}  # type: ignore[union-attr]


def test_where_nobody_need_be_asked_the_policy_says_yes_and_it_is_written_down() -> None:
    story = Story(ask=False)
    story.add("lift")
    requested, started = story.wake()
    assert isinstance(requested, Requested)
    assert isinstance(started, Started)
    assert started.meta["request_decision"]["reasoning"] == "policy"
    assert names(story.ask(Pause("lift"))) == ["Requested", "Paused"]
    assert names(story.ask(Cancel("lift"))) == ["Requested", "Cancelled"]


def test_a_request_to_cancel_what_fails_and_is_tried_again_is_kept() -> None:
    story = running(retries=3)
    story.ask(Cancel("lift"))
    story.ask(Fail("lift"))
    story.ask(Hold("weld", held=True))
    assert "Started" not in names(story.wait(10)), "it does not start while that waits"
    assert names(story.ask(Answer("lift", 2, accepted=True))) == ["Cancelled"]


def test_a_request_to_cancel_what_is_being_paused_is_kept() -> None:
    story = asked(confirms=True)
    story.ask(Answer("lift", 1, accepted=True))
    story.ask(Confirm("lift"))
    story.ask(Pause("lift"))
    story.ask(Answer("lift", 2, accepted=True))
    story.ask(Cancel("lift"))
    story.ask(Confirm("lift"))
    assert (story["lift"].phase, story["lift"].asks) == (Phase.PAUSED, Ask.CANCEL)
    assert names(story.ask(Answer("lift", 3, accepted=True))) == ["Cancelling"]


def test_what_is_let_go_to_fail_can_still_be_cancelled_and_is_then_not_tried_again() -> None:
    story = Story(ask=False, confirms=True, retries=3, confirm_within=SECOND)
    story.add("lift")
    story.wait(1)
    assert story["lift"].phase is Phase.CANCELLING
    story.ask(Cancel("lift"))
    assert story.ask(Cancel("lift")) == [], "it is to be cancelled already"
    story.ask(Confirm("lift"))
    assert story["lift"].state is State.CANCELLED


def test_what_ends_while_somebody_is_asked_closes_the_request() -> None:
    story = running()
    story.ask(Pause("lift"))
    story.ask(Complete("lift"))
    closed(story, Answer("lift", 2, accepted=True))


def test_all_of_a_job_is_asked_for_and_each_answered_alone() -> None:
    story = Story()
    story.add("a", job_id="job")
    story.add("b", job_id="job")
    story.wake()
    assert names(story.ask(CancelJob("job", ("a", "b")))) == ["Withdrawn", "Requested", "Requested"]
    assert story.ask(CancelJob("job", ("a", "b"))) == []
    story.ask(Answer("b", 1, accepted=True))
    assert (story["a"].asks, story["b"].phase) == (Ask.CANCEL, Phase.CANCELLED)


def test_a_stopped_resource_that_starts_again_asks_anew() -> None:
    story = asked()
    story.ask(StopResource())
    assert story.wait(60) == []
    story.ask(StartResource())
    story.wake()
    assert story["lift"].request is not None
    assert story["lift"].request.number == 2


def test_an_approval_does_not_start_a_second_one_beside_what_goes_on() -> None:
    story = asked()
    lift = story["lift"]
    story.ask(Answer("lift", 1, accepted=True))
    story.resource.put(replace(story["weld"], request=lift.request, requests=1))
    with pytest.raises(Conflict, match="another operation goes on"):
        story.ask(Answer("weld", 1, accepted=True))


@pytest.mark.parametrize(
    "answer",
    [
        Answer("lift", 1, True, "x" * 10_001),
        Answer("lift", 1, False, data={"set": {1}}),
        Answer("lift", 1, True, by="x" * 257),
        Answer("lift", 1, True, meta={"\ud800": 1}),
    ],
)
def test_an_answer_that_cannot_be_written_down_changes_nothing(answer: Answer) -> None:
    story = asked()
    with pytest.raises(Invalid):
        story.ask(answer)
    assert story["lift"].request is not None


def test_what_comes_with_an_answer_is_told_with_what_comes_of_it() -> None:
    story = running()
    story.ask(Pause("lift", meta={"why": "lunch", "lane": 4}))
    story.ask(Answer("lift", 2, accepted=True, meta={"why": "all right"}))
    told = story.facts[-1]
    assert isinstance(told, Paused)
    decision = {"accepted": True, "reasoning": "", "data": {}}
    assert told.meta == {"why": "all right", "lane": 4, "request_decision": decision}
    story.ask(Resume("lift", meta={"why": "lunch is over"}))
    story.ask(Answer("lift", 3, accepted=False, meta={"why": "not yet"}))
    denied = story.facts[-1]
    assert isinstance(denied, Denied)
    assert denied.meta == {"why": "not yet", "request_meta_data": {"why": "lunch is over"}}
