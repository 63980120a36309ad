"""Mirrors of many entities, kept by one follower, for those who look and do not decide.

journal --tail--> Mirrors.run --> the state of each
                              `-> whoever is told of each fact, in the order of the journal
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path
from typing import Final, Generic

from pointsman.core.entity import FactT, Forgotten, IntentT, Kind, StateT
from pointsman.core.names import entity_of, site_of
from pointsman.journal import START, TOMBSTONE, Cursor, Journal, Record, Unknown
from pointsman.journal.sqlite_reader import SqliteReader
from pointsman.runtime.codec import Codec, Happened
from pointsman.runtime.follow import BEFORE_ALL
from pointsman.runtime.loading import PAGE

SLICE: Final = 100
"""Facts that are told before others get a turn of the event loop."""

Listener = Callable[[Cursor, Happened], None]


class Mirrors(Generic[StateT, IntentT, FactT]):
    """Show only what is durable, of these entities of one kind."""

    def __init__(
        self,
        kind: Kind[StateT, IntentT, FactT],
        entities: Collection[str],
        journal: Journal,
        listener: Listener,
    ) -> None:
        """`entities` are names. `listener` is told what happens to them from here on; never raises.

        Forgetting is not told, for what was forgotten did happen.
        """
        self.states: dict[str, StateT] = {name: kind.entity.initial() for name in entities}
        self.cursor: Cursor = START
        """All that came before is in the states, and was told."""
        self.others: set[str] = set()
        """Entities of this kind that are not mirrored, of the sites of those that are."""
        self._sites = {site_of(name) for name in entities}
        self._kind = kind
        self._codec = Codec([kind])
        self._journal = journal
        self._listener = listener
        self._moved: asyncio.Event | None = None
        """Rings once, for those who wait for the cursor to move. None: nobody does."""
        self._ended = False
        self._asking = asyncio.Lock()
        self._asked = 0
        """How often the journal was asked for its end."""
        self._end: Cursor = START

    def load(self, path: Path) -> None:
        """Begin with what the journal in this file holds, and not at its start. Takes a while."""
        with closing(SqliteReader(path)) as reader:
            self.cursor = reader.end_now()
            for shard in {reader.home_now(site) for site in self._sites}:
                for page in () if shard is None else reader.load_pages_now(shard, PAGE):
                    for record in page:
                        self._take(record)

    async def run(self) -> None:
        """Follow until cancelled.

        Raises:
            UnknownFact: If the journal holds what this release cannot read.
        """
        count = 0
        try:
            async for cursor, record in self._journal.tail(self.cursor):
                happened = self._take(record)
                self.cursor = cursor
                if happened is not None:
                    self._listener(cursor, happened)
                self._ring()
                count += 1
                if count % SLICE == 0:
                    await asyncio.sleep(0)
        finally:
            self._ended = True
            self._ring()

    async def caught_up(self) -> None:
        """Return once the states hold all that was durable when this was asked.

        Raises:
            Unknown: If they are not kept any more.
        """
        self._check_ended()
        end = await self._end_of_journal()
        while not self._journal.reached(self.cursor, end):
            self._check_ended()
            self._moved = self._moved or asyncio.Event()
            await self._moved.wait()

    async def _end_of_journal(self) -> Cursor:
        """Not earlier than when this was asked. Whoever waits for that shares one answer."""
        asked = self._asked
        async with self._asking:
            if asked == self._asked:
                self._asked += 1
                self._end = await self._journal.end()
            return self._end

    def _check_ended(self) -> None:
        if self._ended:
            raise Unknown("nobody follows the journal here any more: ask its owner of now")

    def _ring(self) -> None:
        if self._moved is not None:
            self._moved.set()
            self._moved = None

    def _take(self, record: Record) -> Happened | None:
        """What is to be told."""
        entity = entity_of(record.key)
        if entity not in self.states:
            kind, _, _ = entity.partition("/")
            if kind == self._kind.name and site_of(entity) in self._sites:
                self.others.add(entity)
            return None
        if record.data == TOMBSTONE:
            happened = Happened(entity, Forgotten(record.key[len(entity) + 1 :]), BEFORE_ALL)
        else:
            happened = self._codec.decode(record.key, record.data)
        self.states[entity] = self._kind.entity.evolve(self.states[entity], happened.fact)
        return None if record.data == TOMBSTONE else happened
