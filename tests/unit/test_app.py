"""Runs from their plan to their report, in this process: `pointsman.run` and what it joins."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import pointsman
from pointsman import app
from pointsman.cli.errors import run as command_line
from pointsman.config import Site
from pointsman.devices.protocols import DeviceTableError
from pointsman.journal.ownership import InUse, owning
from pointsman.journal.sqlite_reader import SqliteReader
from pointsman.library import housekeeping
from pointsman.library.running import Options, Unwatched
from pointsman.runtime.clock import Clock
from pointsman.schedules.facts import Fact
from pointsman.schedules.model import Plan
from pointsman.schedules.table import ScheduleError
from tests.unit.cli.given import SITE

START = datetime(2026, 1, 1, 8, tzinfo=UTC)
TIMES = [START + n * timedelta(hours=1) for n in range(3)]
COLUMNS: dict[str, list[Any]] = {
    "timestamp": TIMES,
    "ev_1_kw": [11.0, 4.0, None],
    "battery_charge_kw": [0.0, 0.0, 0.0],
    "battery_discharge_kw": [2.0, 2.0, 0.0],
}
SAID = 7
"""Commands of this plan: 11, 4, none and a release; -2, 0 and a release."""
FAST = 50_000.0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.toml").write_text(SITE)
    return tmp_path


def rows() -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS, cells, strict=True)) for cells in zip(*COLUMNS.values(), strict=True)]


def csv(folder: Path) -> Path:
    path = folder / "plan.csv"
    pl.DataFrame(COLUMNS).write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%S%z")
    return path


def parquet(folder: Path) -> Path:
    path = folder / "plan.parquet"
    pl.DataFrame(COLUMNS).write_parquet(path)
    return path


SOURCES: dict[str, Callable[[Path], object]] = {
    "pandas": lambda _: pd.DataFrame(COLUMNS),
    "a pandas index": lambda _: pd.DataFrame(COLUMNS).set_index("timestamp"),
    "polars": lambda _: pl.DataFrame(COLUMNS),
    "pyarrow": lambda _: pa.table(COLUMNS),
    "dicts": lambda _: rows(),
    "lists": lambda _: COLUMNS,
    "csv": csv,
    "a path as text": lambda folder: str(csv(folder)),
    "parquet": parquet,
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_plan_is_carried_out_wherever_it_comes_from(folder: Path, source: str) -> None:
    report = pointsman.run(SOURCES[source](folder), site="site.toml", speed=FAST, dry_run=True)
    assert report["plan"]["slots"] == 3
    totals = report["totals"]
    assert (totals["planned_charge_kwh"], totals["planned_discharge_kwh"]) == (15.0, 4.0)
    assert totals["commands"] == {"COMPLETED": SAID}
    assert totals["acknowledged_charge_kwh"] == pytest.approx(15.0, rel=0.02)


def test_all_sources_are_one_plan(folder: Path) -> None:
    ids = {
        pointsman.run(make(folder), site="site.toml", speed=FAST, dry_run=True)["plan"]["id"]
        for make in SOURCES.values()
    }
    assert len(ids) == 1


async def test_a_notebook_may_wait_for_a_run(folder: Path) -> None:
    report = pointsman.run(rows(), site=folder / "site.toml", speed=FAST)
    assert report["totals"]["commands"] == {"COMPLETED": SAID}
    assert report["totals"]["delivered_charge_kwh"] == pytest.approx(15.0, rel=0.02)


def test_the_library_and_the_command_line_report_alike(folder: Path) -> None:
    mine = pointsman.run(csv(folder), site="site.toml", speed=FAST, report="mine.json")
    assert json.loads((folder / "mine.json").read_text()) == mine
    words = ("run", str(csv(folder)), "--site", "site.toml", "--speed", "50000")
    assert command_line([*words, "--report", "theirs.json"]) == 0
    assert (folder / "theirs.json").read_bytes() == (folder / "mine.json").read_bytes()


def test_a_dry_run_writes_nothing(folder: Path) -> None:
    before = {path.name for path in folder.iterdir()}
    report = pointsman.run(rows(), site="site.toml", speed=FAST, dry_run=True)
    assert report["dry_run"]
    assert {path.name for path in folder.iterdir()} == before


def test_a_run_begins_where_another_was_killed_while_it_made_the_journal(folder: Path) -> None:
    (folder / "mine.db").touch()
    report = pointsman.run(rows(), site="site.toml", speed=FAST, journal="mine.db")
    assert report == pointsman.run(rows(), site="site.toml", speed=FAST, journal="mine.db")


@pytest.mark.usefixtures("folder")
def test_a_dry_run_may_be_journaled_apart() -> None:
    pointsman.run(rows(), site="site.toml", speed=FAST, dry_run=True, journal="dry.db")
    with pytest.raises(ScheduleError, match=r"dry.db: holds a dry run; a real run needs another"):
        pointsman.run(rows(), site="site.toml", speed=FAST, journal="dry.db")
    pointsman.run(rows(), site="site.toml", speed=FAST)
    with pytest.raises(ScheduleError, match="holds a real run; a dry run needs another"):
        pointsman.run(rows(), site="site.toml", speed=FAST, dry_run=True, journal="pointsman.db")


@pytest.mark.parametrize(
    ("changes", "error", "part"),
    [
        ({"speed": 0.5}, ValueError, "speed must be from 1"),
        ({"speed": float("nan")}, ValueError, "speed"),
        ({"ocpp": "nowhere"}, ValueError, "HOST:PORT"),
        ({"journal": "."}, ValueError, "is a folder"),
        ({"report": "no/such/out.json"}, FileNotFoundError, "there is no folder no/such"),
        ({"speed": 1.0}, ScheduleError, "it ended at 2026-01-01T11:00:00Z"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    folder: Path, changes: dict[str, Any], error: type[Exception], part: str
) -> None:
    with pytest.raises(error, match=part):
        pointsman.run(rows(), **{"site": "site.toml", "speed": FAST, **changes})
    assert {path.name for path in folder.iterdir()} == {"site.toml"}


def test_real_devices_are_refused_above_speed_1(folder: Path) -> None:
    device = '{ protocol = "sunspec", host = "127.0.0.1" }'
    (folder / "site.toml").write_text(SITE.replace("rating_kw = 11.0", f"device = {device}"))
    with pytest.raises(DeviceTableError, match=r"'bay-1'.*simulated = true"):
        pointsman.run(rows(), site="site.toml", speed=2.0)
    assert not (folder / "pointsman.db").exists()


def test_a_journal_in_use_is_left_alone(folder: Path) -> None:
    with owning(folder / "pointsman.db"), pytest.raises(InUse, match=r"stop that one$"):
        pointsman.run(rows(), site="site.toml", speed=FAST)
    assert not (folder / "pointsman.db").exists()


class Seen(Unwatched):
    """Writes down what a watcher is told."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str, float]] = []
        self.facts: list[tuple[datetime, Fact]] = []
        self.ticks: list[datetime] = []

    def begins(self, site: Site, imported: Plan, clock: Clock) -> None:
        self.begun.append((site.id, imported.name, clock.speed))

    def saw(self, fact: Fact, at: datetime) -> None:
        self.facts.append((at, fact))

    def tick(self, now: datetime) -> None:
        self.ticks.append(now)


def names(facts: list[tuple[datetime, Fact]]) -> list[str]:
    return [type(fact).__name__ for _, fact in facts]


def test_a_watcher_sees_all_of_a_run_once(folder: Path) -> None:
    seen = Seen()
    pointsman.run(csv(folder), site="site.toml", speed=FAST, watcher=seen)
    assert [(site, speed) for site, _, speed in seen.begun] == [("home", FAST)]
    told = names(seen.facts)
    assert told[0] == "Opened"
    assert (told.count("PlanActivated"), told.count("Dispatched")) == (1, SAID)
    assert told.count("Completed") == SAID
    assert START <= seen.facts[0][0] < START + timedelta(minutes=5)
    assert seen.ticks == sorted(seen.ticks)


@pytest.mark.usefixtures("folder")
def test_a_run_that_is_over_is_not_watched_again() -> None:
    first = pointsman.run(rows(), site="site.toml", speed=FAST)
    seen = Seen()
    assert pointsman.run(rows(), site="site.toml", speed=FAST, watcher=seen) == first
    assert (seen.begun, seen.facts, seen.ticks) == ([], [], [])


class Stumbles(Unwatched):
    """A watcher with a bug."""

    def saw(self, fact: Fact, at: datetime) -> None:
        if type(fact).__name__ == "Completed":
            raise ZeroDivisionError(at)


@pytest.mark.usefixtures("folder")
def test_a_watcher_that_fails_stops_no_run(caplog: pytest.LogCaptureFixture) -> None:
    report = pointsman.run(rows(), site="site.toml", speed=FAST, watcher=Stumbles())
    assert report["totals"]["commands"] == {"COMPLETED": SAID}
    assert [r.message.count("ZeroDivisionError") for r in caplog.records] == [1]


async def test_a_site_may_be_handed_in_as_read(folder: Path) -> None:
    from pointsman.config import read_site

    site = read_site(folder / "site.toml")
    report = await app.run(rows(), site, Options(dry_run=True, speed=FAST))
    assert report["site"] == "home"


def test_a_site_is_placed_with_its_microgrid(folder: Path) -> None:
    from pointsman.config import read_site

    (folder / "grid.toml").write_text(SITE + "\n[microgrid]\nid = 7\n")
    alone, grid = read_site(folder / "site.toml"), read_site(folder / "grid.toml")
    assert app.placement(alone)("home") == "home"
    assert app.placement(grid)("home") == "microgrid-7"
    assert app.placement(grid)("other") == "other"


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_run_forgets_as_it_goes_and_reports_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, dry_run: bool
) -> None:
    monkeypatch.setattr(housekeeping, "KEEP", timedelta(minutes=20))
    monkeypatch.setattr(housekeeping, "TIDY_EVERY", timedelta(minutes=20))
    report = pointsman.run(rows(), site="site.toml", speed=FAST / 10, dry_run=dry_run)
    assert report["totals"]["commands"] == {"COMPLETED": SAID}
    if not dry_run:
        with closing(SqliteReader(folder / "pointsman.db")) as reader:
            shard = reader.home_now("home")
            assert shard is not None
            keys = [record.key.rpartition("/")[2] for record in reader.load_now(shard)]
        held = [thing for thing in keys if thing.startswith("cmd_")]
        assert 0 < len(held) < SAID
