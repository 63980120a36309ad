"""The nouns of dispatches."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Frequency(StrEnum):
    MINUTELY = "MINUTELY"
    HOURLY = "HOURLY"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


@dataclass(frozen=True, slots=True)
class Rule:
    """When a dispatch recurs: RFC 5545, without seconds and without a number before a weekday.

    Parts that are empty are taken from the start. Of `count` and `until` at most one is given.
    """

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    """Inclusive."""
    minutes: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    weekdays: tuple[int, ...] = ()
    """0 is Monday."""
    month_days: tuple[int, ...] = ()
    """1 to 31, or from the month's end backwards -1 to -31."""
    months: tuple[int, ...] = ()
