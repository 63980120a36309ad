"""How soon a start is told of a hundred thousand dispatches, and what they cost meanwhile."""

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Final

from benchmarks.table import Row, at_most, show, spread
from pointsman.dispatches import FOLLOWER, follower_id
from pointsman.dispatches.components import Category, ComponentKind, Target
from pointsman.dispatches.follower import evolve, initial
from pointsman.dispatches.following import Announced, See
from pointsman.dispatches.model import Dispatch, DispatchData, Frequency, Rule
from pointsman.journal.memory import MemoryJournal
from pointsman.runtime.clock import SystemClock
from pointsman.runtime.codec import Codec
from pointsman.runtime.engine import Engine
from pointsman.runtime.follow import follow
from pointsman.runtime.turns import short_turns

DISPATCHES: Final = 100_000
A_SECOND: Final = 5
"""So many start in each second that is measured."""
SECONDS: Final = 20
IDLE_SECONDS: Final = 10
LEAD_SECONDS: Final = 45.0
"""Time to load all before the first starts."""
PAGE: Final = 100
ID: Final = follower_id(7, "bench")
BATTERIES: Final = Target(kinds=(ComponentKind(Category.BATTERY),))


def dispatch(number: int, now: datetime, first: datetime) -> Dispatch:
    """Some start when it is measured; the others on another day, and all have for a year."""
    soon = number < A_SECOND * SECONDS
    start = first + timedelta(seconds=number // A_SECOND) if soon else now + timedelta(hours=9)
    start = start.replace(microsecond=0) - timedelta(days=364)
    rule = Rule(Frequency.DAILY, 1 if soon else 7, count=None)
    data = DispatchData("charge", start, BATTERIES, 900, payload={"n": 1.0}, recurrence=rule)
    written = now - timedelta(minutes=5)
    return Dispatch(64 * number, 7, data, written, written)


async def measure() -> tuple[float, list[float], float]:
    """Seconds to load, milliseconds each start was late, and the part of a core used when idle."""
    clock, journal = SystemClock(), MemoryJournal()
    engine, late_ms = Engine([FOLLOWER], journal, clock), list[float]()

    async def listen() -> None:
        async for _, (_, fact, _) in follow(journal, [FOLLOWER]):
            if isinstance(fact, Announced):
                late_ms.append(1_000 * clock.wall_seconds_since(fact.change.run_start))

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(engine.run()), tasks.create_task(listen())]
        now, began = clock.now(), perf_counter()
        first = now + timedelta(seconds=LEAD_SECONDS)
        for n in range(0, DISPATCHES, PAGE):
            page = tuple(dispatch(number, now, first) for number in range(n, n + PAGE))
            await engine.submit(FOLLOWER, ID, See(page))
        load_seconds = perf_counter() - began
        gc.collect()
        gc.freeze()
        await asyncio.sleep(1)
        idle = process_time()
        await asyncio.sleep(IDLE_SECONDS)
        idle = (process_time() - idle) / IDLE_SECONDS
        await asyncio.sleep((first - clock.now()).total_seconds() + SECONDS + 1)
        for task in running:
            task.cancel()
    gc.unfreeze()
    return load_seconds, late_ms, idle


def bytes_each() -> float:
    """Of one that is followed, as it comes out of a journal."""
    codec, follower, now = Codec([FOLLOWER]), initial(), SystemClock().now()
    gc.collect()
    tracemalloc.start()
    for n in range(0, 10_000, PAGE):
        page = tuple(dispatch(number, now, now) for number in range(n, n + PAGE))
        for fact in FOLLOWER.entity.decide(initial(), See(page), now):
            evolve(follower, codec.decode(*codec.record(f"followers/{ID}", fact, now)).fact)
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size / len(follower.followed)


def rows() -> Iterator[Row]:
    with short_turns():
        load_seconds, late_ms, idle = asyncio.run(measure())
    what = f"with {DISPATCHES:,} recurring dispatches followed"
    first, others = late_ms[0], late_ms[A_SECOND:]
    yield at_most(
        f"a start notified, one of {A_SECOND} at an instant, {what}: p99",
        [quantiles(others, n=100)[98]],
        5,
        " ms",
    )
    yield Row(
        "the same: half of them, and the last one", f"{median(others):.2f}, {max(others):.2f} ms"
    )
    yield at_most("the same: the first one after a long rest", [first], 5, " ms")
    yield at_most("the same: processor while idle", [100 * idle], 1, " %")
    yield Row("the same: time to load", spread([load_seconds], unit=" s"))
    yield Row(
        "the same: memory of each, less its own object", spread([bytes_each()], ",.0f", " bytes")
    )


if __name__ == "__main__":
    show(rows())
