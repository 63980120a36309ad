"""What is shown of a queue: all that is not over, in its order, from wherever one likes."""

from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.agenda import Agenda
from pointsman.operations import views
from pointsman.operations.intents import Cancel, Fail, Hold, HoldJob, Retry
from pointsman.operations.model import Operation, Phase
from pointsman.operations.ranking import Rank, rank_of
from pointsman.operations.views import in_queue_order
from tests.unit.operations.given import Story, at, work


def shown(story: Story, after: str | None = None) -> list[str]:
    last = story[after] if after else None
    found = [operation.id for operation in in_queue_order(story.resource, last)]
    whole = in_queue_order(story.resource, last, whole=True)
    assert [operation.id for operation in whole] == found
    return found


def test_the_active_one_comes_first_and_all_that_wait_for_anything_are_shown() -> None:
    story = Story(ask=False)
    story.add("runs", priority=-5)
    story.wake()
    story.add("low")
    story.add("high", priority=9)
    story.add("held", priority=8)
    story.ask(Hold("held", held=True))
    story.add("jobbed", priority=7, job_id="j")
    story.ask(HoldJob("j", held=True))
    story.add("later", release_date=at(20))
    story.add("depends", "low", priority=6)
    assert shown(story) == ["runs", "later", "high", "held", "jobbed", "depends", "low"]
    assert shown(story, "runs") == shown(story)[1:]
    assert shown(story, "held") == ["jobbed", "depends", "low"]


def test_the_one_that_somebody_is_asked_about_has_its_place() -> None:
    story = Story(ask=True)
    for id in ("first", "second", "third"):
        story.add(id)
    story.wake()
    story.ask(Cancel("second"))
    assert shown(story) == ["first", "second", "third"]


def test_what_is_over_is_not_shown_until_it_is_tried_again() -> None:
    story = Story(ask=False, retries=1)
    story.add("fails")
    for _ in range(2):
        story.wait(3)
        story.ask(Fail("fails"))
    assert story["fails"].phase is Phase.QUARANTINED
    story.add("cancelled", release_date=at(20))
    story.ask(Cancel("cancelled"))
    assert shown(story) == []
    story.ask(Retry("fails"))
    assert shown(story) == ["fails"]


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), max_size=8))
def test_whoever_goes_on_from_any_place_misses_nothing(
    waiting: list[tuple[int, bool, bool]],
) -> None:
    story = Story(ask=True)
    for number, (priority, later, held) in enumerate(waiting):
        id = f"op-{number}"
        story.add(id, priority=priority, release_date=at(20) if later else None)
        if held:
            story.ask(Hold(id, held=True))
    story.wake()
    order = story.resource.header.policy.order
    operations = story.resource.operations.values()
    right = [one.id for one in sorted(operations, key=lambda one: rank_of(one, order))]
    assert shown(story) == right
    for place, id in enumerate(right):
        assert shown(story, id) == right[place + 1 :]


@pytest.mark.parametrize("few", [0, 10])
def test_of_a_job_the_same_is_shown_however_many_it_has(
    few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "FEW", few)
    story = Story(ask=False)
    story.add("runs", job_id="red")
    story.wake()
    for number, job in enumerate(["red", "blue", "red", None, "red"]):
        story.add(f"op-{number}", job_id=job)
    story.ask(Hold("op-0", held=True))
    story.ask(Cancel("op-4"))

    def of_job(job_id: str, after: str | None = None) -> list[str]:
        last = story[after] if after else None
        return [one.id for one in in_queue_order(story.resource, last, job_id=job_id)]

    assert of_job("red") == ["runs", "op-0", "op-2"]
    assert of_job("red", "runs") == ["op-0", "op-2"]
    assert of_job("red", "op-0") == ["op-2"]
    assert of_job("blue") == ["op-1"]
    assert of_job("none") == []


def test_at_the_far_end_of_a_queue_nobody_takes_what_is_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story, taken, in_order = Story(), list[str](), Agenda.in_order

    def counted(agenda: Agenda[Rank], after: Rank | None = None) -> Iterator[tuple[Rank, str]]:
        for rank, id in in_order(agenda, after):
            taken.append(id)
            yield rank, id

    monkeypatch.setattr(Agenda, "in_order", counted)
    for number in range(500):
        story.resource.put(Operation(f"op-{number}", number + 1, work(), story.now))
    end = [one.id for one in islice(in_queue_order(story.resource, story["op-490"]), 5)]
    assert end == [f"op-{number}" for number in range(491, 496)]
    assert taken[:5] == end
    assert len(taken) <= 6, "the next one may be looked at too"
