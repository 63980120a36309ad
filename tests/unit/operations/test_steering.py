"""A resource that is stopped or paused starts nothing, and what runs is left alone."""

from datetime import timedelta
from typing import Any

import pytest

from pointsman.core.values import replace
from pointsman.operations import lifecycle
from pointsman.operations.checks import Conflict, Invalid
from pointsman.operations.intents import (
    Complete,
    Configure,
    PauseResource,
    ResumeResource,
    StartResource,
    StopResource,
    TakeTurn,
)
from pointsman.operations.model import Phase
from pointsman.operations.policy import DEFAULT_ORDER, Policy, SortDirection, SortField, SortRule
from tests.unit.operations.given import SECOND, Story, names


def test_a_pause_of_the_resource_leaves_what_runs_alone_and_starts_nothing_more() -> None:
    story = Story(ask=False)
    story.add("lift")
    story.add("weld")
    story.wake()
    assert names(story.ask(PauseResource("lunch", by="ann"))) == ["ResourcePaused"]
    assert story["lift"].phase is Phase.RUNNING
    story.ask(Complete("lift"))
    assert story.wait(3_600) == []
    story.ask(ResumeResource())
    assert names(story.wake()) == ["Requested", "Started"]
    assert story.resource.header.why == ""


def test_a_stopped_resource_takes_in_all_and_starts_nothing_until_it_is_started() -> None:
    story = Story(ask=False)
    story.ask(StopResource())
    for n in range(50):
        story.add(f"lift-{n}")
    assert story.wait(3_600) == []
    assert story.resource.queued == 50
    story.ask(StartResource())
    assert names(story.wake()) == ["Requested", "Started"]


def test_it_may_begin_paused_and_says_so() -> None:
    story = Story()
    story.ask(StopResource())
    assert names(story.ask(StartResource(paused=True))) == ["ResourceStarted", "ResourcePaused"]
    story.ask(StopResource())
    assert names(story.ask(StartResource(paused=True))) == ["ResourceStarted"], "it is paused"


def test_who_waits_for_leave_when_it_begins_paused_waits_no_more() -> None:
    story = Story()
    story.ask(StopResource())
    story.add("lift")
    story.ask(TakeTurn())
    facts = story.ask(StartResource(paused=True))
    assert names(facts) == ["Withdrawn", "ResourceStarted", "ResourcePaused"]


@pytest.mark.parametrize(
    ("before", "intent", "code"),
    [
        ([], StartResource(), "already_running"),
        ([StopResource()], StopResource(), "not_running"),
        ([PauseResource()], PauseResource(), "already_paused"),
        ([], ResumeResource(), "not_paused"),
    ],
)
def test_what_is_so_already_is_refused(before: list[Any], intent: Any, code: str) -> None:  # noqa: ANN401
    story = Story()
    for one in before:
        story.ask(one)
    with pytest.raises(Conflict) as found:
        story.ask(intent)
    assert found.value.code == code


def test_what_was_stopped_and_paused_stays_so_when_its_owner_begins_anew() -> None:
    story = Story()
    story.ask(PauseResource())
    story.ask(StopResource())
    assert names(story.ask(Configure(Policy(retries=3)))) == ["Configured"]
    assert story.resource.header.paused
    assert story.resource.header.running_since is None
    assert story.ask(Configure(Policy(retries=3))) == [], "it is run like that already"


def test_another_order_holds_for_all_that_waits() -> None:
    story = Story()
    story.add("a", priority=1)
    story.add("b", priority=2)
    lowest = SortRule(SortField.PRIORITY, SortDirection.ASC)
    story.ask(Configure(Policy(order=(lowest,))))
    story.wake()
    assert story.resource.asking == "a"


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"answer_within": timedelta()}, "answer_within must be greater than 0"),
        ({"confirm_within": timedelta.max}, "confirm_within must be greater than 0, and at most"),
        ({"heartbeat": timedelta()}, "heartbeat must be greater than 0"),
        ({"cooldown": -SECOND}, "cooldown must be non-negative"),
        ({"backoff": timedelta.max}, "backoff must be non-negative, and at most"),
        ({"backoff_most": -SECOND}, "backoff_most must be non-negative"),
        ({"pause_after_denials": 0}, "pause_after_denials must be 1 to"),
        ({"retries": -1}, "retries must be 0 to"),
        ({"finished_kept": 10**400}, "finished_kept must be 0 to"),
        ({"timeout_factor": 0.0}, "timeout_factor must be greater than 0"),
        ({"timeout_factor": float("nan")}, "timeout_factor must be greater than 0"),
        ({"timeout_factor": float("inf")}, "at most 100"),
        ({"order": ()}, "at least one rule"),
    ],
)
def test_a_policy_that_nobody_could_live_by_is_refused(values: dict[str, Any], match: str) -> None:
    with pytest.raises(Invalid, match=match):
        lifecycle.decide(lifecycle.initial(), Configure(replace(Policy(), **values)), Story().now)


def test_a_policy_at_its_bounds_can_be_lived_by() -> None:
    most = timedelta(days=3_650)
    story = Story(
        ask=False,
        answer_within=most,
        backoff=most,
        backoff_most=most,
        retries=1_000_000,
        timeout_factor=100.0,
    )
    story.add("lift", planned_duration=most)
    story.wake()
    assert story["lift"].phase is Phase.RUNNING


def test_a_reason_of_a_pause_that_is_too_long_is_refused() -> None:
    with pytest.raises(Invalid, match="why has 10001 characters"):
        Story().ask(PauseResource("x" * 10_001))


def test_the_usual_order_is_complete() -> None:
    assert Story().resource.header.policy.order == DEFAULT_ORDER
