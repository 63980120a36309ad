"""What operations cost through the engine: adding, whole cycles, waiting, and doing nothing."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Any, Final

from benchmarks.machine import CAN_CHOOSE_CPUS, one_cpu, wakes_us
from benchmarks.operation_plant import AnyJournal, measured, new, parts, plant, robots
from benchmarks.table import Row, at_least, at_most, show, spread
from pointsman.core.names import shard_of
from pointsman.journal import APPEND_LIMIT
from pointsman.journal.memory import MemoryJournal
from pointsman.journal.sqlite import SqliteJournal
from pointsman.operations import OPERATIONS, lifecycle
from pointsman.operations.authors import left_of_job
from pointsman.operations.facts import Requested, Started
from pointsman.operations.intents import (
    Add,
    Answer,
    CancelJob,
    Complete,
    Configure,
    New,
    StartResource,
)
from pointsman.operations.model import Work
from pointsman.operations.policy import Policy
from pointsman.runtime.clock import SystemClock
from pointsman.runtime.codec import Codec

RUNS: Final = 3
FEW: Final = 1_000
MANY: Final = 100_000
CALLERS: Final = 100
BULK: Final = 100
ADDS: Final = 10_000
SECONDS: Final = 3.0
WAITS: Final = 500


# Adding


async def adds(path: Path | None, queued: int, at_once: int) -> float:
    """Adds a second, when so many are queued on the resource."""
    [robot] = robots(1)
    async with plant(path, [robot], heard=False) as works:
        for some in parts((new() for _ in range(queued)), 500):
            await works.ask(robot, Add(some))
        batches = [*parts((new() for _ in range(ADDS)), at_once)]
        waiting = iter(batches)

        async def caller() -> None:
            for batch in waiting:
                await works.ask(robot, Add(batch))

        start = perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(CALLERS if at_once == 1 else 1):
                tasks.create_task(caller())
        return ADDS / (perf_counter() - start)


def adding() -> Iterator[Row]:
    for where, durable, target in (("in memory", False, 20_000), ("durable", True, 10_000)):
        best = list[float]()
        for how, at_once in (("by 100 callers", 1), ("in bulk", BULK)):
            few = [measured(partial(adds, queued=FEW, at_once=at_once), durable=durable)]
            few += [measured(partial(adds, queued=FEW, at_once=at_once), durable=durable)]
            many = [
                measured(partial(adds, queued=MANY, at_once=at_once), durable=durable)
                for _ in range(RUNS)
            ]
            what = f"operations added at {MANY:,} queued, {where}, {how}"
            yield Row(what, spread(many, ",.0f", "/s"))
            costs = [median(few) / one for one in many]
            yield at_most(f"the same: cost against {FEW:,} queued", costs, 2, " times")
            best = max(best, many, key=median) if best else many
        yield at_least(f"the better of the two, {where}", best, target, "/s")


# Whole cycles


async def cycles(path: Path | None, resources: int, *, seen: bool = False) -> float:
    """Of adding, asking, approving, starting and completing, a second; all at once."""
    names = robots(resources)
    async with plant(path, names, seen=seen) as works:
        until = perf_counter() + SECONDS
        done = 0

        async def work(robot: str) -> None:
            nonlocal done
            while perf_counter() < until:
                one = new()
                asked = works.next(one.id, Requested)
                await works.ask(robot, Add((one,)))
                await asked
                await works.ask(robot, Answer(one.id, 1, accepted=True), Complete(one.id))
                done += 1

        start = perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for robot in names:
                tasks.create_task(work(robot))
        return done / (perf_counter() - start)


async def queue_worked_off(path: Path | None, finished: int = 0) -> list[float]:
    """Cycles a second on one resource with a full queue, several times."""
    [robot] = robots(1)
    fill = partial(filled, robot=robot, finished=finished) if finished else None
    async with plant(path, [robot], fill=fill) as works:
        jobs = [new() for _ in range(30_000)]
        asked = {one.id: works.next(one.id, Requested) for one in jobs}
        for some in parts(jobs, 500):
            await works.ask(robot, Add(some))
        todo, rates = iter(jobs), list[float]()
        for _ in range(RUNS):
            start, done = perf_counter(), 0
            while (passed := perf_counter() - start) < SECONDS:
                id = next(todo).id
                await asked[id]
                await works.ask(robot, Answer(id, 1, accepted=True), Complete(id))
                done += 1
            rates.append(done / passed)
        for future in asked.values():
            future.cancel()
        works.heard.clear()
        return rates


def filled(journal: AnyJournal, robot: str, finished: int) -> None:
    """So many have ended there already."""
    codec, name = Codec([OPERATIONS]), f"{OPERATIONS.name}/{robot}"
    now, state = SystemClock().now(), lifecycle.initial()
    token = journal.claim_now(shard_of("depot", journal.shards))
    records: list[tuple[str, bytes]] = []

    def happen(intent: Any) -> None:  # noqa: ANN401
        facts = lifecycle.decide(state, intent, now)
        for fact in facts:
            lifecycle.evolve(state, fact)
        records.extend(codec.record(name, fact, now) for fact in facts)

    happen(Configure(Policy(ask=False)))
    for n in range(0, finished, 500):
        job = tuple(New(f"old-{n + m}", Work({}, now, job_id=f"job-{n}")) for m in range(500))
        happen(Add(job))
        for ids in left_of_job(state, f"job-{n}"):
            happen(CancelJob(f"job-{n}", ids))
    happen(StartResource())
    for some in parts(records, APPEND_LIMIT):
        journal.append_now(token, some)


async def appends_ms(path: Path | None) -> list[float]:
    """What the journal alone takes for a record, one after the other: a cycle waits for two."""
    journal: AnyJournal = SqliteJournal(path) if path else MemoryJournal()
    token, waits = await journal.claim(0), list[float]()
    until = perf_counter() + SECONDS
    while (begin := perf_counter()) < until:
        await journal.append(token, [(f"operations/depot/robot-1/op-{len(waits)}", b"1" * 430)])
        waits.append(1_000 * (perf_counter() - begin))
    if isinstance(journal, SqliteJournal):
        await journal.close()
    return waits


def wakes() -> str:
    return spread([wakes_us() for _ in range(RUNS)], ",.0f", " us")


def cycling() -> Iterator[Row]:
    what = "whole cycles, durable,"
    hundred = [measured(partial(cycles, resources=100), durable=True) for _ in range(RUNS)]
    yield at_least(f"{what} over 100 resources", hundred, 3_000, "/s")
    seen = [measured(partial(cycles, resources=100, seen=True), durable=True) for _ in range(RUNS)]
    yield at_least(f"{what} over 100 resources, with record and mirrors", seen, 3_000, "/s")
    thousand = [measured(partial(cycles, resources=1_000), durable=True) for _ in range(RUNS)]
    yield at_least(f"{what} over 1,000 resources", thousand, 3_000, "/s")
    one = measured(queue_worked_off, durable=True)
    yield at_least(f"{what} on one resource", one, 700, "/s")
    yield Row("two threads that wake each other, there and back", wakes())
    if CAN_CHOOSE_CPUS:
        with one_cpu():
            one = measured(queue_worked_off, durable=True)
            yield at_least(f"{what} on one resource, all threads on one CPU", one, 700, "/s")
            yield Row("two threads that wake each other, on one CPU", wakes())
    alone = [median(measured(appends_ms, durable=True)) for _ in range(RUNS)]
    yield Row("the journal alone, meanwhile: a record made durable", spread(alone, unit=" ms"))
    later = partial(queue_worked_off, finished=MANY)
    after = measured(later, durable=True)
    yield at_least(f"{what} on one resource, after {MANY:,} have finished", after, 700, "/s")


# Waiting


async def waits_ms(path: Path | None, resources: int = 1) -> tuple[list[float], list[float]]:
    """From an add to its start on an idle resource, and from an end to the next start."""
    names = robots(resources)
    idle, following = list[float](), list[float]()
    async with plant(path, names, Policy(ask=False)) as works:
        for n in range(WAITS):
            robot, first, second = names[n % resources], new(), new()
            started = works.next(first.id, Started)
            begin = perf_counter()
            adding = asyncio.ensure_future(works.ask(robot, Add((first,))))
            await started
            idle.append(1_000 * (perf_counter() - begin))
            await adding
            await works.ask(robot, Add((second,)))
            started = works.next(second.id, Started)
            begin = perf_counter()
            ending = asyncio.ensure_future(works.ask(robot, Complete(first.id)))
            await started
            following.append(1_000 * (perf_counter() - begin))
            await ending
            await works.ask(robot, Complete(second.id))
    return idle, following


def waiting() -> Iterator[Row]:
    for where, durable, limit in (("in memory", False, 2), ("durable", True, 5)):
        for resources in (1, 1_000):
            told = partial(waits_ms, resources=resources)
            found = [measured(told, durable=durable) for _ in range(RUNS)]
            many = f", {resources:,} resources" if resources > 1 else ""
            idle = [quantiles(one, n=100)[98] for one, _ in found]
            yield at_most(f"idle add to started, {where}{many}: p99", idle, limit, " ms")
            following = [quantiles(one, n=100)[98] for _, one in found]
            what = f"complete to next started, {where}{many}: p99"
            yield at_most(what, following, limit, " ms")


# Doing nothing


async def busy_percent(path: Path | None, queued: int = 10_000) -> float:
    """Of a core, while one goes on and others wait."""
    [robot] = robots(1)
    async with plant(path, [robot], Policy(ask=False, heartbeat=timedelta(minutes=5))) as works:
        first = new()
        await works.ask(robot, Add((first,)))
        for some in parts((new() for _ in range(queued)), 500):
            await works.ask(robot, Add(some))
        await asyncio.sleep(1)
        start = process_time()
        await asyncio.sleep(5)
        return 100 * (process_time() - start) / 5


def resting() -> Iterator[Row]:
    used = [measured(busy_percent, durable=True) for _ in range(RUNS)]
    yield at_most("processor with one active and 10,000 queued, durable", used, 1, " %")


def rows() -> Iterator[Row]:
    for part in (adding, cycling, waiting, resting):
        yield from part()


if __name__ == "__main__":
    show(rows())
