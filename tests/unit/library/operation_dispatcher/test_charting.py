"""Charts of a history."""

import sys
import webbrowser
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from pointsman.operation_dispatcher import (
    TimeWindow,
    build_history_gantt_figure,
    show_history_gantt,
)
from tests.unit.library.operation_dispatcher.days import DAY, NOON, A, B, at, day
from tests.unit.library.operation_dispatcher.given import op


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


def test_rows_are_in_the_order_in_which_things_happened() -> None:
    history = day((0, "STARTED", B), (1, "FAILED", B), (2, "STARTED", A), (3, "COMPLETED", A))
    axis = build_history_gantt_figure(history).layout.yaxis
    assert axis.categoryarray == ("operation · 1", "operation · 2")
    [first, *_] = build_history_gantt_figure(DAY).layout.yaxis.categoryarray
    assert first == "dispatcher"


def test_long_names_and_many_rows_leave_room_for_the_bars() -> None:
    def chart(payload: dict[str, str], number: int) -> Any:  # noqa: ANN401  Plotly's are not typed.
        ids = [UUID(int=n) for n in range(number)]
        turns = [(n, "STARTED", id) for n, id in enumerate(ids)]
        known = [op(id=id, payload=payload) for id in ids]
        history = day(*turns, operations=known, window=TimeWindow(end=at(number)))
        return build_history_gantt_figure(history)

    few, many = chart({"name": "<" * 41}, 1), chart({}, 300)
    assert few.data[0].y == ("&lt;" * 39 + "… · 1",)
    assert many.layout.height - few.layout.height > 299 * 12  # Letters are so high.
    assert few.layout.xaxis.title.text == "UTC"


def test_the_chart_is_a_page_that_needs_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "day.html"
    assert show_history_gantt(DAY, output_html_path=page, auto_open=False) == page
    assert "Plotly.newPlot" in page.read_text()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SSH_CONNECTION", "1")
    assert show_history_gantt(DAY) == Path("history_gantt.html")


def test_the_page_is_opened_where_there_is_a_browser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    for name in ("SSH_CONNECTION", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)
    page = show_history_gantt(DAY, output_html_path=tmp_path / "day 1.html")
    assert opened == [f"{tmp_path.as_uri()}/day%201.html"]
    monkeypatch.setenv("SSH_TTY", "/dev/pts/0")
    assert show_history_gantt(DAY, output_html_path=page) == page
    assert len(opened) == 1


def test_without_plotly_its_extra_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'pointsman\[web\]'"):
        build_history_gantt_figure(DAY)
