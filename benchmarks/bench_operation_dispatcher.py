"""What the library of operations costs a program: adding, whole cycles, waiting, doing nothing.

Nobody tunes the interpreter here, as a program that uses the library would not.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, sleep
from typing import Any, Final, TypeVar

from benchmarks.machine import CAN_CHOOSE_CPUS, one_cpu
from benchmarks.table import Row, at_least, at_most, show, spread
from pointsman.operation_dispatcher import (
    DispatchEvent,
    EventType,
    Operation,
    OperationDispatcher,
    OperationId,
)

Item = TypeVar("Item")
Measure = Callable[[Path | None], Any]
RUNS: Final = 3
FEW: Final = 1_000
MANY: Final = 100_000
BULK: Final = 900
"""As many as are added at once, at most."""
CALLERS: Final = 100
ADDS: Final = 9_000
ADDS_ONE_BY_ONE: Final = 1_000
"""Fewer, where each waits for the disk."""
CYCLES_SECONDS: Final = 3.0
WAITS: Final = 300
QUEUED: Final = 10_000
IDLE_SECONDS: Final = 5.0
SETTLING_SECONDS: Final = 1.0
SETTLED_SECONDS: Final = 0.01
"""Whoever uses no more of a processor in that time, is done."""
ROBOT: Final = "robot-1"
PLACES: Final = (("in memory", False), ("durable", True))


def operations(count: int, **also: Any) -> list[Operation]:  # noqa: ANN401  Any field.
    payload = {"task": "pickup", "from": "bay 4", "to": "dock 2", "load_kg": 12.5}
    return [Operation(resource_id=ROBOT, payload=payload, priority=1, **also) for _ in range(count)]


def parts(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while part := [*islice(rest, size)]:
        yield part


def measured(measure: Measure, *, durable: bool) -> Any:  # noqa: ANN401
    with TemporaryDirectory() as folder:
        return measure(Path(folder) / "cell.db" if durable else None)


@contextmanager
def filled(path: Path | None, queued: int, **also: Any) -> Iterator[OperationDispatcher]:  # noqa: ANN401
    """A dispatcher with so many in its queue."""
    with OperationDispatcher(ROBOT, journal=path, **also) as dispatcher:
        for some in parts(operations(queued), BULK):
            dispatcher.add_operations(some)
        settle(path)
        gc.collect()
        gc.freeze()
        try:
            yield dispatcher
        finally:
            gc.unfreeze()


def settle(path: Path | None) -> float:
    """Wait until the record has caught up with its journal, and say how many seconds that took."""
    start = perf_counter()
    while path is not None:
        used = process_time()
        sleep(SETTLING_SECONDS)
        if process_time() - used < SETTLED_SECONDS:
            break
    return perf_counter() - start


# Adding


def one_by_one(dispatcher: OperationDispatcher, new: Sequence[Operation]) -> None:
    for one in new:
        dispatcher.add(one)


def in_bulk(dispatcher: OperationDispatcher, new: Sequence[Operation]) -> None:
    for some in parts(new, BULK):
        dispatcher.add_operations(some)


def by_callers(dispatcher: OperationDispatcher, new: Sequence[Operation]) -> None:
    with ThreadPoolExecutor(CALLERS) as callers:
        for future in [callers.submit(dispatcher.add, one) for one in new]:
            future.result()


HOWS: Final = {"one by one": one_by_one, "by 100 threads": by_callers, "in bulk": in_bulk}


def adds(path: Path | None, queued: int, how: str, runs: int) -> list[float]:
    """Adds a second when so many are queued, several times."""
    waits = path is not None and how != "in bulk"
    rates = list[float]()
    with filled(path, queued) as dispatcher:
        for _ in range(runs):
            new = operations(ADDS_ONE_BY_ONE if waits else ADDS)
            start = perf_counter()
            HOWS[how](dispatcher, new)
            rates.append(len(new) / (perf_counter() - start))
    return rates


def adding() -> Iterator[Row]:
    for where, durable in PLACES:
        best = list[float]()
        for how in HOWS:
            few, many = (
                measured(lambda path: adds(path, queued, how, RUNS), durable=durable)  # noqa: B023
                for queued in (FEW, MANY)
            )
            yield Row(
                f"the library: adds at {MANY:,} queued, {where}, {how}", spread(many, ",.0f", "/s")
            )
            costs = [median(few) / one for one in many]
            yield at_most(f"the same: cost against {FEW:,} queued", costs, 2, " times")
            best = max(best, many, key=lambda rates: median(rates or [0.0]))
        yield at_least(f"the best of these, {where}", best, 10_000 if durable else 20_000, "/s")


# Whole cycles


class Machine:
    """Carries out at once what starts, on the thread of whoever calls `work`."""

    def __init__(self) -> None:
        self.started: SimpleQueue[OperationId] = SimpleQueue()

    def hear(self, event: DispatchEvent) -> None:
        if event.event_type is EventType.OPERATION_STARTED and event.operation_id is not None:
            self.started.put(event.operation_id)

    def next(self) -> OperationId:
        return self.started.get(timeout=30)


def approve(_: DispatchEvent) -> bool:
    return True


@contextmanager
def running(path: Path | None) -> Iterator[tuple[OperationDispatcher, Machine]]:
    machine = Machine()
    with OperationDispatcher(
        ROBOT,
        journal=path,
        on_request_callback=approve,
        on_notification_callback=machine.hear,
    ) as dispatcher:
        dispatcher.start()
        yield dispatcher, machine


def cycles(
    path: Path | None, finished: int = 0, settling: list[float] | None = None
) -> list[float]:
    """Of adding, asking, approving, starting and completing, a second; after so many."""
    if finished:
        finish(path, finished)
    rates = list[float]()
    with running(path) as (dispatcher, machine):
        seconds = settle(path)
        if settling is not None:
            settling.append(seconds)
        dispatcher.add_operations(operations(2))
        for _ in range(RUNS):
            start, done = perf_counter(), 0
            while (passed := perf_counter() - start) < CYCLES_SECONDS:
                dispatcher.add_operations(operations(1))
                dispatcher.complete_operation(machine.next())
                done += 1
            rates.append(done / passed)
    return rates


def finish(path: Path | None, count: int) -> None:
    """So many have ended in an earlier life."""
    with OperationDispatcher(ROBOT, journal=path) as dispatcher:
        for some in parts(operations(count, job_id="old"), BULK):
            dispatcher.add_operations(some)
            dispatcher.cancel_job("old")


def cycling() -> Iterator[Row]:
    what = "the library: whole cycles with a callback"
    for where, durable in PLACES:
        yield at_least(f"{what}, {where}", measured(cycles, durable=durable), 700, "/s")
        if CAN_CHOOSE_CPUS:
            with one_cpu():
                rates = measured(cycles, durable=durable)
                yield at_least(f"{what}, {where}, all threads on one CPU", rates, 700, "/s")
    settling = list[float]()
    after = measured(lambda path: cycles(path, MANY, settling), durable=True)
    late = f"the library: until its record has caught up with {MANY:,} that have finished"
    yield Row(late, spread(settling, unit=" s"))
    yield at_least(f"{what}, durable, after {MANY:,} have finished", after, 700, "/s")


# Waiting


def waits_ms(path: Path | None) -> tuple[list[float], list[float]]:
    """From an add to its start on an idle resource, and from an end to the next start."""
    idle, following = list[float](), list[float]()
    with running(path) as (dispatcher, machine):
        for _ in range(WAITS):
            [first], [second] = operations(1), operations(1)
            begin = perf_counter()
            dispatcher.add(first)
            machine.next()
            idle.append(1_000 * (perf_counter() - begin))
            dispatcher.add(second)
            begin = perf_counter()
            dispatcher.complete_operation(first.id)
            machine.next()
            following.append(1_000 * (perf_counter() - begin))
            dispatcher.complete_operation(second.id)
    return idle, following


def waiting() -> Iterator[Row]:
    for (where, durable), limit in zip(PLACES, (2, 5), strict=True):
        found = [measured(waits_ms, durable=durable) for _ in range(RUNS)]
        for what, place in (("idle add to started", 0), ("complete to next started", 1)):
            late = [quantiles(one[place], n=100)[98] for one in found]
            yield at_most(f"the library: {what}, {where}: p99", late, limit, " ms")
            half = [median(one[place]) for one in found]
            yield Row("the same: p50", spread(half, unit=" ms"))


# Doing nothing


def idle_percent(path: Path | None, queued: int) -> float:
    """Of a core, while one goes on and others wait, if there are any."""
    with running(path) as (dispatcher, machine):
        for some in parts(operations(queued), BULK):
            dispatcher.add_operations(some)
        if queued:
            machine.next()
        settle(path)
        sleep(1)
        start = process_time()
        sleep(IDLE_SECONDS)
        return 100 * (process_time() - start) / IDLE_SECONDS


def resting() -> Iterator[Row]:
    for what, queued in (("idle", 0), (f"with one active and {QUEUED:,} queued", QUEUED)):
        used = [
            measured(lambda path: idle_percent(path, queued), durable=True)  # noqa: B023
            for _ in range(RUNS)
        ]
        yield at_most(f"the library: processor {what}, durable", used, 1, " %")


def rows() -> Iterator[Row]:
    for part in (adding, cycling, waiting, resting):
        yield from part()


if __name__ == "__main__":
    show(rows())
