"""Checks of single values: each gives the value that was meant, or says what it must be."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pointsman.config.tables import Check, nearest, shown

NUMBER_LIMIT: Final = 1_000_000_000
"""No power, time or count of a site is larger."""


def text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be text in quotes, not {shown(value)}")
    if not value or not value.isprintable() or value != value.strip():
        raise ValueError(
            f"must be printable text without spaces around it, and not empty; it is {shown(value)}"
        )
    return value


def number(
    *, least: float | None = None, above: float | None = None, most: float = NUMBER_LIMIT
) -> Check:
    """A finite number: of `least` or more, or above `above`, and of `most` or less."""
    wanted = "a number"
    wanted += "" if least is None else f" of {least:g} or more"
    wanted += "" if above is None else f" above {above:g}"
    wanted += "" if most == NUMBER_LIMIT else f" and at most {most:g}"

    def check(value: object) -> float:
        fits = (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and -NUMBER_LIMIT <= value <= most
            and (least is None or value >= least)
            and (above is None or value > above)
        )
        if not fits:
            raise ValueError(f"must be {wanted}, not {shown(value)}")
        return float(value)  # type: ignore[arg-type]

    return check


def whole(*, least: int, most: int = NUMBER_LIMIT) -> Check:
    """An integer from `least` to `most`."""

    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            wanted = f"from {least} to {most}" if most < NUMBER_LIMIT else f"of {least} or more"
            raise ValueError(f"must be a whole number {wanted}, not {shown(value)}")
        return value

    return check


def truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {shown(value)}")
    return value


def choice(words: type[StrEnum]) -> Check:
    """One of the words of an enumeration."""

    def check(value: object) -> StrEnum:
        if isinstance(value, str) and value in set(words):
            return words(value)
        hint = nearest(value if isinstance(value, str) else "", words)
        raise ValueError(f"is {shown(value)}, which is none of its words; {hint}")

    return check


def zone(value: object) -> ZoneInfo:
    """A time zone of the IANA database."""
    name = text(value)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        known = available_timezones()
        if not known:
            why = "there is no time zone database on this machine: pip install tzdata"
            raise ValueError(f"cannot be looked up: {why}") from error
        close = nearest(name, known)
        hint = close if close.startswith("did") else "write it as in 'Europe/Berlin' or 'UTC'"
        raise ValueError(f"is {shown(value)}, which is no time zone; {hint}") from error


def table(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"must be a table {{ … }}, not {shown(value)}")
    return value


def device(value: object) -> Mapping[str, Any]:
    """A `device` table. The rest of its keys are its protocol's."""
    found = table(value)
    if not isinstance(found.get("protocol"), str):
        raise ValueError(
            'must name its protocol, as in { protocol = "simulated" }; '
            + (f"it is {shown(value)}" if "protocol" in found else f"it has {shown(sorted(found))}")
        )
    return found
