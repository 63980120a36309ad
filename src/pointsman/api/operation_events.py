"""Events as doors tell them: what happened to operations, to their jobs and to their resources.

An event is a fact with its place. The place is the journal's, so an event has the same number and
the same id after a restart, and whoever comes back says what they had last.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha1
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from pointsman.operations.events import (
    DOCUMENTED,
    Change,
    EventType,
    changes_of,
    event_type_of,
    said_of,
)
from pointsman.operations.facts import AboutOperation
from pointsman.operations.model import Operation
from pointsman.runtime.codec import Happened


class Event(NamedTuple):
    """A fact as doors tell it. A tuple, as a thousand of them are quickly made."""

    seq: int
    """Its place in the journal: greater than that of any event before, of whatever resource."""
    id: UUID
    resource_id: str
    operation_id: str | None
    """None: it is about the resource, or about a job."""
    type: EventType
    at: datetime
    changes: tuple[Change, ...]
    by: str
    """Who did it. "": the queue itself, as its policy says."""
    meta: Mapping[str, Any]
    operation: Operation | None
    """As it was then."""

    @property
    def documented(self) -> bool:
        """Whether it is none of ours: no hold, no progress, no heartbeat, and the like."""
        return self.type in DOCUMENTED


class Numbering:
    """Makes events of facts: which resource, which number, which id."""

    def __init__(self, journal_id: str, resource_ids: Mapping[str, str]) -> None:
        """`resource_ids` are those by the names of their entities."""
        space = uuid5(NAMESPACE_URL, f"urn:pointsman:journal:{journal_id}")
        self._hash = sha1(space.bytes, usedforsecurity=False)
        self._resource_ids = resource_ids

    def event(self, seq: int, happened: Happened) -> Event | None:
        """None: it is not told to anybody."""
        fact = happened.fact
        type = event_type_of(fact)
        if type is None:
            return None
        operation = fact.operation if isinstance(fact, AboutOperation) else None
        return Event(
            seq,
            self._id(seq),
            self._resource_ids[happened.entity],
            operation.id if operation else None,
            type,
            happened.at,
            changes_of(fact),
            fact.by,
            {**fact.meta, **dict(said_of(fact))},
            operation,
        )

    def _id(self, seq: int) -> UUID:
        """As `uuid5` of the journal's own space, which need not be hashed again and again."""
        hash = self._hash.copy()
        hash.update(b"%d" % seq)
        return UUID(bytes=hash.digest()[:16], version=5)
