"""Moves entities: intents in, durable facts out, and a `Wake` for whatever has become due.

    submit --> shard 3 --+                     one owner, one commit in flight each
    submit --> shard 7 --+--> journal
    timers --> shard 5 --+

An engine owns all shards of a journal, from its claim until somebody else's. Then it stops
at once, as a whole; its callers hear Fenced, and ask the new owner.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from pointsman.core.entity import FactT, IntentT, Kind, StateT, Wake, shard_of
from pointsman.journal import Journal, Unknown
from pointsman.runtime.clock import Clock
from pointsman.runtime.shard import Shard
from pointsman.runtime.timers import Timers

SHARDS: Final = 64
"""Written into the names of things, so fixed for the life of a journal."""


class Engine:
    def __init__(
        self,
        kinds: Sequence[Kind[Any, Any, Any]],
        journal: Journal,
        clock: Clock,
        *,
        shards: int = SHARDS,
    ) -> None:
        self._timers = Timers(clock, self._wake)
        self._shards = [Shard(n, kinds, journal, clock, self._timers.set) for n in range(shards)]

    async def submit(
        self, kind: Kind[StateT, IntentT, FactT], id: str, intent: IntentT
    ) -> Sequence[FactT]:
        """Return what `intent` caused, once that is durable. `id` is `site/name`.

        Raises:
            Rejected: If the intent makes no sense in the present state.
            Fenced: If another engine took over. Ask that one: asking twice is asking once.
            Unknown: If this engine was stopped meanwhile. Ask the next one.
        """
        if id.count("/") != 1:
            raise ValueError(f"an id is site/name, not {id!r}")
        facts: Sequence[FactT] = await self._shard(id).ask(f"{kind.name}/{id}", intent)
        return facts

    async def run(self) -> None:
        """Own the shards and wake what falls due, until cancelled. Needs no code after a crash.

        Raises:
            ExceptionGroup: With Fenced in it, if another engine took over.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                for shard in self._shards:
                    tasks.create_task(shard.run())
                tasks.create_task(self._timers.run())
        finally:
            for shard in self._shards:
                shard.stop(Unknown("the engine was stopped"))

    def _wake(self, entity: str) -> None:
        _, _, place = entity.partition("/")
        self._shard(place).tell(entity, Wake())

    def _shard(self, id: str) -> Shard:
        return self._shards[shard_of(id, len(self._shards))]
