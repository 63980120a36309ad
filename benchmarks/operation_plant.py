"""A plant for the benchmarks of operations: resources that run on an engine, and who listens."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias, TypeVar

from pointsman.api.operations import Operations, operation_projections
from pointsman.journal.memory import MemoryJournal
from pointsman.journal.sqlite import SqliteJournal
from pointsman.operations import OPERATIONS, resource_id
from pointsman.operations.facts import AboutOperation
from pointsman.operations.intents import Configure, New, StartResource
from pointsman.operations.model import Work
from pointsman.operations.policy import Policy
from pointsman.runtime.clock import SystemClock
from pointsman.runtime.engine import Engine
from pointsman.runtime.follow import follow
from pointsman.runtime.record import RecordKeeper, record_beside
from pointsman.runtime.turns import short_turns

Item = TypeVar("Item")
AnyJournal: TypeAlias = MemoryJournal | SqliteJournal
EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
PATIENT: Final = Policy(answer_within=timedelta(days=1))
NUMBERS: Final = count()


def new() -> New:
    payload = {"task": "pickup", "from": "bay 4", "to": "dock 2", "load_kg": 12.5}
    return New(f"op-{next(NUMBERS):08}", Work(payload, EPOCH, priority=1))


def parts(items: Iterable[Item], size: int) -> Iterator[tuple[Item, ...]]:
    rest = iter(items)
    while part := tuple(islice(rest, size)):
        yield part


def robots(number: int) -> list[str]:
    return [resource_id("depot", f"robot-{n}") for n in range(number)]


@dataclass
class Plant:
    """An engine, and whoever waits for a fact about an operation."""

    engine: Engine
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    heard: dict[tuple[str, type[AboutOperation]], "asyncio.Future[Any]"] = field(
        default_factory=dict
    )

    async def ask(self, robot: str, *intents: Any) -> None:  # noqa: ANN401
        for intent in intents:
            await self.engine.submit(OPERATIONS, robot, intent)

    def next(self, id: str, fact: type[AboutOperation]) -> "asyncio.Future[Any]":
        """Comes true when the fact is heard, as a driver hears it."""
        future = self.heard[id, fact] = self.loop.create_future()
        return future

    async def listen(self, journal: AnyJournal) -> None:
        async for _, happened in follow(journal, [OPERATIONS], await journal.end()):
            fact = happened.fact
            if isinstance(fact, AboutOperation):
                future = self.heard.pop((fact.operation.id, type(fact)), None)
                if future is not None:
                    future.set_result(fact)


@asynccontextmanager
async def plant(
    path: Path | None,
    resources: Sequence[str],
    policy: Policy = PATIENT,
    fill: Callable[[AnyJournal], None] | None = None,
    *,
    heard: bool = True,
    seen: bool = False,
) -> AsyncIterator[Plant]:
    """Resources that run, in memory or in a file at `path`. `seen`: with mirrors and a record, as
    `serve` has them.
    """
    journal: AnyJournal = SqliteJournal(path) if path else MemoryJournal()
    if fill is not None:
        fill(journal)
    works = Plant(Engine([OPERATIONS], journal, SystemClock()))
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        helpers = [tasks.create_task(works.engine.run())]
        await works.engine.ready()
        if seen and path:
            keeper, operations = seen_by(works.engine, journal, path, resources)
            stack.enter_context(closing(operations))
            helpers += [tasks.create_task(one.run()) for one in (keeper, operations)]
        if heard:
            helpers.append(tasks.create_task(works.listen(journal)))
        for robot in resources:
            await works.ask(robot, Configure(policy))
            if fill is None:
                await works.ask(robot, StartResource())
        gc.collect()
        gc.freeze()
        yield works
        for helper in helpers:
            helper.cancel()
    gc.unfreeze()
    if isinstance(journal, SqliteJournal):
        await journal.close()


def seen_by(
    engine: Engine, journal: AnyJournal, path: Path, resources: Sequence[str]
) -> tuple[RecordKeeper, Operations]:
    """The record and the mirrors of these resources."""
    record, sites = record_beside(path), dict(one.split("/")[::-1] for one in resources)
    keeper = RecordKeeper(journal, record, projections=operation_projections(journal))
    return keeper, Operations(engine, journal, keeper, record, sites)


def measured(story: Callable[[Path | None], Any], *, durable: bool) -> Any:  # noqa: ANN401
    """What a story tells, played once."""
    with TemporaryDirectory() as folder, short_turns():
        return asyncio.run(story(Path(folder) / "journal.db" if durable else None))
