"""What a run looks like while it goes on: a live table on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final, TextIO

from pointsman.cli.lines import line_of
from pointsman.cli.output import grid, kw
from pointsman.cli.times import show
from pointsman.config import Site
from pointsman.library.running import Watcher
from pointsman.runtime.clock import Clock
from pointsman.schedules.facts import (
    AboutCommand,
    Completed,
    Dispatched,
    Fact,
    Failed,
    Measured,
    Opened,
    PlanActivated,
    PlanEnded,
    Refused,
    StateChanged,
    TimedOut,
)
from pointsman.schedules.model import Channel, Command, Measurement, Plan

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

HOUR: Final = timedelta(hours=1)
FRAME_LINES: Final = 8
"""Lines of a terminal that the table leaves to everything else."""
TROUBLE: Final = (Failed, TimedOut, Refused)


@dataclass(slots=True)
class Tally:
    """What is shown of a run so far."""

    commanded: dict[str, Command] = field(default_factory=dict)
    """By asset: the power command that was acknowledged last."""
    measured: dict[str, Measurement] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    flying: set[str] = field(default_factory=set)
    """Assets that a command is under way to."""
    changed: dict[str, None] = field(default_factory=dict)
    """Assets, the one with the latest news last."""
    completed: int = 0
    troubled: int = 0

    def take(self, fact: Fact) -> None:
        match fact:
            case AboutCommand(command=command):
                self._command(fact, command)
            case Measured(measurement):
                self.measured[measurement.asset_id] = measurement
            case StateChanged(state):
                self.states[state.asset_id] = state.state

    def _command(self, fact: AboutCommand, command: Command) -> None:
        asset_id = command.asset_id
        self.changed.pop(asset_id, None)
        self.changed[asset_id] = None
        self.flying.discard(asset_id)
        match fact:
            case Dispatched():
                self.flying.add(asset_id)
            case Completed():
                self.completed += 1
                if command.channel is Channel.POWER:
                    self.commanded[asset_id] = command
            case Failed() | TimedOut() | Refused():
                self.troubled += 1

    def commanded_kw(self, asset_id: str, now: datetime) -> float | None:
        command = self.commanded.get(asset_id)
        over = command is None or (command.expires_at is not None and command.expires_at <= now)
        return None if command is None or over else command.signed_kw

    def summary(self, now: datetime) -> str:
        """Sums over all assets."""
        told = [power for id in self.commanded if (power := self.commanded_kw(id, now)) is not None]
        metered = sum(m.average_kw for m in self.measured.values())
        trouble = f", {self.troubled} failed" if self.troubled else ""
        return (
            f"{self.completed} commands completed{trouble}; "
            f"commanded {kw(sum(told))} kW, measured {kw(metered)} kW"
        )


class PlainView:
    """A line for each thing that people want to know, and one for each hour of the run."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._zone: tzinfo = UTC
        self._tally = Tally()
        self._next: datetime | None = None

    def begins(self, site: Site, imported: Plan, clock: Clock) -> None:
        self._zone = site.timezone
        self._say(heading(site, imported, clock))

    def saw(self, fact: Fact, at: datetime) -> None:
        self._tally.take(fact)
        if isinstance(fact, (Opened, PlanActivated, PlanEnded, *TROUBLE)):
            self._say(line_of(fact, at, self._zone))

    def tick(self, now: datetime) -> None:
        if self._next is None:
            self._next = _next_hour(now)
        elif now >= self._next:
            self._next = _next_hour(now)
            self._say(f"{show(now, self._zone)} {self._tally.summary(now)}")

    def _say(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


class LiveView:
    """A progress bar, and a table of the assets. Use it as a context."""

    def __init__(self, console: "Console") -> None:
        from rich.live import Live
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        self._console = console
        self._progress: Progress = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=None), TaskProgressColumn()
        )
        self._task = self._progress.add_task("waiting for the plan")
        self._live: Live = Live(console=console, auto_refresh=False)
        self._tally = Tally()
        self._zone: tzinfo = UTC
        self._plan: Plan | None = None
        self._at: datetime | None = None
        """When the last fact happened."""

    def __enter__(self) -> "LiveView":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last state on the screen."""
        if self._at is not None:
            self.tick(self._at)
        self._live.stop()

    def begins(self, site: Site, imported: Plan, clock: Clock) -> None:
        self._zone, self._plan = site.timezone, imported
        for asset_id in imported.assets:
            self._tally.changed[asset_id] = None
        self._console.print(heading(site, imported, clock), markup=False)

    def saw(self, fact: Fact, at: datetime) -> None:
        self._tally.take(fact)
        self._at = at
        if isinstance(fact, TROUBLE):
            self._console.print(line_of(fact, at, self._zone), markup=False, style="red")

    def tick(self, now: datetime) -> None:
        if self._plan is not None:
            share = (now - self._plan.start) / (self._plan.end - self._plan.start)
            done = 100 * min(max(share, 0.0), 1.0)
            self._progress.update(self._task, completed=done, description=show(now, self._zone))
        self._live.update(self._frame(now), refresh=True)

    def _frame(self, now: datetime) -> "RenderableType":
        from rich.console import Group
        from rich.text import Text

        room = max(self._console.size.height - FRAME_LINES, 1)
        shown = sorted(list(self._tally.changed)[-room:])
        rows = [_row(self._tally, asset_id, now) for asset_id in shown]
        table = grid(("asset", "state", "commanded kW", "measured kW", "SoC %", ""), rows, words=2)
        return Group(table, Text(self._tally.summary(now)), self._progress)


def heading(site: Site, plan: Plan, clock: Clock) -> str:
    """What is about to be run."""
    pace = "" if clock.speed == 1 else f", {clock.speed:g} times as fast as the wall clock"
    dry = ", a dry run: nothing is sent to any device" if plan.dry_run else ""
    return (
        f"{plan.name} at {site.id}: {plan.slot_count} slots for {len(plan.assets)} assets from "
        f"{show(plan.start, site.timezone)} to {show(plan.end, site.timezone)}{pace}{dry}"
    )


@contextmanager
def watching(stream: TextIO = sys.stdout) -> Iterator[Watcher]:
    """The view that fits where the output goes."""
    if not stream.isatty():
        yield PlainView(stream)
        return
    from rich.console import Console

    with LiveView(Console(file=stream, highlight=False)) as view:
        yield view


def _row(tally: Tally, asset_id: str, now: datetime) -> tuple[str, ...]:
    measured = tally.measured.get(asset_id)
    soc = measured.soc_percent if measured else None
    return (
        asset_id,
        tally.states.get(asset_id, "-"),
        kw(tally.commanded_kw(asset_id, now)),
        kw(measured.average_kw if measured else None),
        "-" if soc is None else f"{soc:.0f}",
        "sending" if asset_id in tally.flying else "",
    )


def _next_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + HOUR
