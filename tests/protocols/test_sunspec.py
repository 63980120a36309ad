"""SunSpec against simulators on real sockets, and those against an independent client."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices import Device
from pointsman.runtime.clock import Clock, SystemClock
from pointsman.schedules.model import CommandType, Mark
from tests.device_contract import DeviceContract, charge, command_for
from tests.protocols.sunspec_bench import (
    Ears,
    Elsewhere,
    battery,
    bench_kw,
    command,
    fleet_of,
    free_port,
    seconds_from,
    simulated,
)

REVERT_SLACK_SECONDS = 0.5
"""A timer counts whole seconds from when it was told, which is a bit after it was computed."""


class SunSpecBench:
    """A device of ours, and a simulator that it talks to over a socket."""

    def __init__(self, asset: Asset, device: Device, elsewhere: Elsewhere) -> None:
        self.asset = asset
        self.device = device
        self.clock: Clock = SystemClock()
        self.elsewhere = elsewhere

    async def power_kw(self) -> float:
        return self.elsewhere.power_kw()

    async def until(self, instant: datetime) -> None:
        await asyncio.sleep(REVERT_SLACK_SECONDS - seconds_from(instant))

    def most_at_once(self) -> int:
        """A command begins with its value and ends with the switch that enables it."""
        begun = most = 0
        for points in self.elsewhere.written():
            names = {name.split(".")[1] for name in points}
            begun += bool(names & {"WSet", "InOutWRte_RvrtTms"})
            most = max(most, begun)
            begun -= bool(names & {"WSetEna", "StorCtl_Mod"})
        return most


class SunSpecContract(DeviceContract):
    lease_seconds = 1.0
    unsupported = CommandType.START_CHARGING
    models: tuple[int, ...]

    @pytest_asyncio.fixture
    async def bench(self) -> AsyncIterator[SunSpecBench]:
        asset = battery(models=list(self.models))
        fleet = fleet_of(asset)
        with simulated(asset) as elsewhere:
            yield SunSpecBench(asset, fleet.devices[asset.id], elsewhere)
            fleet.close()
            await asyncio.sleep(0)


class TestModel704(SunSpecContract):
    models = (704,)

    async def test_the_timer_is_set_before_anything_is_enabled(self, bench: SunSpecBench) -> None:
        await bench.device.send(charge(bench, 5.0, expires_at=in_seconds(bench, 90)))
        names = [set(points) for points in bench.elsewhere.written()]
        assert names[-1] == {"704.WSetEna"}
        assert any({"704.WSet", "704.WSetMod"} <= found for found in names[:-1])
        assert {"704.WSetEnaRvrt", "704.WSetRvrtTms"} in names[:-1]

    async def test_it_holds_the_safe_default_after_its_time(self, bench: SunSpecBench) -> None:
        safe = Asset(**{**fields_of(bench.asset), "safe_default_kw": 2.0})
        fleet = fleet_of(safe)
        ends = in_seconds(bench, 1)
        await fleet.devices[safe.id].send(charge(bench, 5.0, expires_at=ends))
        assert await bench.power_kw() == bench_kw(5.0)
        await bench.until(ends)
        reading = await fleet.devices[safe.id].read()
        fleet.close()
        assert await bench.power_kw() == bench_kw(2.0)
        assert (reading.controlled, reading.setpoint_kw) == (False, bench_kw(2.0))

    async def test_a_release_is_for_good_though_a_timer_ran(self, bench: SunSpecBench) -> None:
        safe = Asset(**{**fields_of(bench.asset), "safe_default_kw": 2.0})
        fleet = fleet_of(safe)
        device = fleet.devices[safe.id]
        ends = in_seconds(bench, 1)
        await device.send(charge(bench, 5.0, expires_at=ends))
        await device.send(charge(bench, 0.0, reason=Mark.RELEASE))
        await bench.until(ends)
        fleet.close()
        assert await bench.power_kw() == bench_kw(0.0)


class TestModel124(SunSpecContract):
    models = (124,)

    async def test_turning_round_passes_through_zero(self, bench: SunSpecBench) -> None:
        await bench.device.send(charge(bench, 6.0))
        before = len(bench.elsewhere.written())
        discharge = command_for(bench, CommandType.SET_DISCHARGE_RATE, power_kw=3.0)
        taken = await bench.device.send(discharge)
        first, *_, last = bench.elsewhere.written()[before:]
        assert first == {"124.InWRte": 0.0, "124.OutWRte": 0.0}
        assert last == {"124.StorCtl_Mod": 3.0}
        assert taken.applied_kw == bench_kw(-3.0)
        assert await bench.power_kw() == bench_kw(-3.0)

    async def test_without_negative_rates_the_other_way_is_shut(self, bench: SunSpecBench) -> None:
        asset = battery(**{**bench.asset.device, "negative_rates": False})
        fleet = fleet_of(asset)
        await fleet.devices[asset.id].send(charge(bench, 6.0))
        fleet.close()
        rates = bench.elsewhere.written()[0]
        assert (rates["124.InWRte"], rates["124.OutWRte"]) == (20.0, 0.0)


@pytest.mark.parametrize("model", [704, 124])
async def test_each_command_does_what_it_says(model: int) -> None:
    asset = battery(models=[model])
    fleet = fleet_of(asset)
    device = fleet.devices[asset.id]
    with simulated(asset) as elsewhere:
        await device.send(command(asset, CommandType.SET_DISCHARGE_RATE, power_kw=9.0))
        assert elsewhere.power_kw() == bench_kw(-9.0)
        taken = await device.send(command(asset, CommandType.SET_POWER_LIMIT, power_kw=6.0))
        assert taken.applied_kw == bench_kw(6.0)
        assert elsewhere.power_kw() == bench_kw(-6.0)
        assert (await device.read()).limit_kw == bench_kw(6.0)
        parameters = {"available": False}
        await device.send(command(asset, CommandType.CHANGE_AVAILABILITY, parameters=parameters))
        assert elsewhere.power_kw() == 0
        assert (await device.read()).available is False
        fleet.close()


async def test_a_reserve_is_written_where_model_124_is() -> None:
    asset = battery(models=[124])
    fleet = fleet_of(asset)
    told = command(asset, CommandType.SET_SOC_TARGET, parameters={"soc_target_percent": 80.0})
    with simulated(asset):
        await fleet.devices[asset.id].send(told)
        assert (await fleet.devices[asset.id].read()).soc_target_percent == pytest.approx(80)
        fleet.close()


async def test_a_charger_is_started_and_stopped() -> None:
    device = {"protocol": "sunspec", "host": "127.0.0.1", "port": free_port()}
    asset = Asset("bay", AssetKind.EV_CHARGER, device, rating_kw=11.0)
    fleet = fleet_of(asset)
    bay = fleet.devices["bay"]
    with simulated(asset) as elsewhere:
        await bay.send(command(asset, CommandType.SET_CHARGE_RATE, power_kw=7.0))
        await bay.send(command(asset, CommandType.STOP_CHARGING))
        assert elsewhere.power_kw("bay") == 0
        assert (await bay.read()).session_running is False
        await bay.send(command(asset, CommandType.START_CHARGING, power_kw=5.0))
        assert elsewhere.power_kw("bay") == bench_kw(5.0)
        assert (await bay.read()).session_running is True
        fleet.close()


@pytest.mark.parametrize("model", [704, 124])
async def test_without_a_refresh_the_setpoint_falls_back_by_itself(model: int) -> None:
    asset = battery(models=[model])
    fleet = fleet_of(asset)
    with simulated(asset) as elsewhere:
        clock = SystemClock()
        ends = clock.now() + timedelta(seconds=1)
        await fleet.devices[asset.id].send(
            command(asset, CommandType.SET_CHARGE_RATE, power_kw=5.0, expires_at=ends)
        )
        seen = []
        while seconds_from(ends) < REVERT_SLACK_SECONDS:
            seen.append((seconds_from(ends), elsewhere.power_kw()))
            await asyncio.sleep(0.1)
        fleet.close()
    assert all(power_kw == bench_kw(5.0) for after, power_kw in seen if after < 0)
    assert seen[-1][1] == 0


async def test_meters_are_read_and_states_are_told() -> None:
    asset, ears = battery(seed=1), Ears()
    fleet = fleet_of(asset, ears=ears, speed=100.0)
    with simulated(asset):
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            running = group.create_task(fleet.run())
            await fleet.devices[asset.id].send(
                command(asset, CommandType.SET_DISCHARGE_RATE, power_kw=9.0)
            )
            await ears.until(lambda: (asset.id, "discharging", "") in ears.states)
            begun, sampled = SystemClock().now(), len(ears.samples)
            await ears.until(lambda: len(ears.samples) >= sampled + 2)
            assert seconds_from(begun) > 0.08
            running.cancel()
    sample = ears.samples[-1][1]
    assert sample.power_kw == bench_kw(-9.0)
    assert sample.soc_percent == pytest.approx(50, abs=1)
    assert sample.discharged_kwh is None, "registers count wall seconds, and the run is faster"


async def test_pysunspec2_finds_and_drives_what_we_simulate() -> None:
    asset = battery(unit=7)

    def drive() -> tuple[list[Any], Any, Any]:
        client = SunSpecModbusClientDeviceTCP(
            slave_id=7, ipaddr="127.0.0.1", ipport=asset.device["port"], timeout=5
        )
        client.scan()
        found = [id for id in client.models if isinstance(id, int)]
        control, meter = client.models[704][0], client.models[701][0]
        control.WSetMod.value, control.WSet.cvalue, control.WSetRvrtTms.cvalue = 1, -4000, 60
        control.write()
        control.WSetEna.value = 1
        control.write()
        meter.read()
        control.read()
        client.close()
        return found, meter.W.cvalue, control.WSetRvrtRem.cvalue

    with simulated(asset) as elsewhere:
        found, watts, left = await asyncio.to_thread(drive)
        assert elsewhere.power_kw() == bench_kw(4.0)
    assert found == [1, 701, 702, 703, 704, 713]
    assert watts == pytest.approx(-4000)
    assert 58 <= left <= 60


def in_seconds(bench: SunSpecBench, seconds: float) -> datetime:
    return bench.clock.now() + timedelta(seconds=seconds)


def fields_of(asset: Asset) -> dict[str, Any]:
    return {name: getattr(asset, name) for name in Asset.__dataclass_fields__}
