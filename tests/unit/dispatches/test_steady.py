"""Steady recurrence: a division finds what the sieves find."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pointsman.core.values import replace
from pointsman.dispatches.model import Dispatch, Frequency, Rule
from pointsman.dispatches.recurrence import FOREVER, MOMENT, Recurrence
from pointsman.dispatches.runs import starts_of
from pointsman.dispatches.steady import Steady, period_of
from tests.unit.dispatches.given import MICROGRID, at, data

START = datetime(2026, 1, 5, 8, 30, 15, tzinfo=UTC)
STEADY = [Frequency.MINUTELY, Frequency.HOURLY, Frequency.DAILY, Frequency.WEEKLY]
INSTANTS = st.timedeltas(timedelta(days=-30), timedelta(days=700)).map(START.__add__) | (
    st.integers(-3, 3).map(lambda n: FOREVER + n * MOMENT)
)
UNTIL = st.none() | INSTANTS


@given(st.sampled_from(STEADY), st.integers(1, 10_000), UNTIL, INSTANTS)
@example(Frequency.WEEKLY, 1, START, START)
@example(Frequency.WEEKLY, 2, START - MOMENT, START)
@example(Frequency.MINUTELY, 1, None, FOREVER)
def test_it_is_what_the_sieves_find(
    frequency: Frequency, interval: int, until: datetime | None, instant: datetime
) -> None:
    rule = Rule(frequency, interval, until=until)
    period = period_of(rule)
    assert period is not None
    steady, sieves = Steady(START, period, until), Recurrence(rule, START)
    for ask in ("at_or_after", "after", "at_or_before"):
        asked = [instant, START, START + period, START + period - MOMENT]
        for one in asked:
            assert getattr(steady, ask)(one) == getattr(sieves, ask)(one), (ask, one)


@pytest.mark.parametrize(
    "rule",
    [
        Rule(Frequency.MONTHLY),
        Rule(Frequency.YEARLY),
        Rule(Frequency.MINUTELY, minutes=(5,)),
        Rule(Frequency.DAILY, hours=(5,)),
        Rule(Frequency.WEEKLY, weekdays=(5,)),
        Rule(Frequency.DAILY, month_days=(5,)),
        Rule(Frequency.DAILY, months=(5,)),
    ],
)
def test_no_other_rule_is_steady(rule: Rule) -> None:
    assert period_of(rule) is None


def test_a_dispatch_has_it_if_its_clock_is_never_set_and_its_last_start_is_known() -> None:
    daily = data(recurrence=Rule(Frequency.DAILY))
    dispatch = Dispatch(64, MICROGRID, daily, at(7), at(7))
    assert type(starts_of(dispatch)) is Steady
    in_berlin = replace(daily, payload={"recurrence_timezone": "Europe/Berlin"})
    assert type(starts_of(replace(dispatch, data=in_berlin))) is Recurrence
    thrice = replace(dispatch, data=replace(daily, recurrence=Rule(Frequency.DAILY, count=3)))
    assert type(starts_of(thrice)) is Recurrence
    last = at(8) + timedelta(days=2)
    known = starts_of(replace(thrice, last_start=last))
    assert type(known) is Steady
    assert (known.at_or_before(FOREVER), known.after(last)) == (last, None)
