"""Server-sent events: what happens, as it happens, each under its number.

    id: 4711
    event: operation_started
    data: {"id": ..., "seq": 4711, ...}

Whoever comes back says the last number that they had, and misses nothing. While nothing happens,
a comment says that we are still there.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Final

import msgspec

from pointsman.api.operation_events import Event
from pointsman.api.operation_stream import Gap, Subscription
from pointsman.api.rest.errors import AGAIN_SECONDS, check_open
from pointsman.api.rest.happenings import said
from pointsman.journal import Unknown

KEEP_ALIVE_SECONDS: Final = 15.0
STREAMS_MOST: Final = 1_000
"""At a time."""
RETRY: Final = f"retry: {AGAIN_SECONDS * 1_000}\n\n".encode()
KEEP_ALIVE: Final = b": still here\n\n"


class Stopping(Exception):
    """The server is going to stop: come back, and it or another one goes on."""


class Streams:
    """All streams of a server, so that they end with it."""

    def __init__(self, *, keep_alive_seconds: float = KEEP_ALIVE_SECONDS) -> None:
        self._keep_alive_seconds = keep_alive_seconds
        self._open: set[Subscription] = set()
        self._stopping = False

    def stop(self) -> None:
        """End all, and let no new ones begin."""
        self._stopping = True
        for subscription in self._open:
            subscription.end(Stopping())

    def check(self) -> None:
        """Refuse one more, if it would be too many.

        Raises:
            Problem: If it would.
        """
        check_open("streams", len(self._open), STREAMS_MOST, stopping=self._stopping)

    async def of(
        self, subscribe: Callable[[], Subscription], shown: Callable[[Event], bool]
    ) -> AsyncIterator[bytes]:
        """The bytes of a stream, until nobody reads it any more, or it must be asked for anew.

        It begins with the first of them: who asks for none is not kept.
        """
        with subscribe() as subscription:
            self._open.add(subscription)
            try:
                yield RETRY
                while True:
                    event = await self._next(subscription, shown)
                    yield KEEP_ALIVE if event is None else written(event)
                    await asyncio.sleep(0)  # Or nobody sees that the reader has gone.
            except (Gap, Stopping, Unknown):
                return  # Who comes back gets what is missing.
            finally:
                self._open.discard(subscription)

    async def _next(
        self, subscription: Subscription, shown: Callable[[Event], bool]
    ) -> Event | None:
        """None: nothing happens that this reader may know of."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._keep_alive_seconds):
                async for event in subscription:
                    if shown(event):
                        return event
                    await asyncio.sleep(0)  # Or nobody else gets a turn.
        return None


def written(event: Event) -> bytes:
    """As it goes over the wire. JSON has no line breaks, so it is one line of data."""
    head = f"id: {event.seq}\nevent: {event.type}\ndata: ".encode()
    return head + msgspec.json.encode(said(event)) + b"\n\n"
