"""`pointsman history`: figures of what has happened to operations, as a table, a file, a chart."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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
from pointsman.library.operation_dispatcher.events import DispatchEvent
from pointsman.library.operation_dispatcher.history import History
from pointsman.library.operation_dispatcher.operation import Operation
from pointsman.library.operation_dispatcher.tracing import ENDS, GOES_ON
from pointsman.operations.events import DOCUMENTED, EventType
from pointsman.runtime.clock import SystemClock

KINDS: Final = (".csv", ".json", ".parquet")
TOLD: Final = DOCUMENTED | {EventType.OPERATION_REQUEUED}
"""Without heartbeats and the like, of which there may be many."""
CHANGES: Final = ("state", "termination_reason")
"""Fields whose changes figures are made of."""
OVER: Final = (*ENDS, EventType.OPERATION_REQUEUED)


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


def all_of(server: Server, resource_id: str | None, window: Mapping[str, str]) -> History:
    """A history of all pages, up to now, with every operation that it tells of."""
    path, seq = at(resource_id, "operations", "history"), 0
    events: list[DispatchEvent] = []
    operations: dict[str, Operation] = {}
    while True:
        page = server.get(*path, after=seq, limit=PAGE, every=True, **window)
        told = [event for event in page["events"] if event["event_type"] in TOLD]
        events += map(_slim, told)
        ids = {event["operation_id"] for event in told}
        known = (one for one in page["operations"] if one["id"] in ids)
        operations |= {one["id"]: Operation.model_validate(one) for one in known}
        if len(page["events"]) < PAGE:
            break
        seq = page["events"][-1]["seq"]
    if event := _going_on(server, path, window.get("from_time"), page["created_at"]):
        events.insert(0, _slim(event))
        found = server.get(*at(resource_id, "operations", event["operation_id"]))["operation"]
        operations.setdefault(found["id"], Operation.model_validate(found))
    bounds = page["window"]
    if bounds["end"] is None and not _is_before(page["created_at"], bounds["start"]):
        bounds["end"] = page["created_at"]
    whole = {**page, "events": events, "operations": [*operations.values()]}
    return History.model_validate(whole)


def _slim(event: Mapping[str, Any]) -> DispatchEvent:
    """An event without the changes that no figure is about: there may be a great many."""
    changes = [one for one in event["changes"] if one["field"] in CHANGES]
    return DispatchEvent.model_validate({**event, "changes": changes})


def _going_on(
    server: Server, path: Sequence[str], since: str | None, now: str
) -> dict[str, Any] | None:
    """The last turn of what went on when a window began: it need not have another one there."""
    if since is None or _is_before(now, since):
        return None
    asked = {"limit": PAGE, "every": True, "resolve_operations": False, "to_time": since}
    over: set[str] = set()
    before: int | None = None
    while True:
        page = server.get(*path, before=before, **asked)["events"]
        for event in reversed(page):
            if event["event_type"] in GOES_ON:
                is_open = event["operation_id"] not in over
                return event if is_open and _is_before(event["created_at"], since) else None
            if event["event_type"] in OVER:
                over.add(event["operation_id"])
        if len(page) < PAGE:
            return None
        before = page[0]["seq"]


def _is_before(one: str, other: str | None) -> bool:
    return other is not None and datetime.fromisoformat(one) < datetime.fromisoformat(other)


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
