"""Where a server's dispatches meet what is done about them: a fact here is an intent there.

    Created, Updated ---> See           of a microgrid that a site of this server claims: the
    Deleted ------------> SeeDeleted    server follows its own dispatches, so that each start and
    Announced ----------> Take          stop is a fact at the instant when it is due

Nothing is remembered here. Whoever begins anew takes the place in the journal first, then brings
the followers up to date with all dispatches that there are, and goes on from that place: what is
seen twice is no news.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Any, Final, Protocol

from pointsman.core.entity import Kind
from pointsman.dispatches import DISPATCHES, FOLLOWER, dispatches_id, follower_id
from pointsman.dispatches.facts import Created, Deleted, Updated
from pointsman.dispatches.following import (
    Announced,
    Intent,
    Leave,
    Listed,
    See,
    SeeDeleted,
    Take,
    TakeAll,
)
from pointsman.dispatches.model import Dispatch
from pointsman.journal import Tailed
from pointsman.runtime.ask import Overloaded
from pointsman.runtime.clock import Clock
from pointsman.runtime.follow import follow

SERVER: Final = "server"
"""The name of the follower that a server keeps of each microgrid it claims."""
SEEN_AT_ONCE: Final = 100
ASKED_AT_ONCE: Final = 500
"""Intents that wait for an answer."""
UNASKED_MOST: Final = 5_000
"""Then the journal is read no further until some have been answered."""
REST_SECONDS: Final = 0.1
"""Before asking again whoever has too much to do."""


class Submit(Protocol):
    async def __call__(self, kind: Kind[Any, Any, Any], id: str, intent: Any, /) -> Sequence[Any]:  # noqa: ANN401
        """As `Engine.submit`."""


Pages = Callable[[int], AsyncIterator[Sequence[Dispatch]]]
"""All dispatches of a microgrid, as they are in the journal when it is called or later."""


class Claimed:
    """Follows the dispatches of the microgrids that sites of this server claim."""

    def __init__(
        self,
        journal: Tailed,
        submit: Submit,
        clock: Clock,
        microgrid_ids: Collection[int],
        pages: Pages,
        *,
        earlier: Collection[int] = (),
    ) -> None:
        """`earlier` are microgrids that may have been claimed before. They are followed no more."""
        self._journal = journal
        self._submit = submit
        self._clock = clock
        self._pages = pages
        self._left = [follower_id(id, SERVER) for id in earlier if id not in microgrid_ids]
        self._ids = {id: follower_id(id, SERVER) for id in microgrid_ids}
        self._sources = {f"{DISPATCHES.name}/{dispatches_id(id)}": id for id in microgrid_ids}
        self._followers = {f"{FOLLOWER.name}/{own}": id for id, own in self._ids.items()}
        self._asks: asyncio.Queue[tuple[int, Intent]] = asyncio.Queue(UNASKED_MOST)
        self.caught_up = asyncio.Event()
        """All that there was at the beginning is followed."""

    async def run(self) -> None:
        """Follow until cancelled. May begin anew after any end, also in another process.

        Raises:
            ExceptionGroup: With what ended it: Fenced or Unknown, if the engine has ended.
        """
        place = await self._journal.end()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ask_all())
            for id in self._left:
                while await self._submit(FOLLOWER, id, Leave()):
                    pass
            for microgrid_id in self._ids:
                await self._catch_up(microgrid_id)
            self.caught_up.set()
            async for _, (entity, fact, _) in follow(self._journal, [DISPATCHES, FOLLOWER], place):
                await self._react(entity, fact)

    async def _react(self, entity: str, fact: object) -> None:
        match fact:
            case Created(dispatch) | Updated(dispatch) if entity in self._sources:
                await self._asks.put((self._sources[entity], See((dispatch,))))
            case Deleted(dispatch) if entity in self._sources:
                await self._asks.put((self._sources[entity], SeeDeleted(dispatch)))
            case Announced(followed) if entity in self._followers:
                take = Take(followed.dispatch.id, followed.seq)
                await self._asks.put((self._followers[entity], take))

    async def _catch_up(self, microgrid_id: int) -> None:
        as_of, ids = self._clock.now(), set[int]()
        async for page in self._pages(microgrid_id):
            ids.update(dispatch.id for dispatch in page)
            for n in range(0, len(page), SEEN_AT_ONCE):
                await self._ask(microgrid_id, See(tuple(page[n : n + SEEN_AT_ONCE])))
        while await self._ask(microgrid_id, Listed(frozenset(ids), as_of)):
            pass
        while await self._ask(microgrid_id, TakeAll()):
            pass

    async def _ask_all(self) -> None:
        """In the order in which they came, many at once: they share commits."""
        while True:
            asks = [await self._asks.get()]
            while not self._asks.empty() and len(asks) < ASKED_AT_ONCE:
                asks.append(self._asks.get_nowait())
            async with asyncio.TaskGroup() as tasks:
                for microgrid_id, intent in asks:
                    tasks.create_task(self._ask(microgrid_id, intent))

    async def _ask(self, microgrid_id: int, intent: Intent) -> Sequence[Any]:
        while True:
            try:
                return await self._submit(FOLLOWER, self._ids[microgrid_id], intent)
            except Overloaded:
                await asyncio.sleep(REST_SECONDS)
