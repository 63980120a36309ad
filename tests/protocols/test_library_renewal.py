"""A client connects anew where gRPC would come to rest, and leaves alone what works."""

import asyncio
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
