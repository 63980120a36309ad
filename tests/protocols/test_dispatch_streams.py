"""Streams of the Dispatch API: who hears what, when, and how it ends."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import grpc
import pytest
from frequenz.api.common.v1alpha8.streaming.event_pb2 import Event as PbEvent
from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2
from frequenz.api.dispatch.v1.dispatch_pb2_grpc import MicrogridDispatchServiceStub
from frequenz.client.dispatch import DispatchApiClient
from frequenz.client.dispatch.types import Dispatch, DispatchEvent, Event

from tests.protocols.dispatch_bench import (
    MICROGRID,
    SOON_SECONDS,
    Serving,
    client,
    created,
    listed,
    restartable,
    server,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
REQUEST = pb2.StreamMicrogridDispatchesRequest(microgrid_id=int(MICROGRID))
Call = grpc.aio.UnaryStreamCall[
    pb2.StreamMicrogridDispatchesRequest, pb2.StreamMicrogridDispatchesResponse
]


@asynccontextmanager
async def subscribed(
    port: int, options: Sequence[tuple[str, int]] | None = None
) -> AsyncIterator[Call]:
    """A stream that the server has said to have begun."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        stub = MicrogridDispatchServiceStub(channel)
        call: Call = stub.StreamMicrogridDispatches(REQUEST)
        async with asyncio.timeout(SOON_SECONDS):
            await call.initial_metadata()
        yield call


async def heard(call: Call) -> pb2.StreamMicrogridDispatchesResponse:
    async with asyncio.timeout(SOON_SECONDS):
        response = await call.read()
    assert isinstance(response, pb2.StreamMicrogridDispatchesResponse), "the stream has ended"
    return response


async def ended(call: Call) -> tuple[grpc.StatusCode, str]:
    """How it ended: that is told after all that was said."""
    async with asyncio.timeout(SOON_SECONDS):
        with suppress(grpc.aio.AioRpcError):
            while await call.read() is not grpc.aio.EOF:
                pass
        return await call.code(), await call.details() or ""


async def changes(api: DispatchApiClient, count: int = 1) -> None:
    dispatch = await created(api)
    for n in range(count):
        payload = {"n": float(n), "text": "x" * 10_000}
        await api.update(
            microgrid_id=MICROGRID, dispatch_id=dispatch.id, new_fields={"payload": payload}
        )


async def test_a_stream_says_that_it_has_begun_before_anything_happens(tmp_path: Path) -> None:
    async with server(Serving(tmp_path)) as served, subscribed(served.port) as call:
        assert not call.done()


async def test_whatever_happens_is_heard_once_and_in_order(tmp_path: Path) -> None:
    async with (
        server(Serving(tmp_path)) as served,
        client(served.url) as api,
        subscribed(served.port) as call,
    ):
        first = await created(api)
        updated = await api.update(
            microgrid_id=MICROGRID, dispatch_id=first.id, new_fields={"active": False}
        )
        second = await created(api)
        await api.delete(microgrid_id=MICROGRID, dispatch_id=first.id)
        events = [DispatchEvent.from_protobuf(await heard(call)) for _ in range(4)]
    assert events[:3] == [
        DispatchEvent(dispatch=first, event=Event.CREATED),
        DispatchEvent(dispatch=updated, event=Event.UPDATED),
        DispatchEvent(dispatch=second, event=Event.CREATED),
    ]
    assert events[3].event is Event.DELETED


async def test_the_last_that_is_heard_of_a_dispatch_is_all_of_it_and_newer_than_before(
    tmp_path: Path,
) -> None:
    async with (
        server(Serving(tmp_path)) as served,
        client(served.url) as api,
        subscribed(served.port) as call,
    ):
        dispatch = await created(api, payload={"power_kw": 5.0})
        await api.delete(microgrid_id=MICROGRID, dispatch_id=dispatch.id)
        await heard(call)
        last = await heard(call)
    assert last.event == PbEvent.EVENT_DELETED
    told = Dispatch.from_protobuf(last.dispatch)
    assert told.update_time > dispatch.update_time
    assert (told.type, told.payload, told.start_time, told.target) == (
        dispatch.type,
        dispatch.payload,
        dispatch.start_time,
        dispatch.target,
    )


async def test_what_is_refused_is_not_heard_of(tmp_path: Path) -> None:
    async with (
        server(Serving(tmp_path)) as served,
        client(served.url) as api,
        subscribed(served.port) as call,
    ):
        with pytest.raises(grpc.aio.AioRpcError):
            await created(api, payload={"a": {"b": {"c": {"d": {"e": {}}}}}})
        dispatch = await created(api)
        with pytest.raises(grpc.aio.AioRpcError):
            await api.update(microgrid_id=MICROGRID, dispatch_id=dispatch.id, new_fields={})
        await api.delete(microgrid_id=MICROGRID, dispatch_id=dispatch.id)
        assert [(await heard(call)).event for _ in range(2)] == [
            PbEvent.EVENT_CREATED,
            PbEvent.EVENT_DELETED,
        ]


async def test_who_streams_can_list_afterwards_and_has_missed_nothing(tmp_path: Path) -> None:
    """Whatever was answered before the stream began is in the list; all else is in the stream."""
    async with server(Serving(tmp_path)) as served, client(served.url) as api:
        before = await created(api)
        async with subscribed(served.port) as call:
            after = await created(api)
            known = {dispatch.id for dispatch in await listed(api)}
            assert known == {before.id, after.id}
            assert (await heard(call)).dispatch.metadata.dispatch_id == int(after.id)


async def test_a_stream_never_ends_as_if_all_were_said(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        async with server(Serving(tmp_path)) as served:
            call = await stack.enter_async_context(subscribed(served.port))
            status = asyncio.ensure_future(ended(call))
            await asyncio.sleep(0.05)
        code, details = await status
    assert code is grpc.StatusCode.UNAVAILABLE
    assert details == "this server is stopping: ask again"


async def test_a_client_that_streams_comes_back_by_itself_after_a_restart(tmp_path: Path) -> None:
    async with restartable(tmp_path) as served, client(served.url) as api:
        events = api.stream(MICROGRID)
        await asyncio.sleep(0.2)
        first = await created(api)
        async with asyncio.timeout(SOON_SECONDS):
            assert (await events.receive()).dispatch == first
        await served.stop()
        await served.start()
        async with asyncio.timeout(3 * SOON_SECONDS):
            event = None
            while event is None:  # What happens until it is back, a plain stream does not hear.
                second = await created(api)
                try:
                    event = await asyncio.wait_for(events.receive(), 0.3)
                except TimeoutError:
                    continue
        assert event.event is Event.CREATED
        assert event.dispatch.id == second.id
        assert first.id in {dispatch.id for dispatch in await listed(api)}


async def test_who_does_not_read_is_let_go_and_holds_nobody_up(tmp_path: Path) -> None:
    small = [("grpc.http2.lookahead_bytes", 1024), ("grpc.http2.bdp_probe", 0)]
    async with (
        server(Serving(tmp_path, waiting_limit=20)) as served,
        client(served.url) as api,
        subscribed(served.port, small) as slow,
        subscribed(served.port) as quick,
    ):
        reading = asyncio.ensure_future(take(quick, 201))
        await changes(api, 200)
        assert await reading == 201
        code, details = await ended(slow)
    assert code is grpc.StatusCode.UNAVAILABLE
    assert "subscribe, then list anew" in details


async def take(call: Call, count: int) -> int:
    for _ in range(count):
        await heard(call)
    return count


async def test_five_hundred_who_only_listen_hear_a_change_at_once(tmp_path: Path) -> None:
    async with (
        server(Serving(tmp_path)) as served,
        client(served.url) as api,
        AsyncExitStack() as s,
    ):
        channels = [
            await s.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{served.port}"))
            for _ in range(5)
        ]
        calls: list[Call] = [
            MicrogridDispatchServiceStub(channels[n % 5]).StreamMicrogridDispatches(REQUEST)
            for n in range(500)
        ]
        async with asyncio.timeout(SOON_SECONDS):
            await asyncio.gather(*(call.initial_metadata() for call in calls))
        dispatch = await created(api)
        responses = await asyncio.gather(*(heard(call) for call in calls))
        assert {one.dispatch.metadata.dispatch_id for one in responses} == {int(dispatch.id)}
        for call in calls:
            call.cancel()


async def test_a_client_that_asks_whether_we_are_there_is_never_told_to_go_away(
    tmp_path: Path,
) -> None:
    """Four times in as many seconds, with nothing else being said."""
    asking = [
        ("grpc.keepalive_time_ms", 1000),
        ("grpc.keepalive_timeout_ms", 1000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    async with (
        server(Serving(tmp_path)) as served,
        client(served.url) as api,
        subscribed(served.port, asking) as call,
    ):
        await asyncio.sleep(4.5)
        dispatch = await created(api)
        assert (await heard(call)).dispatch.metadata.dispatch_id == int(dispatch.id)


async def test_who_is_gone_without_a_word_is_noticed(tmp_path: Path) -> None:
    """A wire that is dead at one end, as after a power cut."""
    often = {"grpc.keepalive_time_ms": 1000, "grpc.http2.ping_timeout_ms": 500}
    async with server(Serving(tmp_path, options=often)) as served, AsyncExitStack() as stack:
        wire = await stack.enter_async_context(Wire.to(served.port))
        call = await stack.enter_async_context(subscribed(wire.port))
        assert not call.done()
        wire.dead = True
        async with asyncio.timeout(SOON_SECONDS):
            await wire.left.wait()
        call.cancel()


class Wire:
    """Passes bytes on between a client and a server, until it is dead: then in silence."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.port = 0
        self.dead = False
        self.left = asyncio.Event()
        """The server has hung up."""
        self._writers: list[asyncio.StreamWriter] = []
        self._over = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def to(cls, port: int) -> "AsyncIterator[Wire]":
        wire = cls(port)
        listening = await asyncio.start_server(wire._connected, "127.0.0.1", 0)
        wire.port = listening.sockets[0].getsockname()[1]
        try:
            yield wire
        finally:
            listening.close()
            for writer in wire._writers:
                writer.close()
            await wire._over.wait()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers += writer, back
        await asyncio.gather(
            self._pass(reader, back), self._pass(there, writer, self.left), return_exceptions=True
        )
        self._over.set()

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        left: asyncio.Event | None = None,
    ) -> None:
        while data := await reader.read(65_536):
            if not self.dead:
                writer.write(data)
                await writer.drain()
        if left is not None:
            left.set()
