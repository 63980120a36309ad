"""Tables of figures, as CSV and as Parquet."""

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any


def csv_of(columns: Collection[str], rows: Iterable[Mapping[str, object]]) -> str:
    """A line of names, and a line a row."""
    lines = _Lines()
    # Until Python 3.13 a carriage return is quoted only where lines end with one.
    writer: csv.DictWriter[str] = csv.DictWriter(lines, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return "".join(lines)


class _Lines(list[str]):
    def write(self, row: str) -> None:
        self.append(row.removesuffix("\r\n") + "\n")


def parquet_of(kinds: Mapping[str, type], columns: Mapping[str, Sequence[object]]) -> bytes:
    """Each column with what it holds, whether or not there is any of it this time.

    Raises:
        ModuleNotFoundError: If neither PyArrow nor Polars is installed.
    """
    file = io.BytesIO()
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        _by_polars(kinds, columns, file)
    else:
        types = {
            str: arrow.string(),
            int: arrow.int64(),
            float: arrow.float64(),
            datetime: arrow.timestamp("us", "UTC"),
        }
        schema = arrow.schema([(name, types[kind]) for name, kind in kinds.items()])
        parquet.write_table(arrow.table(columns, schema), file)
    return file.getvalue()


def _by_polars(
    kinds: Mapping[str, type], columns: Mapping[str, Sequence[object]], file: io.BytesIO
) -> None:
    try:
        import polars
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "Parquet needs one of these: pip install pyarrow, or pip install polars"
        ) from None
    types: Mapping[type, Any] = {
        str: polars.String,
        int: polars.Int64,
        float: polars.Float64,
        datetime: polars.Datetime("us", "UTC"),
    }
    schema = {name: types[kind] for name, kind in kinds.items()}
    polars.DataFrame(columns, schema).write_parquet(file)
