"""What it costs to find the next run of a rule, beside dateutil."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from statistics import median
from time import perf_counter
from typing import Final
from zoneinfo import ZoneInfo

from benchmarks.table import Row, at_least, at_most, several, show, spread
from pointsman.dispatches.model import Frequency, Rule
from pointsman.dispatches.recurrence import Recurrence

NOW: Final = datetime(2026, 11, 21, 7, 0, 3, tzinfo=UTC)
YEAR_AGO: Final = NOW - timedelta(days=365)
WORST: Final = {
    "February 29 on a Monday": Rule(Frequency.DAILY, months=(2,), month_days=(29,), weekdays=(0,)),
    "MINUTELY x 9,999 at 08:30 on the 15th": Rule(
        Frequency.MINUTELY, 9_999, minutes=(30,), hours=(8,), month_days=(15,)
    ),
    "WEEKLY x 52": Rule(Frequency.WEEKLY, 52, weekdays=(1, 6)),
}

COUNTED: Final = {
    "YEARLY": Rule(Frequency.YEARLY, count=4_096),
    "YEARLY on February 29": Rule(Frequency.YEARLY, months=(2,), month_days=(29,), count=4_096),
    "WEEKLY x 2": Rule(Frequency.WEEKLY, 2, weekdays=(1, 6), count=4_096),
    "HOURLY x 7 in March": Rule(Frequency.HOURLY, 7, months=(3,), count=4_096),
}


def microseconds(find: Callable[[], object], times: int = 200) -> float:
    """Of one call, on average over some."""
    start = perf_counter()
    for _ in range(times):
        find()
    return (perf_counter() - start) / times * 1e6


def milliseconds_to_count(rule: Rule, zone: tzinfo) -> float:
    return microseconds(lambda: Recurrence(rule, NOW, zone).last, times=3) / 1e3


def rows() -> Iterator[Row]:
    recurrence = Recurrence(Rule(Frequency.MINUTELY), YEAR_AGO)
    next_us = several(lambda: microseconds(lambda: recurrence.at_or_after(NOW)))
    yield at_most("next run of a MINUTELY rule a year old", next_us, 20, " us")
    with suppress(ImportError):
        from dateutil import rrule

        def theirs() -> float:
            rule = rrule.rrule(rrule.MINUTELY, dtstart=YEAR_AGO)
            return microseconds(lambda: rule.after(NOW, inc=True), times=1)

        theirs_us = several(theirs)
        yield Row("the same by dateutil", spread([us / 1e6 for us in theirs_us], unit=" s"))
        ratios = [median(theirs_us) / us for us in next_us]
        yield at_least("that many times as fast", ratios, 10_000, " times")
    for name, rule in WORST.items():
        worst = Recurrence(rule, datetime(2020, 1, 1, 8, 21, tzinfo=UTC))
        found = several(partial(microseconds, partial(worst.at_or_after, NOW)))
        yield at_most(f"next run of {name}", found, 1_000, " us")
    for where, zone in {"UTC": UTC, "Berlin": ZoneInfo("Europe/Berlin")}.items():
        for name, rule in COUNTED.items():
            counted = several(partial(milliseconds_to_count, rule, zone))
            yield Row(f"the last of 4,096 {name}, in {where}", spread(counted, unit=" ms"))


if __name__ == "__main__":
    show(rows())
