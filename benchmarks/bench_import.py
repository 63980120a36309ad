"""How long an import takes: from a table's lists until its plan is in force, durably.

All values are new, so each cell is a row. Asked at three sizes, as it must be linear.
"""

import asyncio
import gc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

from benchmarks.given import SITE
from benchmarks.table import Row, at_most, several, show, spread
from pointsman.core.assets import Asset, AssetKind
from pointsman.journal.sqlite import SqliteJournal
from pointsman.library.frames import read_table
from pointsman.runtime.clock import SystemClock
from pointsman.runtime.engine import Engine
from pointsman.schedules import SCHEDULES, schedules_id
from pointsman.schedules.changes import plan_of
from pointsman.schedules.facts import PlanActivated
from pointsman.schedules.importing import steps
from pointsman.schedules.site import Site

ASSETS: Final = (250, 500, 1_000)
SLOTS: Final = 1_000
START: Final = datetime(2100, 1, 1, tzinfo=UTC)
LINEAR: Final = 1.3
"""A cell of the largest table may take this many times as long as one of the smallest."""


def lists_of(assets: int) -> dict[str, list[Any]]:
    """A column a vehicle; neighbouring cells always differ."""
    random = Random(1)
    columns: dict[str, list[Any]] = {
        "timestamp": [START + timedelta(minutes=15 * slot) for slot in range(SLOTS)]
    }
    for asset in range(assets):
        columns[f"ev_{asset:04}_kw"] = [
            round(random.uniform(1, 5) + 6 * (slot % 2), 3) for slot in range(SLOTS)
        ]
    return columns


def import_seconds(lists: dict[str, list[Any]]) -> float:
    """From the lists to `PlanActivated` on the disk."""
    assets = len(lists) - 1
    ids = {f"{asset:04}": f"charger_{asset}" for asset in range(assets)}
    site = {id: Asset(id, AssetKind.EV_CHARGER, rating_kw=11.0) for id in ids.values()}

    async def story(path: Path) -> float:
        journal, clock = SqliteJournal(path), SystemClock()
        engine = Engine([SCHEDULES], journal, clock)
        submit = partial(engine.submit, SCHEDULES, schedules_id(SITE))
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(engine.run())
            await engine.ready()
            gc.collect()
            start = perf_counter()
            made = plan_of(read_table(lists), ids, created_at=clock.now(), assets=site)
            for step in steps(made.plan, made.timelines, made.contexts, Site(), {}):
                facts = await submit(step)
            passed = perf_counter() - start
            assert made.report.commands == assets * (SLOTS + 1)
            assert isinstance(facts[0], PlanActivated)
            running.cancel()
        await journal.close()
        return passed

    with TemporaryDirectory() as folder:
        return asyncio.run(story(Path(folder) / "journal.db"))


def rows() -> Iterator[Row]:
    a_cell: list[list[float]] = []
    for assets in ASSETS:
        seconds = several(partial(import_seconds, lists_of(assets)))
        a_cell.append([one / (assets * SLOTS) for one in seconds])
        what = f"import of {assets:,} assets x {SLOTS:,} slots, all new, until durably in force"
        if assets == ASSETS[-1]:
            yield at_most(what, seconds, 3, " s")
        else:
            yield Row(what, spread(seconds, unit=" s"))
    ratios = [largest / median(a_cell[0]) for largest in a_cell[-1]]
    yield at_most(
        "that is linear: a cell of the largest, in cells of the least", ratios, LINEAR, ""
    )


if __name__ == "__main__":
    show(rows())
