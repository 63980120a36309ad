"""What earlier releases journaled of operations reads today as it did then."""

from datetime import timedelta
from typing import get_args

from pointsman.operations import OPERATIONS
from pointsman.operations.facts import Fact, Requested, Updated
from pointsman.operations.lifecycle import due
from pointsman.operations.model import Ask, Phase, Reason
from pointsman.operations.policy import SortDirection, SortField
from pointsman.runtime.codec import Codec
from tests.golden.operations_story import GOLDEN, NAME, SET, WHOLE
from tests.golden.replay import read, replay
from tests.unit.operations.given import at


def test_the_resource_of_the_first_release_is_as_it_was() -> None:
    resource = replay(GOLDEN, [OPERATIONS])[NAME]
    assert {id: one.phase for id, one in resource.operations.items()} == {
        "first": Phase.COMPLETED,
        "second": Phase.QUARANTINED,
        "last-2": Phase.CANCELLED,
        "waits": Phase.QUEUED,
    }
    first, second = resource.operations["first"], resource.operations["second"]
    assert first.work.payload == {"name": "Träger", "deep": [1.5, None, {"a": True}]}
    assert (first.work.priority, first.work.job_id) == (9, "a b")
    assert first.ending.result == {"weight_kg": 12.5}
    assert [one.on for one in second.work.dependencies] == ["first"]
    assert (second.ending.reason, second.ending.error_code) == (Reason.EXTERNAL_ERROR, "E42")
    assert (second.attempt, second.retries, second.overdue) == (2, 1, True)
    assert second.work.planned_duration == timedelta(seconds=4)


def test_what_was_left_out_stands_for_the_default_of_then() -> None:
    """Whoever gives a field another default, gives the facts that have it a new version."""
    assert replay(GOLDEN, [OPERATIONS]) == replay(WHOLE, [OPERATIONS])


def test_its_policy_and_what_it_waits_for_are_as_they_were() -> None:
    resource = replay(GOLDEN, [OPERATIONS])[NAME]
    header = resource.header
    assert header.running_since is not None
    assert not header.paused
    assert header.policy.answer_within == timedelta(minutes=2)
    rule = header.policy.order[0]
    assert (rule.field, rule.direction) == (SortField.PRIORITY, SortDirection.DESC)
    assert not rule.none_last
    assert (resource.queued, due(resource)) == (1, at(23))
    assert not resource.jobs["a b"].held


def test_what_was_asked_and_what_was_before_is_still_told() -> None:
    codec = Codec([OPERATIONS])
    facts = [codec.decode(key, data).fact for key, data in read(GOLDEN) if data]
    [updated] = [fact for fact in facts if isinstance(fact, Updated)]
    assert (updated.by, updated.meta) == ("ann", {"ticket": 7})
    assert updated.old is not None
    assert updated.old.priority == 0
    asked = [fact.operation.asks for fact in facts if isinstance(fact, Requested)]
    assert set(asked) == set(Ask)


def test_what_goes_on_has_moved_along_with_its_clock() -> None:
    resource = replay(SET, [OPERATIONS])[NAME]
    first = resource.operations["first"]
    assert (first.start_time, first.phase_since) == (at(8), at(7))
    assert due(resource) == at(7, 0, 16)


def test_every_line_of_it_is_a_fact_and_every_fact_has_a_line() -> None:
    codec, records = Codec([OPERATIONS]), [*read(GOLDEN), *read(SET)]
    met = {type(codec.decode(key, data).fact).__name__ for key, data in records if data}
    assert met == {fact.__name__ for fact in get_args(Fact)} - {"Forgotten"}
    assert any(not data for _, data in records), "and something was forgotten"
