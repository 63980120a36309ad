"""Events as doors tell them: what happened to operations, to their jobs and to their resources.

An event is a fact with its place. The place is the journal's, so an event has the same number and
the same id after a restart, and whoever comes back says what they had last.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from pointsman.operations.events import DOCUMENTED, Change, EventType, changes_of, event_type_of
from pointsman.operations.facts import AboutOperation
from pointsman.operations.model import Operation
from pointsman.runtime.codec import Happened


@dataclass(frozen=True, slots=True)
class Event:
    """A fact as doors tell it."""

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
        self._space = uuid5(NAMESPACE_URL, f"urn:pointsman:journal:{journal_id}")
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
            uuid5(self._space, str(seq)),
            self._resource_ids[happened.entity],
            operation.id if operation else None,
            type,
            happened.at,
            changes_of(fact),
            fact.by,
            fact.meta,
            operation,
        )
