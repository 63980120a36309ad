"""JSON as people give it: on the command line, in a file, or on standard input."""

import json
import sys
from collections import Counter
from math import isfinite
from pathlib import Path
from typing import Any, Final

from pointsman.cli.errors import Misused

SHOWN: Final = 60
"""Characters of what could not be read."""


def object_of(text: str, place: str, *, example: str, characters: int) -> dict[str, Any]:
    """A JSON object; `@FILE` is what that file holds, `@-` what comes on standard input.

    Raises:
        Misused: If it is none. `place` opens the message.
    """
    value = json_of(text, place, characters)
    if not isinstance(value, dict):
        raise Misused(f"{place}: a JSON object such as '{example}' is wanted")
    return value


def json_of(text: str, place: str, characters: int) -> Any:  # noqa: ANN401  Any JSON.
    """Any JSON, of which at most so many characters are read."""

    def unwritable(word: str) -> float:
        raise ValueError(f"{word[:SHOWN]} is no number that JSON can carry")

    def finite(digits: str) -> float:
        number = float(digits)
        return number if isfinite(number) else unwritable(digits)

    said = _read(text, place, characters)
    try:
        return json.loads(
            said, parse_constant=unwritable, parse_float=finite, object_pairs_hook=_once
        )
    except RecursionError as error:
        raise Misused(f"{place}: it is nested too deeply") from error
    except ValueError as error:
        raise Misused(f"{place}: {said[:SHOWN]!r} is no JSON: {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Nobody knows which of two was meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, count in Counter(n for n, _ in pairs).items() if count > 1)
        raise ValueError(f"{twice!r} is there twice")
    return found


def _read(text: str, place: str, characters: int) -> str:
    if not text.startswith("@"):
        return text
    try:
        if text == "@-":
            return sys.stdin.read(characters)
        with Path(text[1:]).open(encoding="utf-8") as file:
            return file.read(characters)
    except UnicodeDecodeError as error:
        raise Misused(f"{place}: {text[1:]} is no text in UTF-8") from error
