"""How many facts a second become durable through the engine. DBOS runs beside it."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from benchmarks.table import RUNS, Row, at_least, several, show, spread
from pointsman.journal.sqlite import SqliteJournal
from pointsman.runtime.clock import SystemClock
from pointsman.runtime.engine import Engine
from pointsman.runtime.turns import short_turns
from pointsman.schedules import SCHEDULES, schedules_id
from pointsman.schedules.intents import ReportState
from pointsman.schedules.model import AssetState

SECONDS: Final = 3.0
SITES: Final = 16
"""Spread over the shards."""


def throughput(in_flight: int) -> tuple[float, float]:
    """Facts made durable a second, and the median wait for one in milliseconds, set up as a run."""

    async def story(path: Path) -> tuple[float, float]:
        journal = SqliteJournal(path)
        engine = Engine([SCHEDULES], journal, SystemClock())
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(engine.run())
            await engine.ready()
            gc.collect()
            gc.freeze()
            start = perf_counter()
            workers = [
                tasks.create_task(work(engine, n, start + SECONDS)) for n in range(in_flight)
            ]
            waits = [wait for worker in workers for wait in await worker]
            passed = perf_counter() - start
            running.cancel()
        gc.unfreeze()
        await journal.close()
        return len(waits) / passed, 1_000 * median(waits)

    async def work(engine: Engine, number: int, until: float) -> list[float]:
        site, asset_id = schedules_id(f"site-{number % SITES}"), f"ast_charger_{number}"
        states = [ReportState(AssetState(asset_id, word)) for word in ("charging", "suspended")]
        waits = list[float]()
        while (start := perf_counter()) < until:
            await engine.submit(SCHEDULES, site, states[len(waits) % 2])
            waits.append(perf_counter() - start)
        return waits

    with TemporaryDirectory() as folder, short_turns():
        return asyncio.run(story(Path(folder) / "journal.db"))


def dbos_jobs() -> float:
    """Jobs of one step a second that DBOS carries out on SQLite, one after the other."""
    from dbos import DBOS

    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/dbos.sqlite"
        DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR"})

        @DBOS.step()
        def step(number: int) -> int:
            return number

        @DBOS.workflow()
        def job(number: int) -> int:
            return step(number)

        DBOS.launch()
        try:
            job(0)
            count, start = 0, perf_counter()
            while (passed := perf_counter() - start) < SECONDS:
                job(count)
                count += 1
            return count / passed
        finally:
            DBOS.destroy()


def rows() -> Iterator[Row]:
    rates = []
    for in_flight in (1, 100, 1_000):
        found = [throughput(in_flight) for _ in range(RUNS)]
        rates, wait = [rate for rate, _ in found], median(wait for _, wait in found)
        what = f"facts made durable, SQLite FULL, {in_flight:,} in flight (p50 {wait:.2f} ms)"
        if in_flight != 100:
            yield Row(what, spread(rates, ",.0f", "/s"))
            continue
        yield at_least(what, rates, 30_000, "/s")
        with suppress(ImportError):
            jobs = several(dbos_jobs)
            yield Row("jobs of one step made durable by DBOS on SQLite", spread(jobs, ",.0f", "/s"))
            ratios = [rate / median(jobs) for rate in rates]
            yield at_least("that many times DBOS, at 100 in flight", ratios, 100, " times")


if __name__ == "__main__":
    show(rows())
