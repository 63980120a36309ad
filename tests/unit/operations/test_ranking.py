"""Which operation goes first."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from pointsman.operations.checks import INTEGER_MOST, Invalid
from pointsman.operations.policy import DEFAULT_ORDER, SortDirection, SortField, SortRule
from pointsman.operations.ranking import complete, in_turn
from tests.unit.operations.given import Story, at

PRIORITY, RELEASE, CREATED = SortField.PRIORITY, SortField.RELEASE_DATE, SortField.CREATED_AT
MICROSECOND = timedelta(microseconds=1)


def order_of(*works: dict[str, Any], order: tuple[SortRule, ...] = DEFAULT_ORDER) -> str:
    """The letters a, b, c ... of operations of these fields, the first that goes first."""
    story = Story(order=order)
    for letter, work in zip("abcdef", works, strict=False):
        story.add(letter, **work)
    return "".join(id for _, id in story.resource.ready.in_order())


def test_what_was_released_first_goes_first_and_what_has_no_date_comes_last() -> None:
    assert order_of({}, {"release_date": at(7, 30)}, {"release_date": at(7)}) == "cba"


def test_of_those_released_together_the_larger_priority_goes_first() -> None:
    assert order_of({"priority": -1}, {}, {"priority": 5}) == "cba"


def test_of_equal_priority_what_was_created_first_goes_first() -> None:
    assert order_of({"created_at": at(7, 2)}, {"created_at": at(7, 1)}) == "ba"


def test_of_those_created_together_what_was_added_first_goes_first() -> None:
    assert order_of({}, {}, {}) == "abc"


def test_priorities_and_instants_that_differ_by_the_least_are_not_rounded_together() -> None:
    assert order_of({"priority": INTEGER_MOST - 1}, {"priority": INTEGER_MOST}) == "ba"
    assert order_of({"created_at": at(7) + MICROSECOND}, {"created_at": at(7)}) == "ba"
    early = datetime.fromisoformat("0002-01-01T00:00:00+00:00")
    assert order_of({"created_at": early + MICROSECOND}, {"created_at": early}) == "ba"


@pytest.mark.parametrize(
    ("rule", "order"),
    [
        (SortRule(RELEASE, SortDirection.DESC), "cba"),
        (SortRule(RELEASE, SortDirection.DESC, none_last=False), "acb"),
        (SortRule(RELEASE, none_last=False), "abc"),
        (SortRule(RELEASE), "bca"),
    ],
)
def test_where_no_date_stands_is_told_apart_from_the_direction(rule: SortRule, order: str) -> None:
    works: list[dict[str, Any]] = [{}, {"release_date": at(7)}, {"release_date": at(7, 30)}]
    assert order_of(*works, order=(rule,)) == order


def test_rules_of_ones_own_replace_the_usual_ones() -> None:
    lowest_first = (SortRule(PRIORITY),)
    assert order_of(
        {"priority": 2}, {"priority": 1, "release_date": at(7)}, order=lowest_first
    ) == ("ba")


def test_the_order_of_creation_completes_rules_that_do_not_name_it() -> None:
    assert complete([SortRule(PRIORITY)]) == (SortRule(PRIORITY), SortRule(CREATED))
    newest = SortRule(CREATED, SortDirection.DESC)
    assert complete([newest, SortRule(PRIORITY)]) == (newest, SortRule(PRIORITY))


def test_no_rules_or_two_of_one_field_are_refused() -> None:
    with pytest.raises(Invalid, match="at least one rule"):
        complete([])
    with pytest.raises(ValueError, match="each field at most once"):
        complete([SortRule(PRIORITY), SortRule(PRIORITY, SortDirection.DESC)])


def test_rules_may_be_given_by_their_words_and_unknown_ones_are_refused() -> None:
    given: Any = SortRule("priority", "desc")  # type: ignore[arg-type]
    assert complete([given]) == (SortRule(PRIORITY, SortDirection.DESC), SortRule(CREATED))
    assert complete([given])[0].field is PRIORITY
    unknown: Any = SortRule("colour")  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="'colour' is not a valid SortField; these are priority, "):
        complete([unknown])


def test_in_turn_each_goes_after_what_it_waits_for_and_lends_that_no_rank() -> None:
    ranks = {"last": (9,), "first": (5,), "waits": (1,), "other": (2,)}
    ahead = {"waits": ["first", "first", "gone"], "last": ["waits"]}
    assert [*in_turn(ranks, ahead)] == ["other", "first", "waits", "last"]
