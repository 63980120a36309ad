"""What authors may add, change, hold and try again."""

from typing import Any

import pytest

from pointsman.operations.authors import ADD_MOST, CANCEL_MOST, left_of_job
from pointsman.operations.checks import Conflict, Invalid, NotFound
from pointsman.operations.facts import Added, Updated
from pointsman.operations.intents import (
    Add,
    Answer,
    Cancel,
    CancelJob,
    Complete,
    Fail,
    Hold,
    HoldJob,
    Pause,
    Retry,
    Update,
)
from pointsman.operations.model import Dependency, Phase
from tests.unit.operations.given import SECOND, Story, at, names, new, work


def refused(story: Story, intent: Any, match: str) -> None:  # noqa: ANN401  Any intent.
    before = len(story.facts)
    with pytest.raises(Invalid, match=match) as found:
        story.ask(intent)
    assert "\n" not in str(found.value)
    assert len(str(found.value)) < 1_000
    assert len(story.facts) == before


def running(**policy: Any) -> Story:  # noqa: ANN401  Any field of Policy.
    story = Story(ask=False, **policy)
    story.add("lift")
    story.wake()
    return story


def test_all_of_one_request_are_added_or_none() -> None:
    story = Story()
    refused(story, Add((new("a"), new("b", priority=10**400))), "priority is a number of many")
    assert names(story.ask(Add((new("a"), new("b"))))) == ["Added", "Added"]
    assert [story[id].number for id in "ab"] == [1, 2]


def test_adding_the_same_twice_is_adding_once() -> None:
    story = Story()
    story.add("lift", payload={"load": 3})
    later = new("lift", payload={"load": 3}, created_at=at(9))
    assert story.ask(Add((later,))) == []
    assert story.resource.queued == 1


def test_another_operation_of_a_known_id_is_refused() -> None:
    story = Story()
    story.add("lift")
    with pytest.raises(Conflict, match="there is another operation lift already") as found:
        story.ask(Add((new("lift", priority=1),)))
    assert found.value.code == "operation_exists"


def test_what_has_ended_is_not_run_again_by_adding_it_again() -> None:
    story = running()
    story.ask(Complete("lift"))
    assert story.ask(Add((new("lift"),))) == []
    assert story.wait(60) == []


def test_two_of_one_id_or_too_many_at_once_are_refused() -> None:
    refused(Story(), Add((new("a"), new("a"))), "two operations with the id a")
    refused(Story(), Add(tuple(new(f"a{n}") for n in range(ADD_MOST + 1))), "at most 900 at once")


def test_a_chain_that_is_added_at_once_runs_in_its_order() -> None:
    story = Story(ask=False)
    story.ask(Add((new("c", "b"), new("b", "a"), new("a"))))
    for id in "abc":
        story.wake()
        assert story.resource.active == id
        story.ask(Complete(id))


@pytest.mark.parametrize(
    ("add", "match"),
    [
        (Add((new("a", "a"),)), "cannot depend on itself"),
        (Add((new("a", "b"),)), "a depends on b, which this resource does not know"),
        (Add((new("a", "b"), new("b", "a"))), "depend on itself, through others: "),
        (Add((new("a", "c"), new("b", "a"), new("c", "b"))), "depend on itself, through others"),
    ],
)
def test_what_depends_on_itself_or_on_nothing_known_is_refused(add: Add, match: str) -> None:
    refused(Story(), add, match)


def test_an_update_that_would_close_a_circle_is_refused() -> None:
    story = Story()
    story.add("a")
    story.add("b", "a")
    story.add("c", "b")
    refused(story, Update("a", {"dependencies": (Dependency("c"),)}), "through others: a|b|c")
    refused(story, Update("a", {"dependencies": (Dependency("a"),)}), "cannot depend on itself")
    refused(story, Update("a", {"dependencies": (Dependency("x"),)}), "does not know")


def test_what_has_ended_closes_no_circle() -> None:
    story = Story(ask=False)
    story.add("a")
    story.add("b", "a")
    story.wake()
    story.ask(Fail("a"))
    story.wake()
    story.add("c", Dependency("b"))
    assert story["c"].work.dependencies == (Dependency("b"),)


def test_a_circle_of_hundreds_is_told_of_in_one_line() -> None:
    ring = tuple(new(f"a{n}", f"a{(n + 1) % 600}") for n in range(600))
    refused(Story(), Add(ring), "through others")


def test_an_update_says_what_was_before_and_moves_it_in_the_queue() -> None:
    story = Story()
    story.add("a")
    story.add("b")
    [updated] = story.ask(Update("b", {"priority": 7}, by="ann"))
    assert isinstance(updated, Updated)
    assert updated.old == work()
    assert (updated.operation.work.priority, updated.by) == (7, "ann")
    assert updated.operation.revision == 2
    story.wake()
    assert story.resource.asking == "b"


def test_an_update_of_a_revision_that_is_past_is_refused_and_changes_nothing() -> None:
    story = Story()
    story.add("lift")
    story.ask(Update("lift", {"priority": 1}, revision=1))
    with pytest.raises(Conflict, match="revision 1 is not 2") as caught:
        story.ask(Update("lift", {"priority": 2}, revision=1))
    assert caught.value.code == "operation_revised"
    assert story["lift"].work.priority == 1
    story.ask(Update("lift", {"priority": 2}, revision=2))
    assert story["lift"].work.priority == 2


def test_an_update_that_changes_nothing_is_none() -> None:
    story = Story()
    story.add("a")
    assert story.ask(Update("a", {})) == []
    assert story.ask(Update("a", {"priority": 0})) == []


@pytest.mark.parametrize("field", ["state", "outcome", "phase", "start_time", "created_at", "id"])
def test_what_becomes_of_an_operation_cannot_be_updated(field: str) -> None:
    story = Story()
    story.add("a")
    refused(story, Update("a", {field: "COMPLETED"}), f"unsupported .*'{field}'.*can be updated")


@pytest.mark.parametrize(
    "values",
    [
        {"priority": "5"},
        {"priority": True},
        {"priority": None},
        {"payload": []},
        {"release_date": "2026-01-01"},
        {"planned_duration": 5},
        {"job_id": 5},
        {"dependencies": ["a"]},
        {"dependencies": ("a",)},
    ],
)
def test_an_update_with_what_is_no_value_of_a_field_is_refused(values: dict[str, Any]) -> None:
    story = Story()
    story.add("a")
    refused(story, Update("a", values), next(iter(values)))


def test_an_update_is_checked_as_a_whole() -> None:
    story = Story()
    story.add("a", release_date=at(9))
    refused(story, Update("a", {"due_date": at(8)}), "due_date must be after release_date")


def test_what_runs_or_has_ended_cannot_be_updated_and_what_is_paused_can() -> None:
    story = running()
    with pytest.raises(Conflict, match="is RUNNING; it allows pause, complete") as found:
        story.ask(Update("lift", {"priority": 1}))
    assert (found.value.code, found.value.phase) == ("operation_update_failed", Phase.RUNNING)
    assert "pause" in found.value.allowed
    story.ask(Pause("lift"))
    story.ask(Update("lift", {"payload": {"to": "bay 4"}}))
    story.ask(Cancel("lift"))
    with pytest.raises(Conflict, match="nothing becomes of it any more"):
        story.ask(Update("lift", {"priority": 1}))


def test_a_new_due_date_or_duration_is_watched_anew() -> None:
    story = Story(ask=False)
    story.add("lift", due_date=at(8, 0, 5), planned_duration=5 * SECOND)
    story.wait(5)
    story.ask(Pause("lift"))
    assert (story["lift"].overdue, story["lift"].overrun) == (True, True)
    story.ask(Update("lift", {"due_date": at(9), "planned_duration": 60 * SECOND}))
    assert (story["lift"].overdue, story["lift"].overrun) == (False, False)


def test_only_what_is_queued_is_held_and_holding_twice_is_holding_once() -> None:
    story = running()
    with pytest.raises(Conflict, match="only what is queued is held"):
        story.ask(Hold("lift", held=True))
    story.add("weld")
    assert names(story.ask(Hold("weld", held=True))) == ["Held"]
    assert story.ask(Hold("weld", held=True)) == []
    assert names(story.ask(Hold("weld", held=False))) == ["Held"]


def test_what_is_in_quarantine_is_tried_again_when_somebody_says_so() -> None:
    story = running(retries=1)
    story.ask(Fail("lift"))
    story.wait(1)
    story.ask(Fail("lift"))
    assert story["lift"].phase is Phase.QUARANTINED
    assert story.wait(3_600) == []
    [requeued] = story.ask(Retry("lift", by="ann"))
    assert requeued.thing == "lift"
    assert (story["lift"].retries, story["lift"].ending) == (0, None)
    assert names(story.wake()) == ["Requested", "Started"]
    assert story["lift"].attempt == 3


def test_an_update_looks_at_dependencies_only_if_it_changes_them() -> None:
    story = Story()
    story.add("first")
    story.add("last", "first")
    story.ask(Update("last", {"priority": 1}))
    del story.resource.operations["first"]  # As if there were no end of what it depends on.
    story.ask(Update("last", {"priority": 2}))
    assert story["last"].work.priority == 2
    refused(story, Update("last", {"dependencies": (Dependency("none"),)}), "does not know")


def test_what_rests_need_not_rest_any_longer() -> None:
    story = Story(cooldown=3_600 * SECOND)
    story.add("lift")
    story.wake()
    story.ask(Answer("lift", 1, accepted=False))
    story.ask(Retry("lift"))
    assert names(story.wake()) == ["Requested"]


def test_what_neither_rests_nor_is_in_quarantine_is_not_tried_again() -> None:
    story = Story()
    story.add("lift")
    story.wake()
    with pytest.raises(Conflict, match="nothing to try again"):
        story.ask(Retry("lift"))
    story.now = at(7)  # The clock is set back, and it rests and is asked for.
    story.ask(Answer("lift", 1, accepted=False))
    story.wait(1)
    story.now = at(7)
    with pytest.raises(Conflict, match="nothing to try again"):
        story.ask(Retry("lift"))
    assert story["lift"].request is not None


def test_what_is_in_quarantine_can_be_updated_and_cancelled() -> None:
    story = running(retries=1)
    story.ask(Fail("lift"))
    story.wait(1)
    story.ask(Fail("lift"))
    story.ask(Update("lift", {"payload": {"slowly": True}}))
    story.ask(Cancel("lift"))
    assert story["lift"].phase is Phase.CANCELLED


def test_a_job_without_operations_is_not_found() -> None:
    story = Story()
    with pytest.raises(NotFound, match="no operation of the job 'none'"):
        story.ask(HoldJob("none", held=True))
    with pytest.raises(NotFound, match="no operation of the job 'none'"):
        left_of_job(story.resource, "none")


def test_holding_a_job_twice_is_holding_it_once() -> None:
    story = Story()
    story.add("a", job_id="job")
    assert names(story.ask(HoldJob("job", held=True))) == ["JobChanged"]
    assert story.ask(HoldJob("job", held=True)) == []
    assert story.ask(HoldJob("job", held=False))
    assert story.ask(HoldJob("job", held=False)) == []


def test_a_large_job_is_cancelled_a_part_at_a_time_what_goes_on_too() -> None:
    story = Story(ask=False)
    story.ask(Add(tuple(new(f"a{n}", job_id="job") for n in range(300))))
    story.wake()
    cancelled = 0
    for ids in left_of_job(story.resource, "job"):
        assert len(ids) <= CANCEL_MOST
        cancelled += names(story.ask(CancelJob("job", ids))).count("Cancelled")
    assert cancelled == 300
    assert story.resource.active is None
    assert [*left_of_job(story.resource, "job")] == []


def test_no_more_of_a_job_is_cancelled_at_once_than_can_be_written_at_once() -> None:
    story = Story(ask=False)
    story.add("lift", job_id="job")
    with pytest.raises(Invalid, match=f"cancel at most {CANCEL_MOST} at once"):
        story.ask(CancelJob("job", ("lift",) * (CANCEL_MOST + 1)))
    assert story["lift"].phase is Phase.QUEUED


def test_only_what_is_of_a_job_is_cancelled_with_it_and_once() -> None:
    story = Story(ask=False)
    story.add("lift", job_id="job")
    story.add("other")
    facts = story.ask(CancelJob("job", ("other", "lift", "lift", "none")))
    assert [(type(fact).__name__, fact.thing) for fact in facts] == [
        ("Requested", "lift"),
        ("Cancelled", "lift"),
    ]
    assert story.ask(CancelJob("job", ("lift",))) == []


@pytest.mark.parametrize("intent", [Update("x", {}), Hold("x", True), Retry("x"), Cancel("x")])
def test_what_is_not_known_is_not_found(intent: Any) -> None:  # noqa: ANN401  Any intent.
    with pytest.raises(NotFound, match="no operation x"):
        Story().ask(intent)


def test_what_was_added_says_by_whom_and_what_came_with_it() -> None:
    [added] = Story().ask(Add((new("a"),), by="ann", meta={"order": "4711"}))
    assert isinstance(added, Added)
    assert (added.by, added.meta) == ("ann", {"order": "4711"})
