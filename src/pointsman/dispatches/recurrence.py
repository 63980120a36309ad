"""Recurrence: when a rule's occurrences are. RFC 5545, for the price of a few comparisons.

    start, rule --> sieves over the minutes of local time --> instants

A rule is a few sieves that an occurrence's minute passes: which of so many periods it is in, on
which days, at which times of day. Its second is the start's. Finding the next or the one before
costs the same for a rule that is a day old or a hundred years.

In a zone, occurrences are of local time: 08:00 stays 08:00. A time that the clock skips falls on
the instant when it has skipped it; one that comes twice is meant the first time.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from pointsman.dispatches.counting import Counting
from pointsman.dispatches.days import MONTHS, Days
from pointsman.dispatches.model import Frequency, Rule
from pointsman.dispatches.sieves import (
    DAY,
    FIRST,
    Blocks,
    Sieve,
    Slots,
    days_that_meet,
    first,
    last,
)

HOURS: Final = range(24)
MINUTES: Final = range(60)
FEW_SLOTS: Final = 64
"""Up to so many times of day it pays to know beforehand on which days each can be."""
_WITHIN_A_DAY: Final = (Frequency.HOURLY, Frequency.MINUTELY)
_WIDTH: Final = {
    Frequency.MINUTELY: 1,
    Frequency.HOURLY: len(MINUTES),
    Frequency.DAILY: DAY,
    Frequency.WEEKLY: 7 * DAY,
}
"""Minutes of the periods that are all of one width."""
MOMENT: Final = timedelta.resolution
FOREVER: Final = datetime(9999, 12, 30, tzinfo=UTC)
"""Nothing is looked for from then on."""
ABOUT: Final = 3
"""Days: so near the end, or a change of clocks, each instant is looked at."""
_BEGIN_UTC: Final = datetime(1, 1, 1, tzinfo=UTC)
_BEGIN: Final = _BEGIN_UTC.replace(tzinfo=None)
_NOT_AT_ALL: Final = timedelta()


class Recurrence:
    """All instants of a rule, from its start on."""

    __slots__ = ("_counted", "_last", "_second", "_sieves", "_zone", "start")

    def __init__(self, rule: Rule, start: datetime, zone: tzinfo = UTC) -> None:
        """`start` counts in whole seconds. It is an occurrence only if it meets the rule."""
        self.start = start.replace(microsecond=0)
        self._zone = zone
        wall = _local(self.start, zone)
        self._second = wall.second
        self._sieves = _sieves(rule, wall)
        self._counted, self._last = None if rule.count is None else rule, rule.until
        """The rule, until its count is worked out."""

    @property
    def last(self) -> datetime | None:
        """The last occurrence. None: there is none, as it goes on for ever or never begins."""
        until = self._until()
        return self.at_or_before(until) if until is not None else None

    def at_or_after(self, instant: datetime) -> datetime | None:
        """The first occurrence from `instant` on. None: there is none."""
        instant, until = max(instant, self.start), self._until() or FOREVER
        found = self._first(instant) if instant <= until else None
        return found if found is not None and found <= until else None

    def after(self, instant: datetime) -> datetime | None:
        """The first occurrence later than `instant`. None: there is none."""
        return self.at_or_after(instant + MOMENT)

    def at_or_before(self, instant: datetime) -> datetime | None:
        """The last occurrence up to `instant`. None: there is none."""
        upto = min(instant, self._until() or FOREVER)
        found = self._last_up_to(upto) if upto >= self.start else None
        return found if found is not None and found >= self.start else None

    def between(self, from_: datetime, to: datetime) -> Iterator[datetime]:
        """All occurrences from `from_` on and before `to`, in order."""
        found = self.at_or_after(from_)
        while found is not None and found < to:
            yield found
            found = self.after(found)

    def _until(self) -> datetime | None:
        """The end, which a count is worked out to once. None: there is no end."""
        if self._counted is not None:
            rule, self._counted = self._counted, None
            self._last = self._nth(rule, rule.count or 0)
        return self._last

    def _nth(self, rule: Rule, count: int) -> datetime:
        """The last of so many occurrences. Minutes of one instant are one occurrence."""
        wall = _local(self.start, self._zone)
        counting = Counting(_slots(rule, wall), _days(rule, wall), _blocks(rule, wall))
        day, end, slots = wall.toordinal() + 1, FOREVER.toordinal(), counting.daily
        latest, count = self._walked(counting, range(day - 1, day), None, count)
        no_gap_matters = self._zone is UTC or (len(slots) == 1 and slots[0] > 0)
        if slots and no_gap_matters and count and (far := end - ABOUT) > day:
            days, rest = divmod(count - 1, len(slots))
            found, missing = counting.nth(days, day, far)
            if found is not None:
                latest = found * DAY + slots[-1 if missing else rest]
            day, count = far, (missing - 1) * len(slots) + rest + 1 if missing else 0
        latest, count = self._walked(counting, range(day, end), latest, count)
        return self.start - MOMENT if latest is None else self._instant(latest)

    def _walked(
        self, counting: Counting, days: range, latest: int | None, count: int
    ) -> tuple[int | None, int]:
        """The latest occurrence's minute after these days, and how many are still to come."""
        first, early = divmod(_minute(_local(self.start, self._zone)), DAY)
        for day, slots in counting.between(days.start, days.stop):
            if not count:
                break
            minutes = [day * DAY + slot for slot in slots if day > first or slot >= early]
            if self._zone is not UTC and self._jumps(day):
                minutes = self._distinct(minutes, latest)
            minutes = minutes[:count]
            count -= len(minutes)
            latest = minutes[-1] if minutes else latest
        return latest, count

    def _jumps(self, day: int) -> bool:
        """Whether clocks are set on a day or beside it, or this is about the last day."""
        before, after = datetime.fromordinal(max(day - 1, 1)), datetime.fromordinal(day + 2)
        last = day + ABOUT >= FOREVER.toordinal()
        return last or self._zone.utcoffset(before) != self._zone.utcoffset(after)

    def _distinct(self, minutes: Iterable[int], latest: int | None) -> list[int]:
        """One minute of each instant after the latest occurrence."""
        found = list[int]()
        reached = self.start - MOMENT if latest is None else self._instant(latest)
        for minute in minutes:
            instant = self._instant(minute)
            if reached < instant < FOREVER:
                found.append(minute)
                reached = instant
        return found

    def _first(self, instant: datetime) -> datetime | None:
        wall = _local(instant - MOMENT, self._zone) + MOMENT
        passed = (wall.second, wall.microsecond) > (self._second, 0)
        minute: int | None = _minute(wall) + passed
        while minute is not None and (minute := first(self._sieves, minute)) is not None:
            found = self._instant(minute)
            if found >= instant:
                return found
            minute += 1  # It was in the first pass of an hour that comes twice.
        return None

    def _last_up_to(self, instant: datetime) -> datetime | None:
        wall = _local(instant, self._zone) + _repeated(instant, self._zone)
        minute: int | None = _minute(wall) - (wall.second < self._second)
        while minute is not None and (minute := last(self._sieves, minute)) is not None:
            found = self._instant(minute)
            if found <= instant:
                return found
            minute -= 1
        return None

    def _instant(self, minute: int) -> datetime:
        since = timedelta(0, (minute - FIRST) * 60 + self._second)
        return _BEGIN_UTC + since if self._zone is UTC else _global(_BEGIN + since, self._zone)


def _sieves(rule: Rule, start: datetime) -> list[Sieve]:
    """What an occurrence's minute must pass. What moves farthest comes first."""
    slots = _slots(rule, start)
    found: list[Sieve] = []
    if (blocks := _blocks(rule, start)) is not None:
        if rule.frequency in _WITHIN_A_DAY and len(slots) <= FEW_SLOTS:
            found.append(days_that_meet(*blocks, slots))
        found.append(Blocks(*blocks))
    if (days := _days(rule, start)) is not None:
        found.insert(len(found) and len(found) - 1, days)
    if len(slots) < DAY or not found:
        found.append(Slots(slots))
    return found


def _slots(rule: Rule, start: datetime) -> Collection[int]:
    """The minutes of a day that are met."""
    minutely, within = rule.frequency is Frequency.MINUTELY, rule.frequency in _WITHIN_A_DAY
    hours = set(rule.hours) or (HOURS if within else {start.hour})
    minutes = set(rule.minutes) or (MINUTES if minutely else {start.minute})
    if len(hours) == len(HOURS) and len(minutes) == len(MINUTES):
        return range(DAY)
    return [hour * len(MINUTES) + minute for hour in hours for minute in minutes]


def _days(rule: Rule, start: datetime) -> Days | None:
    """The days that are met. None: all are."""
    months, month_days, weekdays = rule.months, rule.month_days, rule.weekdays
    months_wide = {Frequency.MONTHLY: 1, Frequency.YEARLY: MONTHS}.get(rule.frequency)
    if not month_days and not weekdays:
        match rule.frequency:
            case Frequency.YEARLY:
                months, month_days = months or (start.month,), (start.day,)
            case Frequency.MONTHLY:
                month_days = (start.day,)
            case Frequency.WEEKLY:
                weekdays = (start.weekday(),)
    if not (months or month_days or weekdays or months_wide):
        return None
    if months_wide is None or rule.interval == 1:
        return Days(months, month_days, weekdays)
    month = (start.year * MONTHS + start.month - 1) // months_wide * months_wide
    return Days(months, month_days, weekdays, Blocks(month, months_wide, rule.interval))


def _blocks(rule: Rule, start: datetime) -> tuple[int, int, int] | None:
    """Origin, width and interval of the blocks of time that are met. None: all are."""
    width = _WIDTH.get(rule.frequency)
    if width is None or rule.interval == 1:
        return None
    minute = _minute(start)
    monday = (start.toordinal() - start.weekday()) * DAY
    origin = monday if rule.frequency is Frequency.WEEKLY else minute // width * width
    return origin, width, rule.interval


def _minute(wall: datetime) -> int:
    return wall.toordinal() * DAY + wall.hour * len(MINUTES) + wall.minute


def _local(instant: datetime, zone: tzinfo) -> datetime:
    """What clocks of the zone show. In UTC that is the instant itself."""
    if zone is UTC:
        return instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def _repeated(instant: datetime, zone: tzinfo) -> timedelta:
    """How far clocks were set back, if this is the second pass of an hour that comes twice."""
    if zone is UTC:
        return _NOT_AT_ALL
    local = instant.astimezone(zone)
    if not local.fold:
        return _NOT_AT_ALL
    return _offset(local.replace(fold=0)) - _offset(local)


def _global(wall: datetime, zone: tzinfo) -> datetime:
    """When clocks of the zone first show this, or when they have skipped it."""
    before = wall.replace(tzinfo=zone)
    instant = before.astimezone(UTC)
    if _local(instant, zone) == wall:
        return instant
    offset = _offset(before.replace(fold=1))
    early, late = instant - (offset - _offset(before)), instant
    while late - early > MOMENT:
        middle = early + (late - early) / 2
        skipped = _offset(middle.astimezone(zone)) == offset
        early, late = (early, middle) if skipped else (middle, late)
    return late


def _offset(local: datetime) -> timedelta:
    return local.utcoffset() or timedelta()
