"""Mirrors of many entities: whoever looks sees all that was answered before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from pointsman.journal import Cursor, Unknown
from pointsman.journal.memory import MemoryJournal
from pointsman.journal.sqlite import SqliteJournal
from pointsman.runtime.clock import SystemClock
from pointsman.runtime.codec import Happened
from pointsman.runtime.engine import Engine
from pointsman.runtime.mirrors import Mirrors
from tests.queues import QUEUES
from tests.queues.lifecycle import Resource
from tests.queues.model import Add, Operation
from tests.unit.runtime.test_record import NOON

NAMES = ["queues/mill/robot", "queues/mill/press"]
OTHER = "queues/mill/oven"
LATER = NOON.replace(year=2100)
Queues: TypeAlias = Mirrors[Resource, Any, Any]


class Told:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.things: list[str] = []

    def __call__(self, cursor: Cursor, happened: Happened) -> None:
        assert cursor
        self.things.append(f"{happened.entity}/{happened.fact.thing}")


async def add(engine: Engine, name: str, id: str) -> None:
    entity = name.partition("/")[2]
    await engine.submit(QUEUES, entity, Add(Operation(id, LATER)))


@asynccontextmanager
async def following(mirrors: Queues, *engines: Engine) -> AsyncIterator[None]:
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(one.run()) for one in engines]
        running.append(tasks.create_task(mirrors.run()))
        yield
        for life in running:
            life.cancel()


async def test_what_was_answered_is_in_the_states_after_waiting_for_it() -> None:
    journal, told = MemoryJournal(), Told()
    engine, mirrors = (
        Engine([QUEUES], journal, SystemClock()),
        Mirrors(QUEUES, NAMES, journal, told),
    )
    async with following(mirrors, engine):
        for n in range(20):
            await add(engine, NAMES[n % 2], f"{n}")
            await add(engine, OTHER, f"{n}")
            await mirrors.caught_up()
            assert f"{n}" in mirrors.states[NAMES[n % 2]].queued
        assert told.things == [f"{NAMES[n % 2]}/{n}" for n in range(20)]
        assert mirrors.others == {OTHER}


async def test_it_begins_with_what_there_is_and_tells_only_what_comes(tmp_path: Path) -> None:
    path, told = tmp_path / "journal.db", Told()
    journal = SqliteJournal(path)
    engine, mirrors = (
        Engine([QUEUES], journal, SystemClock()),
        Mirrors(QUEUES, NAMES, journal, told),
    )
    async with following(Mirrors(QUEUES, [], journal, told), engine):
        for n in range(50):
            await add(engine, NAMES[n % 2], f"{n}")
        await add(engine, OTHER, "lift")
        mirrors.load(path)
        assert sum(len(state.queued) for state in mirrors.states.values()) == 50
        assert mirrors.others == {OTHER}
        async with following(mirrors):
            await add(engine, NAMES[0], "last")
            await mirrors.caught_up()
            assert told.things == [f"{NAMES[0]}/last"]
    await journal.close()


async def test_those_who_wait_at_once_share_what_the_journal_says() -> None:
    class Counting(MemoryJournal):
        asked = 0

        async def end(self) -> Cursor:
            self.asked += 1
            await asyncio.sleep(0.01)
            return await super().end()

    journal = Counting()
    mirrors = Mirrors(QUEUES, NAMES, journal, Told())
    async with following(mirrors):
        await asyncio.gather(*(mirrors.caught_up() for _ in range(100)))
    assert journal.asked <= 2, "one is under way, and one was asked after the others came"


async def test_nobody_waits_for_a_follower_that_has_ended() -> None:
    journal = MemoryJournal()
    mirrors = Mirrors(QUEUES, NAMES, journal, Told())
    async with following(mirrors):
        await asyncio.sleep(0.01)  # It follows by now.
    with pytest.raises(Unknown, match="nobody follows the journal"):
        await mirrors.caught_up()
