"""The words of `pointsman dispatch`: microgrids, ids, targets, weekdays, frequencies, payloads.

Each function reads one argument or flag, which `place` names in the message if it means nothing.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pointsman.cli.errors import Misused
from pointsman.cli.payloads import object_of
from pointsman.config import nearest
from pointsman.core.entity import Rejected
from pointsman.dispatches.checks import ID_MOST, INTERVAL_MOST, PAYLOAD_BYTES, check_payload
from pointsman.dispatches.components import TYPES, Category, ComponentKind, Target
from pointsman.dispatches.model import Frequency

IDS_MOST: Final = 10_000
"""As many as one range may mean. More is a slip of the hand."""
NOTHING: Final = ("none", "any", "")
EARLIER: Final[Mapping[str, str]] = {
    "GRID": "GRID_CONNECTION_POINT",
    "RELAY": "BREAKER",
    "FUSE": "BREAKER",
    "VOLTAGE_TRANSFORMER": "POWER_TRANSFORMER",
}
"""Names of an older list of categories, whose numbers mean something else in today's, and what
comes nearest to each.
"""
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_PERIODS: Final = {
    Frequency.MINUTELY: "m min mins minute minutes minutely",
    Frequency.HOURLY: "h hr hrs hour hours hourly",
    Frequency.DAILY: "d day days daily",
    Frequency.WEEKLY: "w week weeks weekly",
    Frequency.MONTHLY: "mo month months monthly",
    Frequency.YEARLY: "y year years yearly",
}
_FREQUENCIES: Final = {word: freq for freq, words in _PERIODS.items() for word in words.split()}
_RANGE: Final = re.compile(r"(.*?[^-.\s])\s*(?:-|\.\.)\s*(\S.*)")


def microgrid_of(text: str) -> int:
    """A microgrid's number: `7` or `MID7`."""
    return _id(text, "MID", "MICROGRID")


def dispatch_of(text: str) -> int:
    """A dispatch's number: `7` or `DID7`."""
    return _id(text, "DID", "ID")


def dispatches_of(texts: list[str], place: str = "ID") -> list[int]:
    """Numbers of dispatches, each once: `7`, `DID7`, `1,2`, `1-3`, `1..3`."""
    found = [id for text in texts for id in _listed(text, place, lambda t, p: _id(t, "DID", p))]
    return list(dict.fromkeys(found))


def target_of(text: str, place: str = "TARGET") -> Target:
    """`1,2,3`, or categories and their types by name: `battery`, `inverter:pv,ev_charger`."""
    words = [word.strip() for word in text.split(",")]
    numbers = [re.fullmatch(r"(?:CID)?[0-9]+", word, re.IGNORECASE) is not None for word in words]
    if all(numbers):
        return Target(ids=tuple(dict.fromkeys(_id(word, "CID", place) for word in words)))
    if any(numbers):
        raise Misused(f"{place}: {text!r} mixes ids with categories; give one kind of them")
    return Target(kinds=tuple(dict.fromkeys(_kind(word, place) for word in words)))


def every_of(text: str, place: str = "--every") -> tuple[Frequency, int]:
    """A frequency and an interval: `day`, `15m`, `2 weeks`."""
    found = re.fullmatch(r"([0-9]{0,9})\s*([a-z]+)", text.strip().lower())
    frequency = _FREQUENCIES.get(found[2]) if found else None
    if found is None or frequency is None:
        raise Misused(
            f"{place}: {text!r} is no period; write minute, hour, day, week, month or year, "
            "with a number before it if need be, as in 15m or '2 weeks'"
        )
    interval = int(found[1] or 1)
    if not 1 <= interval <= INTERVAL_MOST:
        raise Misused(f"{place}: {text!r} has an interval of {interval}; 1 to {INTERVAL_MOST} work")
    return frequency, interval


def weekdays_of(texts: list[str], place: str = "--by-day") -> tuple[int, ...]:
    """Days of the week from 0, which is Monday: `mon`, `Tuesday`, `mon-fri`, `sat,sun`."""
    return _set(texts, place, lambda text, p: _name(text, WEEKDAYS, p, 2), around=range(7))


def months_of(texts: list[str], place: str = "--by-month") -> tuple[int, ...]:
    """Months of the year from 1: `jan`, `6`, `oct-mar`."""

    def month(text: str, where: str) -> int:
        if text.isdecimal():
            return _number(text, where, 1, 12)
        return _name(text, MONTHS, where, 3) + 1

    return _set(texts, place, month, around=range(1, 13))


def numbers_of(texts: list[str], place: str, least: int, most: int) -> tuple[int, ...]:
    """Whole numbers: `0`, `8-17`, `0,30`, and `-1` where there are numbers below 0."""
    return _set(texts, place, lambda text, where: _number(text, where, least, most))


def month_days_of(texts: list[str], place: str = "--by-month-day") -> tuple[int, ...]:
    """Days of the month from 1, or backwards from -1."""
    days = numbers_of(texts, place, -31, 31)
    if 0 in days:
        raise Misused(f"{place}: there is no day 0; 1 to 31 work, and -1 to -31 from the end")
    return days


def payload_of(text: str, place: str = "--payload") -> dict[str, Any]:
    """A JSON object; `@FILE` is what that file holds, `@-` what comes on standard input."""
    value = object_of(text, place, example='{"power_kw": 5}', characters=4 * PAYLOAD_BYTES)
    try:
        check_payload(value)
    except Rejected as error:
        raise Misused(f"{place}: {error}") from error
    return value


def _kind(word: str, place: str) -> ComponentKind:
    name, colon, type = (re.sub(r"[\s-]+", "_", part.strip()).upper() for part in _cut(word))
    if name in EARLIER:
        raise Misused(
            f"{place}: {name} is of an older list, where its number means something else; "
            f"{EARLIER[name]} comes nearest to it"
        )
    if name not in Category.__members__:
        hint = nearest(name.lower(), (category.lower() for category in Category))
        raise Misused(f"{place}: there is no category {word!r}; {hint}")
    category = Category(name)
    if not colon:
        return ComponentKind(category)
    types = TYPES.get(category, ())
    if not types:
        raise Misused(f"{place}: {word!r}: {name.lower()} has no types; leave out {type.lower()!r}")
    if type not in types:
        hint = nearest(type.lower(), (known.lower() for known in types))
        raise Misused(f"{place}: {name.lower()} has no type {type.lower()!r}; {hint}")
    return ComponentKind(category, type)


def _cut(word: str) -> tuple[str, str, str]:
    return word.partition(":")


def _set(
    texts: list[str],
    place: str,
    read: Callable[[str, str], int],
    around: range | None = None,
) -> tuple[int, ...]:
    """The values meant, each once, in order. `none` alone: none at all."""
    if len(texts) == 1 and texts[0].strip().lower() in NOTHING:
        return ()
    return tuple(sorted({value for text in texts for value in _listed(text, place, read, around)}))


def _listed(
    text: str, place: str, read: Callable[[str, str], int], around: range | None = None
) -> Iterator[int]:
    """Values and ranges of them, parted by commas. Ranges of `around` may go over its end."""
    for word in text.split(","):
        found = _RANGE.fullmatch(word.strip())
        if found is None:
            yield read(word.strip(), place)
            continue
        first, last = read(found[1], place), read(found[2], place)
        if last < first and around is not None:
            yield from (value for value in around if value >= first or value <= last)
            continue
        if last < first:
            raise Misused(f"{place}: {word!r} goes backwards; {last}-{first} would work")
        if last - first >= IDS_MOST:
            raise Misused(f"{place}: {word!r} means more than {IDS_MOST}; give a shorter range")
        yield from range(first, last + 1)


def _name(text: str, names: tuple[str, ...], place: str, least: int) -> int:
    """Which of the names begins with `text`, which has at least so many letters."""
    word = text.lower().rstrip(".")
    for number, name in enumerate(names):
        if len(word) >= least and name.startswith(word):
            return number
    raise Misused(f"{place}: {text!r} is none of {', '.join(name[:3] for name in names)}")


def _number(text: str, place: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise Misused(f"{place}: {text!r} is no whole number from {least} to {most}")
    return int(text)


def _id(text: str, prefix: str, place: str) -> int:
    found = re.fullmatch(rf"(?:{prefix})?([0-9]{{1,20}})", text.strip(), re.IGNORECASE)
    if found is None or int(found[1]) > ID_MOST:
        raise Misused(
            f"{place}: {text!r} is no id; a whole number such as 7 or {prefix}7 would work"
        )
    return int(found[1])
