"""What is to be told of runs, found by writing all of them down, with the help of dateutil."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from dateutil import rrule

from pointsman.dispatches.model import TIMEZONE, Dispatch, Frequency, Rule

GRACE = timedelta(seconds=60)
NEVER = datetime(9_000, 1, 1, tzinfo=UTC)
FREQUENCIES = {
    Frequency.MINUTELY: rrule.MINUTELY,
    Frequency.HOURLY: rrule.HOURLY,
    Frequency.DAILY: rrule.DAILY,
    Frequency.WEEKLY: rrule.WEEKLY,
    Frequency.MONTHLY: rrule.MONTHLY,
    Frequency.YEARLY: rrule.YEARLY,
}


def occurrences(rule: Rule, start: datetime, zone: tzinfo) -> Iterator[datetime]:
    """Without an end. A time that the clock skips falls on the instant when it has skipped it."""
    wall = start.astimezone(zone).replace(tzinfo=None)
    walls = rrule.rrule(
        FREQUENCIES[rule.frequency],
        dtstart=wall,
        interval=rule.interval,
        byminute=rule.minutes or None,
        byhour=rule.hours or None,
        byweekday=rule.weekdays or None,
        bymonthday=rule.month_days or None,
        bymonth=rule.months or None,
    )
    last = start - timedelta(days=1)
    for each in walls:
        instant = instant_of(each, zone)
        if instant > last and instant >= start:
            yield instant
            last = instant


def instant_of(wall: datetime, zone: tzinfo) -> datetime:
    first = wall.replace(tzinfo=zone)
    instant = first.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    gap = first.replace(fold=0).utcoffset(), first.replace(fold=1).utcoffset()
    assert gap[0] is not None
    assert gap[1] is not None
    found = (wall - gap[1]).replace(tzinfo=UTC)  # Before the skip: look minute by minute.
    while found.astimezone(zone).utcoffset() == gap[0]:
        found += timedelta(minutes=1)
    return found.replace(second=0)


class Version:
    """All runs of one version of a dispatch, up to an instant."""

    def __init__(self, dispatch: Dispatch, until: datetime) -> None:
        data = dispatch.data
        self.dispatch = dispatch
        self.active = data.active
        seconds = data.duration_seconds
        self.duration = None if seconds is None else timedelta(seconds=seconds)
        self.starts: list[datetime] = []
        if data.recurrence is None:
            self.starts.append(data.start_time)
            return
        rule, name = data.recurrence, data.payload.get(TIMEZONE)
        for start in occurrences(rule, data.start_time, ZoneInfo(name) if name else UTC):
            past = rule.until is not None and start > rule.until
            if past or start > until or len(self.starts) == rule.count:
                break
            self.starts.append(start)

    def end(self, start: datetime) -> datetime:
        return start + self.duration if self.duration is not None else NEVER

    def over(self, start: datetime) -> datetime:
        """When it has ended, or another one has taken its place."""
        n = bisect_right(self.starts, start)
        return min(self.end(start), self.starts[n] if n < len(self.starts) else NEVER)

    def running(self, instant: datetime) -> datetime | None:
        """The start of the run that goes on."""
        n = bisect_right(self.starts, instant)
        if not self.active or n == 0 or instant >= self.end(self.starts[n - 1]):
            return None
        return self.starts[n - 1]

    def has(self, start: datetime) -> bool:
        n = bisect_left(self.starts, start)
        return self.active and n < len(self.starts) and self.starts[n] == start

    def between(self, from_: datetime, to: datetime) -> list[datetime]:
        """Starts from `from_` on and before `to`."""
        if not self.active:
            return []
        return self.starts[bisect_left(self.starts, from_) : bisect_left(self.starts, to)]

    def edges(self, from_: datetime, to: datetime) -> list[datetime]:
        """When a run starts or is over, in order."""
        starts = self.between(from_, to)
        earlier = bisect_left(self.starts, from_) - 1
        runs = [*self.starts[max(earlier, 0) : earlier + 1], *starts] if self.active else []
        ends = [end for start in runs if from_ <= (end := self.over(start)) < to]
        return sorted({*starts, *ends})
