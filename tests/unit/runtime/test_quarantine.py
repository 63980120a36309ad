"""What cannot be read is set apart and said to be so, and all else goes on."""

import asyncio
import json
import logging
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pointsman.dispatches import DISPATCHES, IDS, dispatches_id
from pointsman.dispatches.components import Target
from pointsman.dispatches.facts import Created, Deleted, Updated
from pointsman.dispatches.intents import Update
from pointsman.dispatches.model import Dispatch, DispatchData
from pointsman.dispatches.views import Query
from pointsman.journal.sqlite import SqliteJournal
from pointsman.runtime.clock import SystemClock
from pointsman.runtime.codec import Codec, UnknownFact
from pointsman.runtime.dispatch_pages import DispatchPages
from pointsman.runtime.dispatch_table import DispatchTable
from pointsman.runtime.engine import Engine
from pointsman.runtime.follow import follow
from pointsman.runtime.record import RecordKeeper, RecordReader, record_beside
from tests.queues import QUEUES

NOON = datetime(2100, 1, 1, 12, tzinfo=UTC)
ENTITY = f"{DISPATCHES.name}/{dispatches_id(7)}"
CODEC = Codec([DISPATCHES])
SHARD = 3
TARGET = '"target":{"ids":[1]}'
BROKEN = {
    "an unknown fact": ('"Created"', '"Invented"'),
    "an unknown version": ('"version":1', '"version":99'),
    "broken JSON": ('"value":', '"value"'),
    "no object": ("{", "["),
    "an empty target": ('"ids":[1]', '"ids":[]'),
    "an unknown frequency": (TARGET, TARGET + ',"recurrence":{"frequency":"NEVERLY"}'),
    "an interval of nothing": (
        TARGET,
        TARGET + ',"recurrence":{"frequency":"DAILY","interval":0}',
    ),
    "an hour that no day has": (
        TARGET,
        TARGET + ',"recurrence":{"frequency":"DAILY","hours":[24]}',
    ),
    "an instant without a zone": (
        '"start_time":"2100-01-01T12:00:00Z"',
        '"start_time":"2100-01-01T12:00:00"',
    ),
    "a fact without a zone": ('"at":"2100-01-01T12:00:00Z"', '"at":"2100-01-01T12:00:00"'),
    "an id of another key": ('"id":128', '"id":192'),
    "an id beyond all": ('"id":128', f'"id":{2**63}'),
    "another microgrid": ('"microgrid_id":7', '"microgrid_id":8'),
    "a duration before its start": (TARGET, TARGET + ',"duration_seconds":-5'),
    "a payload in the depths": (TARGET, TARGET + ',"payload":' + '{"a":' * 9 + "1" + "}" * 9),
    "no text at all": ('"Created"', "\udcff"),
}


def dispatch(id: int) -> Dispatch:
    return Dispatch(id, 7, DispatchData("charge", NOON, Target((1,))), NOON, NOON)


def good(id: int) -> tuple[str, bytes]:
    return CODEC.record(ENTITY, Created(dispatch(id)), NOON)


def broken(what: str) -> tuple[str, bytes]:
    key, data = good(128)
    before, after = BROKEN[what]
    assert before in data.decode()
    return key, data.decode().replace(before, after, 1).encode(errors="surrogateescape")


async def journal_with(path: Path, *records: tuple[str, bytes]) -> SqliteJournal:
    journal = SqliteJournal(path)
    await journal.append(await journal.claim(SHARD), records)
    return journal


@pytest.mark.parametrize("what", BROKEN)
async def test_one_that_cannot_be_read_stops_nothing(
    tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.db"
    key, data = broken(what)
    journal = await journal_with(path, good(64), (key, data), good(256))
    engine = Engine([DISPATCHES, IDS], journal, SystemClock(), place=lambda _: "~3")
    keeper = RecordKeeper(journal, record_beside(path), projections=[DispatchTable()])
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        lives = [tasks.create_task(life) for life in (engine.run(), keeper.run())]
        changed = await engine.submit(
            DISPATCHES, dispatches_id(7), Update(256, 7, {"active": False})
        )
        news = follow(journal, [DISPATCHES])
        followed = [(await anext(news))[1].fact.dispatch.id for _ in range(3)]
        await keeper.caught_up()
        with closing(DispatchPages(record_beside(path))) as pages:
            listed = [one.id for one in pages.page(Query(7)).dispatches]
            apart = pages.quarantined()
        for life in lives:
            life.cancel()
    await journal.close()
    assert len(changed) == 1
    assert followed == [64, 256, 256]
    assert listed == [256, 64]
    assert [(one.key, one.cursor) for one in apart] == [(key, "3")]
    assert "\n" not in apart[0].reason
    said = [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]
    by_whom = {one.name for one in caplog.records if one.levelno == logging.ERROR}
    assert len(said) == len(by_whom) == 3, "the engine, the follower and the record, once each"
    assert all(key in line and "\n" not in line for line in said)
    assert sum("at position 3" in line for line in said) == 1
    assert sum("at cursor 3" in line for line in said) == 2
    with closing(RecordReader(path)) as reader:
        assert [row.data for row in reader.facts(entity=ENTITY)][1] == data, "it is kept"


@pytest.mark.parametrize("over", [False, True])
async def test_what_is_good_again_is_no_more_set_apart(tmp_path: Path, *, over: bool) -> None:
    path = tmp_path / "journal.db"
    later = NOON + timedelta(hours=1)
    known = Deleted(dispatch(128)) if over else Updated(dispatch(128))
    again = CODEC.record(ENTITY, known, later)
    journal = await journal_with(path, good(128), broken("broken JSON"))
    keeper = RecordKeeper(journal, record_beside(path), projections=[DispatchTable()])
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        life = tasks.create_task(keeper.run())
        await keeper.caught_up()
        with closing(DispatchPages(record_beside(path))) as pages:
            assert pages.page(Query(7)).total == 0, "nor is an older one shown in its place"
            assert pages.get(7, 128) is None
            assert len(pages.quarantined()) == 1
            await journal.append(await journal.claim(SHARD), [again])
            await keeper.caught_up()
            assert pages.page(Query(7)).total == (not over)
            assert pages.quarantined() == []
        life.cancel()
    await journal.close()


@pytest.mark.parametrize("where", ["engine", "follow"])
async def test_a_kind_whose_things_belong_together_goes_no_further(
    tmp_path: Path, where: str
) -> None:
    data = json.dumps({"fact": "Invented", "version": 1, "at": "2100-01-01T12:00:00Z", "value": 1})
    journal = await journal_with(tmp_path / "journal.db", ("queues/s/r/lift", data.encode()))
    async with asyncio.timeout(10):
        if where == "engine":
            with pytest.raises(ExceptionGroup) as ended:
                await Engine([QUEUES], journal, SystemClock()).run()
            assert ended.group_contains(UnknownFact)
        else:
            with pytest.raises(UnknownFact):
                await anext(follow(journal, [QUEUES]))
    await journal.close()


async def test_who_follows_some_kinds_is_told_of_no_other(tmp_path: Path) -> None:
    other = Codec([IDS]).record("ids/~3/dispatches", IDS.facts[0](7), NOON)
    gone = ("queues/s/r/lift", b"")
    journal = await journal_with(tmp_path / "journal.db", other, gone, good(64))
    async with asyncio.timeout(10):
        _, happened = await anext(follow(journal, [DISPATCHES], forgotten=True))
    assert happened.fact == Created(dispatch(64))
    await journal.close()
