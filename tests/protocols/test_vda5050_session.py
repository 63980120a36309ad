"""What a session knows of a vehicle is what it said since it was last online, and nothing older."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import msgspec
import pytest

from pointsman.devices import DeviceFailed
from pointsman.devices.vda5050 import broker as brokers
from pointsman.devices.vda5050 import session as sessions
from pointsman.devices.vda5050.broker import Broker
from pointsman.devices.vda5050.messages import Order, Vehicle, connection_message
from pointsman.devices.vda5050.session import Session
from pointsman.runtime.clock import SystemClock
from tests.protocols.library_bench import free_port
from tests.protocols.mosquitto import Mosquitto, mosquitto

VEHICLE = Vehicle("acme", "v1")
PATIENCE_SECONDS = 10.0


class Watched:
    """A session that lives, and whatever changes in it."""

    def __init__(self, port: int) -> None:
        self.session = Session(VEHICLE, Broker(port=port), SystemClock())
        self._changed = asyncio.Event()

    async def run(self) -> None:
        await self.session.run(self._changed.set)

    async def until(self, so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not so():
                self._changed.clear()
                await self._changed.wait()

    async def is_heard(self, *, heard: bool) -> None:
        await self.until(lambda: (self.session.state is not None) is heard)


@asynccontextmanager
async def watched(port: int) -> AsyncIterator[Watched]:
    async with asyncio.TaskGroup() as tasks:
        one = Watched(port)
        life = tasks.create_task(one.run())
        yield one
        life.cancel()


class Hand:
    """A vehicle that says what a test has it say."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client

    async def says(self, **state: object) -> None:
        said = {"orderId": "", **state}
        await self._client.publish(VEHICLE.topic("state"), msgspec.json.encode(said))

    async def is_connected(self, state: str) -> None:
        message = connection_message(VEHICLE, state, 1, SystemClock().now())
        await self._client.publish(VEHICLE.topic("connection"), message, qos=1, retain=True)

    async def asked(self) -> list[str]:
        """The types of the next instant actions that reach it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            message = await anext(self._client.messages)
        assert isinstance(message.payload, bytes)
        return [one["actionType"] for one in msgspec.json.decode(message.payload)["actions"]]


@asynccontextmanager
async def hand(broker: Mosquitto) -> AsyncIterator[Hand]:
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe(VEHICLE.topic("instantActions"))
        yield Hand(client)


async def test_a_session_asks_how_the_vehicle_is(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        async with hand(broker) as vehicle, watched(broker.port) as one:
            assert await vehicle.asked() == ["stateRequest"]
            await vehicle.says(orderId="a")
            await one.is_heard(heard=True)
            await vehicle.is_connected("ONLINE")
            assert await vehicle.asked() == ["stateRequest"]


async def test_a_state_that_was_overtaken_changes_nothing(tmp_path: Path) -> None:
    early, late = "2026-01-01T08:00:00Z", "2026-01-01T08:00:01Z"
    with mosquitto(tmp_path) as broker:
        async with hand(broker) as vehicle, watched(broker.port) as one:
            assert await vehicle.asked()
            await vehicle.says(orderId="b", headerId=7, timestamp=late)
            await vehicle.says(orderId="a", headerId=6, timestamp=early)
            await vehicle.is_connected("ONLINE")
            assert await vehicle.asked()
            assert one.session.state is not None
            assert one.session.state.order_id == "b"
            await vehicle.says(orderId="c", headerId=1, timestamp=early)
            await one.until(lambda: one.session.heard == 2)


@pytest.mark.parametrize("gone", ["CONNECTIONBROKEN", "OFFLINE"])
async def test_a_vehicle_that_is_gone_is_not_heard_any_more(tmp_path: Path, gone: str) -> None:
    with mosquitto(tmp_path) as broker:
        async with hand(broker) as vehicle, watched(broker.port) as one:
            assert await vehicle.asked()
            await vehicle.says()
            await one.is_heard(heard=True)
            await vehicle.is_connected(gone)
            await one.is_heard(heard=False)


async def test_what_was_known_before_the_broker_was_away_is_forgotten(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        async with watched(broker.port) as one:
            async with hand(broker) as vehicle:
                assert await vehicle.asked()
                await vehicle.says()
                await one.is_heard(heard=True)
                broker.kill()
                await one.is_heard(heard=False)
            with pytest.raises(DeviceFailed, match="no connection to the broker"):
                await one.session.send_order(Order("a"))
            broker.start()
            async with hand(broker) as vehicle:
                await vehicle.is_connected("ONLINE")
                assert await vehicle.asked() == ["stateRequest"]
                assert one.session.state is None
                await vehicle.says()
                await one.is_heard(heard=True)


async def test_a_vehicle_that_is_quiet_is_asked_and_then_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(sessions, "QUIET_SECONDS", 0.2)
    monkeypatch.setattr(sessions, "SILENT_SECONDS", 0.7)
    with mosquitto(tmp_path) as broker:
        async with hand(broker) as vehicle, watched(broker.port) as one:
            assert await vehicle.asked() == ["stateRequest"]
            await vehicle.says()
            await one.is_heard(heard=True)
            assert await vehicle.asked() == ["stateRequest"]
            assert one.session.state is not None
            await one.is_heard(heard=False)


async def test_a_broker_that_is_not_there_is_tried_again_and_complained_of_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "BACKOFF_SECONDS_MOST", 0.1)
    tries = 0

    def counted() -> bool:
        nonlocal tries
        tries += 1
        return tries > 3

    with caplog.at_level(logging.WARNING):
        async with watched(free_port()) as one:
            await one.until(counted)
    assert len(caplog.messages) == 1


async def test_a_session_may_be_ended_at_any_moment(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        async with asyncio.TaskGroup() as tasks, asyncio.timeout(3 * PATIENCE_SECONDS):
            for moment in range(120):
                life = tasks.create_task(Watched(broker.port).run())
                await asyncio.sleep(0.0001 * moment)
                life.cancel()
                await asyncio.wait([life])


async def test_a_session_ends_though_the_broker_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brokers, "ANSWER_SECONDS", 0.3)
    with mosquitto(tmp_path) as broker:
        async with hand(broker) as vehicle, asyncio.timeout(PATIENCE_SECONDS):
            async with watched(broker.port):
                assert await vehicle.asked()
                broker.hang()
            broker.go_on()
