"""Operations on a journal in a file: all of a server but its doors."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pointsman.api.operations import Operations, operation_projections
from pointsman.journal.sqlite import SqliteJournal
from pointsman.operations import OPERATIONS
from pointsman.operations.intents import Add, Complete, Configure, New, StartResource
from pointsman.operations.model import Operation, Phase, Work
from pointsman.operations.policy import Policy
from pointsman.runtime.clock import SystemClock
from pointsman.runtime.engine import Engine
from pointsman.runtime.record import RecordKeeper, record_beside

SITE = "mill"
CREATED = datetime(2026, 1, 1, tzinfo=UTC)
AT_ONCE = Policy(ask=False, finished_kept=10)


@asynccontextmanager
async def opened(
    path: Path, resource_ids: Sequence[str] = ("robot-1",), policy: Policy = AT_ONCE
) -> AsyncIterator[Operations]:
    journal, record = SqliteJournal(path), record_beside(path)
    engine = Engine([OPERATIONS], journal, SystemClock())
    keeper = RecordKeeper(journal, record, projections=operation_projections(journal))
    resources = dict.fromkeys(resource_ids, SITE)
    try:
        with closing(Operations(engine, journal, keeper, record, resources)) as operations:
            operations.load(path)
            lives = (engine.run(), keeper.run(), operations.run())
            async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(life) for life in lives]
                for id in resource_ids:
                    await begin(operations, id, policy)
                    await operations.look(id)  # All of that is told.
                yield operations
                for life in running:
                    life.cancel()
    finally:
        await journal.close()


async def begin(operations: Operations, resource_id: str, policy: Policy) -> None:
    await operations.ask(resource_id, Configure(policy))
    if (await operations.look(resource_id)).header.running_since is None:
        await operations.ask(resource_id, StartResource())


def new(id: str, **also: Any) -> New:  # noqa: ANN401  Any field of Work.
    said: dict[str, Any] = {"payload": {}, "created_at": CREATED}
    return New(id, Work(**said | also))


async def add(operations: Operations, *ids: str, **also: Any) -> None:  # noqa: ANN401
    await operations.ask("robot-1", Add(tuple(new(id, **also) for id in ids)))


async def running(operations: Operations, id: str, resource_id: str = "robot-1") -> Operation:
    """Once it runs."""
    with operations.subscribe(resource_id) as events:
        operation = await operations.get(resource_id, id)
        while operation.phase is not Phase.RUNNING:
            event = await anext(events)
            if event.operation_id == id and event.operation:
                operation = event.operation
        return operation


async def finish(operations: Operations, *ids: str, resource_id: str = "robot-1") -> None:
    """Complete each, as soon as it runs."""
    for id in ids:
        await running(operations, id, resource_id)
        await operations.ask(resource_id, Complete(id))
