"""Why is this not starting? Whoever asks gets all of the answer."""

from typing import Any

from pointsman.operations.intents import (
    Answer,
    Cancel,
    Complete,
    Confirm,
    Fail,
    Hold,
    HoldJob,
    PauseResource,
    StopResource,
)
from pointsman.operations.model import Dependency, OnFailure
from pointsman.operations.why import Block, Cause, blocked_by
from tests.unit.operations.given import SECOND, Story, at


def why(story: Story, id: str) -> list[Block]:
    return list(blocked_by(story.resource, story[id], story.now))


def causes(story: Story, id: str) -> list[Cause]:
    return [block.cause for block in why(story, id)]


def one(story: Story, id: str) -> Block:
    [block] = why(story, id)
    return block


def quick(**policy: Any) -> Story:  # noqa: ANN401  Any field of Policy.
    return Story(ask=False, **policy)


def test_nothing_keeps_back_what_is_next_what_runs_or_what_has_ended() -> None:
    story = quick()
    story.add("lift")
    assert why(story, "lift") == []
    story.wake()
    assert why(story, "lift") == []
    story.ask(Complete("lift"))
    assert why(story, "lift") == []


def test_a_release_date_says_until_when() -> None:
    story = quick()
    story.add("lift", release_date=at(9))
    block = one(story, "lift")
    assert (block.cause, block.until) == (Cause.NOT_RELEASED, at(9))
    assert block.line == "it is released at 2026-01-01T09:00:00+00:00"


def test_what_goes_on_is_named() -> None:
    story = quick()
    story.add("lift")
    story.add("weld")
    story.wake()
    block = one(story, "weld")
    assert (block.cause, block.operation_id) == (Cause.RESOURCE_BUSY, "lift")
    assert "operation lift is RUNNING since 2026-01-01T08:00:00" in block.line


def test_what_is_asked_about_another_is_named_with_its_deadline() -> None:
    story = Story(answer_within=30 * SECOND)
    story.add("lift")
    story.add("weld")
    story.wake()
    block = why(story, "weld")[0]
    assert (block.cause, block.operation_id) == (Cause.RESOURCE_BUSY, "lift")
    assert block.until == at(8, 0, 30)
    assert one(story, "lift").line == (
        "somebody is asked whether it may start, until 2026-01-01T08:00:30+00:00"
    )


def test_what_is_asked_about_itself_says_what() -> None:
    story = Story()
    story.add("lift")
    story.ask(Cancel("lift"))
    block = one(story, "lift")
    assert block.cause is Cause.REQUEST_PENDING
    assert "whether it may be cancelled" in block.line


def test_a_stopped_or_paused_resource_says_why() -> None:
    story = quick()
    story.add("lift")
    story.ask(PauseResource("lunch"))
    assert one(story, "lift").line == "the dispatcher is paused: lunch"
    story.ask(StopResource())
    assert causes(story, "lift") == [Cause.RESOURCE_STOPPED, Cause.RESOURCE_PAUSED]


def test_a_hold_of_it_or_of_its_job_is_told() -> None:
    story = quick()
    story.add("lift", job_id="batch 7")
    story.ask(Hold("lift", held=True))
    story.ask(HoldJob("batch 7", held=True))
    assert causes(story, "lift") == [Cause.HELD, Cause.JOB_HELD]
    assert "its job 'batch 7' is held" in why(story, "lift")[1].line


def test_a_rest_after_a_denial_or_a_failure_says_which() -> None:
    story = Story(cooldown=60 * SECOND, retries=1, backoff=60 * SECOND)
    story.add("lift")
    story.wake()
    story.ask(Answer("lift", 1, accepted=False))
    block = one(story, "lift")
    assert (block.cause, block.until) == (Cause.RESTING, at(8, 1))
    assert "its start was denied once; it rests until" in block.line
    story.wait(60)
    story.ask(Answer("lift", 2, accepted=True))
    story.ask(Fail("lift", error="slipped"))
    assert "it failed (slipped); it rests until" in one(story, "lift").line


def test_what_it_waits_for_is_named_with_how_that_stands() -> None:
    story = quick()
    story.add("first")
    story.add("second", Dependency("first", on_failure=OnFailure.WAIT))
    story.ask(Cancel("first"))
    block = one(story, "second")
    assert (block.cause, block.operation_id) == (Cause.DEPENDENCY, "first")
    assert block.line == "it waits for operation first (FINISH_TO_START), which is CANCELLED"


def test_what_goes_first_is_named_only_if_nothing_of_its_own_keeps_it_back() -> None:
    story = quick()
    story.add("first", priority=9)
    story.add("second")
    block = one(story, "second")
    assert (block.cause, block.operation_id) == (Cause.OTHERS_FIRST, "first")
    story.ask(Hold("second", held=True))
    assert causes(story, "second") == [Cause.HELD]


def test_quarantine_says_how_often_it_failed() -> None:
    story = quick(retries=1)
    story.add("lift")
    for _ in range(2):
        story.wait(2)
        story.ask(Fail("lift"))
    assert one(story, "lift").line == "it failed 2 times: have it tried again, or cancel it"


def test_what_was_approved_waits_for_its_executor() -> None:
    story = quick(confirms=True)
    story.add("lift")
    story.wake()
    block = one(story, "lift")
    assert (block.cause, block.until) == (Cause.NOT_CONFIRMED, at(8, 1))
    assert block.line == (
        "its executor was asked at 2026-01-01T08:00:00+00:00 to start it, and has not confirmed"
        " that yet: it is given up at 2026-01-01T08:01:00+00:00"
    )
    story.ask(Confirm("lift"))
    assert why(story, "lift") == []
