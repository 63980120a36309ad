"""Figures and charts of a history."""

import csv
import io
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from pointsman.operation_dispatcher import (
    DispatchEvent,
    EventType,
    History,
    HistoryAnalyzer,
    TimeWindow,
    build_history_gantt_figure,
    show_history_gantt,
)
from tests.unit.library.operation_dispatcher.given import ROBOT, dispatching, op

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def event(seconds: float, name: str, id: UUID | None = None, **meta: Any) -> DispatchEvent:  # noqa: ANN401
    changes = [{"field": "termination_reason", "old_value": "NONE", "new_value": meta.pop("why")}]
    return DispatchEvent(
        resource_id=ROBOT,
        operation_id=id,
        event_type=EventType[f"OPERATION_{name}"],
        changes=changes if changes[0]["new_value"] else [],  # type: ignore[arg-type]
        meta_data=meta,
        created_at=at(seconds),
    )


def day(*events: tuple[Any, ...], **also: Any) -> History:  # noqa: ANN401
    told = [event(*one[:3], **({"why": None} | (one[3] if len(one) > 3 else {}))) for one in events]
    return History(resource_id=ROBOT, events=told, **also)


DAY = day(
    (0, "DISPATCHER_STARTED"),
    (0, "ADDED", A),
    (1, "ADDED", B),
    (2, "ADDED", C),
    (10, "STARTED", A),
    (20, "PAUSED", A),
    (30, "RESUMED", A),
    (40, "COMPLETED", A),
    (41, "START_DENIED", B, {"reasoning": "busy"}),
    (42, "START_DENIED", B, {"reasoning": "no_answer"}),
    (45, "STARTED", B),
    (50, "FAILED", B, {"why": "EXTERNAL_ERROR", "error": "jammed"}),
    (60, "DISPATCHER_PAUSED"),
    (80, "DISPATCHER_RESUMED"),
    (90, "CANCEL_DENIED", C),
    (95, "CANCELLED", C, {"why": "USER_REQUEST"}),
    (100, "DISPATCHER_STOPPED"),
    operations=[
        op(id=A, planned_duration=10_000, due_date=at(35), created_at=NOON),
        op(id=B, release_date=at(40), due_date=at(60), created_at=at(1)),
    ],
)


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


# Charts


def test_the_chart_has_a_bar_for_each_time_that_something_ran_or_stood_still() -> None:
    figure = build_history_gantt_figure(DAY, title="A <b>day</b>")
    bars = {
        trace.name: list(zip(trace.y, trace.base, trace.x, strict=True)) for trace in figure.data
    }
    assert bars == {
        "SUCCESS": [("operation · 1", at(10), 10_000), ("operation · 1", at(30), 10_000)],
        "FAILURE": [("operation · 2", at(45), 5_000)],
        "PAUSED": [("operation · 1", at(20), 10_000)],
        "DISPATCHER_RUNNING": [("dispatcher", NOON, 100_000)],
        "DISPATCHER_PAUSED": [("dispatcher", at(60), 20_000)],
    }
    assert figure.layout.title.text == "A &lt;b&gt;day&lt;/b&gt;"


def test_no_two_operations_share_a_row() -> None:
    same = {"name": "lift <img>"}
    history = day(
        (0, "STARTED", A),
        (1, "COMPLETED", A),
        (2, "STARTED", B),
        operations=[op(id=A, payload=same), op(id=B, payload=same)],
        window=TimeWindow(end=at(9)),
    )
    rows = [(t.name, t.y, t.x) for t in build_history_gantt_figure(history).data]
    assert rows == [
        ("SUCCESS", ("lift &lt;img&gt; · 1",), (1_000,)),
        ("RUNNING", ("lift &lt;img&gt; · 2",), (7_000,)),
    ]


def test_the_chart_is_a_page_that_needs_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "day.html"
    assert show_history_gantt(DAY, output_html_path=page, auto_open=False) == page
    assert "Plotly.newPlot" in page.read_text()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SSH_CONNECTION", "1")
    assert show_history_gantt(DAY) == Path("history_gantt.html")


def test_without_plotly_its_extra_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'pointsman\[web\]'"):
        build_history_gantt_figure(DAY)
