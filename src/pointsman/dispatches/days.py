"""Days of the calendar as a sieve: by month, day of the month and weekday."""

from bisect import bisect_left, bisect_right
from calendar import isleap, monthrange, weekday
from collections.abc import Collection
from datetime import MAXYEAR, date
from functools import lru_cache
from typing import Final

from pointsman.dispatches.sieves import DAY, Blocks

MONTHS: Final = 12
CYCLE_YEARS: Final = 400
CYCLE_MONTHS: Final = CYCLE_YEARS * MONTHS
"""Then the calendar begins anew, on the same weekday."""
FIRST_MONTH: Final = MONTHS
LAST_MONTH: Final = MAXYEAR * MONTHS + MONTHS - 1


class Days:
    """Lets through the days that meet all that is given. What is empty is met by all."""

    __slots__ = ("_blocks", "_month_days", "_months", "_of_shape", "_of_year", "_weekdays")

    def __init__(
        self,
        months: Collection[int] = (),
        month_days: Collection[int] = (),
        weekdays: Collection[int] = (),
        blocks: Blocks | None = None,
    ) -> None:
        """`month_days` count from 1, or backwards from -1; `weekdays` from 0, which is Monday;
        `blocks` are of months, counted from the beginning of the year 0.
        """
        self._months, self._month_days = frozenset(months), frozenset(month_days)
        self._weekdays, self._blocks = frozenset(weekdays), blocks
        self._of_shape: dict[tuple[int, int], list[int]] = {}
        self._of_year: dict[tuple[int, int, int], bytes] = {}

    def up(self, minute: int) -> int | None:
        day = date.fromordinal(minute // DAY)
        month, least = _month(day), day.day
        for _ in range(CYCLE_MONTHS):
            passing = self._blocks.up(month) if self._blocks else month
            if passing > LAST_MONTH:
                return None
            days = self._days(passing)
            n = bisect_left(days, least) if passing == month else 0
            if n < len(days):
                return max(minute, _ordinal(passing, days[n]) * DAY)
            month, least = passing + 1, 1
        return None

    def down(self, minute: int) -> int | None:
        day = date.fromordinal(minute // DAY)
        month, most = _month(day), day.day
        for _ in range(CYCLE_MONTHS):
            passing = self._blocks.down(month) if self._blocks else month
            if passing < FIRST_MONTH:
                return None
            days = self._days(passing)
            n = bisect_right(days, most) if passing == month else len(days)
            if n:
                return min(minute, (_ordinal(passing, days[n - 1]) + 1) * DAY - 1)
            month, most = passing - 1, 31
        return None

    def marks(self, year: int) -> bytes:
        """A byte for each day of a year: 1 if it passes, and 0 otherwise."""
        phase = self._blocks.phase(year * MONTHS) if self._blocks else 0
        shape = *_shape_of_year(year % CYCLE_YEARS), phase
        marks = self._of_year.get(shape)
        if marks is None:
            passing = bytearray(shape[1])
            new_year = _ordinal(year * MONTHS, 1)
            for month in range(year * MONTHS, (year + 1) * MONTHS):
                if self._blocks is None or self._blocks.up(month) == month:
                    first = _ordinal(month, 1) - new_year
                    for day in self._days(month):
                        passing[first + day - 1] = 1
            marks = self._of_year[shape] = bytes(passing)
        return marks

    def _days(self, month: int) -> list[int]:
        """The days of a month that pass. Months are of 28 shapes, so each is worked out once."""
        if self._months and month % MONTHS + 1 not in self._months:
            return []
        shape = _shape(month % CYCLE_MONTHS)
        days = self._of_shape.get(shape)
        if days is None:
            first, length = shape
            days = self._of_shape[shape] = [
                day
                for day in range(1, length + 1)
                if not self._month_days or not self._month_days.isdisjoint((day, day - length - 1))
                if not self._weekdays or (first + day - 1) % 7 in self._weekdays
            ]
        return days


@lru_cache(CYCLE_MONTHS)
def _shape(month: int) -> tuple[int, int]:
    """The first weekday of a month, and how many days it has."""
    year, number = divmod(month, MONTHS)
    return monthrange(year + CYCLE_MONTHS // MONTHS, number + 1)


@lru_cache(CYCLE_YEARS)
def _shape_of_year(year: int) -> tuple[int, int]:
    """Its first weekday, and how many days it has."""
    return weekday(year + CYCLE_YEARS, 1, 1), 365 + isleap(year)


def _month(day: date) -> int:
    return day.year * MONTHS + day.month - 1


def _ordinal(month: int, day: int) -> int:
    year, number = divmod(month, MONTHS)
    return date(year, number + 1, day).toordinal()
