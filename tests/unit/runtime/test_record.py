"""The record holds every fact once, and a reader never misses what it has not got yet."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pointsman.core.entity import Forgotten
from pointsman.journal import START, JournalUnreadable, Token
from pointsman.journal.sqlite import SqliteJournal
from pointsman.journal.sqlite_reader import SqliteReader
from pointsman.runtime.codec import Codec
from pointsman.runtime.record import RecordKeeper, RecordReader, record_beside
from tests.queues import QUEUES
from tests.queues.model import Added, Fact, Finished, Operation, Started

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ROBOT, OTHER = "queues/caltech/robot-1", "queues/caltech/robot-2"
CODEC = Codec([QUEUES])
LIFE = ["Added", "Started", "Finished"]


def minute(n: int) -> datetime:
    return NOON + timedelta(minutes=n)


def life(id: str) -> list[Fact]:
    operation = Operation(id, NOON)
    return [Added(operation), Started(operation), Finished(operation, minute(60))]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  Another thread makes it true.
            await asyncio.sleep(0.01)


class Book:
    """A journal file, and the facts that a test writes to it: one a minute."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record = record_beside(path)
        self.journal = SqliteJournal(path)
        self.written = 0
        self.token: Token | None = None

    async def write(self, facts: Sequence[Fact], entity: str = ROBOT) -> None:
        token = self.token = self.token or await self.journal.claim(3)
        for fact in facts:
            await self.journal.append(token, [CODEC.record(entity, fact, minute(self.written))])
            self.written += 1

    @asynccontextmanager
    async def kept(self, *, forget_seconds: float = 300) -> AsyncIterator[None]:
        """A keeper is at work inside."""
        keeper = RecordKeeper(self.journal, self.record, forget_seconds=forget_seconds)
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            task = tasks.create_task(keeper.run())
            yield
            task.cancel()

    async def keep(self, count: int) -> None:
        """Keep the record until it holds `count` facts."""
        async with self.kept():
            await self.until_held(count)

    async def until_held(self, count: int) -> None:
        await until(lambda: len(self.held()) >= count)

    def held(self) -> list[str]:
        """What the record alone knows."""
        if not self.record.exists():
            return []
        with closing(sqlite3.connect(self.record)) as db:
            tables = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'fact'").fetchone()
            return [f for (f,) in db.execute("SELECT fact FROM fact")] if tables else []

    def names(self, **asked: Any) -> list[str]:  # noqa: ANN401
        with closing(RecordReader(self.path)) as reader:
            return [f"{row.thing} {row.fact}" for row in reader.facts(**asked)]


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[Book]:
    book = Book(tmp_path / "journal.db")
    yield book
    await book.journal.close()


async def test_a_keeper_writes_every_fact_once_although_it_is_stopped_at_times(book: Book) -> None:
    for n in range(1, 4):
        await book.write(life(f"job-{n}"))
        await book.keep(3 * n)
    assert book.held() == 3 * LIFE


async def test_a_record_that_was_deleted_is_made_anew(book: Book) -> None:
    await book.write(life("lift"))
    await book.keep(3)
    for file in book.record.parent.glob("journal.db.record*"):
        file.unlink()
    await book.keep(3)
    assert book.held() == LIFE


async def test_a_record_of_another_journal_is_made_anew(book: Book, tmp_path: Path) -> None:
    other = Book(tmp_path / "other.db")
    await other.write(life("turn") + life("lift"))
    await other.keep(6)
    await other.journal.close()
    await book.write(life("lift"))
    other.record.replace(book.record)
    assert book.names() == ["lift Added", "lift Started", "lift Finished"]
    async with book.kept():
        await asyncio.sleep(0.2)
    assert book.held() == LIFE


async def test_something_else_in_the_place_of_the_record_is_one_clear_line(book: Book) -> None:
    book.record.write_text("no database at all, but long enough to be read as one" * 50)
    with pytest.raises(ExceptionGroup) as failure:
        async with book.kept():
            await asyncio.sleep(5)
    [error] = failure.value.exceptions
    assert isinstance(error, JournalUnreadable)
    assert str(error).endswith("delete it, and it is made anew")


@pytest.mark.parametrize("held", [0, 3, 4, 6])
@pytest.mark.parametrize("newest_first", [False, True])
async def test_a_reader_sees_all_whatever_the_record_holds(
    book: Book, held: int, *, newest_first: bool
) -> None:
    facts = life("lift") + life("turn")
    if held:
        await book.write(facts[:held])
        await book.keep(held)
    await book.write(facts[held:])
    everything = [f"{id} {name}" for id in ("lift", "turn") for name in LIFE]
    in_order = everything[::-1] if newest_first else everything
    assert book.names(newest_first=newest_first) == in_order
    assert book.names(newest_first=newest_first, limit=5) == in_order[:5]
    with closing(RecordReader(book.path)) as reader:
        for place, row in enumerate(reader.facts(newest_first=newest_first), start=1):
            rest = book.names(newest_first=newest_first, after=row.cursor)
            assert rest == in_order[place:]


@pytest.mark.parametrize("held", [0, 6])
async def test_a_reader_filters(book: Book, held: int) -> None:
    await book.write(life("lift"))
    await book.write(life("lift"), entity=OTHER)
    if held:
        await book.keep(held)
    assert len(book.names(entity=OTHER)) == 3
    assert len(book.names(thing="lift")) == 6
    assert book.names(entity=ROBOT, thing="lift", names=["Started"]) == ["lift Started"]
    assert book.names(names=["Added", "Finished"], since=minute(1), until=minute(5)) == [
        "lift Finished",
        "lift Added",
    ]
    assert book.names(entity=ROBOT, thing="") == []


async def test_a_row_is_the_fact(book: Book) -> None:
    await book.write(life("lift"))
    await book.keep(2)
    with closing(RecordReader(book.path)) as reader:
        rows = list(reader.facts())
    assert [CODEC.decode(row.key, row.data).fact for row in rows] == life("lift")
    assert [row.at for row in rows] == [minute(0), minute(1), minute(2)]
    assert {(row.shard, row.entity) for row in rows} == {(3, ROBOT)}


async def test_the_journal_forgets_what_the_record_holds_and_the_record_does_not(
    book: Book,
) -> None:
    async with book.kept(forget_seconds=0):
        await book.write([*life("lift"), Forgotten("lift"), *life("turn")])
        await book.until_held(6)
        await book.write(life("again"))  # With this batch, all before it may go.
        await book.until_held(9)
        await asyncio.sleep(0.2)
    with closing(SqliteReader(book.path)) as reader:
        things = [record.key.split("/")[-1] for _, record in reader.after_now(START)]
    assert "lift" not in things
    assert book.names(thing="lift") == ["lift Added", "lift Started", "lift Finished"]


async def test_what_is_dropped_while_somebody_reads_is_still_read(book: Book) -> None:
    await book.write(life("lift"))
    await book.keep(3)
    await book.write([*life("turn"), Forgotten("turn"), *life("last")])
    with closing(RecordReader(book.path)) as reader:
        rows = reader.facts()
        first = next(rows)
        await book.keep(9)
        await book.journal.forget(await book.journal.end())
        assert [first.fact, *(row.fact for row in rows)] == 3 * LIFE


async def test_a_reader_of_no_journal_says_so(tmp_path: Path) -> None:
    with pytest.raises(JournalUnreadable, match="there is no journal at"):
        RecordReader(tmp_path / "none.db")


async def test_two_owners_that_meet_write_the_same_record_once(book: Book) -> None:
    await book.write(life("lift"))
    async with book.kept(), book.kept():
        await book.until_held(3)
        await book.write(life("turn"))
        await book.until_held(6)
    assert book.held() == LIFE * 2
