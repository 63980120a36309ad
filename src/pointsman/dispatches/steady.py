"""Steady recurrence: a rule that says nothing but how often, in UTC. All it takes is a division.

Most rules are of this kind. What `Recurrence` finds with its sieves is the same.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from pointsman.dispatches.model import Frequency, Rule
from pointsman.dispatches.recurrence import FOREVER, MOMENT

_PERIODS: Final = {
    Frequency.MINUTELY: timedelta(minutes=1),
    Frequency.HOURLY: timedelta(hours=1),
    Frequency.DAILY: timedelta(days=1),
    Frequency.WEEKLY: timedelta(weeks=1),
}


def period_of(rule: Rule) -> timedelta | None:
    """After which time it occurs again. None: that differs."""
    if rule.minutes or rule.hours or rule.weekdays or rule.month_days or rule.months:
        return None
    period = _PERIODS.get(rule.frequency)
    return period * rule.interval if period else None


class Steady:
    """All instants from a start on that are a number of periods later, up to the last one."""

    __slots__ = ("_last", "_period", "_start")

    def __init__(self, start: datetime, period: timedelta, last: datetime | None = None) -> None:
        """`start` counts in whole seconds."""
        self._start = start.astimezone(UTC).replace(microsecond=0)
        self._period = period
        self._last = FOREVER if last is None or last > FOREVER else last

    def at_or_after(self, instant: datetime) -> datetime | None:
        """The first occurrence from `instant` on. None: there is none."""
        if instant > self._last:
            return None
        found = self._start
        if instant > found:
            periods = -((found - instant) // self._period)
            if self._period * periods > self._last - found:
                return None
            found += self._period * periods
        return found if found <= self._last else None

    def after(self, instant: datetime) -> datetime | None:
        """The first occurrence later than `instant`. None: there is none."""
        return self.at_or_after(instant + MOMENT)

    def at_or_before(self, instant: datetime) -> datetime | None:
        """The last occurrence up to `instant`. None: there is none."""
        since = min(instant, self._last) - self._start
        periods = since // self._period
        return self._start + self._period * periods if periods >= 0 else None
