"""Values leave out in a journal what is as by default, and leave out nothing when asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from pointsman.core.values import Value, whole

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Wish(Value, frozen=True):
    colour: str = "red"
    size: float | None = None


class Work(Value, frozen=True):
    id: str
    at: datetime
    wishes: tuple[Wish, ...] = ()
    more: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Told:
    work: Work
    wish: Wish | None = None


def test_what_is_as_by_default_is_not_written() -> None:
    work = Work("lift", NOON, (Wish(), Wish("blue")))
    line = msgspec.json.encode(work)
    assert line == b'{"id":"lift","at":"2026-01-01T12:00:00Z","wishes":[{},{"colour":"blue"}]}'
    assert msgspec.json.decode(line, type=Work) == work


def test_the_whole_of_a_value_says_every_field_in_order() -> None:
    work = Work("lift", NOON, (Wish(), Wish("blue", 2.5)), {"deep": [Wish(), {"a": None}]})
    red = {"colour": "red", "size": None}
    said = {
        "id": "lift",
        "at": NOON,
        "wishes": [red, {"colour": "blue", "size": 2.5}],
        "more": {"deep": [red, {"a": None}]},
    }
    assert whole(work) == said
    assert list(whole(work)) == list(said)


def test_the_same_of_what_holds_values() -> None:
    told = {"by": "me", "found": Told(Work("lift", NOON))}
    work = {"id": "lift", "at": NOON, "wishes": [], "more": {}}
    assert whole(told) == {"by": "me", "found": {"work": work, "wish": None}}
