"""What it costs to read the history of a resource of which a million operations have finished."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Final, NamedTuple

from benchmarks.table import Row, at_most, show, spread
from pointsman.api.operations import Operations, operation_projections
from pointsman.api.rest.server import serve_rest
from pointsman.config import Address
from pointsman.core.values import replace
from pointsman.journal import Cursor, Record
from pointsman.journal.sqlite import SqliteJournal
from pointsman.operations import OPERATIONS, resource_id
from pointsman.operations.facts import Added, Completed
from pointsman.operations.model import Ending, Operation, Phase, Work
from pointsman.runtime.clock import SystemClock
from pointsman.runtime.codec import Codec
from pointsman.runtime.engine import Engine
from pointsman.runtime.loading import keep_what_is_loaded, unfrozen
from pointsman.runtime.operation_pages import Window
from pointsman.runtime.record import RecordKeeper, record_beside
from pointsman.runtime.record_file import RecordFile
from pointsman.runtime.turns import short_turns

FINISHED: Final = 1_000_000
BATCH: Final = 1_000
"""Operations that are written at once."""
READS: Final = 100
PAGE: Final = 1_000
SITE: Final = "mill"
ROBOT: Final = "robot-1"
EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
HISTORY: Final = f"/operations/history?limit={PAGE}"


class Times(NamedTuple):
    """In milliseconds, of each reading."""

    passed: list[float]
    busy: list[float]
    """All that the processor did meanwhile, for whoever asked too."""


def lived(number: int) -> Iterator[Added | Completed]:
    """One operation a second, from its queue to its end."""
    at = EPOCH + number * SECOND
    work = Work({"part": number, "to": "press"}, at, planned_duration=SECOND, job_id="day")
    queued = Operation(f"{number:032x}", number, work, at)
    started = replace(queued, phase=Phase.RUNNING, revision=3, attempt=1, start_time=at)
    ending = Ending(Phase.COMPLETED, result={"parts": 1})
    yield Added(queued)
    done = replace(started, phase=Phase.COMPLETED, revision=4, ending=ending, finish_time=at)
    yield Completed(done, Phase.RUNNING)


def write(journal: SqliteJournal, record: Path, finished: int) -> None:
    """A record as if its keeper had written it, of a journal that has forgotten all of it."""
    codec, entity = Codec([OPERATIONS]), f"{OPERATIONS.name}/{resource_id(SITE, ROBOT)}"
    place = 0
    file = RecordFile(record, journal.id, operation_projections(journal))
    for start in range(1, finished + 1, BATCH):
        entries: list[tuple[Cursor, Record]] = []
        for number in range(start, start + BATCH):
            for fact in lived(number):
                place += 1
                key, data = codec.record(entity, fact, EPOCH + number * SECOND)
                entries.append((Cursor(str(place)), Record(0, place, key, data)))
        file.add(entries)
    file.close()


@asynccontextmanager
async def opened(folder: Path, finished: int) -> AsyncIterator[Operations]:
    """All of a server but its doors."""
    path = folder / f"{finished}.db"
    journal, record = SqliteJournal(path), record_beside(path)
    write(journal, record, finished)
    engine = Engine([OPERATIONS], journal, SystemClock())
    keeper = RecordKeeper(journal, record, projections=operation_projections(journal))
    with (
        closing(Operations(engine, journal, keeper, record, {ROBOT: SITE})) as operations,
        short_turns(),
        unfrozen(),
    ):
        async with asyncio.TaskGroup() as tasks:
            lives = [tasks.create_task(one.run()) for one in (engine, keeper, operations)]
            await engine.ready()
            keep_what_is_loaded()
            yield operations
            for life in lives:
                life.cancel()
    await journal.close()


@asynccontextmanager
async def over_rest(operations: Operations) -> AsyncIterator[Callable[[str], Awaitable[bytes]]]:
    """What a GET answers, asked over one connection."""
    address = Address("127.0.0.1", 0)
    async with serve_rest(operations, address, keys=None, tls=None, clock=SystemClock()) as port:
        with closing(HTTPConnection("127.0.0.1", port)) as connection:

            def get(path: str) -> bytes:
                connection.request("GET", path)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != HTTPStatus.OK:
                    raise RuntimeError(f"{path} was answered with {answer.status}: {body!r}")
                return body

            yield lambda path: asyncio.to_thread(get, path)


async def timed(read: Callable[[], Awaitable[object]]) -> Times:
    """The first reading left out."""
    times = Times([], [])
    await read()
    for _ in range(READS):
        begun, busy = perf_counter(), process_time()
        await read()
        times.passed.append((perf_counter() - begun) * 1e3)
        times.busy.append((process_time() - busy) * 1e3)
    return times


async def measure() -> list[Row]:
    dice, seconds = Random(1), FINISHED

    def window() -> Window:
        """An hour at any time."""
        since = EPOCH + dice.randrange(seconds) * SECOND
        return Window(PAGE, since, since + 3_600 * SECOND)

    def anybody() -> str:
        return f"{dice.randrange(1, FINISHED):032x}"

    with TemporaryDirectory() as folder:
        async with opened(Path(folder), FINISHED) as operations:
            last = await timed(lambda: operations.events(ROBOT, Window(PAGE)))
            hour = await timed(lambda: operations.events(ROBOT, window()))
            onwards = await timed(
                lambda: operations.events(ROBOT, Window(PAGE, after=dice.randrange(2 * seconds)))
            )
            ended = await timed(lambda: operations.ended(ROBOT, Window(PAGE)))
            one = await timed(lambda: operations.get(ROBOT, anybody()))
            async with over_rest(operations) as get:
                whole = await timed(lambda: get(HISTORY))
                short = await timed(lambda: get("/dispatcher"))
    what = f"of a resource with {FINISHED:,} finished"
    return [
        at_most(f"`GET history?limit={PAGE}` {what}", whole.passed, 50, " ms"),
        Row("the same: processor time, the client's too", spread(whole.busy, unit=" ms")),
        at_most(f"the last {PAGE:,} events {what}", last.passed, 50, " ms"),
        at_most(f"the last {PAGE:,} events of any hour {what}", hour.passed, 50, " ms"),
        at_most(f"{PAGE:,} events after any other {what}", onwards.passed, 50, " ms"),
        at_most(f"the last {PAGE:,} operations that ended {what}", ended.passed, 50, " ms"),
        at_most(f"an operation that is long forgotten {what}", one.passed, 5, " ms"),
        Row("`GET dispatcher` on a connection that is kept", spread(short.passed, unit=" ms")),
    ]


def rows() -> Iterator[Row]:
    yield from asyncio.run(measure())


if __name__ == "__main__":
    show(rows())
