"""Asking twice is asking once: what a key was used for, as the events themselves remember it.

The key and a digest of the request go with each fact that comes of it, and so does the answer. So
a repeated request is answered as the first one was, after a restart too. What was refused left no
fact: it is judged anew.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid4, uuid5
from weakref import WeakValueDictionary

from pointsman.api.operation_events import Event
from pointsman.api.rest.errors import Problem
from pointsman.api.rest.strict_json import written

FIELD: Final = "idempotency"
"""Of an event's `meta_data`."""
KEY_MOST: Final = 200
LOOKED_BACK: Final = 1_000
"""Events, of an operation or of a resource, among which a key is looked for."""


@dataclass(frozen=True, slots=True)
class Once:
    """A request that may come again. Without a key, each is another one."""

    resource_id: str
    by: str
    key: str | None
    digest: str
    """Of all that is asked."""

    def ids(self, count: int) -> list[str]:
        """Ids for new operations: the same ones for the same key."""
        if self.key is None:
            return [str(uuid4()) for _ in range(count)]
        name = written([self.resource_id, self.by, self.key]).decode()
        return [str(uuid5(NAMESPACE_URL, f"{name}{number}")) for number in range(count)]

    def meta(self, meta: Mapping[str, Any]) -> dict[str, Any]:
        """What goes with the facts."""
        if self.key is None:
            return dict(meta)
        return {**meta, FIELD: {"key": self.key, "digest": self.digest}}

    def answered(self, events: Sequence[Event]) -> list[Event]:
        """Those of these that came at once of this request, when it came first.

        Raises:
            Problem: If the key was used for another request.
        """
        own = [event for event in events if self._is_own(event)]
        return [event for event in own if event.at == own[0].at]

    def _is_own(self, event: Event) -> bool:
        said = event.meta.get(FIELD)
        if not isinstance(said, Mapping) or event.by != self.by or said.get("key") != self.key:
            return False
        if said.get("digest") != self.digest:
            raise Problem(
                409,
                "idempotency_key_reused",
                f"Idempotency-Key {self.key!r} was used for another request: draw a new one",
            )
        return True


def digest_of(what: str, names: Mapping[str, str], body: object) -> str:
    """Of a request: what it asks for, of what, and how."""
    return sha256(written([what, dict(names), body])).hexdigest()[:32]


class Turns:
    """One request of a key at a time."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[str, str, str], asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, once: Once) -> AsyncIterator[None]:
        if once.key is None:
            yield
            return
        lock = self._locks.setdefault((once.resource_id, once.by, once.key), asyncio.Lock())
        async with lock:
            yield
