"""The life of an operation: which way it goes, and which ways it never goes."""

from typing import Any

import pytest

from pointsman.core.entity import Wake, fold
from pointsman.core.names import check_name, key_of
from pointsman.operations import OPERATIONS, lifecycle, resource_id
from pointsman.operations.checks import ALLOWED, Conflict, Invalid
from pointsman.operations.facts import Fact
from pointsman.operations.intents import (
    Add,
    Cancel,
    Complete,
    Confirm,
    Fail,
    Heartbeat,
    HoldJob,
    Pause,
    Resume,
    TakeTurn,
)
from pointsman.operations.model import Phase
from tests.unit.operations.given import Story, at, names, new


def running(**policy: Any) -> Story:  # noqa: ANN401  Any field of Policy.
    story = Story(ask=False, **policy)
    story.add("lift")
    story.wake()
    return story


def test_an_operation_goes_from_the_queue_to_its_end() -> None:
    story = Story(ask=False)
    story.add("lift")
    story.wake()
    story.ask(Pause("lift"))
    story.ask(Resume("lift"))
    story.ask(Complete("lift"))
    assert names(story.facts) == [
        "Configured",
        "ResourceStarted",
        "Added",
        "Requested",
        "Started",
        "Requested",
        "Paused",
        "Requested",
        "Resumed",
        "Completed",
    ]
    assert lifecycle.due(story.resource) is None


@pytest.mark.parametrize(
    ("intent", "code"),
    [
        (Pause("lift"), "operation_not_running"),
        (Resume("lift"), "operation_not_paused"),
        (Cancel("lift"), "operation_cancellation_denied"),
        (Complete("lift"), "operation_not_active"),
        (Fail("lift"), "operation_not_active"),
        (Heartbeat("lift"), "operation_not_active"),
    ],
)
def test_what_has_ended_goes_nowhere_and_nobody_is_asked(intent: Any, code: str) -> None:  # noqa: ANN401
    story = running()
    story.ask(Complete("lift"))
    before = len(story.facts)
    with pytest.raises(Conflict, match="is COMPLETED; nothing becomes of it any more") as found:
        story.ask(intent)
    assert (found.value.code, found.value.phase) == (code, Phase.COMPLETED)
    assert len(story.facts) == before


def test_a_refusal_says_what_would_work() -> None:
    story = running()
    with pytest.raises(Conflict, match="is RUNNING; it allows pause, complete, fail, cancel"):
        story.ask(Resume("lift"))


def test_every_phase_says_what_it_allows() -> None:
    assert set(ALLOWED) == set(Phase)


def test_what_is_queued_can_be_cancelled_while_another_goes_on() -> None:
    story = running()
    story.add("weld")
    assert names(story.ask(Cancel("weld"))) == ["Requested", "Cancelled"]
    assert story["lift"].phase is Phase.RUNNING


def test_a_turn_that_comes_too_early_or_twice_does_nothing() -> None:
    story = Story()
    assert story.ask(Wake()) == []
    story.add("lift", release_date=at(9))
    assert story.ask(Wake()) == []
    assert lifecycle.due(story.resource) == at(9)
    assert story.ask(TakeTurn()) == []


def test_a_resource_with_nothing_to_do_need_not_be_woken() -> None:
    """Neither while something goes on, however much waits."""
    story = running()
    for n in range(100):
        story.add(f"weld-{n}")
    assert lifecycle.due(story.resource) is None


def test_the_facts_lead_to_the_state_that_they_came_from() -> None:
    story = running(retries=1)
    story.ask(Add((new("weld", "lift", job_id="a/b~c%"),)))
    story.ask(HoldJob("a/b~c%", held=True))
    story.ask(Fail("lift"))
    story.wait(2)
    last: dict[str, Fact] = {fact.thing: fact for fact in story.facts}
    assert fold(OPERATIONS.entity, last.values()) == story.resource
    for thing in last:
        check_name(key_of(f"operations/{resource_id('depot', 'robot 1')}", thing))


@pytest.mark.parametrize(
    "intent",
    [
        Confirm("lift", by="x" * 257),
        Confirm("lift", by="\udfff"),
        Confirm("lift", meta={"x": "y" * 20_001}),
        Confirm("lift", meta={"x": float("inf")}),
    ],
)
def test_who_asks_and_what_comes_with_it_can_be_written_down(intent: Confirm) -> None:
    with pytest.raises(Invalid):
        running().ask(intent)
