"""Who waits for the record to catch up finds in it all that was durable when they asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from time import perf_counter

import pytest

from pointsman.core.entity import Forgotten
from pointsman.journal import Token, Unknown
from pointsman.journal.sqlite import SqliteJournal
from pointsman.runtime import record
from pointsman.runtime.record import RecordKeeper, RecordReader, record_beside
from tests.unit.runtime.test_record import Book, life


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[Book]:
    book = Book(tmp_path / "journal.db")
    yield book
    await book.journal.close()


@asynccontextmanager
async def kept(book: Book) -> AsyncIterator[RecordKeeper]:
    keeper = RecordKeeper(book.journal, book.record)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(keeper.run())
        yield keeper
        task.cancel()


async def test_it_holds_all_that_was_written_before_however_it_was_at_work(book: Book) -> None:
    async with kept(book) as keeper:
        await keeper.caught_up()
        for n in range(1, 40):
            await book.write(life(f"job-{n}")[: 1 + n % 3])
            await keeper.caught_up()
            assert len(book.held()) == book.written


async def test_many_may_wait_at_once_while_others_write(book: Book) -> None:
    async with kept(book) as keeper, asyncio.TaskGroup() as tasks:

        async def write() -> None:
            for n in range(60):
                await book.write(life(f"job-{n}"))

        async def look() -> None:
            for _ in range(20):
                before = book.written
                await keeper.caught_up()
                assert len(book.held()) >= before

        tasks.create_task(write())
        for _ in range(5):
            tasks.create_task(look())


async def test_nobody_waits_for_a_batch_to_gather(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "GATHER_SECONDS", 30.0)
    async with kept(book) as keeper:
        begun = perf_counter()
        for n in range(5):
            await book.write(life(f"job-{n}"))
            await keeper.caught_up()
        assert perf_counter() - begun < 10


async def test_claims_and_endings_hold_nobody_up(book: Book) -> None:
    """Neither is a fact, and either may be what came last."""
    async with kept(book) as keeper:
        await book.write([*life("lift"), Forgotten("lift")])
        await keeper.caught_up()
        await book.journal.claim(9)
        await keeper.caught_up()
    assert len(book.held()) == 3


async def test_an_empty_journal_has_nothing_to_wait_for(book: Book) -> None:
    async with kept(book) as keeper:
        await keeper.caught_up()
        assert book.record.exists(), "whoever reads it finds it"


async def test_a_keeper_that_has_ended_says_so(book: Book) -> None:
    async with kept(book) as keeper:
        await keeper.caught_up()
    await keeper.caught_up()
    await book.write(life("lift"))
    with pytest.raises(Unknown, match="the record is not kept any more"):
        await keeper.caught_up()


async def test_who_waits_when_it_ends_hears_of_it(book: Book) -> None:
    book.record.mkdir()
    keeper = RecordKeeper(book.journal, book.record)
    async with asyncio.timeout(20):
        waiting = asyncio.ensure_future(keeper.caught_up())
        await asyncio.sleep(0)
        with pytest.raises(Exception, match="cannot be opened"):
            await keeper.run()
        with pytest.raises(Unknown):
            await waiting


async def test_what_another_process_wrote_is_waited_for_too(tmp_path: Path) -> None:
    """As a journal's owner may have been replaced a moment ago."""
    book, other = Book(tmp_path / "journal.db"), SqliteJournal(tmp_path / "journal.db")
    async with kept(book) as keeper:
        token: Token = await other.claim(3)
        await other.append(token, [("queues/caltech/robot-1/x", b"{}")])
        await keeper.caught_up()
        assert len(book.held()) == 1
    await other.close()
    await book.journal.close()
    with closing(RecordReader(book.path)) as reader:
        assert [(row.fact, row.data) for row in reader.facts()] == [("", b"{}")]
    assert record_beside(book.path) == book.record
