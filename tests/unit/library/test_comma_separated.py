"""A CSV file is sound, or refused by line and column."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.library import comma_separated
from pointsman.library.comma_separated import parse_cell, parse_cells, read_csv
from pointsman.schedules.model import SLOTS_LIMIT
from pointsman.schedules.table import ScheduleError

GOOD = b"timestamp,ev_1_kw\n2025-01-15T08:00Z,7.0\n2025-01-15T09:00Z,\n"


def refusal(content: bytes) -> str:
    with pytest.raises(ScheduleError) as caught:
        read_csv("plan.csv", content)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_lines_end_and_files_begin_as_they_like(mark: bytes, end: bytes) -> None:
    sheet = read_csv("plan.csv", mark + GOOD.replace(b"\n", end))
    assert sheet.columns == {
        "timestamp": ("2025-01-15T08:00Z", "2025-01-15T09:00Z"),
        "ev_1_kw": ("7.0", ""),
    }
    assert sheet.lines == (2, 3)


def test_blank_lines_and_quoted_line_breaks_keep_the_count_of_lines() -> None:
    sheet = read_csv("plan.csv", b'\na,b\n\n1,"x\ny"\n2,z\n\n')
    assert (sheet.columns["b"], sheet.lines) == (("x\ny", "z"), (5, 6))


def test_spaces_around_a_column_name_are_no_part_of_it() -> None:
    assert list(read_csv("plan.csv", b"a , b\n1,2\n").columns) == ["a", "b"]


def test_a_column_without_a_name_is_called_by_its_place() -> None:
    assert list(read_csv("plan.csv", b",b\n1,2\n").columns) == ["column_1", "b"]


def test_a_truncated_row_is_refused_by_line_and_column() -> None:
    assert refusal(GOOD + b"2025-01-15T10:00Z") == (
        "plan.csv, line 4, column 'ev_1_kw': missing, the row has 1 of 2 cells; "
        "is the file truncated?"
    )


def test_a_row_with_too_many_cells_is_refused() -> None:
    assert refusal(b"a,b\n1,2\n1,2,5\n").startswith("plan.csv, line 3, column 3: 3 cells under 2")


def test_a_quote_that_never_ends_is_refused() -> None:
    assert "line 3: no sound CSV" in refusal(b'a,b\n1,2\n3,"4\n')


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty; a header line"),
        (b"\n\n", "empty; a header line"),
        (b"\xef\xbb\xbf", "empty; a header line"),
        (b"a,b\n", "a header and no rows"),
        (b"a,b\n1,\0\n", "line 2, column 2: a NUL byte"),
        (b"a,b\n1,2\n\xff,2\n", "line 3, column 1: not UTF-8"),
        (GOOD.decode().encode("utf-16"), "line 1, column 1: a NUL byte"),
        (b"PAR1\0\0", "this is Parquet, not CSV"),
        (b"\x89PNG\r\n\x1a\n\0\0", "line 3, column 1: a NUL byte"),
        (b"a,b,a\n1,2,3\n", "two columns are called 'a'"),
        (b"timestamp;ev_1_kw\n2025-01-15T08:00Z;7,0\n", "separated by ';'; commas between"),
        (b"timestamp\tev_1_kw\n2025-01-15T08:00Z\t7\n", "separated by tabs; commas between"),
    ],
)
def test_what_is_no_plan_is_refused_in_one_line(content: bytes, what: str) -> None:
    assert what in refusal(content)


def test_there_is_a_limit_on_rows() -> None:
    read_csv("plan.csv", b"a\n" + b"1\n" * SLOTS_LIMIT)
    assert "more than 20,000 rows" in refusal(b"a\n" + b"1\n" * (SLOTS_LIMIT + 1))


def test_there_is_a_limit_on_columns() -> None:
    assert "10,001 columns, at most 10,000" in refusal(
        ",".join(f"c{n}" for n in range(10_001)).encode()
    )


def test_there_is_a_limit_on_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comma_separated, "FILE_BYTES_LIMIT", len(GOOD) - 1)
    assert "at most 0 MiB would work" in refusal(GOOD)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        *(("7", 7.0), (" 7.5 ", 7.5), ("-1e3", -1000.0), ("", None), (" ", None)),
        *(("nan", None), ("NaN", None), ("<NA>", None), ("None", None)),
        *(("seven", "seven"), ("1_000", "1_000"), ("3,5", "3,5"), ("0x10", "0x10")),
    ],
)
def test_a_cell_is_a_number_or_empty_or_a_text(text: str, cell: float | str | None) -> None:
    assert parse_cell(text) == cell
    assert parse_cells([text, "1"]) == [cell, 1.0]
    assert parse_cells([text]) == [cell]


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_numbers_are_read_exactly(numbers: list[float]) -> None:
    assert parse_cells([repr(number) for number in numbers]) == numbers


@given(st.binary(max_size=200))
def test_no_content_fails_in_another_way(content: bytes) -> None:
    with suppress(ScheduleError):
        sheet = read_csv("plan.csv", content)
        assert all(len(cells) == len(sheet.lines) for cells in sheet.columns.values())
