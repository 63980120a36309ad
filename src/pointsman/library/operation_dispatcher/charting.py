"""A chart of a history: a row an operation, a bar for each time that it ran or stood still."""

import os
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pointsman.library.operation_dispatcher.history import History
from pointsman.library.operation_dispatcher.operation import ExecutionState
from pointsman.library.operation_dispatcher.tracing import (
    DOWN,
    PAUSED,
    RESUMED,
    UP,
    Trace,
    history_of,
    spans_of,
    traces_of,
)
from pointsman.library.whole_files import write_whole

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

COLOURS: Final[Mapping[str, str]] = {
    "SUCCESS": "#2a9d5c",
    "FAILURE": "#d1495b",
    "CANCELLED": "#8d99ae",
    "RUNNING": "#3b7dd8",
    "PAUSED": "#edae49",
    "DISPATCHER_RUNNING": "#b7d3f2",
    "DISPATCHER_PAUSED": "#f5deb0",
}
ENDINGS: Final = {
    ExecutionState.COMPLETED: "SUCCESS",
    ExecutionState.FAILED: "FAILURE",
    ExecutionState.CANCELLED: "CANCELLED",
}
DISPATCHER: Final = "dispatcher"
DEFAULT_FILE: Final = "history_gantt.html"
LABEL: Final = 40
"""Characters: a row's name takes its room from the bars."""
SHOWN: Final = 200
ROW_PIXELS: Final = 20
LEAST_PIXELS: Final = 450
MOST_PIXELS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Bar:
    row: str
    kind: str
    start: datetime
    end: datetime
    text: str


def bars_of(history: History) -> Iterator[Bar]:
    """All bars, the dispatcher's first. Of what never ran, there is none."""
    for kind, (begin, end) in {
        "DISPATCHER_RUNNING": (UP, DOWN),
        "DISPATCHER_PAUSED": (PAUSED, RESUMED),
    }.items():
        for span in spans_of(history, begin, end):
            yield Bar(DISPATCHER, kind, *span, kind.lower().replace("_", " "))
    for number, trace in enumerate(traces_of(history), start=1):
        kind = ENDINGS.get(trace.state, "RUNNING") if trace.state else "RUNNING"
        row, text = _label(trace, number), _text(trace)
        yield from (Bar(row, kind, *span, text) for span in trace.running)
        yield from (Bar(row, "PAUSED", *span, text) for span in trace.paused)


def build_history_gantt_figure(
    history: History | Mapping[str, object], title: str = "Operation history"
) -> "Figure":
    """A Plotly figure. No two operations share a row.

    Raises:
        ModuleNotFoundError: If Plotly is not installed.
        ValueError: If it is no history.
    """
    graph = _plotly()
    bars = [*bars_of(history_of(history))]
    figure = graph.Figure()
    for kind, colour in COLOURS.items():
        of_kind = [bar for bar in bars if bar.kind == kind]
        if of_kind:
            figure.add_trace(
                graph.Bar(
                    name=kind,
                    orientation="h",
                    y=[bar.row for bar in of_kind],
                    base=[bar.start for bar in of_kind],
                    x=[(bar.end - bar.start).total_seconds() * 1_000 for bar in of_kind],
                    text=[bar.text for bar in of_kind],
                    hovertemplate="%{y}<br>%{base} to %{x}<br>%{text}<extra>" + kind + "</extra>",
                    textposition="none",
                    marker={"color": colour},
                )
            )
    figure.update_layout(**_layout(bars), title=_escaped(title))
    return figure


def _layout(bars: Sequence[Bar]) -> dict[str, Any]:
    """Time goes to the right, and rows down in the order of the bars."""
    rows = list(dict.fromkeys(bar.row for bar in bars))
    return {
        "height": min(LEAST_PIXELS + len(rows) * ROW_PIXELS, MOST_PIXELS),
        "barmode": "overlay",
        "xaxis": {"type": "date", "title": "UTC"},
        "yaxis": {
            "autorange": "reversed",
            "type": "category",
            "categoryorder": "array",
            "categoryarray": rows,
        },
        "showlegend": True,
    }


def show_history_gantt(
    history: History | Mapping[str, object],
    title: str = "Operation history",
    output_html_path: str | Path | None = None,
    auto_open: bool = True,
) -> Path | None:
    """Show the chart in a browser, or write it to a page that needs no network.

    Returns:
        Where the page is. None: a browser shows it. Over SSH, where there is none, it is
        `history_gantt.html` in the current directory.

    Raises:
        ModuleNotFoundError: If Plotly is not installed.
    """
    figure = build_history_gantt_figure(history, title)
    remote = "SSH_CONNECTION" in os.environ or "SSH_TTY" in os.environ
    if output_html_path is None and not remote:
        figure.show()
        return None
    path = Path(output_html_path or DEFAULT_FILE)
    write_whole(path, figure.to_html(include_plotlyjs=True).encode())
    if auto_open and not remote:
        webbrowser.open(path.resolve().as_uri())
    return path


def _plotly() -> Any:  # noqa: ANN401  A module without types.
    try:
        from plotly import graph_objects
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f"charts need the extra: pip install 'pointsman[web]' ({missing})", name=missing.name
        ) from missing
    return graph_objects


def _label(trace: Trace, number: int) -> str:
    """What its author calls it, and which it is."""
    payload = trace.operation.payload if trace.operation else {}
    name = next((payload[key] for key in ("name", "task") if payload.get(key)), "operation")
    return f"{_escaped(name, LABEL)} · {number}"


def _text(trace: Trace) -> str:
    state = trace.state.value if trace.state else ""
    why = f" ({trace.reason.value})" if trace.state is ExecutionState.FAILED else ""
    error = f": {trace.error}" if trace.error else ""
    return _escaped(f"{trace.id} {state}{why}{error}")


def _escaped(text: object, most: int = SHOWN) -> str:
    """Plotly reads some HTML in what it shows."""
    whole = str(text)
    shown = whole if len(whole) <= most else f"{whole[: most - 1]}…"
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
