"""A server of dispatches whose connection breaks, and receivers of runs that are slow and die."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pointsman.core.entity import Rejected
from pointsman.dispatches import FOLLOWER, follower_id, lifecycle
from pointsman.dispatches.facts import Created, Deleted, Updated
from pointsman.dispatches.following import (
    Announced,
    Followed,
    Listed,
    RunChange,
    See,
    SeeDeleted,
    Take,
)
from pointsman.dispatches.intents import Create, Delete, Intent, Update
from pointsman.dispatches.model import Dispatch, DispatchData, Frequency, Rule
from pointsman.runtime.clock import LoopClock
from pointsman.runtime.follow import follow
from tests.simulation.world import EPOCH, World
from tests.unit.dispatches.given import BATTERIES, MICROGRID

ID = follower_id(MICROGRID, "edge")
NAME = f"{FOLLOWER.name}/{ID}"
SLACK = timedelta(seconds=5)


class Server:
    """A catalogue whose clock is right, and all versions that a dispatch ever had."""

    def __init__(self) -> None:
        self.clock = LoopClock(EPOCH)
        self.catalogue = lifecycle.initial()
        self.versions = defaultdict[int, list[Dispatch]](list)
        self.deleted: dict[int, datetime] = {}
        self.streams: list[asyncio.Queue[Created | Updated | Deleted]] = []

    def ask(self, intent: Intent) -> None:
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
        until = self.clock.now() - SLACK
        every = self.catalogue.dispatches.values()
        return [one for one in every if one.end_time is None or one.end_time > until]


class Author:
    """Somebody who plans a season of dispatches, changes his mind, and takes some back."""

    def __init__(self, server: Server, dice: random.Random, days: float) -> None:
        self._server = server
        self._dice = dice
        self._days = days

    def data(self, start: datetime) -> DispatchData:
        dice = self._dice
        seconds = dice.choice([None, 0, 1, 30, 60, 600, 3_600, 5_400, 90_000])
        return DispatchData(
            "charge",
            start,
            BATTERIES,
            seconds,
            recurrence=self.rule() if dice.random() < 0.4 else None,
        )

    def rule(self) -> Rule:
        dice = self._dice
        rule = Rule(dice.choice(list(Frequency)), dice.randint(1, 40), count=dice.randint(1, 12))
        if rule.frequency is Frequency.WEEKLY:
            return replace(rule, weekdays=(0, 3), hours=(6, 18), interval=1)
        if rule.frequency in (Frequency.MONTHLY, Frequency.YEARLY):
            return replace(rule, interval=1, count=None)
        return rule

    async def write(self, id: int) -> None:
        server, dice = self._server, self._dice
        await asyncio.sleep(dice.uniform(0, self._days * 80_000))
        ahead = timedelta(hours=dice.expovariate(0.1))
        start = (server.clock.now() + ahead).replace(microsecond=0)
        server.ask(Create(id, MICROGRID, self.data(start), start_now=dice.random() < 0.2))
        for _ in range(dice.choice([0, 0, 1, 2, 4])):
            await asyncio.sleep(dice.expovariate(1 / 30_000))
            server.ask(Update(id, MICROGRID, self.change()))
        if dice.random() < 0.3:
            await asyncio.sleep(dice.expovariate(1 / 90_000))
            server.ask(Delete(id, MICROGRID))

    def change(self) -> dict[str, Any]:
        dice, now = self._dice, self._server.clock.now().replace(microsecond=0)
        return dice.choice(
            [
                {"active": False},
                {"active": True},
                {"payload": {"power_kw": dice.random()}},
                {"duration_seconds": dice.choice([None, 60, 7_200])},
                {"start_time": now + timedelta(seconds=dice.randint(1, 40_000))},
                {"recurrence": None},
                {"recurrence": self.rule()},
            ]
        )


class Feed:
    """Subscribes, then lists, then streams; breaks now and then, and repeats itself."""

    def __init__(self, world: World, server: Server, *, breaks: bool = True) -> None:
        self._world = world
        self._server = server
        self._breaks = breaks

    async def run(self) -> None:
        dice = self._world.dice
        while True:
            stream: asyncio.Queue[Any] = asyncio.Queue()
            self._server.streams.append(stream)
            with suppress(TimeoutError):
                async with asyncio.timeout(dice.expovariate(1 / 40_000) if self._breaks else None):
                    await self._list()
                    await self._stream(stream)
            self._server.streams.remove(stream)
            await asyncio.sleep(dice.choice([1, 10, 300, 7_200]))

    async def _list(self) -> None:
        dice, as_of = self._world.dice, self._server.clock.now()
        listed = self._server.unfinished()
        for n in range(0, len(listed), 50):
            await asyncio.sleep(dice.random())
            await self._ask(See(tuple(listed[n : n + 50])))
        ids = frozenset(dispatch.id for dispatch in listed)
        while await self._ask(Listed(ids, as_of)):
            pass

    async def _stream(self, stream: asyncio.Queue[Any]) -> None:
        dice, last = self._world.dice, list[Dispatch]()
        while True:
            match await stream.get():
                case Created(dispatch) | Updated(dispatch):
                    last = [*last, dispatch][-20:]
                    await self._ask(See((dispatch,)))
                case Deleted(dispatch):
                    await self._ask(SeeDeleted(dispatch))
            if last and dice.random() < 0.2:
                await self._ask(See((dice.choice(last),)))

    async def _ask(self, intent: Any) -> Sequence[Any]:  # noqa: ANN401  Any intent.
        return await self._world.ask(FOLLOWER, ID, intent)


class Receiver:
    """Takes what it is told, one after the other; sometimes it dies, and hears all again."""

    def __init__(self, world: World, *, dies: bool = True) -> None:
        self._world = world
        self._dies = dies
        self.heard = defaultdict[int, list[RunChange]](list)

    async def run(self) -> None:
        dice = self._world.dice
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(dice.expovariate(1 / 50_000) if self._dies else None):
                    await self._receive()
            await asyncio.sleep(dice.uniform(0, 300))

    async def _receive(self) -> None:
        place = await self._world.journal.end()
        for followed in self._now():
            for change in followed.waiting:
                await self._take(followed.dispatch.id, change)
        async for _, (_, fact, _) in follow(self._world.journal, [FOLLOWER], place):
            if isinstance(fact, Announced):
                await self._take(fact.followed.dispatch.id, fact.change)

    def _now(self) -> list[Followed]:
        facts: dict[str, Followed | None] = {}
        for _, fact, _ in self._world.journal.happened([FOLLOWER]):  # type: ignore[attr-defined]
            facts[fact.thing] = fact.followed
        return [followed for followed in facts.values() if followed]

    async def _take(self, id: int, change: RunChange) -> None:
        dice = self._world.dice
        await asyncio.sleep(dice.choice([0, 0, 0, 0, 0.1, 30]))
        self.heard[id].append(change)
        await self._world.ask(FOLLOWER, ID, Take(id, change.seq))


async def set_the_clock(world: World) -> None:
    """Set wrong by up to two hours, then right again."""
    while True:
        await asyncio.sleep(world.dice.expovariate(1 / 200_000))
        by = timedelta(seconds=world.dice.choice([-7_000, -90, -1, 1, 90, 7_000]))
        world.clock.step(by)
        await asyncio.sleep(world.dice.uniform(0, 20_000))
        world.clock.step(-by)


async def keep_an_engine(world: World) -> None:
    """Engines die, and now and then nobody is there to begin another one."""
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(world.dice.expovariate(1 / 40_000)):
                await world.run(world.engine)
        await asyncio.sleep(world.dice.choice([0, 0, 10, 800]))
        world.engine = world.new_engine()
