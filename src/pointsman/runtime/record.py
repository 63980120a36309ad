"""The record: all that ever happened, for those who ask what, when and why.

    journal --tail--> RecordKeeper --batches--> FILE.record --RecordReader--> history, reports
                          |
                          +--forget--> journal: drops what is past, as the record holds it

The journal stays the only truth: a record that was deleted is made anew from what the journal
still holds, and a reader adds what the record has not got yet.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from pointsman.journal import Cursor, Journal, Record, Unknown
from pointsman.journal.sqlite_reader import SqliteReader
from pointsman.runtime.projection import Projection
from pointsman.runtime.record_file import RecordFile, RecordView, Row, Wanted, row_of

GATHER_SECONDS: Final = 0.05
"""How long a batch gathers. A record is about this far behind its journal."""
BATCH: Final = 5_000
FORGET_SECONDS: Final = 300.0
"""How often the journal is told what it may drop."""

Result = TypeVar("Result")


def record_beside(journal: Path) -> Path:
    """Where the record of a journal file is."""
    return journal.with_name(f"{journal.name}.record")


class RecordKeeper:
    """Follows the journal and writes the record, on a thread of its own. Only the owner does."""

    def __init__(
        self,
        journal: Journal,
        path: Path,
        *,
        projections: Sequence[Projection] = (),
        forget_seconds: float = FORGET_SECONDS,
    ) -> None:
        self._journal = journal
        self._path = path
        self._projections = projections
        self._forget_seconds = forget_seconds
        self._coming: asyncio.Queue[tuple[Cursor, Record]] = asyncio.Queue(2 * BATCH)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="record")
        self._file: RecordFile | None = None
        self._held: Cursor | None = None
        """What of the journal the record holds: all up to here. None: it is not open yet."""
        self._hurry = asyncio.Event()
        """Somebody waits for what is gathering."""
        self._written = asyncio.Event()
        """Rings once, for those who wait for the next batch to be written."""
        self._ended = False

    async def run(self) -> None:
        """Keep the record until cancelled. What was not written yet is written next time.

        Raises:
            JournalUnreadable: If something else is where the record should be.
        """
        with self._thread:
            try:
                file = await self._on_thread(self._open)
                self._has(file.cursor)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._gather(file.cursor))
                    tasks.create_task(self._write(file))
            finally:
                self._end()
                self._thread.submit(self._close)

    async def caught_up(self) -> None:
        """Return once the record holds all that was durable when this was asked.

        Raises:
            Unknown: If the record is not kept any more.
        """
        end = await self._journal.end()
        while self._held is None or not self._journal.reached(self._held, end):
            if self._ended:
                raise Unknown("the record is not kept any more: ask whoever owns the journal now")
            self._hurry.set()
            await self._written.wait()

    def _open(self) -> RecordFile:
        self._file = RecordFile(self._path, self._journal.id, self._projections)
        return self._file

    def _close(self) -> None:
        """Whoever waited for its opening may be gone by then."""
        if self._file is not None:
            self._file.close()

    def _has(self, cursor: Cursor) -> None:
        self._held = cursor
        self._ring()

    def _end(self) -> None:
        self._ended = True
        self._ring()

    def _ring(self) -> None:
        written, self._written = self._written, asyncio.Event()
        written.set()

    async def _gather(self, cursor: Cursor) -> None:
        async for entry in self._journal.tail(cursor):
            await self._coming.put(entry)

    async def _write(self, file: RecordFile) -> None:
        now = asyncio.get_running_loop().time
        forget_at = now() + self._forget_seconds
        while True:
            batch = [await self._coming.get()]
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_SECONDS):
                    await self._hurry.wait()
            self._hurry.clear()
            while len(batch) < BATCH and not self._coming.empty():
                batch.append(self._coming.get_nowait())
            await self._on_thread(partial(file.add, batch))
            self._has(file.cursor)
            if now() >= forget_at:
                await self._journal.forget(await self._on_thread(file.make_durable))
                forget_at = now() + self._forget_seconds

    async def _on_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


class RecordReader:
    """What happened, read beside a running owner or without one. Writes nothing."""

    def __init__(self, journal: Path, record: Path | None = None) -> None:
        """Open the journal at this path, and its record if there is one: `record`, or beside it.

        Raises:
            JournalUnreadable: If there is no journal, or none that this release reads.
        """
        self.journal = SqliteReader(journal)
        self._record = record or record_beside(journal)

    def close(self) -> None:
        self.journal.close()

    def facts(
        self,
        entity: str | None = None,
        thing: str | None = None,
        names: Sequence[str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        newest_first: bool = False,
        after: Cursor | None = None,
        limit: int | None = None,
    ) -> Iterator[Row]:
        """The facts that fit, in the order they were journaled, as of the first one's reading.

        `entity` is `kind/site/name`, `thing` a thing of it as in its key, `names` are those of
        the facts' classes, `until` excludes its instant. `after` is the cursor of the last row
        of the page before. Close the iterator, or read it to its end.

        Raises:
            JournalUnreadable: If the journal is damaged.
        """
        wanted = Wanted(entity, thing, names, since, until)
        return islice(self._rows(wanted, after, newest_first=newest_first), limit)

    def _rows(self, wanted: Wanted, after: Cursor | None, *, newest_first: bool) -> Iterator[Row]:
        """The journal's moment comes first: what it drops later, the record of then has got."""
        with (
            closing(SqliteReader(self.journal.path)) as journal,
            journal.snapshot(),
            closing(RecordView(self._record, journal.id)) as record,
        ):
            number = record.number_of(after) if after else None
            held = partial(record.rows, wanted, number, newest_first=newest_first)
            if newest_first:
                if number is None:
                    yield from filter(wanted.fits, _backwards(journal, record.cursor, after))
                yield from held()
            else:
                if number is not None or not after:
                    yield from held()
                start = record.cursor if number is not None or not after else after
                yield from filter(wanted.fits, _onwards(journal, start))


def _onwards(journal: SqliteReader, cursor: Cursor) -> Iterator[Row]:
    """What the journal has after `cursor`."""
    while page := journal.after_now(cursor):
        cursor = page[-1][0]
        yield from (row for entry in page if (row := row_of(*entry)))


def _backwards(journal: SqliteReader, until: Cursor, before: Cursor | None) -> Iterator[Row]:
    """What the journal has before `before` and after `until`, newest first."""
    while page := journal.before_now(until, before):
        before = page[-1][0]
        yield from (row for entry in page if (row := row_of(*entry)))
