"""SunSpec devices that are not ours: one built by hand, and some that do everything wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from pointsman.devices import DeviceFailed
from pointsman.runtime.clock import SystemClock
from pointsman.schedules.model import Command, CommandType, Policy
from tests.protocols.sunspec_bench import (
    Ears,
    battery,
    fleet_of,
)

MARK = [0x5375, 0x6E53]
COMMON = [1, 66, *[0] * 66]
WSET_ENA, WSET_MOD, WSET, WSET_TIMER, WSET_SCALE = 22, 23, 24, 31, 55
W, W_SCALE, METER_SIZE = 10, 116, 155


def control_704(scale: int) -> list[int]:
    """Model 704 where all points exist, laid out by hand."""
    registers = [704, 65, *[0] * 65]
    registers[WSET_SCALE] = scale
    return registers


def meter_701(watts: int) -> list[int]:
    registers = [701, METER_SIZE - 2, *[0] * (METER_SIZE - 2)]
    registers[W], registers[W_SCALE] = watts & 0xFFFF, 0
    return registers


@dataclass
class Peer:
    """A device on pymodbus' own server and data store."""

    port: int
    server: ModbusTcpServer
    base: int

    def register(self, offset: int) -> int:
        registers: list[int] = self.server.context.devices[3].block["x"][2]  # type: ignore[union-attr]
        return registers[offset]


@asynccontextmanager
async def peer(
    base: int, models: list[int], refusal: ExcCodes | None = None, refused: int | None = None
) -> AsyncIterator[Peer]:
    """`refused`: the address of the only write that meets the refusal. None: all of them."""

    async def action(function: int, _start: int, address: int, *_: object) -> ExcCodes | None:
        return refusal if function == 16 and refused in (None, address) else None

    data = SimData(base, values=MARK + models + [0xFFFF, 0], datatype=DataType.REGISTERS)
    device = SimDevice(3, simdata=[data], action=action)
    server = ModbusTcpServer([device], address=("127.0.0.1", 0))
    assert await server.listen()
    try:
        sockets = server.transport.sockets  # type: ignore[attr-defined]
        yield Peer(sockets[0].getsockname()[1], server, base)
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]
        await asyncio.sleep(0)


def charge(asset_id: str = "battery") -> Command:
    return Command(
        "cmd_1",
        asset_id,
        CommandType.SET_CHARGE_RATE,
        SystemClock().now(),
        power_kw=5.004,
        policy=Policy(timeout_seconds=10),
    )


@pytest.mark.parametrize("base", [40000, 0, 50000, 1234])
async def test_a_device_is_found_wherever_it_is_and_told_in_its_own_scale(base: int) -> None:
    async with asyncio.timeout(10), peer(base, COMMON + meter_701(-77) + control_704(1)) as other:
        hint = base if base == 1234 else None
        asset, ears = battery(port=other.port, unit=3, base=hint), Ears()
        fleet = fleet_of(asset, ears=ears, speed=100.0)
        taken = await fleet.devices[asset.id].send(charge())
        begin = 2 + len(COMMON) + METER_SIZE
        told = [other.register(begin + offset) for offset in (WSET_MOD, WSET, WSET + 1, WSET_ENA)]
        assert told == [1, 0xFFFF, 0x10000 - 500, 1]
        assert taken.applied_kw == pytest.approx(5.0)
        reading = await fleet.devices[asset.id].read()
        assert reading.setpoint_kw == pytest.approx(5.0)
        assert reading.controlled is True
        async with asyncio.TaskGroup() as group:
            running = group.create_task(fleet.run())
            await ears.until(lambda: bool(ears.samples))
            running.cancel()
        assert ears.samples[0][1].power_kw == pytest.approx(0.077)


@pytest.mark.parametrize(
    ("code", "permanent"),
    [
        (ExcCodes.ILLEGAL_FUNCTION, True),
        (ExcCodes.ILLEGAL_ADDRESS, True),
        (ExcCodes.ILLEGAL_VALUE, True),
        (ExcCodes.DEVICE_BUSY, False),
    ],
)
async def test_a_refusal_is_for_good_unless_the_device_is_busy(
    code: ExcCodes, permanent: bool
) -> None:
    async with asyncio.timeout(10), peer(40000, COMMON + control_704(0), code) as other:
        asset = battery(port=other.port, unit=3)
        fleet = fleet_of(asset)
        with pytest.raises(DeviceFailed, match="refused") as failed:
            await fleet.devices[asset.id].send(charge())
        fleet.close()
    assert (failed.value.permanent, failed.value.doubtful) == (permanent, False)


async def test_a_refusal_half_way_leaves_a_doubt() -> None:
    refused = 40000 + 2 + len(COMMON) + WSET_TIMER - 1
    models, code = COMMON + control_704(0), ExcCodes.ILLEGAL_VALUE
    async with asyncio.timeout(10), peer(40000, models, code, refused) as other:
        asset = battery(port=other.port, unit=3)
        fleet = fleet_of(asset)
        with pytest.raises(DeviceFailed, match="WSetRvrtTms: refused") as failed:
            await fleet.devices[asset.id].send(charge())
        fleet.close()
    assert (failed.value.permanent, failed.value.doubtful) == (True, True)


async def test_a_device_without_a_control_model_fails_for_good() -> None:
    async with asyncio.timeout(10), peer(40000, COMMON) as other:
        asset = battery(port=other.port, unit=3)
        fleet = fleet_of(asset)
        with pytest.raises(DeviceFailed, match="has no model 704 or 124") as failed:
            await fleet.devices[asset.id].send(charge())
        fleet.close()
    assert failed.value.permanent


async def test_a_device_without_a_meter_is_not_called_unavailable(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with asyncio.timeout(10), peer(40000, COMMON + control_704(0)) as other:
        asset, ears = battery(port=other.port, unit=3), Ears()
        fleet = fleet_of(asset, ears=ears, speed=100.0)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(fleet.run())
            await fleet.devices[asset.id].send(charge())
            await asyncio.sleep(0.7)
            running.cancel()
    assert (ears.samples, ears.states) == ([], [])
    assert caplog.records == []


async def test_a_device_that_comes_back_with_other_models_is_looked_at_anew() -> None:
    async with asyncio.timeout(10):
        async with peer(40000, COMMON + control_704(0)) as first:
            asset = battery(port=first.port, unit=3)
            fleet = fleet_of(asset)
            await fleet.devices[asset.id].send(charge())
        port = first.port
        data = MARK + COMMON + meter_701(0) + control_704(0) + [0xFFFF, 0]
        blocks = SimData(40000, values=data, datatype=DataType.REGISTERS)
        server = ModbusTcpServer([SimDevice(3, simdata=[blocks])], address=("127.0.0.1", port))
        assert await server.listen()
        await asyncio.sleep(0.05)
        await fleet.devices[asset.id].send(charge())
        other = Peer(port, server, 40000)
        assert other.register(2 + len(COMMON) + METER_SIZE + WSET_ENA) == 1
        fleet.close()
        await server.shutdown()  # type: ignore[no-untyped-call]
