"""Dispatches on a journal in a file; as a program, it creates some until it is killed."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

from pointsman.api.dispatches import Dispatches, dispatch_projections
from pointsman.dispatches import DISPATCHES, IDS
from pointsman.dispatches.components import Target
from pointsman.dispatches.model import DispatchData
from pointsman.journal.sqlite import SqliteJournal
from pointsman.runtime.clock import SystemClock
from pointsman.runtime.engine import Engine
from pointsman.runtime.record import RecordKeeper, record_beside

DATA = DispatchData("charge", datetime(2100, 1, 1, tzinfo=UTC), Target((1,)))
CALLERS = 10


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Dispatches]:
    """All of a service but its door."""
    journal, record = SqliteJournal(path), record_beside(path)
    engine = Engine([DISPATCHES, IDS], journal, SystemClock())
    keeper = RecordKeeper(journal, record, projections=dispatch_projections())
    try:
        with closing(Dispatches(engine, journal, keeper, record)) as dispatches:
            async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
                lives = [tasks.create_task(life) for life in (engine.run(), keeper.run())]
                yield dispatches
                for life in lives:
                    life.cancel()
    finally:
        await journal.close()


def say(what: str, microgrid_id: int, dispatch_id: int) -> None:
    sys.stdout.write(f"{what} {microgrid_id} {dispatch_id}\n")
    sys.stdout.flush()


async def create_until_killed(path: Path) -> None:
    """Say each id once it is acknowledged, and delete every third of them."""

    async def call(microgrid_id: int) -> None:
        while True:
            dispatch = await dispatches.create(microgrid_id, DATA)
            say("created", microgrid_id, dispatch.id)
            if dispatch.id // 64 % 3 == 0:
                say("asked", microgrid_id, dispatch.id)
                await dispatches.delete(microgrid_id, dispatch.id)
                say("deleted", microgrid_id, dispatch.id)

    async with opened(path) as dispatches, asyncio.TaskGroup() as tasks:
        for n in range(CALLERS):
            tasks.create_task(call(1 + n % 3))


if __name__ == "__main__":
    asyncio.run(create_until_killed(Path(sys.argv[1])))
