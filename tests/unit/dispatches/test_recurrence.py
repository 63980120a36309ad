"""Recurrence: equal to dateutil wherever that answers, and right where local clocks jump."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from dateutil import rrule
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.values import replace
from pointsman.dispatches.model import Frequency, Rule
from pointsman.dispatches.recurrence import Recurrence
from tests.seeds import LONG

BERLIN = ZoneInfo("Europe/Berlin")
FREQUENCIES = {
    Frequency.MINUTELY: rrule.MINUTELY,
    Frequency.HOURLY: rrule.HOURLY,
    Frequency.DAILY: rrule.DAILY,
    Frequency.WEEKLY: rrule.WEEKLY,
    Frequency.MONTHLY: rrule.MONTHLY,
    Frequency.YEARLY: rrule.YEARLY,
}
LONGEST = {Frequency.MINUTELY: 3_000, Frequency.HOURLY: 100, Frequency.YEARLY: 8}
SPAN_SECONDS = 36 * 366 * 86_400


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


MOMENTS = st.integers(0, 2 * SPAN_SECONDS).map(
    lambda halves: utc(1999, 1, 1) + timedelta(seconds=halves / 2)
)


def local(text: str) -> datetime:
    """Berlin's time, by its clock."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def by_dateutil(rule: Rule, start: datetime) -> rrule.rrule:
    return rrule.rrule(
        FREQUENCIES[rule.frequency],
        dtstart=start,
        interval=rule.interval,
        count=rule.count,
        until=rule.until,
        byminute=rule.minutes or None,
        byhour=rule.hours or None,
        byweekday=rule.weekdays or None,
        bymonthday=rule.month_days or None,
        bymonth=rule.months or None,
    )


def some(values: range | list[int], most: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.sampled_from(values), max_size=most).map(tuple)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Rules that dateutil finds something for in reasonable time."""
    frequency = draw(st.sampled_from(Frequency))
    within_a_day = frequency in (Frequency.MINUTELY, Frequency.HOURLY)
    weekly = frequency is Frequency.WEEKLY
    return Rule(
        frequency,
        interval=draw(st.integers(1, LONGEST.get(frequency, 30))),
        minutes=() if frequency is Frequency.MINUTELY else draw(some(range(60), 4)),
        hours=() if within_a_day else draw(some(range(24), 4)),
        weekdays=draw(some(range(7), 4)),
        month_days=() if weekly else draw(some([*range(1, 32), *range(-31, 0)], 5)),
        months=() if within_a_day else draw(some(range(1, 13), 4)),
    )


@given(rules(), MOMENTS, st.timedeltas(timedelta(days=-1), timedelta(days=900)))
@settings(max_examples=1_000 if LONG else 60)
def test_it_is_what_dateutil_says(rule: Rule, start: datetime, age: timedelta) -> None:
    instant, ours = start + age, Recurrence(rule, start)
    theirs = by_dateutil(rule, start.replace(microsecond=0))
    for ask, answer in (
        (ours.at_or_after, theirs.after(instant, inc=True)),
        (ours.after, theirs.after(instant)),
        (ours.at_or_before, theirs.before(instant, inc=True)),
    ):
        assert ask(instant) == answer


@given(rules(), MOMENTS, st.integers(0, 40))
@settings(max_examples=150)
def test_a_count_is_of_occurrences(rule: Rule, start: datetime, count: int) -> None:
    counted = replace(rule, count=count)
    ours = Recurrence(counted, start)
    theirs = list(by_dateutil(counted, start.replace(microsecond=0)))
    found = list(ours.between(start.replace(microsecond=0), utc(9999, 1, 1)))
    assert found == theirs
    assert ours.last == (found[-1] if found else None)


@pytest.mark.parametrize(
    ("rule", "start", "expected"),
    [
        (
            Rule(Frequency.MONTHLY),
            utc(2026, 1, 31),
            [utc(2026, 1, 31), utc(2026, 3, 31), utc(2026, 5, 31), utc(2026, 7, 31)],
        ),
        (Rule(Frequency.YEARLY), utc(2096, 2, 29), [utc(2096, 2, 29), utc(2104, 2, 29)]),
        (
            Rule(Frequency.DAILY, hours=(8, 9)),
            utc(2026, 1, 1, 8, 15, 7),
            [utc(2026, 1, 1, 8, 15, 7), utc(2026, 1, 1, 9, 15, 7), utc(2026, 1, 2, 8, 15, 7)],
        ),
        (
            Rule(Frequency.WEEKLY, 2, weekdays=(1, 6)),
            utc(1997, 8, 5),
            [utc(1997, 8, 5), utc(1997, 8, 10), utc(1997, 8, 19), utc(1997, 8, 24)],
        ),
        (
            Rule(Frequency.DAILY, hours=(20,), count=1),
            utc(2026, 1, 1, 9, 15),
            [utc(2026, 1, 1, 20, 15)],
        ),
        (
            Rule(Frequency.DAILY, until=utc(2026, 1, 2)),
            utc(2026, 1, 1),
            [utc(2026, 1, 1), utc(2026, 1, 2)],
        ),
        (Rule(Frequency.DAILY, count=0), utc(2026, 1, 1), []),
        (Rule(Frequency.HOURLY, 2, hours=(1,)), utc(2026, 1, 1), []),
        (Rule(Frequency.MINUTELY, months=(2,), month_days=(30,)), utc(2026, 1, 1), []),
        (
            Rule(Frequency.DAILY, months=(2,), month_days=(29,), weekdays=(0,)),
            utc(2026, 1, 1),
            [utc(2044, 2, 29), utc(2072, 2, 29)],
        ),
        (
            Rule(Frequency.DAILY, minutes=(0, 0), hours=(8, 8)),
            utc(2026, 1, 1),
            [utc(2026, 1, 1, 8), utc(2026, 1, 2, 8)],
        ),
    ],
)
def test_some_rules_and_their_first_occurrences(
    rule: Rule, start: datetime, expected: list[datetime]
) -> None:
    recurrence = Recurrence(rule, start)
    assert list(islice(recurrence.between(start, utc(2120, 1, 1)), len(expected) or 1)) == expected


def test_half_a_second_before_the_start_is_the_start() -> None:
    recurrence = Recurrence(Rule(Frequency.DAILY), datetime(2026, 1, 1, 0, 0, 0, 700_000, UTC))
    assert recurrence.at_or_after(utc(2025, 12, 31)) == utc(2026, 1, 1)


def test_nothing_is_before_the_start() -> None:
    recurrence = Recurrence(Rule(Frequency.MINUTELY), utc(2026, 1, 1))
    assert recurrence.at_or_before(utc(2025, 12, 31, 23, 59)) is None


# local time


def test_eight_in_the_morning_stays_eight_over_the_change() -> None:
    recurrence = Recurrence(Rule(Frequency.DAILY), local("2026-03-20 08:00"), BERLIN)
    assert list(recurrence.between(local("2026-03-28 00:00"), local("2026-03-31 00:00"))) == [
        utc(2026, 3, 28, 7),
        utc(2026, 3, 29, 6),
        utc(2026, 3, 30, 6),
    ]


def test_a_time_that_clocks_skip_moves_to_the_end_of_the_gap() -> None:
    recurrence = Recurrence(Rule(Frequency.DAILY), local("2026-03-20 02:30"), BERLIN)
    assert list(recurrence.between(local("2026-03-28 00:00"), local("2026-03-31 00:00"))) == [
        local("2026-03-28 02:30"),
        utc(2026, 3, 29, 1),
        local("2026-03-30 02:30"),
    ]
    assert recurrence.at_or_before(utc(2026, 3, 29, 1)) == utc(2026, 3, 29, 1)


def test_a_time_that_comes_twice_fires_once_at_its_first_pass() -> None:
    recurrence = Recurrence(Rule(Frequency.DAILY), local("2026-10-20 02:30"), BERLIN)
    assert list(recurrence.between(local("2026-10-25 00:00"), local("2026-10-27 00:00"))) == [
        utc(2026, 10, 25, 0, 30),
        utc(2026, 10, 26, 1, 30),
    ]
    assert recurrence.at_or_before(utc(2026, 10, 25, 1, 10)) == utc(2026, 10, 25, 0, 30)


@given(
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
    st.sampled_from([utc(2026, 3, 29), utc(2026, 10, 25), utc(2026, 4, 4), utc(2026, 11, 1)]),
    st.sampled_from([1, 7, 15, 45]),
    st.integers(0, 2 * 86_400),
)
@settings(max_examples=150)
def test_forward_and_backward_agree_wherever_clocks_jump(
    zone: str, day: datetime, interval: int, seconds: int
) -> None:
    rule, start = Rule(Frequency.MINUTELY, interval), day - timedelta(days=2, seconds=30)
    recurrence = Recurrence(rule, start, ZoneInfo(zone))
    all_of_them = list(recurrence.between(day - timedelta(days=1), day + timedelta(days=2)))
    assert all_of_them == sorted(set(all_of_them))
    instant = day + timedelta(seconds=seconds)
    assert recurrence.at_or_before(instant) == max(i for i in all_of_them if i <= instant)
    assert recurrence.after(instant) == min(
        (i for i in all_of_them if i > instant), default=recurrence.after(instant)
    )
