"""`pointsman history`: figures of what has happened to operations, as a table, a file, a chart."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, Final

from pointsman.cli import output
from pointsman.cli.errors import FlagError, Misused
from pointsman.cli.moments import local, moment_of
from pointsman.cli.operation_flags import Asked
from pointsman.cli.operations import at, connected
from pointsman.cli.rest_client import PAGE, Server
from pointsman.library.operation_dispatcher.analyzing import HistoryAnalyzer, HistoryReport, Spread
from pointsman.library.operation_dispatcher.charting import show_history_gantt
from pointsman.runtime.clock import SystemClock

KINDS: Final = (".csv", ".json", ".parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Past(Asked):
    """Which history, and where its figures are to go."""

    from_: str | None = None
    to: str | None = None
    gantt: Path | None = None
    out: Path | None = None

    def window(self) -> dict[str, str]:
        """The bounds in time that were given, as the door takes them."""
        now, zone = SystemClock().now(), self.zone
        said = {"from_time": (self.from_, "--from"), "to_time": (self.to, "--to")}
        return {
            name: moment_of(text, now, zone, place).astimezone(UTC).isoformat()
            for name, (text, place) in said.items()
            if text is not None
        }


def history(asked: Past) -> None:
    """Ask for all of it, work out the figures, and put them where they are wanted.

    Raises:
        Misused: If a file is of no known kind.
    """
    if asked.out is not None and asked.out.suffix.lower() not in KINDS:
        raise Misused(f"--out: {asked.out} is no {', '.join(KINDS[:-1])} or {KINDS[-1]} file")
    window = asked.window()
    with connected(asked) as server:
        analyzer = HistoryAnalyzer(all_of(server, asked.resource, window))
    if asked.out is not None:
        _write(analyzer, asked.out)
    if asked.gantt is not None:
        title = f"Operations of {analyzer.history.resource_id}"
        show_history_gantt(analyzer.history, title, asked.gantt, auto_open=False)
    if asked.as_json:
        output.line(analyzer.to_json())
        return
    for text in lines_of(analyzer.get_report(), asked):
        output.line(text)
    for path in filter(None, (asked.out, asked.gantt)):
        output.line(f"written: {path}")


def all_of(server: Server, resource_id: str | None, window: Mapping[str, str]) -> dict[str, Any]:
    """A history of all pages, with every operation that it tells of."""
    path, seq = at(resource_id, "operations", "history"), 0
    events: list[dict[str, Any]] = []
    operations: dict[str, dict[str, Any]] = {}
    while True:
        page = server.get(*path, after=seq, limit=PAGE, resolve_operations=True, **window)
        events += page["events"]
        operations |= {one["id"]: one for one in page["operations"]}
        if len(page["events"]) < PAGE:
            return {**page, "events": events, "operations": [*operations.values()]}
        seq = events[-1]["seq"]


def lines_of(report: HistoryReport, asked: Past) -> Iterator[str]:
    """The figures as people read them."""
    yield f"{report.resource_id}: {report.operations} operations"
    if report.start is not None:
        yield (
            f"  {'from':<22} {local(report.start, asked.zone)} to {local(report.end, asked.zone)}"
        )
    for name, value in _figures(report):
        if value:
            yield f"  {name:<22} {value}"


def _figures(report: HistoryReport) -> Iterator[tuple[str, str]]:
    ended = f"{report.completed} completed, {report.failed} failed, {report.cancelled} cancelled"
    yield "ended", ended
    if report.throughput_per_hour is not None:
        yield "throughput", f"{_short(report.throughput_per_hour)} an hour"
    yield "queue wait", _spread(report.queue_wait_seconds, "s")
    yield "cycle time", _spread(report.cycle_seconds, "s")
    yield "times as planned", _spread(report.running_to_planned, "")
    yield "overran", str(report.overran or "")
    yield "late", str(report.late or "")
    yield "lateness", _spread(report.lateness_seconds, "s")
    yield "utilisation", _percentage(report.utilisation_percentage)
    yield "dispatcher up", _percentage(report.dispatcher_uptime_percentage)
    yield "  and not paused", _percentage(report.dispatcher_runtime_percentage)
    for asks, causes in report.denials_by_cause.items():
        yield f"denied to {asks.lower()}", output.counts(causes)
    yield "failed by", output.counts(report.failures_by_cause) if report.failures_by_cause else ""


def _spread(spread: Spread | None, unit: str) -> str:
    if spread is None:
        return ""
    told = (("median", spread.median), ("95 %", spread.p95), ("most", spread.max))
    return ", ".join(f"{name} {_short(value)} {unit}".rstrip() for name, value in told)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004


def _percentage(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} %"


def _write(analyzer: HistoryAnalyzer, path: Path) -> None:
    match path.suffix.lower():
        case ".csv":
            analyzer.to_csv(path)
        case ".json":
            analyzer.to_json(path)
        case _:
            try:
                analyzer.to_parquet(path)
            except ModuleNotFoundError as error:
                raise FlagError(f"--out: {error}") from error
