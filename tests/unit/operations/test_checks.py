"""What is refused before anything changes, in one line that says why."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from json import dumps
from types import MappingProxyType
from typing import Any

import pytest

from pointsman.operations.checks import (
    INTEGER_MOST,
    PAYLOAD_BYTES,
    Invalid,
    check_id,
    check_json,
    check_work,
)
from pointsman.operations.model import Dependency, Phase
from tests.unit.operations.given import at, work

NUMBERS = {
    "INTEGER_MOST + 1": INTEGER_MOST + 1,
    "10**400": 10**400,
    "10**5_000": 10**5_000,
}
"""By what they can be called: the largest has no text."""


class Weight(float):
    """As other libraries have their own numbers."""


def deep(levels: int) -> Any:  # noqa: ANN401  Any JSON.
    value: Any = None
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("id", ["a", "5f0c", "A-b_9", "x" * 128])
def test_an_id_is_a_word(id: str) -> None:
    check_id(id)


@pytest.mark.parametrize("id", ["", "a\x00b", "a b", "a/b", "ä", "..", "x" * 129, "a\n", "~"])
def test_what_is_no_word_is_no_id(id: str) -> None:
    with pytest.raises(Invalid, match="1 to 128 letters, digits, - and _"):
        check_id(id)


@pytest.mark.parametrize("priority", [INTEGER_MOST, -INTEGER_MOST, 0])
def test_a_priority_has_64_bits(priority: int) -> None:
    check_work(work(priority=priority))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("number", ["INTEGER_MOST + 1", "10**400", "10**5_000"])
def test_a_larger_priority_is_refused_however_many_digits_it_has(number: str, sign: int) -> None:
    with pytest.raises(Invalid, match=r"^priority is .*: -9223372036854775807 to ") as found:
        check_work(work(priority=sign * NUMBERS[number]))
    assert len(str(found.value)) < 200


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"release_date": datetime(2026, 1, 1)}, "release_date is 2026-01-01T00:00:00, without"),  # noqa: DTZ001
        ({"due_date": datetime(2026, 1, 1)}, "due_date is .* end it with Z"),  # noqa: DTZ001
        ({"created_at": datetime(2026, 1, 1)}, "created_at is"),  # noqa: DTZ001
        ({"release_date": at(9), "due_date": at(9)}, "due_date must be after release_date"),
        ({"planned_duration": timedelta()}, "planned_duration must be > 0"),
        ({"planned_duration": timedelta(days=4_000)}, "at most 3650 days"),
        ({"release_date": datetime.max.replace(tzinfo=UTC)}, "years 2 to 9998 are known"),
        ({"due_date": datetime.min.replace(tzinfo=UTC)}, "years 2 to 9998 are known"),
        ({"job_id": ""}, "job_id has 0 characters"),
        ({"job_id": "x" * 257}, "job_id has 257 characters"),
        ({"job_id": "a\x00"}, "job_id is 'a.*x00': it must be printable"),
        ({"job_id": "\ud800"}, "it must be printable"),
        ({"dependencies": (Dependency("a"),) * 501}, "501 dependencies: at most 500"),
    ],
)
def test_work_that_makes_no_sense_is_refused(fields: dict[str, Any], match: str) -> None:
    with pytest.raises(Invalid, match=match) as found:
        check_work(work(**fields))
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -INTEGER_MOST,
        1.5e300,
        "Grüße \x00 \u2028 😀",
        [1, [2, (3,)]],
        {"a": {"b": []}},
        {"a": Phase.QUEUED},
        deep(31),
    ],
)
def test_any_json_is_a_payload(value: object) -> None:
    check_json("payload", value)


@pytest.mark.parametrize(
    ("value", "match"),
    [
        (2**63, "an integer beyond 9223372036854775807: make it text"),
        (float("nan"), "holds nan, which JSON has no word for"),
        (float("-inf"), "holds -inf"),
        ("\ud83d", "cannot be written as UTF-8"),
        ({"\ud83d": 1}, "cannot be written as UTF-8"),
        ({1: 2}, "has the key 1: keys are text"),
        ({"a": {1, 2}}, "holds a set, which is no JSON"),
        (b"bytes", "holds a bytes"),
        (object(), "holds a object"),
        ({"kg": Weight(5)}, "holds a Weight, which is no JSON"),
        (MappingProxyType({"to": 1}), "holds a mappingproxy, which is no JSON"),
        (deep(32), "nested deeper than the 32 levels"),
        ("x" * PAYLOAD_BYTES, "takes 250002 bytes as JSON: at most 250000"),
        ("\x01" * (PAYLOAD_BYTES // 6 + 1), "bytes as JSON"),
        (["ä" * 5] * 20_000, "bytes as JSON"),
        ({str(n): n for n in range(30_000)}, "bytes as JSON"),
    ],
)
def test_what_is_no_json_or_too_large_is_refused(value: object, match: str) -> None:
    with pytest.raises(Invalid, match=match):
        check_json("payload", value)


def test_what_holds_itself_is_too_deep() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(Invalid, match="nested deeper"):
        check_json("payload", endless)


@pytest.mark.parametrize("value", [{"a": [1, 2.5, None, True, 'x"\\\n']}, ["", {}, []], "é\x1f"])
def test_the_size_of_json_is_never_less_than_it_takes(value: Mapping[str, Any]) -> None:
    size = len(dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    with pytest.raises(Invalid):
        check_json("payload", value, size - 1)
    check_json("payload", value, size + 8)
