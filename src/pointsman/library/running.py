"""How a run is asked for, and how it is watched."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from pointsman.config import Site, host_port
from pointsman.library.whole_files import write_whole
from pointsman.runtime.clock import Clock
from pointsman.schedules.facts import Fact
from pointsman.schedules.model import Plan, Run
from pointsman.schedules.report import Report
from pointsman.schedules.table import ScheduleError, stamp

SPEED_MOST: Final = 100_000
log = logging.getLogger(__name__)


_HOME: Final = Path(__file__).parents[1]
EXAMPLES: Final = next(
    (f for f in (_HOME / "examples", _HOME.parents[1] / "examples") if f.is_dir()), _HOME
)
"""The example data: inside an installed package, or beside its sources."""


class Replaced(Exception):
    """Another process took the journal over. This one has stopped."""


class JournalFailed(Exception):
    """What happens could no longer be written down, so nothing more may happen."""


class Watcher(Protocol):
    """Whoever shows how a run goes. Calls never wait."""

    def begins(self, site: Site, imported: Plan, clock: Clock) -> None:
        """Once, before the first fact."""

    def saw(self, fact: Fact, at: datetime) -> None:
        """A fact is durable."""

    def tick(self, now: datetime) -> None:
        """Some time has passed by the run's clock."""


class Unwatched:
    def begins(self, site: Site, imported: Plan, clock: Clock) -> None:
        """Nobody looks."""

    def saw(self, fact: Fact, at: datetime) -> None:
        """Nobody looks."""

    def tick(self, now: datetime) -> None:
        """Nobody looks."""


class Guarded:
    """Passes on to a watcher until that one fails: a broken view is no reason to stop a run."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def begins(self, site: Site, imported: Plan, clock: Clock) -> None:
        self._tell(lambda: self._watcher.begins(site, imported, clock))

    def saw(self, fact: Fact, at: datetime) -> None:
        self._tell(lambda: self._watcher.saw(fact, at))

    def tick(self, now: datetime) -> None:
        self._tell(lambda: self._watcher.tick(now))

    def _tell(self, news: Callable[[], None]) -> None:
        try:
            news()
        except Exception as bug:
            log.warning("the watcher is told nothing more, as it failed: %r", bug)
            self._watcher = Unwatched()


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: the flags of `pointsman run`."""

    dry_run: bool = False
    speed: float = 1.0
    tz: str | None = None
    journal: Path | None = None
    """None: `pointsman.db`, or in a dry run none that outlives it."""
    ocpp: str = "127.0.0.1:9000"
    take_over: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.speed <= SPEED_MOST:
            raise ValueError(f"speed must be from 1 to {SPEED_MOST}, not {self.speed:g}")
        host_port(self.ocpp)
        if self.journal is not None and self.journal.is_dir():
            raise ValueError(f"journal {str(self.journal)!r} is a folder; name a file in it")

    @property
    def path(self) -> Path | None:
        return self.journal or (None if self.dry_run else Path("pointsman.db"))


def write_report(report: Report, path: Path) -> None:
    """The report as JSON, complete or not at all."""
    write_whole(path, f"{json.dumps(report, indent=2)}\n".encode())


def refuse_other_kind(options: Options, earlier: Run) -> None:
    """A rehearsal and the real thing never share a journal: what was only rehearsed would count
    as done.

    Raises:
        ScheduleError: If they would.
    """
    if earlier.dry_run != options.dry_run:
        kinds = ("a dry run", "a real run") if earlier.dry_run else ("a real run", "a dry run")
        raise ScheduleError(f"{options.path}: holds {kinds[0]}; {kinds[1]} needs another --journal")


def refuse_other_time(
    options: Options, earlier: Run, at: datetime, now: datetime, *, begun: bool
) -> None:
    """The time of day does not go on where a faster clock has left off.

    Args:
        options: Of the run that is asked for.
        earlier: The run before.
        at: When the last fact of that one happened, by its clock.
        now: By the clock of the run that is asked for.
        begun: The plan is being carried out already.

    Raises:
        ScheduleError: If it would have to.
    """
    if options.speed == 1 and earlier.speed > 1 and (begun or at > now):
        raise ScheduleError(
            f"{options.path}: its clock is at {stamp(at)}, as it ran at speed {earlier.speed:g}; "
            f"--speed {earlier.speed:g} goes on with it, and another --journal begins anew"
        )


def refuse_what_is_over(options: Options, plan: Plan, now: datetime) -> None:
    """A faster clock that goes on where it was may find that a plan has passed.

    Raises:
        ScheduleError: If it has.
    """
    if now < plan.end:
        return
    over = f"{plan.name}: the plan is over, it ended at {stamp(plan.end)}"
    if options.speed == 1:
        raise ScheduleError(
            f"{over}; a newer plan, or --speed above 1 on simulated devices, would work"
        )
    raise ScheduleError(
        f"{over}, and the clock of {options.path} is at {stamp(now)}; "
        "a newer plan, or another --journal, would work"
    )


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors of a group and of the groups in it, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error
