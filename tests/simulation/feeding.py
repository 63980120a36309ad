"""A server of dispatches whose connection breaks, and receivers of runs that are slow and die."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from pointsman.core.entity import Rejected
from pointsman.dispatches import FOLLOWER, follower_id, lifecycle
from pointsman.dispatches.facts import Created, Deleted, Updated
from pointsman.dispatches.following import (
    AboutFollowed,
    Announced,
    Listed,
    RunChange,
    See,
    SeeDeleted,
    Take,
)
from pointsman.dispatches.intents import Intent
from pointsman.dispatches.model import Dispatch
from pointsman.runtime.clock import LoopClock
from pointsman.runtime.follow import follow
from tests.simulation.chronicle import Chronicle, Watched
from tests.simulation.world import EPOCH, World
from tests.unit.dispatches.given import MICROGRID

ID = follower_id(MICROGRID, "edge")
ENDED_AGO = timedelta(minutes=2)
"""What ended earlier is not listed."""
NEAR_ITS_END = timedelta(minutes=1)
"""What ends sooner need not be listed, so nobody can tell whether it was deleted."""
IDS_APART = 64


class Server:
    """A catalogue whose clock is right, and all versions that a dispatch ever had."""

    def __init__(self) -> None:
        self.clock = LoopClock(EPOCH)
        self.catalogue = lifecycle.initial()
        self.versions = defaultdict[int, list[Dispatch]](list)
        self.deleted: dict[int, datetime] = {}
        self.streams: list[asyncio.Queue[Created | Updated | Deleted | None]] = []
        self.up = asyncio.Event()
        self.up.set()

    async def ask(self, intent: Intent) -> None:
        await self.up.wait()
        with suppress(Rejected):
            for fact in lifecycle.decide(self.catalogue, intent, self.clock.now()):
                lifecycle.evolve(self.catalogue, fact)
                match fact:
                    case Created(dispatch) | Updated(dispatch):
                        self.versions[dispatch.id].append(dispatch)
                    case Deleted(dispatch):
                        self.deleted[dispatch.id] = dispatch.update_time
                    case _:
                        continue
                for stream in self.streams:
                    stream.put_nowait(fact)

    def unfinished(self) -> list[Dispatch]:
        until = self.clock.now() - ENDED_AGO
        every = self.catalogue.dispatches.values()
        return [one for one in every if one.end_time is None or one.end_time > until]

    async def restart(self, dice: random.Random, seconds: float) -> None:
        """Now and then. Whoever streams hears that it is over."""
        while True:
            await asyncio.sleep(dice.expovariate(1 / seconds))
            self.up.clear()
            for stream in self.streams:
                stream.put_nowait(None)
            await asyncio.sleep(dice.choice([1, 20, 600, 3_600]))
            self.up.set()


class Feed:
    """Subscribes, then lists, then streams; breaks now and then, and repeats itself."""

    def __init__(
        self, world: World, server: Server, chronicle: Chronicle, seconds: float | None
    ) -> None:
        """It breaks after so many seconds, about. None: it does not."""
        self._world = world
        self._server = server
        self._chronicle = chronicle
        self._seconds = seconds

    async def run(self) -> None:
        dice = self._world.dice
        while True:
            await self._server.up.wait()
            stream: asyncio.Queue[Any] = asyncio.Queue()
            self._server.streams.append(stream)
            lasts = dice.expovariate(1 / self._seconds) if self._seconds else None
            with suppress(TimeoutError):
                async with asyncio.timeout(lasts):
                    await self._list()
                    await self._stream(stream)
            self._server.streams.remove(stream)
            await asyncio.sleep(dice.choice([1, 10, 300, 7_200]))

    async def _list(self) -> None:
        dice, as_of = self._world.dice, self._server.clock.now()
        listed = self._server.unfinished()
        for n in range(0, len(listed), 50):
            await asyncio.sleep(dice.random())
            await self._see(*listed[n : n + 50])
        ids = frozenset(dispatch.id for dispatch in listed)
        gone = [self._gone(id, as_of) for id in [*self._chronicle.heard] if id not in ids]
        while await self._ask(Listed(ids, as_of)):
            pass
        for heard in gone:
            if heard:
                heard.answered = self._server.clock.now()

    def _gone(self, id: int, as_of: datetime) -> Any:  # noqa: ANN401  Heard, if it is news.
        """What is not listed is gone, unless it is too new, or about to end."""
        version = self._chronicle.newest(id)
        if version is None or version.update_time > as_of:
            return None
        heard = self._chronicle.asks(id, None)
        sure = version.end_time is None or version.end_time > as_of + NEAR_ITS_END
        return heard if sure else None

    async def _stream(self, stream: asyncio.Queue[Any]) -> None:
        dice, last = self._world.dice, list[Dispatch]()
        while True:
            match await stream.get():
                case None:
                    return
                case Created(dispatch) | Updated(dispatch):
                    last = [*last, dispatch][-20:]
                    await self._see(dispatch)
                case Deleted(dispatch):
                    heard = self._chronicle.asks(dispatch.id, None)
                    await self._ask(SeeDeleted(dispatch))
                    if heard:
                        heard.answered = self._server.clock.now()
            if last and dice.random() < 0.2:
                await self._see(dice.choice(last))

    async def _see(self, *dispatches: Dispatch) -> None:
        news = [self._chronicle.asks(dispatch.id, dispatch) for dispatch in dispatches]
        await self._ask(See(dispatches))
        for heard in news:
            if heard:
                heard.answered = self._server.clock.now()

    async def _ask(self, intent: Any) -> Sequence[Any]:  # noqa: ANN401  Any intent.
        return await self._world.ask(FOLLOWER, ID, intent)


class Receiver:
    """Takes what it is told, one after the other; sometimes it dies, and hears all again."""

    def __init__(self, world: World, journal: Watched, seconds: float | None) -> None:
        """It dies after so many seconds, about. None: it does not."""
        self._world = world
        self._journal = journal
        self._seconds = seconds
        self.heard = defaultdict[int, list[RunChange]](list)
        self.taken = defaultdict[int, int](int)
        """Up to which `seq` somebody answered that it was."""

    @staticmethod
    def takes(id: int, seq: int) -> bool:
        """Of some it takes nothing, ever, but what comes first."""
        return id // IDS_APART % 10 != 0 or seq == 1

    async def run(self) -> None:
        dice = self._world.dice
        while True:
            lives = dice.expovariate(1 / self._seconds) if self._seconds else None
            with suppress(TimeoutError):
                async with asyncio.timeout(lives):
                    await self._receive()
            await asyncio.sleep(dice.uniform(0, 300))

    async def _receive(self) -> None:
        place = await self._journal.end()
        for followed in [
            f.followed for f in self._journal.latest() if isinstance(f, AboutFollowed)
        ]:
            for change in followed.waiting:
                id = followed.dispatch.id
                assert change.seq > self.taken[id], f"{id}: {change} was taken long ago"
                await self._take(id, change)
        async for _, (_, fact, _) in follow(self._journal, [FOLLOWER], place):
            if isinstance(fact, Announced):
                await self._take(fact.followed.dispatch.id, fact.change)

    async def _take(self, id: int, change: RunChange) -> None:
        if self._seconds:
            await asyncio.sleep(self._world.dice.choice([0] * 40 + [0.1] * 10 + [30] * 5 + [600]))
        self.heard[id].append(change)
        if self.takes(id, change.seq):
            await self._world.ask(FOLLOWER, ID, Take(id, change.seq))
            self.taken[id] = max(change.seq, self.taken[id])


async def set_the_clock(world: World, server: Server, chronicle: Chronicle, seconds: float) -> None:
    """Set wrong by up to two hours, then right again. Whoever follows lists all anew then."""
    while True:
        await asyncio.sleep(world.dice.expovariate(1 / seconds))
        by = timedelta(seconds=world.dice.choice([-7_000, -90, -1, 1, 90, 7_000]))
        for step in (by, -by):
            world.clock.step(step)
            chronicle.steps(step)
            for stream in server.streams:
                stream.put_nowait(None)
            await asyncio.sleep(world.dice.uniform(0, seconds / 10) if step is by else 0)


async def keep_an_engine(world: World, chronicle: Chronicle, seconds: float | None) -> None:
    """Engines die, and now and then nobody is there to begin another one."""
    while True:
        lives = world.dice.expovariate(1 / seconds) if seconds else None
        chronicle.begins()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(lives):
                    await world.run(world.engine)
        finally:
            chronicle.ends()
        await asyncio.sleep(world.dice.choice([0, 0, 10, 100, 800]))
        world.engine = world.new_engine()
