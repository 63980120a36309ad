"""SunSpec when the wire, the device or the run is not as one would like."""

import asyncio
from datetime import timedelta

import pytest

from pointsman.core.assets import Asset
from pointsman.devices import DeviceFailed, World
from pointsman.devices.protocols import DeviceTableError, Fleets, open_fleets, open_simulations
from pointsman.devices.simulated.faults import Faults
from pointsman.devices.simulated.world import SimulatedWorld
from pointsman.devices.sunspec.layout import Write
from pointsman.devices.sunspec.link import Link
from pointsman.devices.sunspec.simulator import simulate
from pointsman.runtime.clock import SystemClock
from pointsman.schedules.model import CommandType, Policy
from tests.protocols.sunspec_bench import (
    Ears,
    battery,
    bench_kw,
    command,
    counted,
    fleet_of,
    free_port,
    seconds_from,
    served,
    simulated,
)


async def test_units_share_one_connection() -> None:
    port = free_port()
    first, second = (battery(f"b{unit}", port=port, unit=unit) for unit in (1, 2))
    with simulated(first, second) as elsewhere:
        async with counted(port) as wire:
            fleet = fleet_of(
                battery("b1", port=wire.port, unit=1), battery("b2", port=wire.port, unit=2)
            )
            async with asyncio.timeout(10), asyncio.TaskGroup() as group:
                for asset, power_kw in ((first, 3.0), (second, 4.0)):
                    told = command(asset, CommandType.SET_CHARGE_RATE, power_kw=power_kw)
                    group.create_task(fleet.devices[asset.id].send(told))
            fleet.close()
        assert wire.connections == 1
        assert (elsewhere.power_kw("b1"), elsewhere.power_kw("b2")) == (3.0, 4.0)


@pytest.mark.parametrize("opened", ["fleet", "registry"])
async def test_a_dry_run_writes_nothing_on_the_wire(opened: str) -> None:
    asset = battery()
    with simulated(asset) as elsewhere:
        async with counted(asset.device["port"]) as wire:
            watched = battery(port=wire.port)
            fleet = fleet_of(watched, dry_run=True)
            devices = fleet.devices if opened == "fleet" else open_all(watched).devices
            async with asyncio.timeout(10), asyncio.TaskGroup() as group:
                running = group.create_task(fleet.run())
                for type in CommandType:
                    said = {"available": True, "soc_target_percent": 50.0}
                    await devices[asset.id].send(
                        command(asset, type, power_kw=3.0, parameters=said)
                    )
                await devices[asset.id].read()
                await asyncio.sleep(0.6)
                running.cancel()
        assert wire.functions[3] > 0
        assert set(wire.functions) <= {3, 4}
        assert elsewhere.written() == []


def open_all(*assets: Asset) -> Fleets:
    return open_fleets(assets, World(SystemClock(), Ears(), dry_run=True))


async def test_a_link_of_a_dry_run_has_no_way_to_write() -> None:
    asset = battery()
    with simulated(asset):
        async with counted(asset.device["port"]) as wire:
            link = Link("127.0.0.1", wire.port, 1.0, dry_run=True)
            async with link.turn():
                with pytest.raises(DeviceFailed, match="nothing is written in a dry run"):
                    await link.write(1, Write(40318, (1,), ("WSetEna",)))
            link.close()
            await asyncio.sleep(0.05)
        assert wire.connections == 1
        assert not wire.functions


async def test_a_refusal_is_told_and_nothing_else_happens() -> None:
    asset = battery()
    fleet = fleet_of(asset)
    with simulated(asset, faults={"*": Faults(refuse=1.0)}) as elsewhere:
        with pytest.raises(DeviceFailed, match="busy") as failed:
            await fleet.devices[asset.id].send(
                command(asset, CommandType.SET_CHARGE_RATE, power_kw=3.0)
            )
        fleet.close()
        assert elsewhere.power_kw() == 0
    assert not failed.value.permanent
    assert not failed.value.doubtful


async def test_a_device_may_say_what_it_does_not_do_and_give_up_what_it_did() -> None:
    liar, quitter = battery("liar"), battery("quitter")
    faults = {"liar": Faults(ignore=1.0), "quitter": Faults(revert=1.0, revert_seconds=0.3)}
    fleet = fleet_of(liar, quitter)
    with simulated(liar, quitter, faults=faults) as elsewhere:
        for asset in (liar, quitter):
            told = command(asset, CommandType.SET_CHARGE_RATE, power_kw=3.0)
            await fleet.devices[asset.id].send(told)
        assert (await fleet.devices["liar"].read()).setpoint_kw == bench_kw(3.0)
        assert elsewhere.power_kw("liar") == 0
        assert elsewhere.power_kw("quitter") == bench_kw(3.0)
        await asyncio.sleep(0.4)
        assert (await fleet.devices["quitter"].read()).controlled is False
        assert elsewhere.power_kw("quitter") == 0
        fleet.close()


async def test_a_silent_unit_does_not_silence_its_neighbour_on_the_line() -> None:
    port = free_port()
    mute, other = battery("mute", port=port, unit=1), battery("other", port=port, unit=2)
    faults = {"mute": Faults(silent_from=SystemClock().now())}
    ears = Ears()
    fleet = fleet_of(mute, other, ears=ears, speed=60.0)
    with simulated(mute, other, faults=faults) as elsewhere:
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            running = group.create_task(fleet.run())
            await ears.until(lambda: any(id == "mute" for id, *_ in ears.states))
            told = command(other, CommandType.SET_CHARGE_RATE, power_kw=3.0)
            await fleet.devices["other"].send(told)
            await ears.until(lambda: ("other", "charging", "") in ears.states)
            running.cancel()
        assert elsewhere.power_kw("other") == bench_kw(3.0)
    assert [state for id, state, _ in ears.states if id == "mute"] == ["unavailable"]


@pytest.mark.parametrize("faults", [Faults(drop=1.0), Faults(lose=1.0)])
async def test_a_write_without_an_answer_is_doubtful_within_a_second(faults: Faults) -> None:
    asset = battery()
    fleet = fleet_of(asset, speed=60.0)
    with simulated(asset, faults={"*": faults}):
        begun = SystemClock().now()
        with pytest.raises(DeviceFailed) as failed:
            await fleet.devices[asset.id].send(
                command(asset, CommandType.SET_CHARGE_RATE, power_kw=3.0)
            )
        assert seconds_from(begun) < 1.2
        fleet.close()
    assert failed.value.doubtful
    assert not failed.value.permanent


async def test_a_command_has_no_more_time_than_it_was_given() -> None:
    asset = battery()
    patient, fast = fleet_of(asset), fleet_of(asset, speed=60.0)
    hurried = command(
        asset, CommandType.SET_CHARGE_RATE, power_kw=3.0, policy=Policy(timeout_seconds=0.3)
    )
    calm = command(asset, CommandType.SET_CHARGE_RATE, power_kw=3.0)
    slow = Faults(delay=1.0, delay_seconds=0.6)
    with simulated(asset, faults={"*": slow}):
        for fleet, told, limit_seconds in ((patient, hurried, 0.3), (fast, calm, 1.0)):
            begun = SystemClock().now()
            with pytest.raises(DeviceFailed, match="in time") as failed:
                await fleet.devices[asset.id].send(told)
            assert limit_seconds - 0.05 < seconds_from(begun) < limit_seconds + 0.3
            assert failed.value.doubtful
            fleet.close()


async def test_a_fleet_knows_when_all_have_been_found() -> None:
    first, late = battery("first"), battery("late")
    fleet = fleet_of(first, late)
    with simulated(first):
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            running = group.create_task(fleet.run())
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await fleet.reached()
            with simulated(late):
                await fleet.reached()
            running.cancel()


async def test_who_does_not_answer_is_asked_less_and_less() -> None:
    calls: list[float] = []

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(asyncio.get_running_loop().time())
        writer.close()

    async with served(hang_up) as port:
        fleet = fleet_of(battery(port=port), speed=60.0)
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            running = group.create_task(fleet.run())
            await asyncio.sleep(2.5)
            running.cancel()
    assert len(calls) == 2


async def test_an_old_answer_is_never_taken_for_a_new_one() -> None:
    asset = battery()
    fleet = fleet_of(asset, speed=60.0)
    device = fleet.devices[asset.id]
    late = Faults(delay=1.0, delay_seconds=1.0)
    with simulated(asset, faults={"*": late}) as elsewhere:
        with pytest.raises(DeviceFailed):
            await device.send(command(asset, CommandType.SET_CHARGE_RATE, power_kw=3.0))
        deadline = SystemClock().now() + timedelta(seconds=1.5)
        while seconds_from(deadline) < 0:
            assert (await device.read()).controlled is False
        fleet.close()
        assert elsewhere.written()[0]["704.WSet"] == -3000


async def test_who_is_not_there_fails_without_doubt_and_is_found_when_it_comes() -> None:
    asset = battery()
    fleet = fleet_of(asset)
    told = command(asset, CommandType.SET_CHARGE_RATE, power_kw=3.0)
    with pytest.raises(DeviceFailed, match="cannot be reached") as failed:
        await fleet.devices[asset.id].send(told)
    assert not failed.value.doubtful
    for _ in range(2):
        with simulated(asset) as elsewhere:
            await fleet.devices[asset.id].send(told)
            assert elsewhere.power_kw() == bench_kw(3.0)
        await asyncio.sleep(0.05)
    fleet.close()


@pytest.mark.timeout(30)
async def test_a_fleet_ends_when_it_is_told_to_whatever_is_under_way() -> None:
    asset = battery()
    fleet = fleet_of(asset)
    with simulated(asset):
        async with asyncio.timeout(60):
            for turn in range(400):
                async with asyncio.TaskGroup() as group:
                    running = group.create_task(fleet.run())
                    await asyncio.sleep(turn % 100 * 0.00005)
                    running.cancel()
                    _, still = await asyncio.wait([running], timeout=5)
                    assert not still, turn


def test_the_simulator_listens_on_loopback_only() -> None:
    with pytest.raises(DeviceTableError, match="loopback only"):
        simulate([battery(host="0.0.0.0")], SimulatedWorld(SystemClock()))  # noqa: S104


async def test_a_port_in_use_is_one_clear_error() -> None:
    asset = battery()
    with simulated(asset), pytest.raises(OSError, match="is it in use"):
        await open_simulations([asset], SimulatedWorld(SystemClock()))[0].run()
