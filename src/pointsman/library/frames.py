"""Tables from wherever users have them: DataFrames, lists, dicts, files, a stream.

    read_table("plan.csv")   read_table(dataframe)   read_table({"timestamp": [...], ...})

The time of a row is, in this order: a pandas index of times; a column `timestamp`, `time`,
`datetime` or `ts`; a count in a column or index `hour` or `step`, with `start` and `freq`.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from io import IOBase
from pathlib import Path
from typing import IO, Any, Final, cast

from pointsman.library.comma_separated import (
    FILE_BYTES_LIMIT,
    parse_cell,
    parse_cells,
    read_csv,
    too_large,
)
from pointsman.library.instants import freq_of, instants_of, start_of, zone_of
from pointsman.library.native import Loose, from_frame, from_mapping, from_rows, read_parquet
from pointsman.schedules.table import Cell, ScheduleError, Table

TIME_COLUMNS: Final = ("timestamp", "time", "datetime", "ts")
COUNT_COLUMNS: Final = ("hour", "step")


def read_table(
    source: object,
    *,
    start: str | datetime | None = None,
    freq: str | timedelta | None = None,
    tz: str | tzinfo | None = None,
    name: str | None = None,
) -> Table:
    """Read a plan's table.

    Args:
        source: A pandas, Polars or PyArrow table, a list of dicts, a dict of lists, the path of
            a .csv or .parquet file, `-` for CSV from standard input, or a stream of CSV.
        start: When step 0 begins, for rows that only count.
        freq: How long a step is: `1h`, `15min`, `PT15M` or a timedelta.
        tz: The zone of times that have none: an IANA name.
        name: What messages call it. Default: the file's path.

    Raises:
        ScheduleError: If it cannot be read, or its times are not certain.
    """
    if isinstance(source, Table):
        return source
    loose = _load(source, name)
    zone = zone_of(tz)
    step = None if freq is None else freq_of(freq)
    column, times = _times(loose, start, step, zone)
    columns = {column: _cells(cells) for column, cells in loose.columns.items()}
    return Table(loose.name, times, columns, loose.lines, column, step)


def _load(source: object, name: str | None) -> Loose:
    match source:
        case str() | Path():
            return _load_path(str(source), name)
        case IOBase():
            name = name or str(getattr(source, "name", "the stream"))
            return _load_csv(name, cast("IO[Any]", source))
        case Mapping():
            return from_mapping(name or "the table", source)
        case list() | tuple():
            return from_rows(name or "the table", source)
        case _:
            return from_frame(name or "the table", source)


def _load_path(path: str, name: str | None) -> Loose:
    if path == "-":
        return _load_csv(name or "standard input", sys.stdin.buffer)
    name, file = name or path, Path(path)
    suffix = file.suffix.lower()
    if suffix not in {".csv", ".parquet"}:
        raise ScheduleError(f"{name}: a plan is a .csv or a .parquet file, or '-'")
    try:
        size = file.stat().st_size
        if size > FILE_BYTES_LIMIT:
            raise too_large(name, size)
        if suffix == ".parquet":
            return read_parquet(name, file)
        with file.open("rb") as stream:
            return _load_csv(name, stream)
    except OSError as error:
        raise ScheduleError(f"{name}: cannot be read, {error.strerror or error}") from error


def _load_csv(name: str, stream: IO[Any]) -> Loose:
    content = stream.read(FILE_BYTES_LIMIT + 1)
    data = content.encode(errors="surrogatepass") if isinstance(content, str) else content
    sheet = read_csv(name, data)
    return Loose(name, dict(sheet.columns), lines=sheet.lines)


def _cells(cells: Sequence[object]) -> Sequence[Cell]:
    """Numbers, texts and None, of whatever a source has."""
    kinds = set(map(type, cells))
    if kinds <= {str}:
        return parse_cells(cells)  # type: ignore[arg-type]  # the line above saw the types
    if kinds <= {float, type(None)}:
        # NaN alone differs from itself.
        return [None if cell != cell else cell for cell in cells]  # type: ignore[misc]  # noqa: PLR0124
    return [_cell(cell) for cell in cells]


def _cell(cell: object) -> Cell:
    if isinstance(cell, str):
        return parse_cell(cell)
    if cell is None or isinstance(cell, bool) or not hasattr(cell, "__float__"):
        return None if cell is None else parse_cell(str(cell))
    try:
        number = float(cell)
    except (TypeError, ValueError, OverflowError):
        return parse_cell(str(cell))
    return number if number == number else None  # noqa: PLR0124  # NaN alone differs from itself.


def _times(
    loose: Loose, start: str | datetime | None, step: timedelta | None, zone: tzinfo | None
) -> tuple[str, tuple[datetime, ...]]:
    """What tells the times, and the times. A column that does is no longer one of the table's."""
    index, place = loose.index, loose.name

    def where(row: int) -> str:
        return f"{place}, {loose.where(row)}"

    if index is not None and index.aware:
        return index.name or "", instants_of(index.values, zone, where)
    if (column := _pick(loose, TIME_COLUMNS)) is not None:
        values = loose.columns.pop(column)
        named = f", column {column!r}"
        return column, instants_of(values, zone, lambda row: where(row) + named)
    if (column := _pick(loose, COUNT_COLUMNS)) is not None:
        return column, _counted(loose, column, loose.columns.pop(column), start, step, zone)
    if index is not None and index.counts and (start is not None or index.name is not None):
        column = index.name or "index"
        return column, _counted(loose, column, index.values, start, step, zone)
    if index is not None and not index.counts:
        return index.name or "", instants_of(index.values, zone, where)
    raise ScheduleError(
        f"{place}: no row tells its time; a column 'timestamp' with a UTC offset in each cell, "
        "or a column 'step' with start= and freq=, would work"
    )


def _pick(loose: Loose, names: Sequence[str]) -> str | None:
    """The column of one of these names: as they are written first, then in any case."""
    lower = {column.lower(): column for column in reversed(list(loose.columns))}
    exact = [column for column in names if column in loose.columns]
    return next(iter(exact), None) or next((lower[n] for n in names if n in lower), None)


def _counted(
    loose: Loose,
    column: str,
    values: Sequence[object],
    start: str | datetime | None,
    step: timedelta | None,
    zone: tzinfo | None,
) -> tuple[datetime, ...]:
    if start is None or step is None:
        raise ScheduleError(
            f"{loose.name}, column {column!r}: counts, and does not tell from when; "
            'start= and freq= would, such as start="2025-01-15T00:00Z", freq="1h"'
        )
    if column.lower() == "hour" and step != timedelta(hours=1):
        raise ScheduleError(
            f"{loose.name}, column 'hour': counts hours, and freq is {step}; "
            "a column called 'step' may count anything"
        )
    first = start_of(start, zone)
    times: list[datetime] = []
    for row, value in enumerate(values):
        count = _cell(value)
        if not isinstance(count, float) or not count.is_integer():
            raise ScheduleError(
                f"{loose.name}, {loose.where(row)}, column {column!r}: {value!r} is no whole number"
            )
        try:
            times.append(first + int(count) * step)
        except OverflowError as error:
            raise ScheduleError(
                f"{loose.name}, {loose.where(row)}, column {column!r}: {value!r} is out of time"
            ) from error
    return tuple(times)
