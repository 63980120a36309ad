"""CSV files as columns of text, refused where they are not what they seem."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Final

from pointsman.schedules.model import SLOTS_LIMIT
from pointsman.schedules.table import COLUMNS_LIMIT, Cell, ScheduleError

FILE_BYTES_LIMIT: Final = 64 * 1024 * 1024
"""Largest file of a plan."""

_OTHER_SEPARATORS: Final = {";": "';'", "\t": "tabs", "|": "'|'"}


_EMPTY: Final = frozenset({"", "NA", "N/A", "<NA>", "NaT", "null", "None"})
"""How DataFrame libraries write an empty cell, beside `nan`."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file's columns as text, and the line that each row ends in."""

    columns: dict[str, Sequence[str]]
    lines: tuple[int, ...]


def read_csv(name: str, content: bytes) -> Sheet:
    """Take a CSV file apart: commas between cells, one header line, UTF-8.

    Raises:
        ScheduleError: If it is empty, binary, truncated, or separated by something else.
    """
    text = _decoded(name, content)
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    header: list[str] = []
    try:
        for row in reader:
            if not row:
                continue
            if not header:
                header = _header(name, row)
            elif len(row) != len(header):
                raise _ragged(name, reader.line_num, row, header)
            elif len(rows) == SLOTS_LIMIT:
                raise ScheduleError(
                    f"{name}: more than {SLOTS_LIMIT:,} rows; a shorter horizon would work"
                )
            else:
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise ScheduleError(
            f"{name}, line {reader.line_num}: no sound CSV, {error}; is the file truncated?"
        ) from error
    if not header:
        raise ScheduleError(f"{name}: empty; a header line and one row a time slot would work")
    if not rows:
        raise ScheduleError(f"{name}: a header and no rows; one row a time slot would work")
    return Sheet(dict(zip(header, zip(*rows, strict=True), strict=True)), tuple(lines))


def parse_cells(texts: Sequence[str]) -> list[Cell]:
    """Numbers where the text is one, None where it is empty, the text itself elsewhere."""
    try:
        # A float may be written 1_000 in Python, and in no CSV file.
        if "_" not in "".join(texts):
            return [None if v != v else v for v in map(float, texts)]  # noqa: PLR0124  # NaN
    except ValueError:
        pass
    return [parse_cell(text) for text in texts]


def parse_cell(text: str) -> Cell:
    """What one cell says."""
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        word = text.strip()
        return None if word in _EMPTY else word
    if "_" in text:
        return text
    return number if number == number else None  # noqa: PLR0124  # NaN alone differs from itself.


def _decoded(name: str, content: bytes) -> str:
    if len(content) > FILE_BYTES_LIMIT:
        raise too_large(name, len(content))
    if content.startswith(b"PAR1"):
        raise ScheduleError(f"{name}: this is Parquet, not CSV; a name ending in .parquet works")
    for at, what in ((content.find(b"\0"), "a NUL byte"), (_undecodable(content), "not UTF-8")):
        if at >= 0:
            line = content.count(b"\n", 0, at) + 1
            column = content.count(b",", content.rfind(b"\n", 0, at) + 1, at) + 1
            raise ScheduleError(
                f"{name}, line {line}, column {column}: {what}, so no CSV text; "
                "a text file in UTF-8 would work"
            )
    return content.decode("utf-8-sig")


def _undecodable(content: bytes) -> int:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return error.start
    return -1


def too_large(name: str, size_bytes: int) -> ScheduleError:
    """The error about a file that is not read at all."""
    mebibytes = 1024 * 1024
    return ScheduleError(
        f"{name}: {size_bytes / mebibytes:.0f} MiB, at most {FILE_BYTES_LIMIT // mebibytes} MiB "
        "would work; a plan for a shorter time or of fewer assets is smaller"
    )


def _header(name: str, row: list[str]) -> list[str]:
    header = [cell.strip() or f"column_{place}" for place, cell in enumerate(row, 1)]
    if len(header) == 1:
        for mark, what in _OTHER_SEPARATORS.items():
            if mark in row[0]:
                raise ScheduleError(
                    f"{name}, line 1: separated by {what}; commas between cells and a point as "
                    "decimal mark would work"
                )
    if len(header) > COLUMNS_LIMIT:
        raise ScheduleError(f"{name}: {len(header):,} columns, at most {COLUMNS_LIMIT:,} work")
    check_unique(name, header)
    return header


def check_unique(name: str, columns: Sequence[str]) -> None:
    """Refuse two columns of one name."""
    seen: set[str] = set()
    for column in columns:
        if column in seen:
            raise ScheduleError(f"{name}: two columns are called {column!r}; rename one of them")
        seen.add(column)


def _ragged(name: str, line: int, row: list[str], header: list[str]) -> ScheduleError:
    if len(row) > len(header):
        return ScheduleError(
            f"{name}, line {line}, column {len(header) + 1}: {len(row)} cells under "
            f"{len(header)} headers; quote cells that hold a comma, and use decimal points"
        )
    return ScheduleError(
        f"{name}, line {line}, column {header[len(row)]!r}: missing, the row has {len(row)} of "
        f"{len(header)} cells; is the file truncated?"
    )
