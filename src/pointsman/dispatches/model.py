"""The nouns of dispatches: what an app wants of a microgrid's components, when, and how often."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from pointsman.core.values import Value
from pointsman.dispatches.components import Target

TIMEZONE: Final = "recurrence_timezone"
"""The key of a payload that says in which zone, by its IANA name, the rule is meant."""


class Frequency(StrEnum):
    MINUTELY = "MINUTELY"
    HOURLY = "HOURLY"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


class Rule(Value, frozen=True):
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


class DispatchData(Value, frozen=True):
    """What its author says of a dispatch."""

    type: str
    start_time: datetime
    """In whole seconds."""
    target: Target
    duration_seconds: int | None = None
    """None: without an end. 0: it starts and ends at once."""
    active: bool = True
    dry_run: bool = False
    payload: Mapping[str, Any] = {}
    """JSON. Numbers are floats, as in the API."""
    recurrence: Rule | None = None


class Dispatch(Value, frozen=True):
    """What its author says, and what the server adds."""

    id: int
    microgrid_id: int
    data: DispatchData
    create_time: datetime
    update_time: datetime
    """Strictly later with each change, in microseconds."""
    last_start: datetime | None = None
    """When the last run starts, which a count is worked out to once. None: there is no last one."""
    end_time: datetime | None = None
    """When the last run ends. None: never, or nobody can tell."""
