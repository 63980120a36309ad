"""A server follows its own dispatches, for the microgrids that its sites claim."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pointsman.dispatches import DISPATCHES, FOLLOWER, dispatches_id, follower_id
from pointsman.dispatches.follower import Follower
from pointsman.dispatches.following import Announced, Followed
from pointsman.dispatches.intents import Create, Delete, Intent
from pointsman.dispatches.model import Dispatch
from pointsman.journal.sqlite import SqliteJournal
from pointsman.journal.sqlite_reader import SqliteReader
from pointsman.reactions import SERVER, Claimed
from pointsman.runtime.ask import Overloaded
from pointsman.runtime.clock import SystemClock
from pointsman.runtime.engine import Engine
from pointsman.runtime.follow import follow
from pointsman.runtime.mirror import Mirror
from tests.unit.dispatches.given import MICROGRID, create

OTHER = 8
CLOCK = SystemClock()


def state_of(journal: Path, microgrid_id: int = MICROGRID) -> Follower:
    mirror = Mirror(FOLLOWER, follower_id(microgrid_id, SERVER))
    reader = SqliteReader(journal)
    mirror.read(reader)
    reader.close()
    return mirror.state


class Server:
    """An engine on a journal, and somebody who reacts to what happens there."""

    def __init__(self, path: Path, journal: SqliteJournal) -> None:
        self.path = path
        self.journal = journal
        self.engine = Engine([DISPATCHES, FOLLOWER], journal, CLOCK)
        self.claimed = Claimed(journal, self.submit, CLOCK, [MICROGRID], self.pages)
        self.busy = 0
        self.meanwhile: Intent | None = None
        """Asked for right after all dispatches have been read."""

    async def submit(self, kind: Any, id: str, intent: Any, /) -> Sequence[Any]:  # noqa: ANN401
        if self.busy and kind is FOLLOWER:
            self.busy -= 1
            raise Overloaded("ask again")
        return await self.engine.submit(kind, id, intent)

    async def pages(self, microgrid_id: int) -> AsyncIterator[Sequence[Dispatch]]:
        mirror, reader = Mirror(DISPATCHES, dispatches_id(microgrid_id)), SqliteReader(self.path)
        mirror.read(reader)
        reader.close()
        yield tuple(mirror.state.dispatches.values())
        if self.meanwhile:
            await self.ask(self.meanwhile)

    async def ask(self, intent: Intent, microgrid_id: int = MICROGRID) -> None:
        await self.engine.submit(DISPATCHES, dispatches_id(microgrid_id), intent)

    async def until_taken(self, *edges: str) -> list[Followed]:
        """What was announced, as soon as that much was, and all of it is taken."""
        told: list[Followed] = []
        async with asyncio.timeout(10):
            async for _, (_, fact, _) in follow(self.journal, [FOLLOWER]):
                if isinstance(fact, Announced):
                    told.append(fact.followed)
                elif len(told) == len(edges) and not fact.followed.waiting:
                    break
        assert sorted(one.last.edge for one in told if one.last) == sorted(edges)
        return told


@asynccontextmanager
async def serving(path: Path, *, reacting: bool = True) -> AsyncIterator[Server]:
    journal = SqliteJournal(path)
    server = Server(path, journal)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(server.engine.run())]
        await server.engine.ready()
        if reacting:
            running.append(tasks.create_task(server.claimed.run()))
            await server.claimed.caught_up.wait()
        yield server
        for task in running:
            task.cancel()
    await journal.close()


def now(id: int, **also: Any) -> Create:  # noqa: ANN401  Any field.
    return create(id, start_now=True, **also)


def test_what_starts_and_is_deleted_is_told_and_taken(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path / "journal.db") as server:
            await server.ask(now(64))
            await server.until_taken("STARTED")
            await server.ask(Delete(64, MICROGRID))
            await server.until_taken("STARTED", "STOPPED")

    asyncio.run(story())
    followed = state_of(tmp_path / "journal.db").followed["64"]
    assert followed.deleted
    assert followed.ended


def test_what_comes_while_nobody_reacts_is_caught_up_with(tmp_path: Path) -> None:
    """It was created, or deleted, by a server that died before it could react."""
    path = tmp_path / "journal.db"

    async def story() -> None:
        async with serving(path) as server:
            await server.ask(now(64))
            await server.until_taken("STARTED")
        async with serving(path, reacting=False) as server:
            await server.ask(Delete(64, MICROGRID))
            await server.ask(now(128))
        async with serving(path) as server:
            told = await server.until_taken("STARTED", "STARTED", "STOPPED")
            assert sorted(one.dispatch.id for one in told) == [64, 64, 128]
        async with serving(path) as server:
            await server.until_taken("STARTED", "STARTED", "STOPPED")

    asyncio.run(story())


def test_what_comes_while_it_catches_up_is_not_overlooked(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path / "journal.db", reacting=False) as server:
            server.meanwhile = now(64)
            async with asyncio.TaskGroup() as tasks:
                reacting = tasks.create_task(server.claimed.run())
                await server.until_taken("STARTED")
                reacting.cancel()

    asyncio.run(story())


def test_what_was_told_to_a_server_that_died_is_taken_by_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def story() -> None:
        async with serving(path) as server:
            await server.ask(create(64, start_now=True, duration_seconds=1))
            await server.until_taken("STARTED")
        async with serving(path, reacting=False) as server, asyncio.timeout(10):
            async for _, (_, fact, _) in follow(server.journal, [FOLLOWER]):
                if isinstance(fact, Announced) and fact.followed.seq == 2:
                    break
        assert state_of(path).followed["64"].waiting
        async with serving(path) as server:
            assert not state_of(path).followed["64"].waiting

    asyncio.run(story())


def test_nobody_follows_a_microgrid_that_no_site_claims(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path / "journal.db") as server:
            await server.ask(Create(192, OTHER, now(192).data, start_now=True), OTHER)
            await server.ask(now(64))
            await server.until_taken("STARTED")

    asyncio.run(story())
    assert state_of(tmp_path / "journal.db", OTHER).followed == {}


def test_who_has_too_much_to_do_is_asked_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path / "journal.db") as server:
            server.busy = 2
            await server.ask(now(64))
            await server.until_taken("STARTED")
            assert server.busy == 0

    asyncio.run(story())


def test_who_is_claimed_no_more_is_followed_no_more(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def nothing(microgrid_id: int) -> AsyncIterator[Sequence[Dispatch]]:
        assert microgrid_id == OTHER
        yield ()

    async def story() -> None:
        async with serving(path) as server:
            await server.ask(now(64))
            await server.until_taken("STARTED")
        assert state_of(path).followed
        async with serving(path, reacting=False) as server, asyncio.timeout(10):
            claimed = Claimed(
                server.journal,
                server.submit,
                CLOCK,
                [OTHER],
                nothing,
                earlier=[MICROGRID, OTHER],
            )
            async with asyncio.TaskGroup() as tasks:
                life = tasks.create_task(claimed.run())
                await claimed.caught_up.wait()
                life.cancel()

    asyncio.run(story())
    assert not state_of(path).followed
