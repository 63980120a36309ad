"""Simulated devices: the contract of all devices, faults, and what a fleet reports when."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices import DeviceFailed, World
from pointsman.devices.simulated.faults import Faults, fate_of
from pointsman.devices.simulated.session import LOG_LIMIT, SimulatedFleet
from pointsman.runtime.clock import LoopClock, RunClock, SystemClock
from pointsman.schedules.model import CommandType, Policy, Progress
from tests.device_contract import DeviceContract
from tests.unit.devices.simulated.bench import (
    BATTERY,
    BAY,
    EPOCH,
    SESSIONS,
    Ear,
    command,
    device_of,
    faulty,
    play,
)

DELAY_SECONDS = 0.05


async def seconds_of(story: Coroutine[Any, Any, object]) -> float:
    loop = asyncio.get_running_loop()
    start = loop.time()
    await story
    return loop.time() - start


class SimulatedBench:
    def __init__(self) -> None:
        self.asset = faulty(delay=1.0, delay_seconds=DELAY_SECONDS)
        self.clock = SystemClock()
        self.device = device_of(self.asset, self.clock)

    async def power_kw(self) -> float:
        self.device.equipment.advance(self.clock.now())
        return self.device.equipment.power_kw

    async def until(self, instant: datetime) -> None:
        await asyncio.sleep((instant - self.clock.now()).total_seconds() + 0.01)

    def most_at_once(self) -> int:
        answer = timedelta(seconds=DELAY_SECONDS * 0.9)
        overlaps = [b.at < a.at + answer for a, b in pairwise(self.device.log)]
        return 1 + max(overlaps, default=False)


class TestContract(DeviceContract):
    lease_seconds = 0.3

    @pytest.fixture
    def bench(self) -> SimulatedBench:
        return SimulatedBench()


# Faults.


def test_a_dropped_answer_is_doubtful_after_the_time_out_and_it_has_acted() -> None:
    async def story(clock: LoopClock) -> None:
        device = device_of(faulty(drop=1.0), clock)
        start = clock.now()
        with pytest.raises(DeviceFailed) as failed:
            await device.send(command(power_kw=3.0, policy=Policy(timeout_seconds=7.0)))
        assert failed.value.doubtful
        assert not failed.value.permanent
        assert (clock.now() - start).total_seconds() == pytest.approx(7.0)
        assert device.equipment.power_kw == 3.0
        assert (await device.read()).setpoint_kw == 3.0

    play(story)


def test_each_command_has_a_fate_of_its_own() -> None:
    async def story(clock: LoopClock) -> None:
        device = device_of(faulty(revert=0.3), clock)
        for _ in range(16):
            await device.send(command(power_kw=3.0))
        fates = [each.fate for each in device.log]
        faults = Faults(revert=0.3)
        assert fates == [fate_of(faults, 0, "bay", number, EPOCH) for number in range(16)]
        assert len(set(fates)) == 2

    play(story)


def test_a_lost_command_is_doubtful_and_it_has_not_acted() -> None:
    async def story(clock: LoopClock) -> None:
        device = device_of(faulty(lose=1.0), clock)
        with pytest.raises(DeviceFailed) as failed:
            await device.send(command(power_kw=3.0))
        assert failed.value.doubtful
        assert (await device.read()).controlled is False
        assert [(each.fate.acts, each.applied_kw) for each in device.log] == [(False, None)]

    play(story)


def test_a_refusal_is_certain_and_may_be_tried_again() -> None:
    async def story(clock: LoopClock) -> None:
        device = device_of(faulty(refuse=1.0), clock)
        with pytest.raises(DeviceFailed, match="'bay' refused SET_CHARGE_RATE") as failed:
            await device.send(command(power_kw=3.0))
        assert not failed.value.doubtful
        assert not failed.value.permanent
        assert device.equipment.power_kw == 0.0

    play(story)


def test_a_delayed_answer_comes_late() -> None:
    async def story(clock: LoopClock) -> None:
        device = device_of(faulty(delay=1.0, delay_seconds=5.0), clock)
        assert await seconds_of(device.send(command(power_kw=3.0))) == pytest.approx(5.0)

    play(story)


def test_an_answer_after_the_time_out_is_told_when_it_comes() -> None:
    async def story(clock: LoopClock) -> None:
        ear = Ear()
        device = device_of(faulty(delay=1.0, delay_seconds=5.0), clock, ear)
        with pytest.raises(DeviceFailed) as failed:
            await device.send(
                command(
                    power_kw=2.0, policy=Policy(timeout_seconds=4.0), progress=Progress(attempt=2)
                )
            )
        assert failed.value.doubtful
        assert device.equipment.setpoint_kw == 2.0
        await asyncio.sleep(0.9)
        assert ear.late == []
        await asyncio.sleep(0.2)
        assert ear.late == [("cmd_1", 2, True)]

    play(story)


def test_a_device_that_reverts_falls_back_to_its_own_control() -> None:
    async def story(clock: LoopClock) -> None:
        device = device_of(faulty(revert=1.0, revert_seconds=60.0), clock)
        await device.send(command(power_kw=3.0, expires_at=clock.now() + timedelta(hours=1)))
        await asyncio.sleep(59)
        assert (await device.read()).setpoint_kw == 3.0
        await asyncio.sleep(2)
        assert (await device.read()).controlled is False
        assert device.equipment.charged_kwh == pytest.approx(3.0 / 60)

    play(story)


def test_a_device_that_ignores_reports_what_it_does_not_do() -> None:
    async def story(clock: LoopClock) -> None:
        device = device_of(faulty(ignore=1.0), clock)
        assert (await device.send(command(power_kw=3.0))).applied_kw == 3.0
        assert (await device.read()).setpoint_kw == 3.0
        assert device.equipment.power_kw == 0.0

    play(story)


def test_a_silent_device_answers_neither_commands_nor_questions() -> None:
    async def story(clock: LoopClock) -> None:
        until = EPOCH + timedelta(minutes=5)
        device = device_of(faulty(silent_from=EPOCH, silent_until=until), clock)
        with pytest.raises(DeviceFailed) as failed:
            await device.read()
        assert failed.value.doubtful
        await asyncio.sleep((until - clock.now()).total_seconds())
        assert (await device.read()).controlled is False

    play(story)


async def test_a_silent_device_holds_a_fast_clock_for_a_second_at_most() -> None:
    device = device_of(faulty(drop=1.0), RunClock(EPOCH, 2.0))
    sent = device.send(command(power_kw=3.0, policy=Policy(timeout_seconds=600.0)))
    with pytest.raises(DeviceFailed):
        await asyncio.wait_for(sent, 1.5)


async def test_the_log_is_bounded() -> None:
    device = device_of(BAY, SystemClock())
    for _ in range(LOG_LIMIT + 5):
        await device.send(command(power_kw=3.0))
    assert len(device.log) == LOG_LIMIT


# What a fleet reports.


def test_meters_are_read_each_fifteen_seconds() -> None:
    async def story(clock: LoopClock) -> None:
        ear = Ear()
        fleet = SimulatedFleet([BAY, BATTERY], World(clock, ear))
        async with asyncio.timeout(61), asyncio.TaskGroup() as group:
            running = group.create_task(fleet.run())
            await fleet.devices["battery"].send(command(power_kw=30.0))
            await asyncio.sleep(60.5)
            running.cancel()
        mine = [sample for asset_id, sample in ear.samples if asset_id == "battery"]
        offsets = dict.fromkeys((sample.at - EPOCH).total_seconds() for sample in mine)
        assert list(offsets) == pytest.approx([0, 15, 30, 45, 60], abs=0.01)
        assert mine[-1].charged_kwh == pytest.approx(0.5, rel=1e-3)
        assert mine[-1].power_kw == 30.0
        assert mine[-1].soc_percent == pytest.approx(50 + 0.5 * 0.95 / 1.2, rel=1e-3)

    play(story)


def test_cars_come_fill_up_and_go_at_their_own_instants(tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text(SESSIONS)

    async def story(clock: LoopClock) -> None:
        asset = Asset("bay", AssetKind.EV_CHARGER, {"sessions": "day.csv"}, rating_kw=6.6)
        ear = Ear(clock)
        fleet = SimulatedFleet([asset], World(clock, ear, folder=str(tmp_path)))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(fleet.run())
            await asyncio.sleep(307)
            await fleet.devices["bay"].send(command(power_kw=6.6))
            await asyncio.sleep(2000)
            running.cancel()
        assert [(state, reason) for _, state, reason in ear.states] == [
            ("available", ""),
            ("preparing", ""),
            ("charging", ""),
            ("suspended", "SuspendedEV"),
            ("available", ""),
        ]
        heard = [(at - EPOCH).total_seconds() for at in ear.heard_at]
        assert heard == pytest.approx([0, 100, 307, 307 + 900, 2000], abs=0.02)
        exactly = {(sample.at - EPOCH).total_seconds() for _, sample in ear.samples}
        assert {100.0, 2000.0} <= exactly

    play(story)


def test_an_end_that_comes_before_the_next_reading_is_heard_when_it_comes() -> None:
    async def story(clock: LoopClock) -> None:
        ear = Ear(clock)
        fleet = SimulatedFleet([BATTERY], World(clock, ear))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(fleet.run())
            await asyncio.sleep(1)
            ends = EPOCH + timedelta(seconds=6)
            await fleet.devices["battery"].send(command(power_kw=6.0, expires_at=ends))
            await asyncio.sleep(9)
            running.cancel()
        assert [state for _, state, _ in ear.states] == ["idle", "charging", "idle"]
        heard = [(at - EPOCH).total_seconds() for at in ear.heard_at]
        assert heard == pytest.approx([0, 1, 6], abs=0.02)

    play(story)


async def test_a_fast_fleet_is_read_often_and_not_too_often() -> None:
    ear = Ear()
    fleet = SimulatedFleet([BAY, BATTERY], World(RunClock(EPOCH, 960.0), ear, speed=960.0))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(fleet.run())
        await asyncio.sleep(0.5)
        running.cancel()
    rounds = sum(asset_id == "bay" for asset_id, _ in ear.samples)
    assert 3 <= rounds <= 11


def test_a_meter_sums_up_its_site_without_a_gap() -> None:
    async def story(clock: LoopClock) -> None:
        ear = Ear()
        meter = Asset("meter", AssetKind.METER)
        fleet = SimulatedFleet([meter, BAY, BATTERY], World(clock, ear))
        async with asyncio.TaskGroup() as group:
            running = group.create_task(fleet.run())
            await asyncio.sleep(1)
            await fleet.devices["bay"].send(command(power_kw=6.0))
            await asyncio.sleep(600)
            await fleet.devices["battery"].send(
                command(CommandType.SET_DISCHARGE_RATE, power_kw=18.0)
            )
            await asyncio.sleep(600)
            running.cancel()
            equipment = fleet.devices["meter"].equipment
            fleet.bring_up("bay")
        assert equipment.power_kw == -12.0
        assert equipment.charged_kwh == pytest.approx(1.0, rel=1e-4)
        assert equipment.discharged_kwh == pytest.approx(2.0, rel=1e-4)

    play(story)
