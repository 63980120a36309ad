"""How a run is asked for, and how it is watched."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from pointsman.config import Site, host_port
from pointsman.runtime.clock import Clock
from pointsman.schedules.facts import Fact
from pointsman.schedules.model import Plan
from pointsman.schedules.report import Report

SPEED_MOST: Final = 100_000


_HOME: Final = Path(__file__).parents[1]
EXAMPLES: Final = next(
    (f for f in (_HOME / "examples", _HOME.parents[1] / "examples") if f.is_dir()), _HOME
)
"""The example data: inside an installed package, or beside its sources."""


class Replaced(Exception):
    """Another process took the journal over. This one has stopped."""


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

    @property
    def path(self) -> Path | None:
        return self.journal or (None if self.dry_run else Path("pointsman.db"))


def write_report(report: Report, path: Path) -> None:
    """The report as JSON, complete or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    part.replace(path)
