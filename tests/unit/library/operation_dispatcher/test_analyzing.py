"""Figures of a history."""

import csv
import io
import json
import sys
from pathlib import Path

import pytest

from pointsman.library.operation_dispatcher.charting import bars_of
from pointsman.operation_dispatcher import EventType, History, HistoryAnalyzer, TimeWindow
from tests.unit.library.operation_dispatcher.days import DAY, A, B, C, at, day
from tests.unit.library.operation_dispatcher.given import dispatching, op


def test_the_report_says_how_the_day_went() -> None:
    report = HistoryAnalyzer(DAY).get_report()
    assert (report.duration_seconds, report.operations) == (100, 3)
    assert (report.completed, report.failed, report.cancelled) == (1, 1, 1)
    assert (report.dispatcher_uptime_seconds, report.dispatcher_uptime_percentage) == (100, 100)
    assert report["dispatcher_runtime_seconds"] == 80
    assert report.dispatcher_runtime_percentage == 80
    assert report.utilisation_percentage == 25
    assert report.throughput_per_hour == 36
    assert report.queue_wait_seconds is not None
    assert (report.queue_wait_seconds.count, report.queue_wait_seconds.max) == (2, 10)
    assert report.queue_wait_seconds.median == 7.5
    assert report.cycle_seconds is not None
    assert report.cycle_seconds.mean == 30
    assert report.running_to_planned is not None
    assert (report.running_to_planned.max, report.overran) == (2, 1)
    assert report.lateness_seconds is not None
    assert (report.lateness_seconds.max, report.late) == (5, 1)
    assert report.denials_by_cause == {
        "START": {"busy": 1, "no_answer": 1},
        "CANCEL": {"unsaid": 1},
    }
    assert report.failures_by_cause == {"EXTERNAL_ERROR": 1}
    with pytest.raises(KeyError):
        report["colour"]


def test_a_dispatcher_that_was_never_paused_ran_as_long_as_it_was_up() -> None:
    report = HistoryAnalyzer(
        day((0, "DISPATCHER_STARTED"), (60, "DISPATCHER_STOPPED"), (100, "ADDED", A))
    ).get_report()
    assert (report.dispatcher_runtime_seconds, report.dispatcher_runtime_percentage) == (60, 60)


def test_what_began_before_the_window_is_counted_from_its_start() -> None:
    window = TimeWindow(start=at(0), end=at(100))
    history = day(
        (20, "DISPATCHER_RESUMED"), (30, "COMPLETED", A), (50, "DISPATCHER_STOPPED"), window=window
    )
    report = HistoryAnalyzer(history).get_report()
    assert (report.dispatcher_uptime_seconds, report.dispatcher_runtime_seconds) == (50, 30)
    assert (report.completed, report.cycle_seconds) == (1, None)


def test_what_ran_when_the_window_began_has_run_since_then() -> None:
    history = day(
        (10, "PAUSED", A, {"was": "RUNNING"}),
        (20, "CANCELLED", B, {"was": "QUEUED"}),
        (40, "CANCELLED", A, {"was": "PAUSED"}),
        window=TimeWindow(start=at(0), end=at(100)),
        operations=[op(id=A, planned_duration=50_000, start_time=at(-90), created_at=at(-99))],
    )
    analyzer = HistoryAnalyzer(history)
    assert analyzer.get_report().utilisation_percentage == 10
    bars = [(bar.kind, bar.start, bar.end) for bar in bars_of(history)]
    assert bars == [("CANCELLED", at(0), at(10)), ("PAUSED", at(10), at(40))]
    [row, other] = analyzer.rows()
    assert (row.running_seconds, row.cycle_seconds, other.running_seconds) == (10, 130, 0)


def test_what_began_before_the_window_counts_for_its_time_in_it_only() -> None:
    history = day(
        (-50, "STARTED", A),
        (25, "COMPLETED", A, {"was": "RUNNING"}),
        window=TimeWindow(start=at(0), end=at(100)),
        operations=[op(id=A, planned_duration=50_000, created_at=at(-60))],
    )
    analyzer = HistoryAnalyzer(history)
    report = analyzer.get_report()
    assert report.utilisation_percentage == 25
    assert report.running_to_planned is not None
    assert (report.running_to_planned.max, analyzer.rows()[0].running_seconds) == (1.5, 75)


def test_an_operation_whose_start_nobody_tells_of_is_not_held_against_its_plan() -> None:
    history = day(
        (5, "COMPLETED", A, {"was": "RUNNING"}),
        window=TimeWindow(start=at(0), end=at(10)),
        operations=[op(id=A, planned_duration=50_000)],
    )
    assert HistoryAnalyzer(history).get_report().running_to_planned is None


def test_a_dispatcher_that_starts_operations_in_a_window_is_up() -> None:
    window = TimeWindow(start=at(0), end=at(100))
    report = HistoryAnalyzer(
        day((5, "STARTED", A), (60, "DISPATCHER_PAUSED"), window=window)
    ).get_report()
    assert report.dispatcher_uptime_percentage == 100
    assert report.dispatcher_runtime_percentage == 60
    silent = HistoryAnalyzer(day((5, "ADDED", A), window=window)).get_report()
    assert (silent.dispatcher_uptime_percentage, silent.utilisation_percentage) == (None, 0)


def test_nobody_knows_what_comes_after_a_history_was_told() -> None:
    history = day(
        (0, "DISPATCHER_STARTED"),
        (10, "STARTED", A),
        window=TimeWindow(start=at(0), end=at(3_600)),
        created_at=at(100),
    )
    report = HistoryAnalyzer(history).get_report()
    assert (report.end, report.duration_seconds) == (at(100), 100)
    assert (report.utilisation_percentage, report.dispatcher_uptime_seconds) == (90, 100)
    assert [bar.end for bar in bars_of(history)] == [at(100), at(100)]


def test_what_starts_after_the_window_has_not_started_in_it() -> None:
    history = day(
        (5, "ADDED", A),
        window=TimeWindow(start=at(0), end=at(10)),
        operations=[op(id=A, start_time=at(50), created_at=at(5))],
    )
    [row] = HistoryAnalyzer(history).rows()
    assert (row.state, row.started_at, row.queue_wait_seconds) == ("QUEUED", None, None)


def test_what_is_tried_again_has_not_ended() -> None:
    history = day(
        (0, "STARTED", A),
        (10, "FAILED", A, {"why": "TIMEOUT", "error": "stuck"}),
        (50, "REQUEUED", A),
        (60, "STARTED", A),
        (70, "PAUSED", A),
    )
    [row] = HistoryAnalyzer(history).rows()
    assert (row.state, row.attempts, row.running_seconds) == ("PAUSED", 2, 20)
    assert (row.ended_at, row.termination_reason, row.error) == (None, "NONE", "")


def test_a_history_without_any_event_has_a_report() -> None:
    report = HistoryAnalyzer(day()).get_report()
    assert (report.operations, report.duration_seconds, report.utilisation_percentage) == (
        0,
        None,
        None,
    )


def test_what_another_interface_says_of_a_history_is_read_as_well() -> None:
    told = json.loads(DAY.model_dump_json())
    assert HistoryAnalyzer(told).get_report() == HistoryAnalyzer(DAY).get_report()
    with pytest.raises(ValueError, match="lacks resource_id"):
        HistoryAnalyzer({"events": []})


def test_the_figures_can_be_taken_elsewhere(tmp_path: Path) -> None:
    from pyarrow import parquet

    analyzer = HistoryAnalyzer(DAY)
    text = analyzer.to_csv(tmp_path / "day.csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert (tmp_path / "day.csv").read_text() == text
    assert [row["operation_id"] for row in rows] == [str(A), str(B), str(C)]
    assert (rows[0]["running_seconds"], rows[1]["error"]) == ("20.0", "jammed")
    told = json.loads(analyzer.to_json(tmp_path / "day.json"))
    assert told["report"]["completed"] == 1
    assert len(told["operations"]) == 3
    analyzer.to_parquet(tmp_path / "day.parquet")
    table = parquet.read_table(tmp_path / "day.parquet")
    assert table.column("queue_wait_seconds").to_pylist() == [10.0, 5.0, None]
    assert table.column("ended_at").to_pylist()[0] == at(40)


def test_what_is_said_in_several_lines_is_one_row_of_a_table(tmp_path: Path) -> None:
    said = 'the arm, "left":\rjammed\r\nat 3°\n'
    analyzer = HistoryAnalyzer(day((0, "STARTED", A), (1, "FAILED", A, {"error": said})))
    analyzer.to_csv(tmp_path / "day.csv")
    with (tmp_path / "day.csv").open(newline="", encoding="utf-8") as file:
        assert [row["error"] for row in csv.DictReader(file)] == [said]


def test_a_table_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    analyzer, nowhere = HistoryAnalyzer(DAY), tmp_path / "no" / "day"
    for write in (analyzer.to_csv, analyzer.to_json, analyzer.to_parquet):
        with pytest.raises(FileNotFoundError) as met:
            write(nowhere)
        assert met.value.filename == str(nowhere)


def test_a_column_of_nothing_has_the_type_that_it_has_on_other_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyarrow import parquet

    def types(name: str) -> dict[str, str]:
        HistoryAnalyzer(History(resource_id="r")).to_parquet(tmp_path / name)
        schema = parquet.read_schema(tmp_path / name)
        return {name: str(schema.field(name).type) for name in schema.names}

    by_arrow = types("arrow.parquet")
    assert (by_arrow["priority"], by_arrow["lateness_seconds"]) == ("int64", "double")
    assert (by_arrow["job_id"], by_arrow["ended_at"]) == ("string", "timestamp[us, tz=UTC]")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    by_polars = types("polars.parquet")
    assert (by_polars["priority"], by_polars["lateness_seconds"]) == ("int64", "double")
    assert by_polars["ended_at"] == by_arrow["ended_at"]


def test_without_pyarrow_polars_writes_parquet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    HistoryAnalyzer(DAY).to_parquet(tmp_path / "day.parquet")
    assert (tmp_path / "day.parquet").stat().st_size > 0
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ModuleNotFoundError, match="pip install pyarrow, or pip install polars"):
        HistoryAnalyzer(DAY).to_parquet(tmp_path / "day.parquet")


def test_a_real_history_has_its_figures() -> None:
    with dispatching() as (dispatcher, told):
        lift = dispatcher.add(op(planned_duration=1_000))
        told.until(EventType.OPERATION_STARTED)
        dispatcher.fail_operation(lift.id, error="jammed")
        [row] = HistoryAnalyzer(dispatcher.get_history(resolve_operations=True)).rows()
    assert (row.state, row.termination_reason, row.error) == (
        "FAILED",
        "INTERNAL_ERROR",
        "jammed",
    )
    assert (row.attempts, row.planned_seconds) == (1, 1.0)
    assert row.queue_wait_seconds is not None
