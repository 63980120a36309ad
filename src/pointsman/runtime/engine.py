"""Moves entities: intents in, durable facts out, and a `Wake` for whatever has become due.

    submit --> shard 3 --+                     one owner, one commit in flight each
    submit --> shard 7 --+--> journal
    timers --> shard 5 --+

An engine owns all shards of a journal, from its claim until somebody else's. Then it stops
at once, as a whole; its callers hear Fenced, and ask the new owner. What happened is told by
the journal alone (`follow`): nobody but `decide` sees the engine's memory.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from pointsman.core.entity import FactT, IntentT, Kind, StateT, Wake
from pointsman.core.names import check_name, shard_of, site_of
from pointsman.journal import Journal, Unknown
from pointsman.runtime.clock import Clock
from pointsman.runtime.codec import Codec
from pointsman.runtime.mirror import Known
from pointsman.runtime.shard import Shard
from pointsman.runtime.timers import Timers

ENTITIES_REMEMBERED: Final = 65_536
"""Entities whose shards need not be found again."""


def by_itself(site: str) -> str:
    """The placement of a site that shares its shard with no other on purpose."""
    return site


class Engine:
    def __init__(
        self,
        kinds: Sequence[Kind[Any, Any, Any]],
        journal: Journal,
        clock: Clock,
        *,
        place: Callable[[str], str] = by_itself,
        known: Known | None = None,
    ) -> None:
        """`place` names what a site is placed by: sites of one name share a shard.

        A site stays where its first fact is. Who places it elsewhere later gets `Misplaced`.

        `known` need not be loaded, if nothing has come since when its shard is claimed.
        """
        self._place = place
        self._shard = lru_cache(ENTITIES_REMEMBERED)(self._find_shard)
        self._timers = Timers(clock, self._wake)
        codec, set_timer = Codec(kinds), self._timers.set
        self._shards = [
            Shard(number, kinds, codec, journal, clock, set_timer)
            for number in range(journal.shards)
        ]
        if known is not None:
            self._shards[known.shard].begin_with(known)

    async def submit(
        self, kind: Kind[StateT, IntentT, FactT], id: str, intent: IntentT
    ) -> Sequence[FactT]:
        """Return what `intent` caused, once that is durable. `id` is `site/name`, encoded.

        Raises:
            ValueError: If `id` is not well-formed, or the intent causes too much at once.
            Rejected: If the intent makes no sense in the present state.
            Overloaded: If too many wait already.
            Fenced: If another engine took over. Ask that one: asking twice is asking once.
            Unknown: If this engine was stopped meanwhile. Ask the next one.
            Misplaced: If the site lives in another shard. The engine stops.
            Broken: If `evolve` failed. The engine stops.
        """
        return await self.ask(kind, id, intent)

    def ask(
        self, kind: Kind[StateT, IntentT, FactT], id: str, intent: IntentT
    ) -> "asyncio.Future[Sequence[FactT]]":
        """As `submit`; but it is decided on before this call returns, or first once loaded."""
        entity = f"{kind.name}/{id}"
        return self._shard(entity).ask(entity, intent)

    def shard_of(self, kind: Kind[StateT, IntentT, FactT], id: str) -> int:
        """The number of the shard where an entity lives.

        Raises:
            ValueError: If `id` is not well-formed.
        """
        return self._shard(f"{kind.name}/{id}").number

    async def run(self, begun: asyncio.Event | None = None) -> None:
        """Own the shards and wake what falls due, until cancelled. Needs no code after a crash.

        Nobody is woken before `begun` is set, so that whoever waits for it is decided on first.

        Raises:
            ExceptionGroup: With what ended it: Fenced, if another engine took over.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                for shard in self._shards:
                    tasks.create_task(shard.run())
                if begun is not None:
                    await begun.wait()
                tasks.create_task(self._timers.run())
        finally:
            for shard in self._shards:
                shard.stop(Unknown("the engine was stopped"))

    async def ready(self) -> None:
        """Return once all shards are loaded: from here on, no answer waits for that.

        Raises:
            Fenced, Unknown, Misplaced, Broken: If the engine has ended instead.
        """
        for shard in self._shards:
            await shard.opened.wait()
            shard.check_ended()

    def _wake(self, entity: str) -> None:
        self._shard(entity).tell(entity, Wake())

    def _find_shard(self, entity: str) -> Shard:
        check_name(entity, parts=(3,))
        return self._shards[shard_of(self._place(site_of(entity)), len(self._shards))]
