"""All that happened to one entity, and nothing else, and only as far as it is asked for."""

import asyncio
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pointsman.core.entity import Forgotten
from pointsman.journal import Token
from pointsman.journal.memory import MemoryJournal
from pointsman.journal.sqlite import SqliteJournal
from pointsman.runtime.codec import Codec, UnknownFact
from pointsman.runtime.history import recorded, remembered
from pointsman.runtime.record import RecordKeeper, RecordReader, record_beside
from tests.queues import QUEUES
from tests.queues.model import Added, Operation

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FACTS = [Added(Operation(id, NOON)) for id in "abc"]
ROBOT, OTHER = "caltech/robot-1", "caltech/robot-2"


def lines(*facts: Any, id: str = ROBOT) -> list[tuple[str, bytes]]:  # noqa: ANN401
    codec = Codec([QUEUES])
    return [codec.record(f"queues/{id}", fact, NOON) for fact in facts]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two facts of one robot, and one of another between them."""
    journal = SqliteJournal(tmp_path / "journal.db")
    token = journal.claim_now(3)
    journal.append_now(token, lines(FACTS[0]))
    journal.append_now(token, lines(FACTS[1], id=OTHER))
    journal.append_now(token, lines(FACTS[2]))
    journal.close_now()
    return tmp_path / "journal.db"


def test_it_is_of_one_entity_oldest_first(path: Path) -> None:
    found = list(recorded(path, QUEUES, ROBOT))
    assert [one.fact for one in found] == [FACTS[0], FACTS[2]]
    assert {one.entity for one in found} == {f"queues/{ROBOT}"}


async def test_what_only_the_record_still_holds_is_part_of_it(path: Path) -> None:
    journal = SqliteJournal(path)
    token = await journal.claim(3)
    await journal.append(token, lines(Forgotten("a")))
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(RecordKeeper(journal, record_beside(path)).run())
        async with asyncio.timeout(10):
            while len(_rows(path)) < len(FACTS):  # noqa: ASYNC110  Another thread writes.
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        keeping.cancel()
    assert await journal.forget(await journal.end()) > 0
    await journal.close()
    assert [one.fact for one in recorded(path, QUEUES, ROBOT)] == [FACTS[0], FACTS[2]]


def _rows(path: Path) -> list[object]:
    record = record_beside(path)
    if not record.exists():
        return []
    with closing(RecordReader(path)) as reader:
        return list(reader.facts())


def test_it_is_read_as_it_is_asked_for(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.append_now(journal.claim_now(3), [(f"queues/{ROBOT}/x", _unreadable())])
    journal.close_now()
    with closing(recorded(path, QUEUES, ROBOT)) as found:
        assert [next(found).fact, next(found).fact] == [FACTS[0], FACTS[2]]
        with pytest.raises(UnknownFact):
            next(found)


def _unreadable() -> bytes:
    return b'{"fact":"Added","version":99,"at":"2026-01-01T12:00:00Z","value":{}}'


async def journal_in_memory(*appends: list[tuple[str, bytes]]) -> MemoryJournal:
    journal = MemoryJournal()
    token: Token = await journal.claim(3)
    for records in appends:
        await journal.append(token, records)
    return journal


async def test_in_memory_it_ends_with_what_is_there_now() -> None:
    journal = await journal_in_memory(lines(FACTS[0]), lines(FACTS[1], id=OTHER), lines(FACTS[2]))
    async with asyncio.timeout(1):
        found = [one.fact async for one in remembered(journal, QUEUES, ROBOT)]
    assert found == [FACTS[0], FACTS[2]]


async def test_it_ends_although_the_last_that_happened_was_to_forget() -> None:
    journal = await journal_in_memory(lines(FACTS[0]), lines(Forgotten("a")))
    async with asyncio.timeout(1):
        found = [one.fact async for one in remembered(journal, QUEUES, ROBOT)]
    assert found == [FACTS[0]], "which did happen"


async def test_nothing_has_happened_in_an_empty_journal() -> None:
    async with asyncio.timeout(1):
        journal = await journal_in_memory()
        assert [one async for one in remembered(journal, QUEUES, ROBOT)] == []
