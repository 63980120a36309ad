"""What a row of a timeline means: when it begins, when it is over, which command it is."""

from bisect import bisect_right
from collections.abc import Container
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from pointsman.schedules.model import (
    Channel,
    Command,
    CommandType,
    Mark,
    Plan,
    Timeline,
)

ID_DIGITS: Final = 12
"""Of the idempotency key in a command's id; more where two commands would share one."""


def starts_at(plan: Plan, timeline: Timeline, row: int) -> datetime:
    """When `row` is due. The last one, the release, may wait longer than the plan lasts."""
    at = plan.at(timeline.slots[row])
    last = row == len(timeline.slots) - 1
    return at + timedelta(seconds=timeline.release_offset_seconds) if last else at


def ends_at(plan: Plan, timeline: Timeline, row: int) -> datetime | None:
    """When `row` is over: when the next one begins. None for the release: it stays due."""
    return starts_at(plan, timeline, row + 1) if row + 1 < len(timeline.slots) else None


def row_at(plan: Plan, timeline: Timeline, now: datetime) -> int:
    """The row that speaks at `now`. -1 before the first."""
    last = len(timeline.slots) - 1
    if now >= starts_at(plan, timeline, last):
        return last
    slot = min(plan.slot_at(now), plan.slot_count - 1)
    return bisect_right(timeline.slots, slot, 0, last) - 1


def command_of(
    plan: Plan, timeline: Timeline, row: int, taken: Container[str] = frozenset()
) -> Command:
    """The command that `row` is, untried. Its id is none of those `taken`."""
    value, mark = timeline.values[row], timeline.marks.get(row)
    type = type_of(timeline, row)
    scheduled_at = starts_at(plan, timeline, row)
    key = idempotency_key(plan.id, timeline.asset_id, scheduled_at, type, value)
    return Command(
        id=command_id(key, taken),
        asset_id=timeline.asset_id,
        type=type,
        scheduled_at=scheduled_at,
        expires_at=ends_at(plan, timeline, row),
        power_kw=None if timeline.channel is Channel.SOC else abs(value),
        parameters=_parameters(timeline, value, mark),
        plan_id=plan.id,
        row=row,
        slot=timeline.slots[row],
        policy=plan.policy,
        reason=mark or "",
        requested_kw=timeline.requested.get(row),
        dry_run=plan.dry_run,
    )


def idempotency_key(
    plan_id: str, asset_id: str, scheduled_at: datetime, type: CommandType, value: float
) -> str:
    """The same for the same intention, whoever derives it, whenever: 64 hex digits."""
    text = f"{plan_id}\n{asset_id}\n{scheduled_at.isoformat()}\n{type}\n{value!r}"
    return sha256(text.encode()).hexdigest()


def command_id(key: str, taken: Container[str] = frozenset()) -> str:
    """`cmd_` with the first digits of an idempotency key, as few as tell it from others."""
    digits = range(ID_DIGITS, len(key))
    return next((id for n in digits if (id := f"cmd_{key[:n]}") not in taken), f"cmd_{key}")


def type_of(timeline: Timeline, row: int) -> CommandType:
    """What kind of command `row` is. A 0 keeps the direction of the value before it."""
    value = timeline.values[row]
    match timeline.channel:
        case Channel.LIMIT:
            return CommandType.SET_POWER_LIMIT
        case Channel.SOC:
            return CommandType.SET_SOC_TARGET
    if timeline.marks.get(row) is not Mark.RELEASE and timeline.stop_at_zero:
        if value == 0.0:
            return CommandType.STOP_CHARGING
        if row > 0 and timeline.values[row - 1] == 0.0:
            return CommandType.START_CHARGING
    if value == 0.0:
        value = next((v for v in reversed(timeline.values[:row]) if v), 0.0)
        value = 0.0 if timeline.marks.get(row) is Mark.RELEASE else value
    return CommandType.SET_DISCHARGE_RATE if value < 0 else CommandType.SET_CHARGE_RATE


def _parameters(timeline: Timeline, value: float, mark: Mark | None) -> dict[str, Any] | None:
    parameters: dict[str, Any] = {}
    if timeline.channel is Channel.SOC:
        parameters["soc_target_percent"] = value
    if mark is Mark.RELEASE:
        parameters["release"] = True
    return parameters or None
