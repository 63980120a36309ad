"""Which dispatch is meant by a filter, and where it stands in an order."""

from datetime import timedelta

import pytest

from pointsman.core.values import replace
from pointsman.dispatches.components import Category, ComponentKind, Target
from pointsman.dispatches.model import Dispatch, Frequency, Rule
from pointsman.dispatches.views import (
    Filter,
    Interval,
    Place,
    Sort,
    SortField,
    fits,
    id_of,
    place_of,
)
from tests.unit.dispatches.given import MICROGRID, at, data

PLAIN = Dispatch(64, MICROGRID, data(), at(6), at(7), end_time=at(8, 15))
ENDLESS = replace(PLAIN, end_time=None)
MOMENT = timedelta.resolution
METER, BATTERY = ComponentKind(Category.METER), ComponentKind(Category.BATTERY)
LI_ION = ComponentKind(Category.BATTERY, "LI_ION")
NA_ION = ComponentKind(Category.BATTERY, "NA_ION")


def test_an_empty_filter_lets_all_through() -> None:
    assert fits(Filter(), PLAIN)
    assert fits(Filter(), ENDLESS)


@pytest.mark.parametrize(
    ("interval", "inside"),
    [
        (Interval(at(8), None), True),
        (Interval(at(8) + MOMENT, None), False),
        (Interval(None, at(8)), False),
        (Interval(None, at(8) + MOMENT), True),
        (Interval(at(8), at(8)), False),
    ],
)
def test_an_interval_has_its_start_and_not_its_end(interval: Interval, *, inside: bool) -> None:
    assert fits(Filter(start_time=interval), PLAIN) is inside
    assert fits(Filter(update_time=interval), replace(PLAIN, update_time=at(8))) is inside
    assert fits(Filter(end_time=interval), replace(PLAIN, end_time=at(8))) is inside


def test_what_never_ends_does_so_after_every_instant() -> None:
    assert fits(Filter(end_time=Interval(at(23), None)), ENDLESS)
    assert not fits(Filter(end_time=Interval(None, at(23))), ENDLESS)
    assert not fits(Filter(end_time=Interval(at(1), at(23))), ENDLESS)


@pytest.mark.parametrize(
    ("asked", "given", "meant"),
    [
        (Target(ids=(1, 9)), Target(ids=(9, 1)), True),
        (Target(ids=(1, 2)), Target(ids=(2, 3)), True),
        (Target(ids=(1,)), Target(ids=(2,)), False),
        (Target(ids=(5,)), Target(kinds=(BATTERY,)), False),
        (Target(kinds=(BATTERY,)), Target(kinds=(LI_ION,)), True),
        (Target(kinds=(LI_ION,)), Target(kinds=(LI_ION, METER)), True),
        (Target(kinds=(LI_ION,)), Target(kinds=(NA_ION,)), False),
        (Target(kinds=(LI_ION,)), Target(kinds=(BATTERY,)), False),
        (Target(kinds=(METER,)), Target(kinds=(BATTERY,)), False),
        (Target(), Target(ids=(1,)), False),
    ],
)
def test_targets_are_met_where_they_overlap(asked: Target, given: Target, *, meant: bool) -> None:
    dispatch = replace(PLAIN, data=data(target=given))
    assert fits(Filter(targets=(asked,)), dispatch) is meant
    assert fits(Filter(targets=(asked, given)), dispatch), "of several, any one"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("#64", True),
        ("#6", False),
        ("char", True),
        ("Char", False),
        ("%", False),
        ("_harge", False),
        ("", True),
        ("#text", False),
        ("64", False),
        ("#" + "9" * 5_000, False),
    ],
)
def test_a_query_is_an_id_or_a_part_of_the_type(query: str, *, found: bool) -> None:
    assert fits(Filter(queries=(query,)), PLAIN) is found
    assert fits(Filter(queries=(query, "arg")), PLAIN), "of several, any one"


def test_a_query_of_no_number_is_a_part_of_the_type_too() -> None:
    assert fits(Filter(queries=("#te",)), replace(PLAIN, data=data(type="a#text")))
    assert id_of("#\u0663") is None


def test_flags_must_be_as_asked() -> None:
    recurring = replace(PLAIN, data=data(recurrence=Rule(Frequency.DAILY), active=False))
    assert fits(Filter(recurring=True, active=False, dry_run=False), recurring)
    for unmet in (Filter(recurring=False), Filter(active=True), Filter(dry_run=True)):
        assert not fits(unmet, recurring)


def test_all_fields_must_hold_at_once() -> None:
    assert not fits(Filter(ids=(64,), queries=("none",)), PLAIN)
    assert fits(Filter(ids=(1, 64), queries=("charge",)), PLAIN)


def test_a_dispatch_stands_where_its_field_says() -> None:
    places = [place_of(PLAIN, Sort(field)) for field in SortField]
    assert places == [Place(at(8), 64), Place(at(6), 64), Place(at(7), 64)]
