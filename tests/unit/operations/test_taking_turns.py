"""A turn that somebody has taken: one operation is asked for, though the resource be stopped."""

from pointsman.operations.facts import Requested, Started
from pointsman.operations.intents import Answer, PauseResource, StopResource, TakeTurn
from tests.unit.operations.given import Story, names


def stopped() -> Story:
    story = Story(ask=True)
    story.ask(StopResource())
    story.add("lift")
    story.add("weld")
    return story


def test_a_stopped_resource_asks_for_one_when_it_is_told_to() -> None:
    story = stopped()
    assert story.wake() == []
    [asked] = story.ask(TakeTurn(by="ann"))
    assert isinstance(asked, Requested)
    assert (asked.thing, asked.by) == ("lift", "ann")
    [started] = story.ask(Answer("lift", 1, accepted=True))
    assert isinstance(started, Started)
    assert story.ask(TakeTurn()) == [], "one at a time"


def test_after_a_denial_a_stopped_resource_asks_for_no_other_by_itself() -> None:
    story = stopped()
    story.ask(TakeTurn())
    assert names(story.ask(Answer("lift", 1, accepted=False))) == ["Denied"]
    assert story.wait(60) == []


def test_a_paused_resource_starts_nothing_even_if_it_is_told_to() -> None:
    story = stopped()
    story.ask(PauseResource())
    assert story.ask(TakeTurn()) == []
