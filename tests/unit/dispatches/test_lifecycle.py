"""A dispatch is created, changed as often as anybody likes, and deleted."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from pointsman.core.entity import Forgotten, Rejected, Wake
from pointsman.core.values import replace
from pointsman.dispatches.checks import Invalid, NotFound
from pointsman.dispatches.components import Target
from pointsman.dispatches.facts import Created, Deleted, Updated
from pointsman.dispatches.intents import Create, Delete, Intent, Update
from pointsman.dispatches.lifecycle import Catalogue, decide, due, evolve, initial
from pointsman.dispatches.model import Dispatch, Frequency, Rule
from tests.unit.dispatches.given import MICROGRID, at, create, data

DAILY = Rule(Frequency.DAILY)


def ask(catalogue: Catalogue, intent: Intent, hour: int = 7) -> Dispatch:
    """What the intent makes of a dispatch."""
    facts = decide(catalogue, intent, at(hour))
    for fact in facts:
        evolve(catalogue, fact)
    assert isinstance(facts[0], Created | Updated | Deleted)
    return facts[0].dispatch


def update(**changes: Any) -> Update:  # noqa: ANN401  Any field.
    return Update(64, MICROGRID, {name.replace("__", "."): v for name, v in changes.items()})


def changed(changes: Mapping[str, Any] | None = None, **also: Any) -> Dispatch:  # noqa: ANN401
    """A daily dispatch, or one that is `also` different, after these changes."""
    catalogue = initial()
    ask(catalogue, create(**({"recurrence": DAILY} | also)))
    return ask(catalogue, Update(64, MICROGRID, changes or {}))


def test_what_is_created_is_as_it_was_asked_for() -> None:
    assert ask(initial(), create()) == Dispatch(
        64, MICROGRID, data(), at(7), at(7), last_start=at(8), end_time=at(8, 15)
    )


def test_creating_twice_is_creating_once() -> None:
    catalogue = initial()
    ask(catalogue, create())
    assert decide(catalogue, create(), at(7)) == []


def test_it_may_start_now_whatever_start_it_names() -> None:
    started = ask(initial(), create(start_now=True, start_time=at(1)))
    assert started.data.start_time == at(7)


def test_a_start_in_the_past_is_refused_before_it_is_rounded() -> None:
    with pytest.raises(Invalid, match="has passed"):
        decide(initial(), create(start_time=at(6, 59, 59.9)), at(7))
    [fact] = decide(initial(), create(start_time=at(7, 0, 0.4)), at(7, 0, 0.3))
    assert fact.dispatch.data.start_time == at(7)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("fields", "last_start", "end_time"),
    [
        ({}, at(8), at(8, 15)),
        ({"duration_seconds": None}, at(8), None),
        ({"recurrence": DAILY}, None, None),
        ({"recurrence": replace(DAILY, count=2)}, at(32), at(32, 15)),
        ({"recurrence": replace(DAILY, until=at(33))}, at(32), at(32, 15)),
        ({"recurrence": replace(DAILY, count=2), "duration_seconds": None}, at(32), None),
        ({"active": False}, at(8), at(8, 15)),
        ({"duration_seconds": 2**32 - 1, "start_time": at(8).replace(year=9_990)}, ..., None),
    ],
)
def test_its_end_is_worked_out(
    fields: dict[str, Any], last_start: object, end_time: object
) -> None:
    made = ask(initial(), create(**fields))
    assert made.last_start == (made.data.start_time if last_start is ... else last_start)
    assert made.end_time == end_time


def test_only_what_is_named_changes() -> None:
    after = changed({"duration_seconds": 60, "recurrence.hours": (9,)})
    assert after.data == data(duration_seconds=60, recurrence=replace(DAILY, hours=(9,)))
    assert (after.create_time, after.id) == (at(7), 64)


def test_none_clears_what_may_be_empty() -> None:
    full = Rule(Frequency.DAILY, 2, count=3, hours=(9,))
    after = changed(
        {
            "duration_seconds": None,
            "payload": None,
            "recurrence.interval": None,
            "recurrence.count": None,
            "recurrence.hours": None,
        },
        payload={"power_kw": 5.0},
        recurrence=full,
    )
    assert after.data == data(duration_seconds=None, recurrence=DAILY)


def test_a_payload_is_replaced_and_never_merged() -> None:
    assert changed({"payload": {"b": 2.0}}, payload={"a": 1.0}).data.payload == {"b": 2.0}


def test_a_dispatch_that_nobody_says_how_often_does_not_recur() -> None:
    assert changed({"recurrence.frequency": None}).data.recurrence is None
    assert changed({"recurrence.interval": 3}, recurrence=None).data.recurrence is None
    assert changed({"recurrence": None}).data.recurrence is None
    assert changed(
        {"recurrence.frequency": Frequency.HOURLY}, recurrence=None
    ).data.recurrence == Rule(Frequency.HOURLY)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({}, "update_mask is empty"),
        ({"type": "other"}, "'type' cannot be changed: only start_time"),
        ({"dry_run": True}, "'dry_run' cannot be changed"),
        ({"recurrence.bogus": 1}, "'recurrence.bogus' cannot be changed"),
        ({"target": None}, "target cannot be cleared"),
        ({"start_time": None}, "start_time cannot be cleared"),
        ({"active": None}, "active cannot be cleared"),
        ({"start_time": at(6)}, "has passed"),
        ({"target": Target()}, "target is empty"),
        ({"recurrence.interval": 0}, "recurrence.interval is 0"),
        ({"duration_seconds": 60, "recurrence.hours": (24,)}, "recurrence.byhours is 24"),
    ],
)
def test_a_change_that_makes_no_sense_changes_nothing(
    changes: dict[str, Any], refusal: str
) -> None:
    with pytest.raises(Invalid, match=refusal):
        changed(changes)


def test_a_running_dispatch_may_be_changed_though_its_start_is_past() -> None:
    catalogue = initial()
    ask(catalogue, create())
    assert ask(catalogue, update(active=False, start_time=at(8)), 9).data.active is False


def test_each_change_is_later_than_the_one_before_even_if_the_clock_was_set_back() -> None:
    catalogue = initial()
    ask(catalogue, create())
    times = [ask(catalogue, update(active=n % 2 == 0), 7 - n).update_time for n in range(3)]
    times.append(ask(catalogue, Delete(64, MICROGRID), 3).update_time)
    moment = timedelta.resolution
    assert times == [at(7) + n * moment for n in range(1, 5)]


def test_what_is_deleted_says_so_in_full_and_leaves_nothing() -> None:
    catalogue = initial()
    made = ask(catalogue, create())
    facts = decide(catalogue, Delete(64, MICROGRID), at(9))
    assert facts == [Deleted(replace(made, update_time=at(9))), Forgotten("64")]
    for fact in facts:
        evolve(catalogue, fact)
    assert catalogue == initial()


@pytest.mark.parametrize("intent", [update(active=False), Delete(64, MICROGRID)])
def test_what_is_not_there_cannot_be_changed_or_deleted(intent: Intent) -> None:
    with pytest.raises(NotFound, match="microgrid 7 has no dispatch 64"):
        decide(initial(), intent, at(7))


def test_nothing_moves_by_itself() -> None:
    catalogue = initial()
    ask(catalogue, create())
    assert due(catalogue) is None
    assert decide(catalogue, Wake(), at(9)) == []


def test_a_refusal_is_one_of_the_engine() -> None:
    assert issubclass(Invalid, Rejected)
    assert issubclass(NotFound, Rejected)
    assert Create(1, 2, data()).start_now is False
