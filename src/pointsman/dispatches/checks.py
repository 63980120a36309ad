"""Checks of what somebody wants a dispatch to be. Each refusal names field, value and way out."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from pointsman.core.entity import Rejected
from pointsman.dispatches.components import TYPES, Target
from pointsman.dispatches.model import TIMEZONE, DispatchData, Frequency, Rule
from pointsman.dispatches.recurrence import Recurrence

PAYLOAD_DEPTH: Final = 5
PAYLOAD_BYTES: Final = 51_200
INTERVAL_MOST: Final = 10_000
COUNT_MOST: Final = 4_096
DURATION_SECONDS_MOST: Final = 2**32 - 1
ID_MOST: Final = 2**64 - 1
DAYS_MOST: Final = 31
TYPE_CHARACTERS: Final = 1_000
COMPONENTS_MOST: Final = 10_000
"""In one target."""
PARTS_MOST: Final = 1_000
"""In one list of a rule."""
START_LIMIT: Final = datetime(9999, 12, 30, tzinfo=UTC)
"""Later starts have no room for a zone, or for rounding."""
HALF: Final = timedelta(milliseconds=500)


class Invalid(Rejected):
    """What was asked for makes no sense in itself."""


class NotFound(Rejected):
    """There is no such dispatch in this microgrid."""


def whole_seconds(instant: datetime) -> datetime:
    """The nearest whole second; of two that are as near, the even one."""
    down = instant.replace(microsecond=0)
    rest = instant - down
    up = rest > HALF or (rest == HALF and down.second % 2 == 1)
    return down + timedelta(seconds=1) if up else down


def check_start(start_time: datetime, now: datetime) -> None:
    if start_time < now:
        raise Invalid(
            f"start_time {start_time.isoformat()} has passed, as it is {now.isoformat()}:"
            " give a later one, or start_immediately"
        )
    if start_time >= START_LIMIT:
        raise Invalid(
            f"start_time is {start_time.isoformat()}: times before {START_LIMIT.isoformat()} are"
            " allowed"
        )


def check_data(data: DispatchData) -> Recurrence | None:
    """Refuse what no consumer could live with. Returns how it recurs, if it does.

    Raises:
        Invalid: In one line.
    """
    if len(data.type) > TYPE_CHARACTERS:
        raise Invalid(
            f"type has {len(data.type)} characters: at most {TYPE_CHARACTERS} are allowed"
        )
    check_target(data.target)
    if data.duration_seconds is not None:
        _within("duration", data.duration_seconds, 0, DURATION_SECONDS_MOST)
    check_payload(data.payload)
    zone = _zone(data.payload)
    if data.recurrence is None:
        return None
    check_rule(data.recurrence)
    if data.recurrence.month_days and data.recurrence.frequency is Frequency.WEEKLY:
        raise Invalid("recurrence.bymonthdays is given with WEEKLY: leave them out, or use MONTHLY")
    recurrence = Recurrence(data.recurrence, data.start_time, zone)
    if recurrence.at_or_after(data.start_time) is None:
        raise Invalid(
            "recurrence has no occurrence from start_time on: check that its parts can meet"
            " each other, its interval and its end"
        )
    return recurrence


def check_target(target: Target) -> None:
    if bool(target.ids) == bool(target.kinds):
        raise Invalid("target is empty: give component ids, or categories")
    if (size := len(target.ids) + len(target.kinds)) > COMPONENTS_MOST:
        raise Invalid(f"target has {size} components: at most {COMPONENTS_MOST} are allowed")
    for id in target.ids:
        _within("target.component_ids", id, 0, ID_MOST)
    for kind in target.kinds:
        known = TYPES.get(kind.category, ())
        if kind.type and kind.type not in known:
            allowed = f"one of {', '.join(known)}" if known else "no type"
            raise Invalid(f"target: {kind.category} has {allowed}, not {kind.type!r}")


def check_payload(payload: Mapping[str, Any]) -> None:
    if _depth(payload) > PAYLOAD_DEPTH:
        raise Invalid(f"payload is nested deeper than the {PAYLOAD_DEPTH} levels that are allowed")
    try:
        text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except ValueError as error:
        raise Invalid(f"payload cannot be written as JSON: {error}") from error
    if size > PAYLOAD_BYTES:
        raise Invalid(f"payload is {size} bytes of JSON: at most {PAYLOAD_BYTES} are allowed")


def check_rule(rule: Rule) -> None:
    """Refuse what cannot be worked out: numbers that no clock or calendar has, or too many.

    Raises:
        Invalid: In one line.
    """
    _within("recurrence.interval", rule.interval, 1, INTERVAL_MOST)
    if rule.count is not None:
        _within("recurrence.end_criteria.count", rule.count, 1, COUNT_MOST)
    _all_within("recurrence.byminutes", rule.minutes, 0, 59)
    _all_within("recurrence.byhours", rule.hours, 0, 23)
    _all_within("recurrence.byweekdays", rule.weekdays, 0, 6)
    _all_within("recurrence.bymonths", rule.months, 1, 12)
    _few("recurrence.bymonthdays", rule.month_days)
    for day in rule.month_days:
        if not 1 <= abs(day) <= DAYS_MOST:
            raise Invalid(f"recurrence.bymonthdays is {day}: 1 to 31 or -31 to -1 are allowed")


def _zone(payload: Mapping[str, Any]) -> Any:  # noqa: ANN401  A zone of the standard library.
    name = payload.get(TIMEZONE)
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, TypeError, OSError, KeyError) as error:
        raise Invalid(
            f"payload.{TIMEZONE} is {name!r}: give an IANA name like 'Europe/Berlin'"
        ) from error


def _depth(value: object) -> int:
    """How deep objects and lists are nested. Stops at what is too deep, which may be very deep."""
    depth, level = 0, [value]
    while nested := [inner for inner in level if isinstance(inner, Mapping | list)]:
        depth += 1
        if depth > PAYLOAD_DEPTH:
            break
        level = [inner for outer in nested for inner in _inside(outer)]
    return depth


def _inside(outer: Mapping[str, object] | list[object]) -> Iterable[object]:
    return outer.values() if isinstance(outer, Mapping) else outer


def _all_within(field: str, values: Collection[int], least: int, most: int) -> None:
    _few(field, values)
    for value in values:
        _within(field, value, least, most)


def _few(field: str, values: Collection[int]) -> None:
    if len(values) > PARTS_MOST:
        raise Invalid(f"{field} has {len(values)} values: at most {PARTS_MOST} are allowed")


def _within(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise Invalid(f"{field} is {value}: {least} to {most} are allowed")
