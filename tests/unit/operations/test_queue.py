"""What may start, what waits for what, and what is known by heart."""

from typing import Any

import pytest

from pointsman.core.entity import Forgotten
from pointsman.operations.checks import NotFound
from pointsman.operations.intents import (
    Add,
    Answer,
    Cancel,
    CancelJob,
    Complete,
    Fail,
    Hold,
    HoldJob,
    Retry,
    Update,
)
from pointsman.operations.model import (
    Dependency,
    DependencyType,
    OnFailure,
    Outcome,
    Phase,
    Reason,
    State,
)
from tests.unit.operations.given import Story, at, names, new

START = DependencyType.START_TO_START


def quick(**policy: Any) -> Story:  # noqa: ANN401  Any field of Policy.
    """Nobody need approve."""
    return Story(ask=False, **policy)


def asking(story: Story) -> str | None:
    story.wake()
    return story.resource.asking


def test_a_ready_operation_starts_though_one_of_better_rank_is_released_later() -> None:
    story = Story()
    story.add("nine", release_date=at(9))
    story.add("now", priority=99)
    assert asking(story) == "now"


def test_what_is_released_later_starts_when_it_is_released() -> None:
    story = quick()
    story.add("lift", release_date=at(9))
    assert story.wait(3_599) == []
    assert names(story.wait(1)) == ["Requested", "Started"]
    assert story["lift"].start_time == at(9)


def test_of_those_that_come_due_together_the_best_goes_first() -> None:
    story = Story()
    for id, priority in (("a", 1), ("b", 3), ("c", 2)):
        story.add(id, release_date=at(9), priority=priority)
    story.wait(3_600)
    assert story.resource.asking == "b"


def test_what_is_ready_competes_with_what_comes_due_at_this_instant() -> None:
    story = Story()
    story.add("undated")
    story.ask(Hold("undated", held=True))
    story.add("dated", release_date=at(8, 0, 10))
    story.now = at(8, 0, 10)
    story.ask(Hold("undated", held=False))
    assert asking(story) == "dated"


def test_a_clock_that_is_set_back_starts_nothing_before_its_release() -> None:
    story = Story()
    story.add("nine", release_date=at(9))
    story.add("any")
    story.now = at(9, 30)
    story.ask(Update("any", {"priority": 1}))
    story.now = at(8, 10)
    assert asking(story) == "any"


def test_one_at_a_time_is_asked_for_and_one_at_a_time_goes_on() -> None:
    story = Story()
    story.add("a")
    story.add("b")
    story.wake()
    assert story.wake() == []
    story.ask(Answer("a", 1, accepted=True))
    assert story.wait(60) == []
    assert [one.id for one in story.resource.operations.values() if one.state is State.RUNNING] == [
        "a"
    ]
    assert story.resource.queued == 1


def test_what_depends_on_another_waits_until_that_has_completed() -> None:
    story = quick()
    story.add("first", priority=-9)
    story.add("second", "first", priority=9)
    story.wake()
    assert story.resource.active == "first"
    story.ask(Complete("first"))
    story.wake()
    assert story.resource.active == "second"


@pytest.mark.parametrize("end", [Fail("first"), Cancel("first")])
def test_what_depends_on_what_failed_or_was_cancelled_never_starts(end: Fail | Cancel) -> None:
    story = quick()
    story.add("first")
    story.add("second", "first")
    story.add("third", "second")
    story.wake()
    story.ask(end)
    assert "Started" not in names(story.wait(3_600))
    for id in ("second", "third"):
        ending = story[id].ending
        assert (story[id].phase, story[id].outcome) == (Phase.FAILED, Outcome.FAILURE)
        assert ending is not None
        assert ending.reason is Reason.DEPENDENCY_FAILED
    assert "operation first, on which it depends" in str(story["second"].ending)


def test_what_skips_is_cancelled_and_what_waits_waits_until_it_depends_on_something_else() -> None:
    story = quick()
    story.add("first")
    story.add("skips", Dependency("first", on_failure=OnFailure.SKIP))
    story.add("waits", Dependency("first", on_failure=OnFailure.WAIT))
    story.wake()
    story.ask(Fail("first"))
    story.wait(3_600)
    assert story["skips"].phase is Phase.CANCELLED
    assert story["waits"].phase is Phase.QUEUED
    story.ask(Update("waits", {"dependencies": ()}))
    story.wake()
    assert story.resource.active == "waits"


def test_a_failed_dependency_ends_what_is_held_or_stopped_too() -> None:
    story = quick()
    story.add("first")
    story.add("second", "first")
    story.ask(Hold("second", held=True))
    story.wake()
    story.ask(Fail("first"))
    story.wake()
    assert story["second"].phase is Phase.FAILED


def test_what_starts_after_a_start_may_start_though_that_failed() -> None:
    """Where what finishes before is asked for, it may not."""
    story = quick()
    story.add("first")
    story.add("starts", Dependency("first", START))
    story.add("finishes", Dependency("first"))
    story.wake()
    story.ask(Fail("first"))
    story.wake()
    assert story.resource.active == "starts"
    assert story["finishes"].phase is Phase.FAILED


def test_what_starts_after_a_start_waits_for_that_start() -> None:
    story = Story()
    story.add("first")
    story.add("second", Dependency("first", START), priority=9)
    assert asking(story) == "first"
    story.ask(Cancel("first"))
    story.ask(Answer("first", 2, accepted=True))
    story.wake()
    assert story["second"].phase is Phase.FAILED, "there will never be a start"


def test_what_depends_on_something_in_quarantine_waits_for_it() -> None:
    story = quick(retries=1)
    story.add("first")
    story.add("second", "first")
    for _ in range(2):
        story.wait(5)
        story.ask(Fail("first"))
    story.wait(3_600)
    assert (story["first"].phase, story["second"].phase) == (Phase.QUARANTINED, Phase.QUEUED)
    assert story.resource.queued == 1
    story.ask(Retry("first"))
    story.wake()
    story.ask(Complete("first"))
    story.wake()
    assert story.resource.active == "second"


def test_what_is_held_waits_until_it_is_released_and_so_does_what_its_job_holds() -> None:
    story = Story()
    story.add("alone")
    story.add("member", job_id="batch 7")
    story.ask(Hold("alone", held=True))
    story.ask(HoldJob("batch 7", held=True))
    assert asking(story) is None
    story.add("late", job_id="batch 7")
    assert asking(story) is None, "what joins a held job is held"
    story.ask(HoldJob("batch 7", held=False))
    assert asking(story) == "member"


def test_the_oldest_of_those_that_have_ended_are_forgotten_once_there_are_too_many() -> None:
    story = quick(finished_kept=2)
    for n in range(8):
        story.add(f"lift-{n}")
        story.wake()
        story.ask(Complete(f"lift-{n}"))
    assert 2 <= len(story.resource.ended) <= 4
    assert "lift-7" in story.resource.operations
    with pytest.raises(NotFound, match="no operation lift-0"):
        _ = story["lift-0"]


def test_what_something_waits_for_is_not_forgotten() -> None:
    story = quick(finished_kept=0)
    story.add("first")
    story.add("second", Dependency("first", on_failure=OnFailure.WAIT))
    story.wake()
    story.ask(Fail("first"))
    for n in range(5):
        story.add(f"lift-{n}")
        story.wake()
        story.ask(Complete(f"lift-{n}"))
    assert story["first"].phase is Phase.FAILED
    assert story.wait(3_600) == []
    assert story["second"].phase is Phase.QUEUED


def test_what_something_new_depends_on_is_not_forgotten_with_the_same_request() -> None:
    story = quick(finished_kept=0)
    story.add("first", job_id="one")
    story.add("other", job_id="one")
    story.ask(HoldJob("one", held=True))
    cancelled = story.ask(CancelJob("one", ("first", "other")))
    facts = [*cancelled, *story.ask(Add((new("next", "first", job_id="one"),)))]
    assert [fact.thing for fact in facts if isinstance(fact, Forgotten)] == []
    story.wake()
    assert story["next"].phase is Phase.FAILED, "first was cancelled"
    assert story.resource.jobs["one"].held


def test_a_job_of_which_nothing_is_known_any_more_is_forgotten() -> None:
    story = quick(finished_kept=0)
    story.add("member", job_id="one")
    story.ask(HoldJob("one", held=True))
    story.ask(CancelJob("one", ("member",)))
    for n in range(3):
        story.add(f"lift-{n}")
        story.wake()
        story.ask(Complete(f"lift-{n}"))
    assert story.resource.jobs == {}


def test_all_that_wait_for_one_that_failed_are_ended_a_part_at_a_time() -> None:
    story = quick()
    story.add("first")
    for n in range(0, 1_000, 500):
        story.ask(Add(tuple(new(f"lift-{m}", "first") for m in range(n, n + 500))))
    story.wake()
    story.ask(Fail("first"))
    assert len(story.wake()) == 1_000
    assert story.resource.queued == 0
