"""JSON as people give it: on the command line, in a file, or on standard input."""

import json
import sys
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
        raise ValueError(f"{word} is no number of JSON")

    said = _read(text, place, characters)
    try:
        return json.loads(said, parse_constant=unwritable)
    except RecursionError as error:
        raise Misused(f"{place}: it is nested too deeply") from error
    except ValueError as error:
        raise Misused(f"{place}: {said[:SHOWN]!r} is no JSON: {error}") from error


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
