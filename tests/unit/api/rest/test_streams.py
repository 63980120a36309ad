"""Streams of events: what their readers are told, and what they are not."""

import asyncio
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

from pointsman.api.operation_events import Event
from pointsman.api.operation_stream import Subscription
from pointsman.api.rest.streams import KEEP_ALIVE, RETRY, Streams
from pointsman.operations.events import EventType

SOON_SECONDS = 10


class Busy:
    """A subscription to which something happens all the time."""

    def __enter__(self) -> "Busy":
        return self

    def __exit__(self, *_: object) -> None: ...

    def __aiter__(self) -> "Busy":
        return self

    async def __anext__(self) -> Event:
        await asyncio.sleep(0)
        at = datetime(2026, 1, 1, tzinfo=UTC)
        added = EventType.OPERATION_ADDED
        return Event(1, UUID(int=1), "press", "lift", added, at, (), "", {}, None)


async def test_who_may_know_nothing_of_all_that_happens_is_told_that_we_are_still_there() -> None:
    busy = cast(Subscription, Busy())
    frames = Streams(keep_alive_seconds=0.01).of(lambda: busy, lambda _: False)
    async with asyncio.timeout(SOON_SECONDS):
        assert [await anext(frames) for _ in range(3)] == [RETRY, KEEP_ALIVE, KEEP_ALIVE]
