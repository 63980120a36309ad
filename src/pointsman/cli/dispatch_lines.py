"""Dispatches and their runs as people read them, and as JSON."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from pointsman.cli.dispatch_words import MONTHS, WEEKDAYS
from pointsman.cli.durations import duration_words
from pointsman.cli.moments import local
from pointsman.core.values import asdict
from pointsman.dispatches.components import Target
from pointsman.dispatches.model import TIMEZONE, Dispatch, DispatchData, Frequency, Rule
from pointsman.dispatches.runs import Run, next_start, run_at

HEADERS: Final = ("id", "type", "start", "duration", "target", "recurs", "state", "end")
_PERIODS: Final = {
    Frequency.MINUTELY: "minute",
    Frequency.HOURLY: "hour",
    Frequency.DAILY: "day",
    Frequency.WEEKLY: "week",
    Frequency.MONTHLY: "month",
    Frequency.YEARLY: "year",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a dispatch is with its runs."""

    running: Run | None = None
    next_start: datetime | None = None
    problem: str = ""
    """Why nobody can tell. Empty: somebody can."""


def standing(dispatch: Dispatch, now: datetime) -> Standing:
    """Its rule may come from a server that checks less."""
    try:
        coming = next_start(dispatch, now + timedelta.resolution)
        return Standing(run_at(dispatch, now), coming)
    except (ValueError, KeyError, TypeError, ArithmeticError, OSError) as error:
        return Standing(problem=f"its rule cannot be worked out: {error}")


def row(dispatch: Dispatch, now: datetime, zone: tzinfo | None) -> tuple[str, ...]:
    data = dispatch.data
    return (
        str(dispatch.id),
        data.type,
        local(data.start_time, zone),
        duration_words(data.duration_seconds),
        target_words(data.target),
        rule_words(data, zone) or "-",
        state_words(dispatch, now),
        local(dispatch.end_time, zone),
    )


def block(dispatch: Dispatch, now: datetime, zone: tzinfo | None) -> Iterator[str]:
    """A line for each thing that there is to say."""
    data, stands = dispatch.data, standing(dispatch, now)
    yield (
        f"dispatch {dispatch.id} of microgrid {dispatch.microgrid_id}: {data.type}, "
        f"{state_words(dispatch, now)}"
    )
    yield f"  start     {local(data.start_time, zone)}"
    yield f"  duration  {duration_words(data.duration_seconds)}"
    yield f"  target    {target_words(data.target)}"
    if words := rule_words(data, zone):
        yield f"  recurs    {words}"
    if data.payload:
        yield f"  payload   {json.dumps(plain(data.payload), ensure_ascii=False)}"
    if stands.problem:
        yield f"  problem   {stands.problem}"
    if stands.running is not None:
        yield f"  running   {run_words(stands.running, zone)}"
    if stands.next_start is not None:
        yield f"  next      {local(stands.next_start, zone)}"
    if dispatch.end_time is not None:
        yield f"  end       {local(dispatch.end_time, zone)}"
    yield f"  created   {local(dispatch.create_time, zone)}"
    yield f"  updated   {local(dispatch.update_time, zone)}"


def run_words(run: Run, zone: tzinfo | None) -> str:
    end = "without an end" if run.end is None else f"to {local(run.end, zone)}"
    return f"{local(run.start, zone)} {end}"


def state_words(dispatch: Dispatch, now: datetime) -> str:
    data, stands = dispatch.data, standing(dispatch, now)
    if not data.active:
        word = "inactive"
    elif stands.problem:
        word = "unclear"
    elif stands.running is not None:
        word = "running"
    else:
        word = "waiting" if stands.next_start is not None else "over"
    return f"{word}, dry run" if data.dry_run else word


def target_words(target: Target) -> str:
    """As `TARGET` can read it: `1,2,3` or `battery:li_ion,meter`."""
    if target.ids:
        return ",".join(map(str, target.ids))
    return ",".join(f"{kind.category}:{kind.type}".rstrip(":").lower() for kind in target.kinds)


def rule_words(data: DispatchData, zone: tzinfo | None) -> str:
    """`every 2 weeks on mon, fri at hour 8, 5 times`. Empty: it does not recur."""
    rule = data.recurrence
    if rule is None:
        return ""
    period = _PERIODS[rule.frequency]
    words = f"every {period}" if rule.interval == 1 else f"every {rule.interval} {period}s"
    for before, values in (
        ("on", [WEEKDAYS[day][:3] for day in rule.weekdays]),
        ("on day", rule.month_days),
        ("in", [MONTHS[month - 1][:3] for month in rule.months]),
        ("at hour", rule.hours),
        ("at minute", rule.minutes),
    ):
        words += f" {before} {', '.join(map(str, values))}" if values else ""
    if rule.count is not None:
        words += ", once" if rule.count == 1 else f", {rule.count} times"
    elif rule.until is not None:
        words += f", until {local(rule.until, zone)}"
    anchor = data.payload.get(TIMEZONE)
    return f"{words}, in {anchor}" if anchor else words


def as_json(dispatch: Dispatch, now: datetime) -> dict[str, Any]:
    """Everything, with the names of the Dispatch API in short, and its runs as of now."""
    data, stands = dispatch.data, standing(dispatch, now)
    return {
        "id": dispatch.id,
        "microgrid_id": dispatch.microgrid_id,
        "type": data.type,
        "start_time": data.start_time,
        "duration_seconds": data.duration_seconds,
        "target": _target(data.target),
        "active": data.active,
        "dry_run": data.dry_run,
        "payload": plain(data.payload),
        "recurrence": _rule(data.recurrence),
        "create_time": dispatch.create_time,
        "update_time": dispatch.update_time,
        "end_time": dispatch.end_time,
        "running": stands.running,
        "next_start": stands.next_start,
    }


def plain(value: object) -> Any:  # noqa: ANN401  Any JSON.
    """JSON as its author wrote it: the API makes a float of each number."""
    match value:
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case dict():
            return {name: plain(inner) for name, inner in value.items()}
        case list():
            return [plain(inner) for inner in value]
        case _:
            return value


def _target(target: Target) -> dict[str, Any]:
    if target.ids:
        return {"ids": target.ids}
    return {"categories": [{"category": k.category, "type": k.type or None} for k in target.kinds]}


def _rule(rule: Rule | None) -> dict[str, Any] | None:
    if rule is None:
        return None
    days = [WEEKDAYS[day] for day in rule.weekdays]
    return {**asdict(rule), "weekdays": days}
