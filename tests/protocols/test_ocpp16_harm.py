"""What a bad charger cannot do to the others, on real sockets."""

import asyncio
import json
from contextlib import suppress

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidStatus
from websockets.typing import Subprotocol

from pointsman.devices import DeviceFailed, World
from pointsman.devices.ocpp16.link import Link, Payload
from pointsman.devices.ocpp16.messages import Call
from pointsman.devices.ocpp16.session import CentralSystem
from pointsman.runtime.clock import SystemClock
from tests.protocols.ocpp_peers import (
    Ear,
    bay,
    central_system,
    control_calls,
    dial,
    library_charger,
    rate,
)

IN_TIME_SECONDS = 1.0
OTHER = bay("other", "CP-2")


async def assert_in_time(central: CentralSystem, asset_id: str = "other") -> None:
    """A command to a charger that did nothing wrong is done at once."""
    async with asyncio.timeout(IN_TIME_SECONDS):
        await central.devices[asset_id].send(rate(asset_id))


async def test_a_stranger_is_refused() -> None:
    async with central_system(OTHER) as central, library_charger(central, "CP-2"):
        for path in ("unknown", "", "%00%ff", "//[", "a" * 4000):
            with pytest.raises(InvalidStatus) as refused:
                async with dial(central, path):
                    pass
            assert refused.value.response.status_code == 404
        await assert_in_time(central)


@pytest.mark.parametrize("offered", [["ocpp2.0.1"], None], ids=str)
async def test_another_protocol_is_refused(offered: list[Subprotocol] | None) -> None:
    async with central_system(bay(), OTHER) as central, library_charger(central, "CP-2"):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"ws://{central.address}/CP-1", subprotocols=offered, proxy=None):
                pass
        assert refused.value.response.status_code == 400
        await assert_in_time(central)


GARBAGE = {
    "no JSON": "hello",
    "bytes": b"\x00\xff\xfe",
    "no list": "{}",
    "empty": "[]",
    "unknown kind": '[9,"1","Heartbeat",{}]',
    "no action": '[2,"1"]',
    "action is a list": '[2,"1",["Heartbeat"],{}]',
    "id is a table": '[2,{"a":1},"Heartbeat",{}]',
    "deep": "[" * 50_000,
    "no number": '[2,"1","Heartbeat",NaN]',
    "endless digits": f'[2,"1","Heartbeat",{"9" * 10_000}]',
    "answer to nothing": '[3,"?",{}]',
    "file name": '[2,"1","../../../../etc/passwd",{}]',
    "payload is a list": '[2,"1","StatusNotification",[]]',
    "status is a table": '[2,"1","StatusNotification",{"connectorId":{},"status":[]}]',
    "meter says nonsense": '[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"x",'
    '"sampledValue":[{"value":"1e999","unit":"Wh"},{"value":"?"}]}]}]',
    "connector without end": '[2,"1","StatusNotification",{"connectorId":1e999,'
    '"errorCode":"NoError","status":"Available"}]',
    "half a surrogate": '[2,"\\ud800","Heartbeat",{}]',
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_harms_nobody_else(garbage: str | bytes) -> None:
    async with (
        central_system(bay(), OTHER) as central,
        library_charger(central, "CP-2"),
        dial(central) as connection,
    ):
        with suppress(ConnectionClosed):
            for _ in range(12):
                await connection.send(garbage)
        await assert_in_time(central)


async def test_who_sends_only_garbage_is_hung_up_on() -> None:
    async with central_system(bay()) as central, dial(central) as connection:
        for _ in range(10):
            await connection.send("hello")
        async with asyncio.timeout(3):
            await connection.wait_closed()
    assert connection.close_code == 1002


async def test_a_message_without_end_is_hung_up_on() -> None:
    async with (
        central_system(bay(), OTHER) as central,
        library_charger(central, "CP-2"),
        dial(central) as connection,
    ):
        await connection.send("[" + " " * 200_000)
        await assert_in_time(central)
        async with asyncio.timeout(3):
            await connection.wait_closed()
    assert connection.close_code == 1009


async def flood(connection: ClientConnection) -> None:
    """Say the same for ever, and listen to nothing."""
    with suppress(ConnectionClosed):
        while True:
            await connection.send('[2,"1","Heartbeat",{}]')


async def test_a_flood_drowns_nobody_else() -> None:
    async with (
        central_system(bay(), OTHER) as central,
        library_charger(central, "CP-2"),
        dial(central) as connection,
        asyncio.TaskGroup() as tasks,
    ):
        flooding = tasks.create_task(flood(connection))
        for _ in range(4):
            await asyncio.sleep(0.25)
            await assert_in_time(central)
        flooding.cancel()
        connection.transport.abort()


async def pour(connection: ClientConnection) -> None:
    """Listen to nothing. The answers echo the id, so more and more of them waits to be read."""
    with suppress(ConnectionClosed):
        while True:
            await connection.send(f'[2,"{"x" * 100_000}","Heartbeat",{{}}]')


async def test_a_charger_that_never_listens_does_not_hold_up_the_end() -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:
        async with central_system(bay()) as central:
            connection = await dial(central)
            tasks.create_task(pour(connection))
            await asyncio.sleep(1.0)
            ending = loop.time()
        assert loop.time() - ending < 3
        connection.transport.abort()


async def test_a_charger_that_never_listens_can_be_replaced() -> None:
    async with central_system(bay()) as central, asyncio.TaskGroup() as tasks:
        pouring = tasks.create_task(pour(await dial(central)))
        await asyncio.sleep(1.0)
        async with library_charger(central), asyncio.timeout(3):
            await central.devices["bay"].send(rate())
            await pouring


async def test_a_drop_in_mid_call_is_doubt_and_harms_nobody_else() -> None:
    ear = Ear()
    async with (
        central_system(bay(), OTHER, ear=ear) as central,
        library_charger(central, "CP-2"),
        dial(central) as connection,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(drop_at_first_command(connection))
        with pytest.raises(DeviceFailed, match="went away") as failed:
            await central.devices["bay"].send(rate())
        await assert_in_time(central)
    assert failed.value.doubtful
    assert ("bay", "unavailable", "not connected") in ear.changes


async def drop_at_first_command(connection: ClientConnection) -> None:
    await connection.send('[2,"1","Heartbeat",{}]')
    async for message in connection:
        kind, unique_id, *more = json.loads(message)
        if kind == 2 and more[0] == "SetChargingProfile":
            connection.transport.abort()
            return
        if kind == 2:
            await connection.send(json.dumps([4, unique_id, "NotSupported", "", {}]))


async def test_a_charger_that_never_answers_delays_nobody_else() -> None:
    async with (
        central_system(bay(), OTHER) as central,
        library_charger(central, "CP-2"),
        dial(central),
        asyncio.TaskGroup() as tasks,
    ):
        silent = tasks.create_task(central.devices["bay"].send(rate()))
        await asyncio.sleep(0.1)
        await assert_in_time(central)
        assert not silent.done()
        silent.cancel()


async def test_a_second_connection_replaces_the_first() -> None:
    async with (
        central_system(bay()) as central,
        dial(central) as first,
        library_charger(central) as second,
    ):
        async with asyncio.timeout(3):
            await first.wait_closed()
            await central.devices["bay"].send(rate())
            assert control_calls(second)
            await central.devices["bay"].read()


class HungUp:
    """A connection on which some messages came before it ended."""

    def __init__(self, *messages: str) -> None:
        self._messages = list(messages)

    async def recv(self) -> str:
        if self._messages:
            return self._messages.pop(0)
        raise ConnectionClosedOK(None, None)

    async def send(self, message: str) -> None:  # noqa: ARG002 - the shape of a connection
        raise ConnectionClosedOK(None, None)

    async def close(self, code: int = 1000, reason: str = "") -> None: ...


async def test_what_a_charger_said_before_it_hung_up_counts() -> None:
    heard: list[str] = []

    async def slowly(_payload: Payload, unique_id: str) -> Payload:
        await asyncio.sleep(0.01)
        heard.append(unique_id)
        return {"currentTime": "2026-01-01T00:00:00Z"}

    said = [json.dumps([2, f"{n}", "Heartbeat", {}]) for n in range(5)]
    await Link("it", HungUp(*said), {"Heartbeat": slowly}).run()
    assert heard == ["0", "1", "2", "3", "4"]


async def test_a_call_on_a_line_that_is_dead_was_surely_not_heard() -> None:
    async with central_system(bay()) as central, dial(central) as connection:
        link = Link("nobody", connection, {})
        link.abandon()
        await link.run()
        with pytest.raises(DeviceFailed, match="is not connected") as failed:
            await link.call(Call("Heartbeat", {}), 1.0)
    assert not failed.value.doubtful


async def test_a_place_that_is_taken_is_named() -> None:
    async with central_system(bay()) as first:
        second = CentralSystem([OTHER], World(SystemClock(), Ear(), ocpp=first.address))
        with pytest.raises(OSError, match=f"cannot listen for chargers on {first.address}"):
            await second.run()
