"""How fast the kernel is: durable facts a second, restart, lateness. DBOS runs beside it."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter

from tests.queues import QUEUES
from tests.queues.model import Add, Added, Hold, Offered, Operation

from benchmarks.table import RUNS, Row, show, typical
from pointsman.journal.sqlite import SqliteJournal
from pointsman.runtime.clock import SystemClock
from pointsman.runtime.codec import Codec
from pointsman.runtime.engine import Engine
from pointsman.runtime.follow import follow

SECONDS = 3.0
SITES = 16
LIVE_KEYS = 100_000
DUE_A_SECOND = 1_000
LATER = datetime(2100, 1, 1, tzinfo=UTC)


def throughput(in_flight: int) -> tuple[float, float]:
    """Facts made durable a second, and the median wait for one in milliseconds."""

    async def story(path: Path) -> tuple[float, float]:
        journal = SqliteJournal(path)
        engine = Engine([QUEUES], journal, SystemClock())
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(engine.run())
            await engine.ready()
            start = perf_counter()
            workers = [
                tasks.create_task(work(engine, n, start + SECONDS)) for n in range(in_flight)
            ]
            waits = [wait for worker in workers for wait in await worker]
            passed = perf_counter() - start
            running.cancel()
        await journal.close()
        return len(waits) / passed, 1_000 * median(waits)

    async def work(engine: Engine, number: int, until: float) -> list[float]:
        id, waits, on = f"site-{number % SITES}/robot-{number}", list[float](), False
        while (start := perf_counter()) < until:
            on = not on
            await engine.submit(QUEUES, id, Hold(on))
            waits.append(perf_counter() - start)
        return waits

    with TemporaryDirectory() as folder:
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


def restart(path: Path) -> float:
    """Seconds from opening a journal until its engine is ready."""

    async def story() -> float:
        gc.collect()
        start = perf_counter()
        journal = SqliteJournal(path)
        engine = Engine([QUEUES], journal, SystemClock())
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(engine.run())
            await engine.ready()
            passed = perf_counter() - start
            running.cancel()
        await journal.close()
        return passed

    return asyncio.run(story())


def fill(path: Path) -> None:
    """A journal with `LIVE_KEYS` operations queued, on a thousand robots of 64 sites."""
    journal, codec, now = SqliteJournal(path), Codec([QUEUES]), SystemClock().now()
    sites = 64
    for site in range(sites):
        token = journal.claim_now(site)
        operations = [Operation(f"job-{n}", LATER) for n in range(LIVE_KEYS // sites)]
        records = [
            codec.record(f"queues/site-{site}/robot-{n % 16}", Added(operation), now)
            for n, operation in enumerate(operations)
        ]
        for start in range(0, len(records), 1_000):
            journal.append_now(token, records[start : start + 1_000])
    journal.close_now()


def lateness() -> tuple[float, float]:
    """Milliseconds from due until a follower is told, durably: the median and p99."""

    async def story(path: Path) -> tuple[float, float]:
        journal, clock = SqliteJournal(path), SystemClock()
        engine, late = Engine([QUEUES], journal, clock), list[float]()
        count = int(SECONDS * DUE_A_SECOND)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(engine.run())
            await engine.ready()
            start = clock.now() + timedelta(seconds=2)
            adds = (
                engine.submit(QUEUES, f"site-{n % SITES}/robot-{n}", Add(Operation("job", when)))
                for n in range(count)
                if (when := start + timedelta(seconds=n / DUE_A_SECOND))
            )
            await asyncio.gather(*adds)
            gc.collect()
            gc.freeze()
            async for _, (_, fact, _) in follow(journal, [QUEUES]):
                if isinstance(fact, Offered):
                    due = fact.operation.not_before
                    late.append((clock.now() - due).total_seconds() * 1_000)
                    if len(late) == count:
                        break
            running.cancel()
        gc.unfreeze()
        await journal.close()
        return median(late), quantiles(late, n=100)[98]

    with TemporaryDirectory() as folder:
        return asyncio.run(story(Path(folder) / "journal.db"))


def rows() -> Iterator[Row]:
    rates = {}
    for in_flight, target in ((1, ""), (100, ">= 30,000/s"), (1_000, "")):
        found = [throughput(in_flight) for _ in range(RUNS)]
        rate, wait = median(r for r, _ in found), median(w for _, w in found)
        rates[in_flight] = rate
        name = f"durable facts, SQLite FULL, {in_flight} in flight"
        yield Row(name, f"{rate:,.0f}/s (p50 {wait:.2f} ms)", target)
    with suppress(ImportError):
        jobs = typical(dbos_jobs)
        yield Row("durable jobs of one step, DBOS on SQLite", f"{jobs:,.0f}/s")
        yield Row("that ratio, ours at 100 in flight", f"{rates[100] / jobs:,.0f} times", ">= 100")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        fill(path)
        seconds = typical(lambda: restart(path))
        yield Row(f"restart, {LIVE_KEYS:,} live keys", f"{seconds:.2f} s", "<= 1.5 s")
    found = [lateness() for _ in range(RUNS)]
    middle, worst = median(m for m, _ in found), median(w for _, w in found)
    name = f"lateness, {DUE_A_SECOND:,} due a second, until a follower is told"
    yield Row(name, f"p50 {middle:.2f}, p99 {worst:.2f} ms", "p99 <= 3 ms")


def main() -> None:
    show(rows())


if __name__ == "__main__":
    main()
