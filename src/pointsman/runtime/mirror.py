"""A mirror: a follower's own copy of one entity, for those who look and do not decide."""

import logging
from collections.abc import Sequence
from copy import copy
from datetime import datetime
from typing import Any, Generic, NamedTuple

from pointsman.core.entity import FactT, Forgotten, IntentT, Kind, StateT
from pointsman.core.names import site_of
from pointsman.journal import Cursor, Record
from pointsman.journal.sqlite_reader import SqliteReader
from pointsman.runtime.codec import Codec, Happened, UnknownFact
from pointsman.runtime.loading import PAGE

log = logging.getLogger(__name__)


class Known(NamedTuple):
    """All of a shard, as somebody has read it before an engine claims it."""

    shard: int
    cursor: Cursor
    """All that came before is in it."""
    position: int
    """Of its newest record."""
    states: dict[str, Any]
    """By entity. They are the engine's own from now on."""


class Mirror(Generic[StateT, IntentT, FactT]):
    """Shows only what is durable. A fact that is seen again changes nothing."""

    def __init__(self, kind: Kind[StateT, IntentT, FactT], id: str) -> None:
        """`id` is `site/name`, encoded."""
        self.name = f"{kind.name}/{id}"
        self.at: datetime | None = None
        """When the latest fact happened. None: nothing has."""
        self._kind = kind
        self._codec = Codec([kind])
        self.state: StateT = kind.entity.initial()

    def read(self, journal: SqliteReader) -> tuple[Cursor, Known | None]:
        """Take all that there is of the entity. Returns the cursor to follow it from.

        And what an engine may begin with: a copy, as a mirror shows what is durable only. None
        if the shard holds other entities too, or nothing.
        """
        cursor = journal.end_now()  # First: an owner may be writing, until replaced.
        shard = journal.home_now(site_of(self.name))
        if shard is None:
            return cursor, None
        newest, alone = 0, True
        for page in journal.load_pages_now(shard, PAGE):
            newest, alone = max(newest, page[-1].position), self.load(page) and alone
        if not newest or not alone:
            return cursor, None
        return cursor, Known(shard, cursor, newest, {self.name: copy(self.state)})

    def load(self, records: Sequence[Record]) -> bool:
        """Take the last record of each key, in any order. Returns whether all were its own.

        Raises:
            UnknownFact: If one cannot be read, unless its kind says that others go on.
        """
        kind, inside, state = self._kind.name, f"{self.name}/", self.state
        read, evolve = self._codec.open, self._kind.entity.evolve
        own = [r for r in records if r.key.startswith(inside) or r.key == self.name]
        latest: list[datetime] = [] if self.at is None else [self.at]
        for _, position, key, data in own:
            try:
                fact, at = read(kind, key, data)
            except UnknownFact as error:
                if not self._codec.spares(key):
                    raise
                log.error("left out at position %s: %s", position, error)
                continue
            state = evolve(state, fact)
            latest.append(at)
        self.state, self.at = state, max(latest, default=None)
        return len(own) == len(records)

    def take(self, happened: Happened) -> None:
        """Follow one fact, if it is of this entity."""
        if happened.entity == self.name:
            self.state = self._kind.entity.evolve(self.state, happened.fact)
            if not isinstance(happened.fact, Forgotten):
                self.at = happened.at if self.at is None else max(self.at, happened.at)
