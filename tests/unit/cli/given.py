"""A command called in this process, a small site, and a journal that tells a story."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import pointsman
from pointsman.cli.errors import run
from pointsman.core.names import shard_of, site_of
from pointsman.journal.sqlite import SqliteJournal
from pointsman.runtime.codec import Codec
from pointsman.schedules import SCHEDULES
from tests.unit.schedules.given import BAY, at, plan, timeline
from tests.unit.schedules.told import Told

PYTHON = (sys.executable, "-m", "pointsman.cli")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(pointsman.__file__).parent.parent)}
SITE = """\
[site]
id = "home"
timezone = "America/Los_Angeles"
import_limit_kw = 10.0

[[asset]]
id = "bay-1"
kind = "ev_charger"
rating_kw = 11.0

[[asset]]
id = "batt"
kind = "battery"
max_charge_kw = 5.0
max_discharge_kw = 5.0
capacity_kwh = 10.0

[asset_map]
ev_1 = "bay-1"
battery = "batt"
spare = "batt"
"""
PLAN = """\
timestamp,ev_1_kw,battery_charge_kw,battery_discharge_kw,price_per_kwh
2026-01-01T08:00:00Z,11.0,0,2,0.20
2026-01-01T09:00:00Z,4.0,0,2,0.30
2026-01-01T10:00:00Z,,0,0,0.30
"""


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    error: str

    def lines(self) -> list[str]:
        return self.out.splitlines()


class Shell:
    """Commands in a folder of their own, with `site.toml` and `plan.csv` in it."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capture = capture
        self.write("site.toml", SITE)
        self.write("plan.csv", PLAN)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def __call__(self, *words: str) -> Ended:
        self._capture.readouterr()
        status = run(words)
        out, error = self._capture.readouterr()
        return Ended(status, out, error)

    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


def write_journal(path: Path, facts: Sequence[tuple[str, object, object]]) -> None:
    """A journal of these facts, as an owner would have written it."""
    journal, codec = SqliteJournal(path), Codec([SCHEDULES])
    try:
        for entity, fact, happened_at in facts:
            record = codec.record(entity, fact, happened_at)  # type: ignore[arg-type]
            token = journal.claim_now(shard_of(site_of(entity), journal.shards))
            journal.append_now(token, [record])
    finally:
        journal.close_now()


def morning(speed: float = 2.0) -> Told:
    """A run that began at 8: 20 kW from 8, a try that failed, -10 kW from 10."""
    told = Told()
    told.opens(at(8), speed=speed, pid=77, timezone="Europe/Berlin")
    told.imports(
        plan(name="morning.csv"),
        timeline(plan(), {0: 20.0, 2: -10.0}, planned_charge_kwh=40.0, planned_discharge_kwh=20.0),
    )
    told.becomes("charging", at(8), previous="preparing")
    told.refuses(told.sends(at(8)), at(8, 1), error="busy", lateness_seconds=0.001)
    told.accepts(told.sends(at(8, 2)), at(8, 3))
    told.measures(at(8), at(9), 18.0, 18.0, 0.0)
    told.says(at(10))
    assert told.commands()[-1].asset_id == BAY
    return told
