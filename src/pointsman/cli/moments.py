"""Instants as people write them: `now`, `+1h30m`, or a time whose zone is certain."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from pointsman.cli.durations import duration_of
from pointsman.cli.errors import Misused
from pointsman.library.instants import instant_of, zone_of
from pointsman.schedules.table import ScheduleError

NOW: Final = "now"
_AWAY: Final = re.compile(r"(?:now\s*)?([+-])\s*(\S.*)", re.IGNORECASE)
_NAIVE: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ][\d:.,]+)?")


def zone_named(name: str | None, place: str = "--timezone") -> tzinfo | None:
    """A zone by its IANA name. None: the one of this machine.

    Raises:
        Misused: If there is none of that name.
    """
    try:
        return zone_of(name)
    except ScheduleError as error:
        raise Misused(str(error).replace("tz=", f"{place} ")) from error


def moment_of(text: str, now: datetime, zone: tzinfo | None, place: str) -> datetime:
    """An instant in UTC. A time without an offset is one of `zone`, which is never guessed.

    Raises:
        Misused: If it is none, or not certain.
    """
    words = text.strip()
    if words.lower() == NOW:
        return now
    if away := _AWAY.fullmatch(words):
        return _away(now, away[1], away[2], place)
    if zone is None and _NAIVE.fullmatch(words):
        raise Misused(
            f"{place}: {text!r} has no zone; an offset in it as in {_example(words)!r}, "
            "or --timezone with a zone such as 'Europe/Berlin', would work"
        )
    try:
        return instant_of(words, zone, place)
    except ScheduleError as error:
        raise Misused(f"{error}; 'now' and '+1h30m' would work too") from error


def local(instant: datetime | None, zone: tzinfo | None) -> str:
    """An instant in a zone, else in that of this machine: `2026-01-01 08:00:00+01:00`."""
    if instant is None:
        return "-"
    try:
        return instant.astimezone(zone).isoformat(sep=" ", timespec="seconds")
    except (OverflowError, ValueError, OSError):  # At the ends of time.
        return instant.astimezone(UTC).isoformat(sep=" ", timespec="seconds")


def _away(now: datetime, sign: str, words: str, place: str) -> datetime:
    seconds = duration_of(words, place)
    if seconds is None:
        raise Misused(f"{place}: {words!r} from now is never; '+1h30m' would work")
    away = timedelta(seconds=seconds)
    return now + away if sign == "+" else now - away


def _example(words: str) -> str:
    return words + ("Z" if len(words) > len("2026-01-01") else "T00:00Z")
