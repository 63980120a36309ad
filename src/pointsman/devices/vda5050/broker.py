"""Connections to an MQTT broker. Whoever is cancelled within one, ends; and so does it."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiomqtt

from pointsman.runtime.cancelling import insist_on_cancellation

KEEPALIVE_SECONDS: Final = 15
ANSWER_SECONDS: Final = 5.0
"""How long the broker may take to answer."""
WAITING_MOST: Final = 1_000
"""Messages that may wait to be read."""

log = logging.getLogger(__name__)


class Connection:
    """What one connection is used for."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client

    async def subscribe(self, topics: Sequence[tuple[str, int]]) -> None:
        """To topics, each with its quality of service.

        Raises:
            MqttError: If the broker is gone, or does not answer.
        """
        await self._client.subscribe(list(topics))
        insist_on_cancellation()

    async def publish(self, topic: str, data: bytes, *, qos: int, retain: bool = False) -> None:
        """
        Raises:
            MqttError: If the broker is gone, or does not answer.
        """
        await self._client.publish(topic, data, qos=qos, retain=retain)
        insist_on_cancellation()

    def messages(self) -> AsyncIterator[aiomqtt.Message]:
        """All that arrives. Raises: MqttError: Once the broker is gone."""
        return self._client.messages


@dataclass(frozen=True, slots=True)
class Broker:
    host: str = "127.0.0.1"
    port: int = 1883
    username: str | None = None
    password: str | None = None
    tls: bool = False

    @asynccontextmanager
    async def connected(
        self, identifier: str, will: aiomqtt.Will | None = None
    ) -> AsyncIterator[Connection]:
        """A connection to it.

        Raises:
            MqttError: If there is none to be had, or it was lost.
        """
        client = aiomqtt.Client(
            self.host,
            self.port,
            username=self.username,
            password=self.password,
            identifier=identifier,
            will=will,
            timeout=ANSWER_SECONDS,
            keepalive=KEEPALIVE_SECONDS,
            max_queued_incoming_messages=WAITING_MOST,
            tls_context=ssl.create_default_context() if self.tls else None,
            logger=log,
        )
        try:
            await _enter(client)
            try:
                yield Connection(client)
            finally:
                await client.__aexit__(None, None, None)
        finally:
            insist_on_cancellation()


async def _enter(client: aiomqtt.Client) -> None:
    """Connect, or if cancelled meanwhile, leave no connection behind that nobody has."""
    entering = asyncio.ensure_future(client.__aenter__())
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        await asyncio.wait([entering])
        if entering.exception() is None:
            await client.__aexit__(None, None, None)
        raise
