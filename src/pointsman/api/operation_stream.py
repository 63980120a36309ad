"""Events told as they happen, to whoever subscribes: in order, each once, the past first.

    journal --Mirrors--> Broadcast.tell --Event, once for all--> Subscription, Subscription, ...
                                   record --whoever comes back--^

A subscriber who does not keep up is told so and let go, so that nobody else ever waits for it, and
it never misses anything without knowing.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import TracebackType
from typing import Final

from pointsman.api.operation_events import Event, Numbering
from pointsman.runtime.codec import Happened

WAITING_LIMIT: Final = 5_000
"""Events that one subscriber may be behind."""

Replay = Callable[["Subscription", int], Awaitable[tuple[Sequence[Event], int | None]]]
"""Reads the next events for a subscription, after a place, of all that is durable. And from which
place to go on; None: there are no more."""


class Gap(Exception):
    """The subscriber did not keep up, and misses something. It may come back with its last seq."""


class Broadcast:
    """Tells all subscribers. What nobody wants to hear costs nothing."""

    def __init__(
        self,
        numbering: Numbering,
        place: Callable[[], int],
        replay: Replay,
        *,
        limit: int = WAITING_LIMIT,
    ) -> None:
        """`place` is that of the latest fact that was told of, to nobody maybe."""
        self.place = place
        self.replay = replay
        self.limit = limit
        self._numbering = numbering
        self._listening: dict[str | None, set[Subscription]] = {}
        """By resource. None: those who listen to all."""

    def subscribe(
        self, resource_id: str | None, after: int | None, *, every: bool
    ) -> "Subscription":
        subscription = Subscription(self, resource_id, after, every=every)
        self._listening.setdefault(resource_id, set()).add(subscription)
        return subscription

    def leave(self, subscription: "Subscription") -> None:
        listening = self._listening.get(subscription.resource_id, set())
        listening.discard(subscription)
        if not listening:
            self._listening.pop(subscription.resource_id, None)

    def tell(self, resource_id: str, seq: int, happened: Happened) -> None:
        """In the order of the journal."""
        own, all = self._listening.get(resource_id, ()), self._listening.get(None, ())
        if (own or all) and (event := self._numbering.event(seq, happened)):
            for subscription in (*own, *all):
                subscription.put(event)

    def end(self, reason: Exception) -> None:
        """Let all go, each once it has got what there is."""
        for listening in self._listening.values():
            for subscription in listening:
                subscription.end(reason)


class Subscription:
    """An iterator without end, but for an exception. Close it, or leave its `with`.

    Raises:
        Gap: If too much waits to be taken.
        Unknown: If nobody follows the journal any more, or the record cannot be read.
    """

    def __init__(
        self, broadcast: Broadcast, resource_id: str | None, after: int | None, *, every: bool
    ) -> None:
        self.resource_id = resource_id
        """None: all."""
        self.every = every
        """Whether it is told of every event, and not of documented ones only."""
        self._broadcast = broadcast
        self._after = after or 0
        """What is before, or there, was told earlier."""
        self._replayed = after
        """The place up to where the past was replayed. None: that is done."""
        self._live: int | None = broadcast.place() if after is None else None
        """Where what is told as it happens begins. None: it is too early for that."""
        self._waiting: deque[Event] = deque()
        self._coming: deque[Event] = deque()
        """What happens during the last steps of a replay."""
        self._filled = asyncio.Event()
        self._end: Exception | None = None

    def close(self) -> None:
        """Nothing more is kept for it."""
        self._broadcast.leave(self)

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        while not self._waiting:
            if self._end is not None:
                raise self._end
            if self._replayed is not None:
                await self._replay(self._replayed)
            else:
                self._filled.clear()
                await self._filled.wait()
        return self._waiting.popleft()

    def put(self, event: Event) -> None:
        """Tell of what happens now, unless it is read from the record anyway."""
        wanted = event.seq > self._after and (self.every or event.documented)
        if self._live is None or self._end is not None or not wanted:
            return
        if len(self._waiting) + len(self._coming) >= self._broadcast.limit:
            self._waiting.clear()
            self.end(Gap(f"{self._broadcast.limit} events waited to be taken: come back for them"))
            return
        (self._waiting if self._replayed is None else self._coming).append(event)
        self._filled.set()

    def end(self, reason: Exception) -> None:
        """Let it go, once it has got what there is."""
        self._end = self._end or reason
        self._filled.set()

    async def _replay(self, after: int) -> None:
        """A page of the past. Near its end, first listen, then read what lies before that."""
        page, goes_on = await self._broadcast.replay(self, after)
        if self._end is not None:
            return
        live = self._live
        self._waiting.extend(event for event in page if live is None or event.seq <= live)
        if goes_on is not None and (live is None or goes_on < live):
            self._replayed = goes_on
            return
        if live is None:
            self._live = self._broadcast.place()
            self._replayed = page[-1].seq if page else after
            if self._replayed < self._live:
                return
        self._replayed = None
        self._waiting.extend(self._coming)
        self._coming.clear()
