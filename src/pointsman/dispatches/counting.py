"""Counting: on which days a rule is met, and at which minutes, for many years at once.

    days      Jan 1, 2, 3, ...   0 1 0 0 0 0 0 1 0 ...      a byte for each day of some years
    divided   by 2, leaving 1    0 1 0 1 0 1 0 1 0 ...      and both: what `find` finds

Years are of 14 shapes, so the days of each shape are worked out once. To walk through the
4,096 days that a count may go on for takes a few milliseconds, be they ten years or thousands.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import MAXYEAR, date
from typing import Final

from pointsman.dispatches.days import Days
from pointsman.dispatches.sieves import DAY, Blocks, Remainders, days_that_meet

YEARS: Final = 8
"""That are looked at first. Then it is twice as many each time."""
YEARS_MOST: Final = 400


class Counting:
    """Goes through all minutes that a rule is met at, a day at a time, or many."""

    def __init__(
        self, slots: Collection[int], days: Days | None, blocks: tuple[int, int, int] | None
    ) -> None:
        """`slots` are minutes of a day; `blocks` are those of `Blocks`, or all minutes pass."""
        self._slots, self._days, self._blocks = sorted(slots), days, blocks
        self._slot_set = frozenset(slots)
        self._remainders: Remainders | None = None
        if blocks is not None:
            self._remainders = _remainders(*blocks, self._slots)
        self._met: dict[int, Sequence[int]] = {}
        """Slots by remainder."""

    @property
    def daily(self) -> Sequence[int]:
        """The slots that are met on each day that passes. Empty: they differ."""
        alike = self._blocks is None or self._blocks[1] >= DAY
        return self._slots if alike else ()

    def between(self, day: int, end: int) -> Iterator[tuple[int, Sequence[int]]]:
        """The days on which some minutes are met, from a day on and before another, with those."""
        for begin, marks in self._marks(day, end):
            found = marks.find(1)
            while found >= 0:
                yield begin + found, self._slots_of(begin + found)
                found = marks.find(1, found + 1)

    def nth(self, n: int, day: int, end: int) -> tuple[int | None, int]:
        """Of these days the one that `n` others come before, and 0. Or, if they are fewer, the
        last one, and how many of them are missing.
        """
        last: int | None = None
        for begin, marks in self._marks(day, end):
            ones = marks.count(1)
            if n < ones:
                return begin + _place(marks, n), 0
            if ones:
                last, n = begin + marks.rfind(1), n - ones
        return last, n + 1

    def _marks(self, day: int, end: int) -> Iterator[tuple[int, bytes]]:
        """The day that some years begin with, and a byte for each day of them."""
        years = YEARS
        while day < end:
            first = date.fromordinal(day).year
            some = range(first, min(first + years, MAXYEAR + 1))
            begin, years = date(first, 1, 1).toordinal(), min(2 * years, YEARS_MOST)
            marks = _of_years(self._days, some)[day - begin : end - begin]
            if self._remainders is not None:
                marks = _both(marks, self._remainders.marks(day, len(marks)))
            yield day, marks
            day += len(marks)

    def _slots_of(self, day: int) -> Sequence[int]:
        if self.daily or self._blocks is None or self._remainders is None:
            return self._slots
        remainder = day % self._remainders.divisor
        if remainder not in self._met:
            _, width, interval = self._blocks
            blocks = range(Blocks(*self._blocks).up(day * DAY), (day + 1) * DAY, width * interval)
            passing = {minute % DAY for block in blocks for minute in range(block, block + width)}
            self._met[remainder] = sorted(passing & self._slot_set)
        return self._met[remainder]


def _remainders(origin: int, width: int, interval: int, slots: Sequence[int]) -> Remainders:
    if width < DAY:
        return days_that_meet(origin, width, interval, slots)
    days = width // DAY
    divisor, first = days * interval, origin // DAY
    return Remainders(divisor, [(first + n) % divisor for n in range(days)])


def _place(marks: bytes, n: int) -> int:
    """Where the one is that `n` others come before."""
    low, high = 0, len(marks)
    while high - low > 1:
        middle = (low + high) // 2
        ones = marks.count(1, low, middle)
        if n < ones:
            high = middle
        else:
            low, n = middle, n - ones
    return low


def _of_years(days: Days | None, years: range) -> bytes:
    if days is None:
        return b"\1" * (date(years[-1], 12, 31).toordinal() - date(years[0], 1, 1).toordinal() + 1)
    return b"".join([days.marks(year) for year in years])


def _both(some: bytes, others: bytes) -> bytes:
    both = int.from_bytes(some, "little") & int.from_bytes(others, "little")
    return both.to_bytes(len(some), "little")
