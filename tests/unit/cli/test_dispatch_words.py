"""The words of commands about dispatches."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.cli import dispatch_words as words
from pointsman.cli.errors import Misused
from pointsman.dispatches.components import TYPES, Category, ComponentKind, Target
from pointsman.dispatches.model import Frequency


@pytest.mark.parametrize("category", Category)
def test_each_category_has_its_own_name(category: Category) -> None:
    for text in (category, category.lower(), category.lower().replace("_", "-")):
        assert words.target_of(text) == Target(kinds=(ComponentKind(category),))
    for type in TYPES.get(category, ()):
        kind = ComponentKind(category, type)
        assert words.target_of(f"{category}:{type}".lower()) == Target(kinds=(kind,))


@pytest.mark.parametrize("earlier", words.EARLIER)
def test_a_name_whose_number_means_something_else_today_is_refused(earlier: str) -> None:
    with pytest.raises(Misused, match=words.EARLIER[earlier]):
        words.target_of(earlier.lower())


def test_ids_are_a_target_each_once() -> None:
    assert words.target_of("3, 1,CID3") == Target(ids=(3, 1))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("batery", "did you mean 'battery'"),
        ("battery:pv", "known: li_ion, na_ion"),
        ("battery:", "has no type ''"),
        ("meter:ac", "meter has no types"),
        ("1,battery", "mixes ids with categories"),
        ("18446744073709551616", "is no id"),
        ("", "there is no category"),
        ("unspecified", "there is no category"),
    ],
)
def test_a_target_that_means_nothing_is_told_what_would(text: str, line: str) -> None:
    with pytest.raises(Misused, match=line):
        words.target_of(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("minute", (Frequency.MINUTELY, 1)),
        ("15m", (Frequency.MINUTELY, 15)),
        ("2h", (Frequency.HOURLY, 2)),
        ("Daily", (Frequency.DAILY, 1)),
        ("2 weeks", (Frequency.WEEKLY, 2)),
        ("3mo", (Frequency.MONTHLY, 3)),
        ("year", (Frequency.YEARLY, 1)),
    ],
)
def test_a_period_is_a_frequency_and_an_interval(text: str, meant: tuple[Frequency, int]) -> None:
    assert words.every_of(text) == meant


@pytest.mark.parametrize(
    "text", ["", "0m", "10001h", "fortnight", "1h30m", "-1h", "1.5h", "second"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(Misused, match="--every"):
        words.every_of(text)


@pytest.mark.parametrize(
    ("texts", "days"),
    [
        (["mon-fri"], (0, 1, 2, 3, 4)),
        (["sat-mon"], (0, 5, 6)),
        (["SU", "Tuesday,tue"], (1, 6)),
        (["none"], ()),
    ],
)
def test_days_of_the_week_have_names(texts: list[str], days: tuple[int, ...]) -> None:
    assert words.weekdays_of(texts) == days


@pytest.mark.parametrize("text", ["t", "s", "x", "mon,", "mon-", "1", "none,mon"])
def test_days_that_are_not_certain_are_refused(text: str) -> None:
    with pytest.raises(Misused, match="--by-day"):
        words.weekdays_of([text])


def test_months_have_names_and_numbers() -> None:
    assert words.months_of(["jan", "6-7", "DEC"]) == (1, 6, 7, 12)
    assert words.months_of(["nov-feb"]) == (1, 2, 11, 12)
    for text in ("0", "13", "ju", "ma"):
        with pytest.raises(Misused, match="--by-month"):
            words.months_of([text])


def test_days_of_the_month_count_from_either_end() -> None:
    assert words.month_days_of(["1-3", "-1", "-5--4", "-3..-2"]) == (-5, -4, -3, -2, -1, 1, 2, 3)
    for text in ("0", "32", "-32", "-1-1"):
        with pytest.raises(Misused, match="--by-month-day"):
            words.month_days_of([text])


@given(st.sets(st.integers(0, 59), min_size=1))
def test_numbers_are_what_was_listed(numbers: set[int]) -> None:
    listed = [",".join(map(str, numbers))]
    assert set(words.numbers_of(listed, "--by-minute", 0, 59)) == numbers


def test_ids_of_dispatches_may_be_ranges() -> None:
    assert words.dispatches_of(["1-3", "DID7, 9..10", "2"]) == [1, 2, 3, 7, 9, 10]
    for text in ("3-1", "x", "-5", "1-", "1-99999999999", "", "1,,2", "MID7"):
        with pytest.raises(Misused, match="ID"):
            words.dispatches_of([text])


def test_numbers_of_microgrids_may_say_that_they_are() -> None:
    assert (words.microgrid_of("7"), words.microgrid_of("mid7")) == (7, 7)
    for text in ("", "DID7", "-7", "7.0", "18446744073709551616"):
        with pytest.raises(Misused, match="MICROGRID"):
            words.microgrid_of(text)


def test_a_payload_is_a_json_object_or_a_file_with_one(tmp_path: Path) -> None:
    file = tmp_path / "payload.json"
    file.write_text('{"a": [1]}')
    assert words.payload_of('{"a": [1]}') == words.payload_of(f"@{file}") == {"a": [1]}
    for text in ("[1]", "{", '{"a": NaN}', '{"a": 1e999}', "[" * 99_999, "null"):
        with pytest.raises(Misused, match="--payload"):
            words.payload_of(text)
    with pytest.raises(Misused, match="deeper than the 5 levels"):
        words.payload_of('{"a":{"b":{"c":{"d":{"e":{}}}}}}')
    file.write_bytes(b"\xff")
    with pytest.raises(Misused, match="no text in UTF-8"):
        words.payload_of(f"@{file}")
