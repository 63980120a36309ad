"""DataFrames, dicts and Parquet files as plain columns, with their index kept."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import narwhals as nw

from pointsman.library.comma_separated import check_unique
from pointsman.schedules.model import SLOTS_LIMIT
from pointsman.schedules.table import ScheduleError

_PANDAS_INDEX = "__index_level_0__"
"""How pandas calls an unnamed index in a Parquet file."""


@dataclass(frozen=True, slots=True)
class Index:
    """What a pandas table knows each row by."""

    name: str | None
    values: Sequence[object]
    aware: bool = False
    """They are times with a zone."""
    counts: bool = False
    """They are whole numbers."""


@dataclass(frozen=True, slots=True)
class Loose:
    """Columns of anything, before a table is made of them."""

    name: str
    columns: dict[str, Sequence[object]]
    index: Index | None = None
    lines: tuple[int, ...] = field(default=())

    def where(self, row: int) -> str:
        """A row, as a user finds it."""
        return f"line {self.lines[row]}" if self.lines else f"row {row + 1}"


def from_mapping(name: str, source: Mapping[Any, Any]) -> Loose:
    """A dict of lists, one a column.

    Raises:
        ScheduleError: If a value is no list.
    """
    columns: dict[str, Sequence[object]] = {}
    for column, cells in source.items():
        if isinstance(cells, str | bytes) or not isinstance(cells, Iterable):
            raise ScheduleError(f"{name}, column {column!r}: {cells!r} is no list of cells")
        columns[str(column)] = _listed(cells)
    lengths = {len(cells) for cells in columns.values()}
    if len(lengths) > 1:
        raise ScheduleError(f"{name}: columns of {min(lengths)} to {max(lengths)} cells; all alike")
    return Loose(name, columns)


def from_rows(name: str, source: Sequence[object]) -> Loose:
    """A list of dicts, one a row. A key that a row lacks is an empty cell.

    Raises:
        ScheduleError: If an item is no dict.
    """
    rows: list[Mapping[Any, object]] = []
    for place, row in enumerate(source, 1):
        if not isinstance(row, Mapping):
            raise ScheduleError(f"{name}, row {place}: {row!r} is no dict of column to cell")
        rows.append(row)
    columns = dict.fromkeys(column for row in rows for column in row)
    return Loose(name, {str(column): [row.get(column) for row in rows] for column in columns})


def from_frame(name: str, source: object) -> Loose:
    """A pandas, Polars or PyArrow table, or another that narwhals knows.

    Raises:
        ScheduleError: If it is none of these.
    """
    index = None
    if nw.dependencies.is_pandas_dataframe(source):
        check_unique(name, [str(column) for column in source.columns])
        index = _index(source.index)
    try:
        frame = nw.from_native(source, eager_only=True)  # type: ignore[call-overload]  # untyped
    except TypeError as error:
        raise ScheduleError(
            f"a {type(source).__name__} is no table; a pandas, Polars or PyArrow table, a list of "
            "dicts, a dict of lists or a path would work (a lazy frame needs collect())"
        ) from error
    if len(frame) > SLOTS_LIMIT:
        raise ScheduleError(f"{name}: {_too_many(len(frame))}")
    columns = {str(series.name): _listed(series) for series in frame.iter_columns()}
    return Loose(name, columns, index)


def read_parquet(name: str, path: Path) -> Loose:
    """A Parquet file, through whichever library is installed.

    Raises:
        ScheduleError: If none is, or the file is no Parquet.
    """
    with path.open("rb") as stream:
        if stream.read(4) != b"PAR1":
            raise ScheduleError(f"{name}: no Parquet file, it does not begin with 'PAR1'")
    library = next((one for one in ("pyarrow", "polars", "pandas") if find_spec(one)), None)
    if library is None:
        raise ScheduleError(f"{name}: Parquet needs pyarrow, polars or pandas; or save it as .csv")
    try:
        frame, index = _opened(library, path)
    except ScheduleError as error:
        raise ScheduleError(f"{name}: {error}") from error
    except Exception as error:  # Each library and version has errors of its own for a bad file.
        problem = str(error).split("\n", 1)[0]
        raise ScheduleError(f"{name}: no Parquet that {library} can read: {problem}") from error
    loose = from_frame(name, frame)
    if index not in loose.columns:
        return loose
    values = loose.columns.pop(index)
    named = None if index == _PANDAS_INDEX else index
    return Loose(name, loose.columns, _plain_index(named, values))


def _opened(library: str, path: Path) -> tuple[object, str]:
    """The file's table, and the column of it that was a pandas index."""
    if library == "pyarrow":
        import pyarrow.parquet as pq

        _check_rows(pq.read_metadata(path).num_rows)
        table = pq.read_table(path)
        meta = json.loads((table.schema.metadata or {}).get(b"pandas", b"{}"))
        index = [one for one in meta.get("index_columns", ()) if isinstance(one, str)]
        return table, index[0] if len(index) == 1 else _PANDAS_INDEX
    if library == "polars":
        import polars as pl

        _check_rows(pl.scan_parquet(path).select(pl.len()).collect().item())
        return pl.read_parquet(path), _PANDAS_INDEX
    import pandas as pd

    return pd.read_parquet(path), _PANDAS_INDEX


def _check_rows(count: int) -> None:
    """Refuse before reading: a small file may hold many rows."""
    if count > SLOTS_LIMIT:
        raise ScheduleError(_too_many(count))


def _too_many(count: int) -> str:
    return f"{count:,} rows, at most {SLOTS_LIMIT:,} would work; a shorter horizon has fewer"


def _plain_index(name: str | None, values: Sequence[object]) -> Index:
    first = values[0] if values else None
    return Index(
        name,
        values,
        aware=getattr(first, "tzinfo", None) is not None,
        counts=isinstance(first, int),
    )


def _index(index: Any) -> Index:  # noqa: ANN401  # pandas may not be installed.
    """What a pandas table knows its rows by, which narwhals would drop."""
    name = None if index.name is None else str(index.name)
    aware = getattr(index, "tz", None) is not None
    return Index(name, index.tolist(), aware, counts=index.dtype.kind in "iu")


def _listed(cells: Any) -> Sequence[object]:  # noqa: ANN401  # NumPy, pandas or none.
    """A column as a list, by its own fast way where it has one."""
    for way in ("to_list", "tolist"):
        if hasattr(cells, way):
            listed: list[object] = getattr(cells, way)()
            return listed
    return cells if isinstance(cells, list | tuple) else list(cells)
