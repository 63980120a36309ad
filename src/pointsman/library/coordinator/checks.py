"""Checks: what is refused at once when a command is made by hand, in a line that says why."""

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from pointsman.schedules.model import Command as Value
from pointsman.schedules.model import CommandType

_ID: Final = re.compile(r"[A-Za-z0-9_-]+")
_RATES: Final = (
    CommandType.SET_CHARGE_RATE,
    CommandType.SET_DISCHARGE_RATE,
    CommandType.SET_POWER_LIMIT,
)
_TOLD: Final = (
    "asset_id",
    "type",
    "scheduled_at",
    "expires_at",
    "power_kw",
    "parameters",
    "priority",
    "dry_run",
)


def says_the_same(one: Value, other: Value) -> bool:
    """Whether two values tell an asset the same, however far they got."""
    return all(getattr(one, name) == getattr(other, name) for name in _TOLD)


def type_of(word: object) -> CommandType:
    try:
        return CommandType(str(word))
    except ValueError:
        raise ValueError(
            f"command_type={word!r} is not known; one of {', '.join(CommandType)} would work"
        ) from None


def check_instant(name: str, instant: object) -> None:
    if not isinstance(instant, datetime):
        raise ValueError(f"{name}={instant!r} is no datetime")
    if instant.tzinfo is None:
        raise ValueError(f"{name}={instant} has no zone; tzinfo=timezone.utc would work")


def check_names(asset_id: object, command_id: str) -> None:
    if not isinstance(asset_id, str) or not asset_id:
        raise ValueError(f"asset_id={asset_id!r} names no asset")
    if _ID.fullmatch(command_id) is None:
        raise ValueError(f"command_id={command_id!r}: letters, digits, _ and - would work")


def check_parameters(who: str, type: CommandType, parameters: Mapping[str, Any]) -> None:
    power_kw = parameters.get("power_kw")
    if power_kw is None and type in _RATES:
        raise ValueError(f'{who}: no power_kw; parameters={{"power_kw": 22.0}} would work')
    if power_kw is not None and not _is_number(power_kw):
        raise ValueError(f"{who}: power_kw={power_kw!r} is no number")
    if power_kw is not None and power_kw < 0:
        raise ValueError(
            f"{who}: power_kw={power_kw:g} is below 0; it is a magnitude, and the type of the"
            " command tells the direction"
        )
    try:
        json.dumps(parameters, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{who}: parameters cannot be kept as JSON: {error}") from None


def check_patience(who: str, max_retries: object, timeout_seconds: object) -> None:
    if isinstance(max_retries, bool) or not isinstance(max_retries, int) or max_retries < 0:
        raise ValueError(f"{who}: max_retries={max_retries!r}; a whole number from 0 on would work")
    if not _is_number(timeout_seconds) or not timeout_seconds > 0:  # type: ignore[operator]
        raise ValueError(f"{who}: timeout_seconds={timeout_seconds!r}; a number above 0 would work")


def _is_number(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and math.isfinite(value)
