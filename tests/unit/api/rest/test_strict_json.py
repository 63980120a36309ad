"""JSON that is let in means one thing, to everybody."""

import json
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.api.rest.strict_json import DEPTH_MOST, DIGITS_MOST, NotJson, read_json, written

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_what_was_written_is_read(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value
    assert read_json(written(value)) == value


@given(values, st.sampled_from([inf, -inf]))
def test_what_json_has_no_word_for_is_refused_beside_whatever(value: object, word: float) -> None:
    with pytest.raises(NotJson, match="Infinity, which JSON has no word for"):
        read_json(json.dumps({"a": [value, word]}).encode())


@given(st.binary())
def test_whatever_comes_is_read_or_refused_in_one_line(data: bytes) -> None:
    try:
        read_json(data)
        said = ""
    except NotJson as error:
        said = str(error)
    assert "\n" not in said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the body is no JSON: expecting value, at line 1, column 1"),
        (b'{"a": 1 "b": 2}', "the body is no JSON: expecting ',' delimiter, at line 1, column 9"),
        (b"[1]\n[2]", "the body is no JSON: extra data, at line 2, column 1"),
        (b'{"a": {"b": 1, "c": 2, "b": 1}}', "the body says 'b' twice in one object"),
        ('{"ä": 1, "ä": 1}'.encode(), r"the body says '\\xe4' twice in one object"),
        (b"[NaN]", "the body holds NaN, which JSON has no word for"),
        (b'{"a": [-Infinity]}', "the body holds -Infinity, which JSON has no word for"),
        (b"9" * (DIGITS_MOST + 1), f"the body holds a number of {DIGITS_MOST + 1} digits"),
        (b"[" * (DEPTH_MOST + 1), f"the body is nested deeper than {DEPTH_MOST} levels"),
        (b'["\xff"]', "the body is no UTF-8, from byte 2 on"),
    ],
)
def test_what_is_wrong_is_said_and_where(data: bytes, said: str) -> None:
    with pytest.raises(NotJson, match=said):
        read_json(data)


def test_as_deep_and_as_long_as_is_allowed_is_read() -> None:
    deep = b"[" * DEPTH_MOST + b"]" * DEPTH_MOST
    assert written(read_json(deep)) == deep
    assert read_json(b"9" * DIGITS_MOST) == 10**DIGITS_MOST - 1
    assert read_json(b'["' + b"[{" * 5_000 + rb"\"[" + b'"]') == ["[{" * 5_000 + '"[']


def test_equal_values_are_written_in_the_same_way() -> None:
    assert written({"b": 1, "a": [1.5, "ü"]}) == written({"a": [1.5, "ü"], "b": 1})
