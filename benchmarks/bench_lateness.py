"""How late a command is: from the instant it is due until its device is told to send it."""

import asyncio
import gc
import os
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from benchmarks.given import SITE, asset_ids, even_plan, facts_of
from benchmarks.table import RUNS, Row, at_most, show, spread
from pointsman.core.assets import Asset, AssetKind
from pointsman.devices import Reading, Taken
from pointsman.devices.driver import AHEAD_SECONDS, Driver
from pointsman.journal.sqlite import SqliteJournal
from pointsman.runtime.clock import SystemClock
from pointsman.runtime.engine import Engine
from pointsman.runtime.turns import short_turns
from pointsman.schedules import SCHEDULES, schedules_id
from pointsman.schedules.importing import steps
from pointsman.schedules.intents import Open
from pointsman.schedules.model import Command, Run
from pointsman.schedules.site import Site

ASSETS: Final = 1_000
"""Each is told something new once a second."""
WARM_UP_SECONDS: Final = 1
SECONDS: Final = 5
LEAD_SECONDS: Final = 1.5


class Stopwatch:
    """A device that notes when it is told to send, and agrees."""

    def __init__(self, late_ms: list[float], clock: SystemClock) -> None:
        self._late_ms = late_ms
        self._clock = clock

    async def send(self, command: Command) -> Taken:
        self._late_ms.append(1_000 * self._clock.wall_seconds_since(command.scheduled_at))
        return Taken(applied_kw=command.signed_kw)

    async def read(self) -> Reading:
        return Reading()


def lateness(*, at_once: bool = False) -> list[float]:
    """Milliseconds from due to sent, of each command after the warm-up, sorted."""
    with TemporaryDirectory() as folder, short_turns():
        late_ms = asyncio.run(_told(Path(folder) / "journal.db", at_once=at_once))
    return sorted(late_ms[ASSETS * WARM_UP_SECONDS :])


async def _told(path: Path, *, at_once: bool) -> list[float]:
    journal, clock, late_ms = SqliteJournal(path), SystemClock(), list[float]()
    engine = Engine([SCHEDULES], journal, clock)
    submit = partial(engine.submit, SCHEDULES, schedules_id(SITE))
    device, ids = Stopwatch(late_ms, clock), asset_ids(ASSETS)
    site = {id: Asset(id, AssetKind.EV_CHARGER, rating_kw=11.0) for id in ids}
    opened_at = clock.now()
    driver = Driver(
        submit, dict.fromkeys(ids, device), site, clock, run_number=1, opened_at=opened_at
    )
    seconds = WARM_UP_SECONDS + SECONDS
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(engine.run())
        await submit(Open(Run(1, 1.0, False, opened_at, ahead_seconds=AHEAD_SECONDS)))
        driving = tasks.create_task(driver.run(facts_of(journal, await journal.end())))
        plan, timelines = even_plan(
            clock.now() + timedelta(seconds=LEAD_SECONDS), ASSETS, seconds, at_once=at_once
        )
        for step in steps(plan, timelines, (), Site(), {}):
            await submit(step)
        gc.collect()
        gc.freeze()
        await asyncio.sleep(LEAD_SECONDS + seconds)
        while len(late_ms) < ASSETS * seconds:  # noqa: ASYNC110  A bell would cost time.
            await asyncio.sleep(0.1)
        running.cancel()
        driving.cancel()
    gc.unfreeze()
    await journal.close()
    return late_ms


def rows() -> Iterator[Row]:
    found = [lateness() for _ in range(RUNS)]
    what = f"lateness of a command, due to handed to its device, {ASSETS:,} due a second"
    yield at_most(f"{what}: p99", [_percent(late_ms, 99) for late_ms in found], 3, " ms")
    yield Row("the same: p50", spread([_percent(late_ms, 50) for late_ms in found], unit=" ms"))
    yield Row("the same: max", spread([late_ms[-1] for late_ms in found], unit=" ms"))
    found = [lateness(at_once=True) for _ in range(RUNS)]
    last = [_percent(late_ms, 99) for late_ms in found]
    yield Row(f"lateness of {ASSETS:,} due at one instant: p99", spread(last, unit=" ms"))
    syncs = [_percent(fsync_ms(), 99) for _ in range(RUNS)]
    yield Row("the disk alone, meanwhile: 4 KiB made durable, p99", spread(syncs, unit=" ms"))


def fsync_ms() -> list[float]:
    """What the disk takes to make a page durable, sorted: no lateness can be less."""
    taken = []
    with TemporaryDirectory() as folder, (Path(folder) / "page").open("wb", buffering=0) as file:
        for _ in range(1_000):
            file.write(bytes(4_096))
            start = perf_counter()
            os.fdatasync(file.fileno())
            taken.append((perf_counter() - start) * 1_000)
    return sorted(taken)


def _percent(values: list[float], percent: int) -> float:
    return quantiles(values, n=100)[percent - 1]


if __name__ == "__main__":
    show(rows())
