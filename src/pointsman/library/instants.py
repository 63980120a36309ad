"""Instants: the times of a plan's rows, in whatever way its source writes them.

Never guessed: what has no zone needs one, and a local time that a clock change skips or repeats
is refused.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches
from reprlib import repr as shown
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pointsman.schedules.table import ScheduleError

Where = Callable[[int], str]
"""How messages call a row: its file and line, for instance."""

_ISO: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?)? ?(Z|[+-]\d{2}(:?\d{2})?)?"
)
_FREQ: Final = re.compile(r"(?P<count>\d{1,6})? ?(?P<unit>h|hour|hours|min|minutes?|m|s|seconds?)")
_FREQ_ISO: Final = re.compile(r"PT(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?")
_UNITS: Final = {"h": timedelta(hours=1), "m": timedelta(minutes=1), "s": timedelta(seconds=1)}


def zone_of(tz: str | tzinfo | None) -> tzinfo | None:
    """A time zone by its IANA name.

    Raises:
        ScheduleError: If there is none of that name.
    """
    if not isinstance(tz, str):
        return tz
    try:
        return ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = get_close_matches(tz, available_timezones(), n=1)
        hint = f"nearest: {near[0]!r}" if near else "a name like 'Europe/Berlin' would work"
        raise ScheduleError(f"tz={tz!r} is no time zone; {hint}") from error


def freq_of(freq: str | timedelta) -> timedelta:
    """How long a slot is: a timedelta, `1h`, `15min`, `15m`, `30s` or `PT15M`.

    Raises:
        ScheduleError: If it is none of these, or not above 0.
    """
    length = freq if isinstance(freq, timedelta) else _parsed(freq.strip())
    if length is None or length <= timedelta(0):
        raise ScheduleError(f"freq={freq!r} is no length of a slot; '1h', '15min' or 'PT15M' is")
    return length


def _parsed(text: str) -> timedelta | None:
    if found := _FREQ.fullmatch(text.lower()):
        return int(found["count"] or 1) * _UNITS[found["unit"][0]]
    if found := _FREQ_ISO.fullmatch(text):
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return None


def start_of(start: str | datetime, zone: tzinfo | None) -> datetime:
    """Where counted steps begin.

    Raises:
        ScheduleError: If it is no time, or has no zone.
    """
    return instant_of(start, zone, "start=")


def instants_of(
    values: Sequence[object], zone: tzinfo | None, where: Where
) -> tuple[datetime, ...]:
    """The rows' times, in UTC.

    Raises:
        ScheduleError: At the first that is no time, or that no zone makes certain.
    """
    return tuple(instant_of(value, zone, where(row)) for row, value in enumerate(values))


def instant_of(value: object, zone: tzinfo | None, place: str) -> datetime:
    """One time in UTC; `place` opens the message if it is none."""
    if isinstance(value, str):
        value = _read(value.strip(), place)
    if not isinstance(value, datetime) or value != value:  # noqa: PLR0124  # NaT, as NaN.
        raise ScheduleError(
            f"{place}: {shown(value)} is no time; "
            "ISO 8601 such as 2025-01-15T08:00:00+01:00 would work"
        )
    plain = datetime.combine(value.date(), value.timetz())
    if plain.utcoffset() is not None:
        return _in_utc(plain, place)
    if zone is None:
        raise ScheduleError(
            f"{place}: time {plain} has no zone; a UTC offset in it, "
            "or --tz (tz=) with a zone such as 'Europe/Berlin', would work"
        )
    return _localized(plain, zone, place)


def _read(text: str, place: str) -> datetime | str:
    """An ISO 8601 text as a time; what is none stays a text."""
    if not _ISO.fullmatch(text):
        return text
    try:
        return datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-").replace(" Z", "Z"))
    except ValueError as error:
        raise ScheduleError(f"{place}: {text!r} is no time, {error}") from error


def _in_utc(time: datetime, place: str) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise ScheduleError(
            f"{place}: {time} is out of time; years 2 to 9998 would work"
        ) from error


def _localized(plain: datetime, zone: tzinfo, place: str) -> datetime:
    first, second = (plain.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return _in_utc(first, place)
    exists = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == plain
    offsets = " or ".join(f"{time:%z}" for time in (first, second))
    problem = f"is twice in {zone}, at {offsets}" if exists else f"does not exist in {zone}"
    raise ScheduleError(
        f"{place}: local time {plain} {problem}, as clocks change; "
        "times with their UTC offset would work"
    )
