"""Coercion: what programs hand in, as the type that a field has, or a line that says what would do.

It is lenient where nothing can be misunderstood: "5" is 5, and a time without a zone is in UTC.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum
from math import inf
from numbers import Real
from typing import Any, TypeVar
from uuid import UUID

EnumT = TypeVar("EnumT", bound=Enum)


def integer(name: str, value: object) -> int:
    """Raises: ValueError: If it is no whole number."""
    match value:
        case bool() | int():
            return int(value)
        case float() if value.is_integer():
            return int(value)
        case str():
            try:
                return int(value)
            except ValueError:
                pass
    raise ValueError(f"{name} is {_shown(value)}: a whole number would work")


def number(name: str, value: object) -> float:
    """Raises: ValueError: If it is none."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"{name} is {_shown(value)}: a number would work")
    try:
        return float(value)
    except OverflowError:  # An integer of too many digits.
        return inf


def text(name: str, value: object) -> str:
    """Raises: ValueError: If it is none."""
    if not isinstance(value, str):
        raise ValueError(f"{name} is {_shown(value)}: text would work")
    return value


def instant(name: str, value: object) -> datetime:
    """Raises: ValueError: If it is no time."""
    if isinstance(value, datetime) and value.tzinfo is UTC:
        return value
    if isinstance(value, str):
        with suppress(ValueError):
            value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        raise ValueError(f"{name} is {_shown(value)}: a datetime would work")
    try:
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError(f"{name} is {value}, which is no time in UTC") from None


def choice(name: str, kind: type[EnumT], value: object) -> EnumT:
    """Raises: ValueError: If it is none of them."""
    if isinstance(value, kind):
        return value
    try:
        return kind(value)
    except ValueError:
        words = ", ".join(str(one.value) for one in kind)
        raise ValueError(f"{name} is {_shown(value)}: one of {words} would work") from None


def unique(name: str, value: object) -> UUID:
    """Raises: ValueError: If it is no UUID."""
    match value:
        case UUID():
            return value
        case str():
            try:
                return UUID(value)
            except ValueError:
                pass
    raise ValueError(f"{name} is {_shown(value)}: a UUID would work")


def mapping(name: str, value: object) -> dict[str, Any]:
    """Raises: ValueError: If it is none."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} is {_shown(value)}: a dict would work")
    return dict(value)


def meta_of(meta_data: object) -> dict[str, Any]:
    """What comes with a call. Raises: ValueError: If it is no mapping."""
    return {} if meta_data is None else mapping("meta_data", meta_data)


def _shown(value: object) -> str:
    try:
        shown = repr(value)
    except ValueError:  # An integer of too many digits.
        return f"a huge {type(value).__name__}"
    return shown if len(shown) <= 80 else f"{shown[:77]}..."  # noqa: PLR2004
