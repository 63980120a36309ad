"""Sieves: each lets some minutes of all time through, and knows the nearest that it lets through.

Minutes are counted from the first day of the calendar, whose ordinal is 1, and each day has 1,440:
this is wall time, without zones. To find a minute that passes several sieves they leapfrog:

    asked --first--> * --second--> * --first--> * --second--> * --third--> *      here all agree

Each begins where another has got to, until none moves any more. So nothing that does not pass is
ever walked through, however old a rule is and however rarely it is met.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import date
from math import gcd
from typing import Final, Protocol

DAY: Final = 1_440
"""Minutes."""
FIRST: Final = DAY
LAST: Final = date.max.toordinal() * DAY - 1
"""Of the last day but one, so that there is room for any zone."""
LEAPS: Final = 20_000
"""After so many, nothing will be found that anybody waits for."""


class Sieve(Protocol):
    def up(self, minute: int) -> int | None:
        """The first minute that passes, from this one on. None: none does."""

    def down(self, minute: int) -> int | None:
        """The last minute that passes, up to this one. None: none does."""


def first(sieves: Sequence[Sieve], minute: int) -> int | None:
    """The first minute from this one on that passes all. None: there is none to be found."""
    n, leaps = 0, 0
    while n < len(sieves):
        found = sieves[n].up(minute)
        if found is None or found > LAST or leaps == LEAPS:
            return None
        n, leaps = (n + 1, leaps) if found == minute else (int(n == 0), leaps + 1)
        minute = found
    return minute


def last(sieves: Sequence[Sieve], minute: int) -> int | None:
    """The last minute up to this one that passes all. None: there is none to be found."""
    n, leaps = 0, 0
    while n < len(sieves):
        found = sieves[n].down(minute)
        if found is None or found < FIRST or leaps == LEAPS:
            return None
        n, leaps = (n + 1, leaps) if found == minute else (int(n == 0), leaps + 1)
        minute = found
    return minute


class Blocks:
    """One of so many blocks of time passes. The blocks are all of one width, without a gap.

    It does not matter of what they are made: months are counted like this too.
    """

    __slots__ = ("_origin", "_stride", "_width")

    def __init__(self, origin: int, width: int, interval: int) -> None:
        """The block that begins at `origin` passes, and every one `interval` blocks away."""
        self._origin, self._width, self._stride = origin, width, width * interval

    def phase(self, place: int) -> int:
        """How far it is past the beginning of a block that passes."""
        return (place - self._origin) % self._stride

    def up(self, place: int) -> int:
        past = (place - self._origin) % self._stride
        return place if past < self._width else place - past + self._stride

    def down(self, place: int) -> int:
        past = (place - self._origin) % self._stride
        return place if past < self._width else place - past + self._width - 1


class Slots:
    """Some minutes of every day, at least one."""

    __slots__ = ("_minutes",)

    def __init__(self, minutes: Iterable[int]) -> None:
        self._minutes = sorted(minutes)

    def up(self, minute: int) -> int:
        day, slot = divmod(minute, DAY)
        n = bisect_left(self._minutes, slot)
        if n == len(self._minutes):
            return (day + 1) * DAY + self._minutes[0]
        return day * DAY + self._minutes[n]

    def down(self, minute: int) -> int:
        day, slot = divmod(minute, DAY)
        n = bisect_right(self._minutes, slot)
        return (day - (n == 0)) * DAY + self._minutes[n - 1]


class Remainders:
    """Days whose number, divided, leaves one of some remainders."""

    __slots__ = ("_remainders", "divisor")

    def __init__(self, divisor: int, remainders: Iterable[int]) -> None:
        self.divisor, self._remainders = divisor, sorted(remainders)

    def marks(self, day: int, count: int) -> bytes:
        """A byte for each of so many days, from this one on: 1 if it passes, and 0 otherwise."""
        marks = bytearray(self.divisor)
        for remainder in self._remainders:
            marks[(remainder - day) % self.divisor] = 1
        return bytes(marks * (count // self.divisor + 1))[:count]

    def up(self, minute: int) -> int | None:
        if not self._remainders:
            return None
        day = minute // DAY
        whole, rest = divmod(day, self.divisor)
        n = bisect_left(self._remainders, rest)
        over = n == len(self._remainders)
        found = (whole + over) * self.divisor + self._remainders[0 if over else n]
        return minute if found == day else found * DAY

    def down(self, minute: int) -> int | None:
        if not self._remainders:
            return None
        day = minute // DAY
        whole, rest = divmod(day, self.divisor)
        n = bisect_right(self._remainders, rest)
        found = (whole - (n == 0)) * self.divisor + self._remainders[n - 1]
        return minute if found == day else found * DAY + DAY - 1


def days_that_meet(origin: int, width: int, interval: int, slots: Iterable[int]) -> Remainders:
    """The days that have one of `slots` in a block that passes `Blocks(origin, width, interval)`.

    With b blocks a day, slot s of day d is d * b + s // width blocks from the beginning, and that
    must leave the origin's remainder when divided by `interval`. If anything, this fixes the
    remainder of d.
    """
    per_day, here = DAY // width, origin // width
    common = gcd(per_day, interval)
    divisor = interval // common
    inverse = pow(per_day // common, -1, divisor) if divisor > 1 else 0
    wanted = {(here - slot // width) % interval for slot in slots}
    solvable = (w // common for w in wanted if w % common == 0)
    return Remainders(divisor, {w * inverse % divisor for w in solvable})
