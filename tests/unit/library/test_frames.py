"""The same plan, from wherever it comes, is the same table."""

import csv
import io
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from pointsman.library.comma_separated import FILE_BYTES_LIMIT
from pointsman.library.frames import read_table
from pointsman.schedules.table import ScheduleError, Table

START = datetime(2025, 1, 15, 8, tzinfo=UTC)
TIMES = [START + timedelta(hours=hour) for hour in range(3)]
KW = [7.0, None, 5.5]
NOTES = ["a", None, "b"]
COLUMNS: dict[str, list[Any]] = {"timestamp": TIMES, "ev_1_kw": KW, "note": NOTES}
TEXT = (
    "timestamp,ev_1_kw,note\n"
    "2025-01-15T08:00:00Z,7.0,a\n2025-01-15T10:00:00+01:00,,\n2025-01-15 10:00Z,5.5,b\n"
)


def indexed(name: str | None = None) -> pd.DataFrame:
    index = pd.DatetimeIndex(TIMES, name=name).tz_convert("Europe/Berlin")
    return pd.DataFrame({"ev_1_kw": KW, "note": NOTES}, index=index)


def saved(tmp_path: Path, suffix: str, write: Callable[[Path], object]) -> Path:
    path = tmp_path / f"plan{suffix}"
    write(path)
    return path


SOURCES: dict[str, Callable[[Path], object]] = {
    "a dict of lists": lambda _: COLUMNS,
    "a dict of arrays": lambda _: {**COLUMNS, "ev_1_kw": np.array([7.0, np.nan, 5.5])},
    "a list of dicts": lambda _: [
        {"timestamp": time, "ev_1_kw": kw, "note": note}
        for time, kw, note in zip(TIMES, KW, NOTES, strict=True)
    ],
    "a list of dicts without the empty ones": lambda _: [
        {"timestamp": TIMES[0], "ev_1_kw": np.float32(7), "note": "a"},
        {"timestamp": TIMES[1]},
        {"timestamp": TIMES[2].isoformat(), "ev_1_kw": "5.5", "note": "b"},
    ],
    "pandas, an unnamed index": lambda _: indexed(),
    "pandas, a named index": lambda _: indexed("when"),
    "pandas, a column": lambda _: pd.DataFrame(COLUMNS),
    "pandas, nullable": lambda _: pd.DataFrame(COLUMNS).convert_dtypes(),
    "pandas, nanoseconds": lambda _: pd.DataFrame(COLUMNS).astype(
        {"timestamp": "datetime64[ns, UTC]"}
    ),
    "Polars": lambda _: pl.DataFrame(COLUMNS),
    "PyArrow": lambda _: pa.table(COLUMNS),
    "CSV": lambda tmp: saved(tmp, ".csv", lambda path: path.write_text(TEXT)),
    "CSV of pandas": lambda tmp: saved(tmp, ".CSV", indexed("timestamp").to_csv),
    "a text stream": lambda _: io.StringIO(TEXT),
    "a stream of bytes": lambda _: io.BytesIO(TEXT.encode()),
    "Parquet of Polars": lambda tmp: saved(
        tmp, ".parquet", lambda path: pl.DataFrame(COLUMNS).write_parquet(path)
    ),
    "Parquet of pandas, an unnamed index": lambda tmp: saved(tmp, ".parquet", indexed().to_parquet),
    "Parquet of pandas, a named index": lambda tmp: saved(
        tmp, ".parquet", indexed("when").to_parquet
    ),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_the_same_plan_is_the_same_table(kind: str, tmp_path: Path) -> None:
    source = SOURCES[kind](tmp_path)
    table = read_table(str(source) if isinstance(source, Path) else source)
    assert list(table.times) == TIMES
    assert {column: list(cells) for column, cells in table.columns.items()} == {
        "ev_1_kw": KW,
        "note": NOTES,
    }
    assert all(type(time) is datetime and time.tzinfo is UTC for time in table.times)


def test_a_table_is_one_already() -> None:
    table = read_table(COLUMNS)
    assert read_table(table) is table


def test_standard_input_is_csv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    table = read_table("-")
    assert (table.name, list(table.times)) == ("standard input", TIMES)


def test_a_file_knows_its_lines(tmp_path: Path) -> None:
    path = saved(tmp_path, ".csv", lambda path: path.write_text(TEXT))
    table = read_table(path)
    assert (table.name, table.where(2)) == (str(path), "line 4")
    assert read_table(COLUMNS).where(2) == "row 3"
    assert read_table(path, name="today").name == "today"


@pytest.mark.parametrize("column", ["timestamp", "time", "datetime", "ts", "Timestamp", "TIME"])
def test_a_time_column_has_one_of_four_names(column: str) -> None:
    assert list(read_table({column: TIMES}).times) == TIMES


def test_a_name_as_it_is_written_wins_over_one_in_another_case() -> None:
    table = read_table({"Timestamp": ["x", "y", "z"], "ts": TIMES})
    assert (list(table.times), list(table.columns)) == (TIMES, ["Timestamp"])


def test_an_index_of_times_wins_over_a_column() -> None:
    frame = indexed()
    frame["time"] = ["x", "y", "z"]
    assert list(read_table(frame).columns) == ["ev_1_kw", "note", "time"]


def test_a_column_wins_over_an_index_without_a_zone() -> None:
    frame = indexed().tz_localize(None)
    frame["time"] = TIMES
    assert list(read_table(frame).times) == TIMES


def test_an_index_without_a_zone_needs_one() -> None:
    frame = indexed().tz_localize(None)
    with pytest.raises(ScheduleError, match=r"row 1: time 2025-01-15 09:00:00 has no zone"):
        read_table(frame)
    assert list(read_table(frame, tz="Europe/Berlin").times) == TIMES


@pytest.mark.parametrize("name", ["hour", "step", "Step"])
def test_rows_may_count_from_a_start(name: str) -> None:
    table = read_table({name: [0, 1, 3]}, start=START, freq="1h")
    assert list(table.times) == [START + timedelta(hours=hour) for hour in (0, 1, 3)]
    assert table.ends() == START + timedelta(hours=4)


def test_an_index_may_count_too() -> None:
    frame = pd.DataFrame({"ev_1_kw": KW})
    assert list(read_table(frame, start=START, freq="1h").times) == TIMES
    frame.index.name = "step"
    assert read_table(frame, start="2025-01-15 09:00", freq="PT15M", tz="Europe/Berlin").times[
        1
    ] == START + timedelta(minutes=15)


@pytest.mark.parametrize("given", [{}, {"start": START}, {"freq": "1h"}])
def test_rows_that_count_need_to_know_from_when_and_how_far(given: dict[str, Any]) -> None:
    frame = pd.DataFrame({"ev_1_kw": KW}, index=pd.RangeIndex(3, name="step"))
    for source in ({"step": [0, 1, 2]}, frame):
        with pytest.raises(ScheduleError, match=r"column 'step': counts, .*start= and freq="):
            read_table(source, **given)


def test_hours_are_an_hour_long() -> None:
    with pytest.raises(ScheduleError, match=r"counts hours, and freq is 0:15:00; .*'step'"):
        read_table({"hour": [0, 1]}, start=START, freq="15min")


@pytest.mark.parametrize("count", [0.5, "first", None, True])
def test_counts_are_whole_numbers(count: object) -> None:
    with pytest.raises(ScheduleError, match=r"row 2, column 'step': .* is no whole number"):
        read_table({"step": [0, count]}, start=START, freq="1h")


def test_counts_stay_within_time() -> None:
    with pytest.raises(ScheduleError, match=r"row 2, column 'step': .* is out of time"):
        read_table({"step": [0, 10**12]}, start=START, freq="1h")


def test_a_start_needs_a_zone() -> None:
    with pytest.raises(ScheduleError, match=r"start=: time 2025-01-15 08:00:00 has no zone"):
        read_table({"step": [0, 1]}, start="2025-01-15T08:00", freq="1h")


@pytest.mark.parametrize("source", [{"ev_1_kw": KW}, pd.DataFrame({"ev_1_kw": KW}), []])
def test_rows_without_a_time_are_refused(source: object) -> None:
    with pytest.raises(ScheduleError, match=r"no row tells its time; a column 'timestamp'"):
        read_table(source)


def test_the_cell_of_a_bad_time_is_named() -> None:
    with pytest.raises(ScheduleError, match=r"standard input, line 3, column 'time': 'x' is no"):
        read_table(io.StringIO("time\n2025-01-15T08:00Z\nx\n"), name="standard input")


def test_the_cell_of_an_unordered_time_is_named() -> None:
    with pytest.raises(ScheduleError, match=r"row 2, column 'time': time 2025-01-15T08:00:00Z"):
        read_table({"time": [START, START]})


@pytest.mark.parametrize("missing", [None, pd.NaT, float("nan")])
def test_a_row_without_its_time_is_refused(missing: object) -> None:
    with pytest.raises(ScheduleError, match=r"row 2, column 'time': .* is no time"):
        read_table({"time": [START, missing]})


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (42, "a int is no table; a pandas, Polars"),
        (pl.LazyFrame({"a": [1]}), "a LazyFrame is no table; .*collect"),
        ([1, 2], "row 1: 1 is no dict"),
        ({"a": 1}, "column 'a': 1 is no list of cells"),
        ({"a": "text"}, "column 'a': 'text' is no list"),
        ({"time": TIMES, "a": [1]}, "columns of 1 to 3 cells"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns are called 'a'"),
        (pd.DataFrame({"a": range(20_001)}), "20,001 rows, at most 20,000"),
        ("plan.xlsx", "plan.xlsx: a plan is a .csv or a .parquet file"),
        ("missing.csv", "missing.csv: cannot be read, No such file"),
        ("missing.parquet", "missing.parquet: cannot be read, No such file"),
    ],
)
def test_what_is_no_table_is_refused(source: object, what: str) -> None:
    with pytest.raises(ScheduleError, match=what):
        read_table(source)


def test_a_folder_is_no_plan(tmp_path: Path) -> None:
    saved(tmp_path, ".csv", lambda path: path.mkdir())
    with pytest.raises(ScheduleError, match=r"plan.csv: cannot be read, Is a directory"):
        read_table(tmp_path / "plan.csv")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"plan{suffix}"
    with path.open("wb") as file:
        file.truncate(FILE_BYTES_LIMIT + 1)
    with pytest.raises(ScheduleError, match=r"64 MiB, at most 64 MiB would work"):
        read_table(path)


@pytest.mark.parametrize("content", [b"", b"timestamp,ev_1_kw\n", b"PAR1 and no more", b"PAR1PAR1"])
def test_what_is_no_parquet_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "plan.parquet"
    path.write_bytes(content)
    with pytest.raises(ScheduleError, match=r"plan.parquet: no Parquet") as caught:
        read_table(path)
    assert "\n" not in str(caught.value)


def test_a_parquet_file_of_many_rows_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.parquet"
    pl.DataFrame({"step": range(20_001)}).write_parquet(path)
    with pytest.raises(ScheduleError, match=r"plan.parquet: 20,001 rows, at most 20,000"):
        read_table(path)


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        ([1, 2, 3], [1.0, 2.0, 3.0]),
        ([True, False, None], ["True", "False", None]),
        ([pd.NA, np.int64(2), float("inf")], [None, 2.0, float("inf")]),
        (["7", "x", ""], [7.0, "x", None]),
        ([10**400, 1, 2], [float("inf"), 1.0, 2.0]),
        ([START, None, 1], [str(START), None, 1.0]),
    ],
)
def test_cells_are_numbers_or_texts_or_empty(cells: list[Any], read: list[Any]) -> None:
    assert list(read_table({"time": TIMES, "a": cells}).columns["a"]) == read


def test_a_plan_of_a_real_day_is_read_from_each_source_alike(tmp_path: Path) -> None:
    path = Path(__file__).parents[3] / "examples/caltech_2019-06-05_plan.csv"
    table = read_table(path)
    assert (len(table.times), len(table.columns)) == (96, 43)
    frame = pd.read_csv(path, parse_dates=["timestamp"]).set_index("timestamp")
    frame.to_parquet(tmp_path / "plan.parquet")
    for source in (frame, pl.read_csv(path), tmp_path / "plan.parquet", list(csv_rows(path))):
        other = read_table(source)
        assert other.times == table.times
        assert {c: list(v) for c, v in other.columns.items()} == dict(table.columns)


def csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_that_is_made_by_hand_is_checked_as_well() -> None:
    with pytest.raises(ScheduleError, match=r"twice"):
        Table("plan", (START, START), {})
