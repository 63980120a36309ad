"""Figures of a history: how long operations wait and take, how late they are, what goes wrong."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from pathlib import Path
from statistics import fmean, median, quantiles
from typing import Any, Final, get_args, get_type_hints

from pointsman.library.operation_dispatcher.history import History
from pointsman.library.operation_dispatcher.model import Model
from pointsman.library.operation_dispatcher.operation import ExecutionState
from pointsman.library.operation_dispatcher.tables import csv_of, parquet_of
from pointsman.library.operation_dispatcher.tracing import (
    DOWN,
    PAUSED,
    RESUMED,
    UP,
    Span,
    Trace,
    covered_by,
    history_of,
    is_told,
    overlap,
    spans_of,
    total,
    traces_of,
    within,
)
from pointsman.library.whole_files import write_whole

HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread(Model):
    """How a figure is spread over operations."""

    count: int
    mean: float
    median: float
    p95: float
    max: float


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationFigures(Model):
    """The figures of one operation: a row of the tables. None: nothing tells."""

    operation_id: str
    job_id: str | None
    priority: int | None
    state: str | None
    termination_reason: str
    error: str
    attempts: int
    denials: int
    added_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    queue_wait_seconds: float | None
    cycle_seconds: float | None
    """From its first start to its end."""
    running_seconds: float
    """Without its pauses."""
    planned_seconds: float | None
    lateness_seconds: float | None
    """Positive: it ended after its due date."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryReport(Model):
    """What a history amounts to. Percentages are of the time that it covers; None: nothing tells.

    That is its window, or all of it, up to when it was told.
    """

    resource_id: str
    start: datetime | None
    end: datetime | None
    duration_seconds: float | None
    dispatcher_uptime_seconds: float
    dispatcher_uptime_percentage: float | None
    dispatcher_runtime_seconds: float
    """Up, and not paused."""
    dispatcher_runtime_percentage: float | None
    operations: int
    completed: int
    failed: int
    cancelled: int
    throughput_per_hour: float | None
    """Completed ones."""
    utilisation_percentage: float | None
    """How much of the time an operation ran."""
    queue_wait_seconds: Spread | None
    cycle_seconds: Spread | None
    running_to_planned: Spread | None
    """Times as long as planned, of completed ones."""
    overran: int
    """Completed ones that ran longer than planned."""
    lateness_seconds: Spread | None
    late: int
    """Ones that ended after their due date."""
    denials_by_cause: dict[str, dict[str, int]] = field(default_factory=dict)
    """By what was asked for, then by why not."""
    failures_by_cause: dict[str, int] = field(default_factory=dict)
    """By termination reason."""

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401  Any figure.
        if name not in {one.name for one in fields(self)}:
            raise KeyError(name)
        return getattr(self, name)


class HistoryAnalyzer:
    """Of a `History`, or of what `GET /operations/history` says.

    With the history's operations, it knows their plans and due dates too.

    Raises:
        ValueError: If it is no history.
    """

    def __init__(self, history: History | Mapping[str, object]) -> None:
        self.history = history_of(history)
        self._traces = traces_of(self.history)

    def get_report(self) -> HistoryReport:
        """All figures."""
        history, traces = self.history, self._traces
        ups, pauses = spans_of(history, UP, DOWN), spans_of(history, PAUSED, RESUMED)
        up = total(ups)
        runtime = up - overlap(ups, pauses)
        covered = covered_by(history)
        duration = (covered[1] - covered[0]).total_seconds() if covered else None
        up_of = duration if is_told(history) else None
        ended = Counter(trace.state for trace in traces)
        done = [trace for trace in traces if trace.state is ExecutionState.COMPLETED]
        ratios = [t.running_time / t.planned for t in done if t.planned and t.is_whole]
        late = [seconds for t in traces if (seconds := _seconds(t.late)) is not None]
        busy = _busy(traces, covered)
        return HistoryReport(
            resource_id=history.resource_id,
            start=covered[0] if covered else history.get_start(),
            end=covered[1] if covered else history.get_end(),
            duration_seconds=duration,
            dispatcher_uptime_seconds=up.total_seconds(),
            dispatcher_uptime_percentage=_percentage(up, up_of),
            dispatcher_runtime_seconds=runtime.total_seconds(),
            dispatcher_runtime_percentage=_percentage(runtime, up_of),
            operations=len(traces),
            completed=ended[ExecutionState.COMPLETED],
            failed=ended[ExecutionState.FAILED],
            cancelled=ended[ExecutionState.CANCELLED],
            throughput_per_hour=len(done) * HOUR.total_seconds() / duration if duration else None,
            utilisation_percentage=_percentage(busy, duration),
            queue_wait_seconds=_spread(_seconds(trace.waited) for trace in traces),
            cycle_seconds=_spread(_cycle_seconds(trace) for trace in done),
            running_to_planned=_spread(ratios),
            overran=sum(ratio > 1 for ratio in ratios),
            lateness_seconds=_spread(late),
            late=sum(seconds > 0 for seconds in late),
            denials_by_cause=_denials(traces),
            failures_by_cause=_failures(traces),
        )

    def rows(self) -> Sequence[OperationFigures]:
        """A row an operation."""
        return [_figures(trace) for trace in self._traces]

    def to_json(self, path: str | Path | None = None) -> str:
        """The report and the rows as JSON, also into a file if there is a path."""
        told = {
            "report": self.get_report().model_dump(mode="json"),
            "operations": [row.model_dump(mode="json") for row in self.rows()],
        }
        return _written(json.dumps(told, indent=2), path)

    def to_csv(self, path: str | Path | None = None) -> str:
        """The rows as CSV, also into a file if there is a path."""
        rows = (row.model_dump(mode="json") for row in self.rows())
        return _written(csv_of(_kinds(), rows), path)

    def to_parquet(self, path: str | Path) -> None:
        """The rows as a Parquet file, by whichever of PyArrow and Polars is installed.

        Raises:
            ModuleNotFoundError: If neither is.
        """
        kinds, rows = _kinds(), [row.model_dump() for row in self.rows()]
        columns = {name: [row[name] for row in rows] for name in kinds}
        write_whole(Path(path), parquet_of(kinds, columns))


def _figures(trace: Trace) -> OperationFigures:
    operation = trace.operation
    return OperationFigures(
        operation_id=str(trace.id),
        job_id=operation.job_id if operation else None,
        priority=operation.priority if operation else None,
        state=trace.state.value if trace.state else None,
        termination_reason=trace.reason.value,
        error=trace.error,
        attempts=trace.attempts,
        denials=trace.denials.total(),
        added_at=trace.added_at,
        started_at=trace.started_at,
        ended_at=trace.ended_at,
        queue_wait_seconds=_seconds(trace.waited),
        cycle_seconds=_cycle_seconds(trace),
        running_seconds=trace.running_time.total_seconds(),
        planned_seconds=_seconds(trace.planned),
        lateness_seconds=_seconds(trace.late),
    )


def _kinds() -> dict[str, type]:
    """What each column holds, whether or not there is any of it this time."""
    hints = get_type_hints(OperationFigures)
    names = [one.name for one in fields(OperationFigures)]
    return {name: (get_args(hints[name]) or (hints[name],))[0] for name in names}


def _cycle_seconds(trace: Trace) -> float | None:
    if trace.started_at is None or trace.ended_at is None:
        return None
    return (trace.ended_at - trace.started_at).total_seconds()


def _busy(traces: Iterable[Trace], covered: Span | None) -> timedelta:
    """How long operations ran, of the time that is covered."""
    if covered is None:
        return timedelta()
    return sum((total(within(trace.running, covered)) for trace in traces), timedelta())


def _denials(traces: Iterable[Trace]) -> dict[str, dict[str, int]]:
    causes: dict[str, dict[str, int]] = {}
    for trace in traces:
        for (asked, why), number in trace.denials.items():
            of_it = causes.setdefault(asked, {})
            of_it[why] = of_it.get(why, 0) + number
    return causes


def _failures(traces: Iterable[Trace]) -> dict[str, int]:
    failed = (trace for trace in traces if trace.state is ExecutionState.FAILED)
    return dict(Counter(trace.reason.value for trace in failed).most_common())


def _spread(values: Iterable[float | None]) -> Spread | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    p95 = quantiles(known, n=20, method="inclusive")[-1] if len(known) > 1 else known[0]
    return Spread(
        count=len(known), mean=fmean(known), median=median(known), p95=p95, max=max(known)
    )


def _percentage(part: timedelta, duration_seconds: float | None) -> float | None:
    return 100 * part.total_seconds() / duration_seconds if duration_seconds else None


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _written(text: str, path: str | Path | None) -> str:
    if path is not None:
        write_whole(Path(path), text.encode())
    return text
