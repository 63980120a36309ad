"""Durations as people write them: `300`, `5m`, `1h30m`, `1 day`, `PT5M`, `forever`."""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from pointsman.cli.errors import Misused
from pointsman.dispatches.checks import DURATION_SECONDS_MOST

FOREVER: Final = ("forever", "none", "indefinite", "unlimited")
FORMS: Final = "write 300 (seconds), 5m, 1h30m, '1 day', PT5M, 0 or forever"
_SECONDS: Final = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_NAMES: Final = {
    "w": "w week weeks",
    "d": "d day days",
    "h": "h hr hrs hour hours",
    "m": "m min mins minute minutes",
    "s": "s sec secs second seconds",
}
_UNITS: Final = {name: unit for unit, names in _NAMES.items() for name in names.split()}
_NUMBER: Final = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"
_PART: Final = re.compile(rf"\s*(?:,\s*|and\s+)?({_NUMBER})\s*([a-z]+)")
_ISO: Final = re.compile(
    rf"P(?:({_NUMBER})W)?(?:({_NUMBER})D)?"
    rf"(?:T(?=[0-9])(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?",
    re.IGNORECASE,
)


def duration_of(text: str, place: str = "DURATION") -> int | None:
    """Whole seconds; None: without an end. `place` opens the message if it is no duration.

    Raises:
        Misused: If it is none, or not in whole seconds, or too long.
    """
    words = text.strip().lower()
    if words in FOREVER:
        return None
    seconds = _sum(words)
    if seconds is None:
        raise Misused(f"{place}: {text!r} is no duration; {FORMS}")
    if seconds.denominator != 1:
        raise Misused(f"{place}: {text!r} is not in whole seconds; {FORMS}")
    if seconds > DURATION_SECONDS_MOST:
        raise Misused(
            f"{place}: {text!r} is longer than {DURATION_SECONDS_MOST} seconds; "
            "'forever' has no end"
        )
    return int(seconds)


def duration_words(seconds: int | None) -> str:
    """As short as `duration_of` can read: `1h30m`, `0`, `forever`."""
    if seconds is None:
        return FOREVER[0]
    words = ""
    for unit, width in _SECONDS.items():
        if unit != "w":
            count, seconds = divmod(seconds, width)
            words += f"{count}{unit}" if count else ""
    return words or "0"


def _sum(words: str) -> Fraction | None:
    """Seconds. None: these are no words for a duration."""
    if re.fullmatch(_NUMBER, words):
        return Fraction(words)
    found = _ISO.fullmatch(words)
    if found is not None:
        parts = [(n, unit) for n, unit in zip(found.groups(), _SECONDS, strict=True) if n]
    else:
        parts = list(_parts(words))
    units = [unit for _, unit in parts]
    if not units or len(set(units)) < len(units) or "" in units:
        return None
    return sum((Fraction(n) * _SECONDS[unit] for n, unit in parts), Fraction())


def _parts(words: str) -> Iterator[tuple[str, str]]:
    """Number and unit, one after the other. A unit is empty where there is no sense."""
    at = 0
    while at < len(words):
        found = _PART.match(words, at)
        if found is None:
            yield "0", ""
            return
        yield found[1], _UNITS.get(found[2], "")
        at = found.end()
