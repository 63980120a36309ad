"""A mirror: a follower's own copy of one entity, for those who look and do not decide."""

from collections.abc import Iterable
from datetime import datetime
from typing import Generic

from pointsman.core.entity import FactT, IntentT, Kind, StateT
from pointsman.core.names import entity_of
from pointsman.journal import Record
from pointsman.runtime.codec import Codec, Happened


class Mirror(Generic[StateT, IntentT, FactT]):
    """Shows only what is durable. A fact that is seen again changes nothing."""

    def __init__(self, kind: Kind[StateT, IntentT, FactT], id: str) -> None:
        """`id` is `site/name`, encoded."""
        self.name = f"{kind.name}/{id}"
        self.at: datetime | None = None
        """When the latest fact happened. None: nothing has."""
        self._kind = kind
        self.state: StateT = kind.entity.initial()

    def load(self, records: Iterable[Record]) -> None:
        """Take the last record of each key, in any order."""
        codec = Codec([self._kind])
        for record in records:
            if entity_of(record.key) == self.name:
                self.take(codec.decode(record.key, record.data))

    def take(self, happened: Happened) -> None:
        """Follow one fact, if it is of this entity."""
        if happened.entity == self.name:
            self.state = self._kind.entity.evolve(self.state, happened.fact)
            self.at = happened.at if self.at is None else max(self.at, happened.at)
