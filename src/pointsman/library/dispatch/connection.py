"""The connection to a server: it subscribes, lists, and does so again whenever that ends.

    subscribe --> list --> what was streamed meanwhile --> what is streamed
        ^                                                        |
        +---------- wait a little, and longer each time <--------+

What is streamed waits while a listing is under way, so that nothing comes between and nothing
that was deleted comes back. Which of two versions is newer, the follower knows.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final, Protocol, cast

from frequenz.api.common.v1alpha8.streaming.event_pb2 import Event
from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2
from frequenz.client.base.exception import ClientNotConnected
from frequenz.client.dispatch import DispatchApiClient
from grpc.aio import AioRpcError

from pointsman.dispatch_api.messages import Unreadable, dispatch_of
from pointsman.dispatches.following import Intent, Listed, See, SeeDeleted
from pointsman.dispatches.model import Dispatch
from pointsman.dispatches.runs import Overlap
from pointsman.library.dispatch.backoff import Backoff
from pointsman.library.dispatch.client import Client
from pointsman.library.dispatch.listing import Lister
from pointsman.runtime.cancelling import insist_on_cancellation
from pointsman.runtime.clock import Clock
from pointsman.runtime.loading import collector_paused

log = logging.getLogger(__name__)
AT_ONCE: Final = 50
"""Dispatches that are seen in one intent: how long whatever is due then waits."""
SUBSCRIBED_SECONDS: Final = 2.0
"""How long to wait for a server to say that it has begun to stream. Some say so only when there
is something to stream: then it is listed again."""
STEADY_SECONDS: Final = 10.0
"""Who was connected for so long may come back quickly."""
BUFFER: Final = 100_000
"""Events that wait while a listing is under way. With more, all begins anew."""

Submit = Callable[[Intent], Awaitable[Sequence[object]]]
Stream = AsyncIterator[pb2.StreamMicrogridDispatchesResponse]


class Call(Protocol):
    """As much of a streaming call as is of interest."""

    def initial_metadata(self) -> Awaitable[object]:
        """What a server sends when it begins; nothing, if it never does."""

    def cancel(self) -> bool:
        """End it."""


class StreamEnded(Exception):
    """The server ended a stream, which should go on for ever, without a reason."""


class Connection:
    def __init__(
        self,
        client: DispatchApiClient,
        microgrid_id: int,
        submit: Submit,
        clock: Clock,
        *,
        overlap: Overlap,
        unfinished: Callable[[], Collection[int]],
        on_listed: Callable[[], None],
    ) -> None:
        """`unfinished` are the ids that are known; `on_listed` hears when all there is was seen."""
        self._client = client
        self._microgrid_id = microgrid_id
        self._submit = submit
        self._clock = clock
        self._overlap = overlap
        self._unfinished = unfinished
        self._on_listed = on_listed
        self._lister = Lister(client, microgrid_id)
        self._backoff = Backoff()
        self._events: deque[pb2.StreamMicrogridDispatchesResponse] = deque()
        self._news = asyncio.Event()
        self._end: AioRpcError | StreamEnded | None = None
        """Of the stream that is followed."""
        self._said = ""

    async def run(self) -> None:
        """Keep up with the server, whatever it does, until cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            began = now()
            try:
                await self._once()
            except* (AioRpcError, StreamEnded, ClientNotConnected) as failed:
                if now() - began < self._client.stream_timeout.total_seconds():
                    self._say(failed)
            insist_on_cancellation()
            if now() - began >= STEADY_SECONDS:
                self._backoff.reset()
            await asyncio.sleep(self._backoff.next_seconds())
            if isinstance(self._client, Client):
                await self._client.renew()

    async def _once(self) -> None:
        """One stream, from its beginning to its end.

        Raises:
            ExceptionGroup: Always, with what ended it.
        """
        self._events.clear()
        self._news.clear()
        self._end = None
        async with asyncio.TaskGroup() as tasks:
            request = pb2.StreamMicrogridDispatchesRequest(microgrid_id=self._microgrid_id)
            seconds = self._client.stream_timeout.total_seconds()
            call = self._client.stub.StreamMicrogridDispatches(request, timeout=seconds)
            try:
                tasks.create_task(self._read(cast(Stream, call)))
                certain = await self._subscribed(call)
                await self._list()
                await self._follow(certain=certain)
            finally:
                call.cancel()

    async def _read(self, stream: Stream) -> None:
        """Take what comes. That it ended is noticed when all that came is taken in."""
        try:
            async for event in stream:
                if len(self._events) >= BUFFER:
                    raise StreamEnded(f"more than {BUFFER} events came during a listing")
                self._events.append(event)
                self._news.set()
            raise StreamEnded("the server ended the stream")
        except (AioRpcError, StreamEnded) as end:
            self._end = end
            self._news.set()

    def _check_end(self) -> None:
        if self._end is not None:
            raise self._end

    async def _subscribed(self, call: Call) -> bool:
        """Wait until the stream has begun. False: nobody can tell."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SUBSCRIBED_SECONDS):
                await call.initial_metadata()
                return True
        return False

    async def _list(self) -> None:
        """See all that there is, however often it takes."""
        backoff = Backoff()
        while True:
            try:
                await self._list_once()
                return
            except AioRpcError as error:
                self._say(ExceptionGroup("listing failed", [error]))
            self._check_end()
            await asyncio.sleep(backoff.next_seconds())

    async def _list_once(self) -> None:
        began = self._clock.now()
        with collector_paused():
            listing = await self._lister.unfinished(began, tuple(self._unfinished()))
            await self._see(listing.dispatches)
        newest = max((one.update_time for one in listing.dispatches), default=began)
        listed = Listed(frozenset(listing.ids), max(began, newest))
        while await self._submit(listed):
            pass
        self._said = ""
        self._on_listed()

    async def _follow(self, *, certain: bool) -> None:
        """Take in what is streamed. If nobody knew when that began, what came before is listed."""
        while True:
            while not self._events:
                self._check_end()
                self._news.clear()
                await self._news.wait()
            if not certain:
                await self._list()
                certain = True
            if not await self._take_in():
                await self._list()

    async def _take_in(self) -> bool:
        """All that waits, in order. False: some of it can only be understood by listing."""
        understood, seen = True, list[Dispatch]()
        while self._events:
            event = self._events.popleft()
            try:
                dispatch = dispatch_of(event.dispatch, self._microgrid_id)
            except Unreadable as error:
                log.warning(
                    "microgrid %d: what was streamed of a dispatch cannot be read: %s",
                    self._microgrid_id,
                    error,
                )
                understood = understood and event.event != Event.EVENT_DELETED
                continue
            if event.event != Event.EVENT_DELETED:
                seen.append(dispatch)
                continue
            await self._see(seen)
            seen = []
            await self._submit(SeeDeleted(dispatch))
        await self._see(seen)
        return understood

    async def _see(self, dispatches: Sequence[Dispatch]) -> None:
        rest = iter(dispatches)
        while batch := tuple(islice(rest, AT_ONCE)):
            try:
                await self._submit(See(batch, self._overlap))
            except ValueError:
                await self._see_one_by_one(batch)

    async def _see_one_by_one(self, batch: Sequence[Dispatch]) -> None:
        """Leave out what cannot be kept, and nothing else."""
        for dispatch in batch:
            try:
                await self._submit(See((dispatch,), self._overlap))
            except ValueError as error:
                log.warning("dispatch %d is left out: %s", dispatch.id, error)

    def _say(self, failed: BaseExceptionGroup[Exception]) -> None:
        """In one line, and not again as long as it is the same."""
        causes = {
            _line(error) for error in failed.exceptions if not isinstance(error, ExceptionGroup)
        }
        line = "; ".join(sorted(causes))
        if line != self._said:
            log.warning("microgrid %d: trying again, as %s", self._microgrid_id, line)
        self._said = line


def _line(error: BaseException) -> str:
    if isinstance(error, AioRpcError):
        return f"the server answers {error.code().name}: {error.details()}"
    return str(error)
