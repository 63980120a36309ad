"""JSON as it is let in: one document, of which nothing can be meant in two ways."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, NoReturn

DEPTH_MOST: Final = 64
DIGITS_MOST: Final = 1_000
"""Of one number. What is far from any use is refused later, by whoever knows its field."""


class NotJson(ValueError):
    """It cannot be read, or not by everybody alike. One line."""


def read_json(data: bytes) -> Any:  # noqa: ANN401  Any JSON.
    """What a document says.

    Raises:
        NotJson: If it says nothing, too much, or two things of one key.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise NotJson(f"the body is no UTF-8, from byte {error.start} on") from error
    _check_depth(text)
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer
        )
    except json.JSONDecodeError as error:
        raise NotJson(
            f"the body is no JSON: {error.msg.lower()}, at line {error.lineno},"
            f" column {error.colno}"
        ) from error


def _check_depth(text: str) -> None:
    """Before anybody reads it: who reads deep documents needs as deep a stack."""
    depth, quoted, escaped = 0, False, False
    if text.count("[") + text.count("{") <= DEPTH_MOST:
        return
    for character in text:
        if quoted:
            quoted = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            if depth > DEPTH_MOST:
                raise NotJson(f"the body is nested deeper than {DEPTH_MOST} levels")
        elif character in "]}":
            depth -= 1


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    pairs = list(pairs)
    read = dict(pairs)
    if len(read) < len(pairs):
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise NotJson(f"the body says {twice[:100]!a} twice in one object")
    return read


def _constant(name: str) -> NoReturn:
    raise NotJson(f"the body holds {name}, which JSON has no word for")


def _integer(digits: str) -> int:
    if len(digits) > DIGITS_MOST:
        raise NotJson(f"the body holds a number of {len(digits)} digits")
    return int(digits)


def written(value: Any) -> bytes:  # noqa: ANN401  Any JSON.
    """A document that says `value`, always in the same way."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
