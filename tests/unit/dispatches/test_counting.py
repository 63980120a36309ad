"""A count ends where one would get by walking, whatever the rule, and in any zone."""

from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pointsman.core.values import replace
from pointsman.dispatches.model import Frequency, Rule
from pointsman.dispatches.recurrence import FOREVER, Recurrence

ZONES = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Beirut"]
).map(ZoneInfo)
STARTS = st.builds(
    lambda day, seconds: datetime(2011, 1, 1, tzinfo=UTC) + timedelta(day, seconds),
    st.integers(0, 366 * 40),
    st.integers(0, 86_399),
) | st.builds(
    lambda base, minutes: (
        datetime.fromisoformat(base).replace(tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.sampled_from(["2011-12-30", "2026-03-29", "2026-10-24", "2026-10-25", "9998-03-01"]),
    st.integers(0, 1_500),
)


def some(values: range | list[int], most: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.sampled_from(values), max_size=most).map(tuple)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    frequency = draw(st.sampled_from(Frequency))
    weekly = frequency is Frequency.WEEKLY
    return Rule(
        frequency,
        interval=draw(st.just(1) | st.sampled_from([2, 5, 7, 48, 90, 1_441]) | st.integers(1, 400)),
        minutes=draw(some(range(60), 3)),
        hours=draw(some(range(24), 3)),
        weekdays=draw(some(range(7), 3)),
        month_days=() if weekly else draw(some([1, 2, 28, 29, 30, 31, -1, -29], 3)),
        months=draw(some(range(1, 13), 3)),
    )


def counted(rule: Rule, count: int) -> Rule:
    return replace(rule, count=count)


def walked(rule: Rule, start: datetime, zone: tzinfo, count: int) -> datetime | None:
    found = list(islice(Recurrence(rule, start, zone).between(start, FOREVER), count))
    return found[-1] if found else None


@settings(max_examples=150)
@given(rules(), STARTS, st.just(UTC) | ZONES, st.integers(0, 120))
@example(
    Rule(Frequency.HOURLY), datetime(2026, 10, 25, 0, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin"), 5
)
@example(
    Rule(Frequency.MINUTELY, 15),
    datetime(2026, 3, 28, 23, tzinfo=UTC),
    ZoneInfo("Europe/Berlin"),
    20,
)
@example(Rule(Frequency.DAILY), datetime(2011, 12, 28, 10, tzinfo=UTC), ZoneInfo("Pacific/Apia"), 4)
def test_a_count_ends_where_walking_ends(
    rule: Rule, start: datetime, zone: tzinfo, count: int
) -> None:
    ours = Recurrence(counted(rule, count), start, zone).last
    assert ours == walked(rule, start, zone, count)


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")])
@pytest.mark.parametrize(
    "rule",
    [
        Rule(Frequency.YEARLY),
        Rule(Frequency.YEARLY, 3, months=(2,), month_days=(29,), hours=(1, 2)),
        Rule(Frequency.MONTHLY, 7, month_days=(31,)),
        Rule(Frequency.WEEKLY, 2, weekdays=(1, 6), hours=(0,), minutes=(0, 30)),
        Rule(Frequency.DAILY, hours=(2, 3), minutes=(0, 30)),
        Rule(Frequency.DAILY, 45, weekdays=(6,)),
        Rule(Frequency.HOURLY, 7, months=(3, 10)),
        Rule(Frequency.MINUTELY, 997, weekdays=(6,)),
    ],
    ids=lambda value: str(getattr(value, "frequency", value)),
)
def test_the_greatest_count_ends_where_walking_ends(rule: Rule, zone: tzinfo) -> None:
    """Also where the calendar ends before."""
    start = datetime(2024, 2, 29, 8, 21, 5, tzinfo=UTC)
    ours = Recurrence(counted(rule, 4_096), start, zone).last
    assert ours == walked(rule, start, zone, 4_096)
