"""A client connects anew where gRPC would come to rest, and leaves alone what works."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import grpc.aio
import pytest

from pointsman.library.dispatch.client import Client
from tests.protocols.dispatch_bench import MICROGRID, SOON_SECONDS, Serving, server

NOWHERE = "127.0.0.1:1"
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


async def fail(client: Client) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await anext(client.list(MICROGRID))
    assert refusal.value.code() is UNAVAILABLE


async def test_a_channel_that_cannot_connect_is_opened_anew() -> None:
    url = f"grpc://{NOWHERE}?ssl=false"
    async with asyncio.timeout(SOON_SECONDS), Client(server_url=url) as client:
        await fail(client)
        before = client.channel
        await client.renew()
        assert client.is_connected
        assert client.channel is not before
        await fail(client)


async def test_a_channel_that_works_stays(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(SOON_SECONDS),
        server(Serving(tmp_path)) as served,
        Client(server_url=served.url) as client,
    ):
        assert [one async for page in client.list(MICROGRID) for one in page] == []
        before = client.channel
        await client.renew()
        assert client.channel is before


async def test_a_channel_that_was_given_stays() -> None:
    async with asyncio.timeout(SOON_SECONDS), grpc.aio.insecure_channel(NOWHERE) as channel:
        client = Client(channel, NOWHERE)
        await fail(client)
        await client.renew()
        assert client.channel is channel


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of somebody who never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield "127.0.0.1:{1}".format(*listener.getsockname())


async def test_a_call_that_is_cut_off_has_failed(silent: str) -> None:
    async with asyncio.timeout(SOON_SECONDS), Client(server_url=f"grpc://{silent}") as client:
        for deletes in (True, False):
            delete = client.delete(microgrid_id=MICROGRID, dispatch_id=64) if deletes else None
            asking = asyncio.ensure_future(delete or anext(client.list(MICROGRID)))
            await asyncio.sleep(0.1)
            await client.channel.close(None)
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await asking
            assert refusal.value.code() is UNAVAILABLE
            await client.disconnect()
            client.connect()


async def test_who_is_cancelled_while_it_calls_is_cancelled(silent: str) -> None:
    async with asyncio.timeout(SOON_SECONDS), Client(server_url=f"grpc://{silent}") as client:
        asking = asyncio.ensure_future(client.delete(microgrid_id=MICROGRID, dispatch_id=64))
        await asyncio.sleep(0.1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
