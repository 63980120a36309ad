"""What every protocol's device must keep, whatever the wire. Each protocol subclasses this."""

import asyncio
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from typing import Protocol as Shape

import pytest

from pointsman.core.assets import Asset
from pointsman.devices import Device, DeviceFailed
from pointsman.runtime.clock import Clock
from pointsman.schedules.model import Command, CommandType, Mark, Policy

PATIENCE_SECONDS = 10.0
_numbers = count()


class Bench(Shape):
    """One device under test, and the truth about the equipment behind it."""

    @property
    def asset(self) -> Asset: ...

    @property
    def device(self) -> Device: ...

    @property
    def clock(self) -> Clock:
        """The clock that the device is told."""

    async def power_kw(self) -> float:
        """What the equipment does now, signed, asked of itself and not through the device."""

    async def until(self, instant: datetime) -> None:
        """Let time pass until the equipment has surely seen this instant."""

    def most_at_once(self) -> int:
        """The most commands that the equipment ever had to deal with at the same time."""


def command_for(bench: Bench, type: CommandType, **said: Any) -> Command:  # noqa: ANN401
    """A command that is due now."""
    said.setdefault("policy", Policy(timeout_seconds=PATIENCE_SECONDS))
    now = bench.clock.now()
    return Command(f"cmd_{next(_numbers):012x}", bench.asset.id, type, now, **said)


def charge(bench: Bench, power_kw: float, **said: Any) -> Command:  # noqa: ANN401
    return command_for(bench, CommandType.SET_CHARGE_RATE, power_kw=power_kw, **said)


class DeviceContract:
    """A subclass gives the fixture `bench`: equipment that is able to charge right now.

    Its rating is at least 6 kW, and under its own control it does not happen to do 3 or 5 kW.
    """

    lease_seconds = 2.0
    """The shortest setpoint that the wire can carry. Whole seconds suit all of them."""
    tolerance_kw = 0.05
    unsupported = CommandType.SET_DISCHARGE_RATE
    """What this equipment can never do."""

    def near(self, power_kw: float) -> object:
        return pytest.approx(power_kw, abs=self.tolerance_kw)

    async def test_what_is_sent_is_done(self, bench: Bench) -> None:
        taken = await bench.device.send(charge(bench, 3.0))
        assert not taken.later
        assert taken.applied_kw in (None, self.near(3.0))
        assert await bench.power_kw() == self.near(3.0)

    async def test_a_newer_setpoint_replaces_an_older_one(self, bench: Bench) -> None:
        await bench.device.send(charge(bench, 3.0))
        await bench.device.send(charge(bench, 5.0))
        assert await bench.power_kw() == self.near(5.0)

    async def test_zero_is_a_setpoint(self, bench: Bench) -> None:
        await bench.device.send(charge(bench, 3.0))
        await bench.device.send(charge(bench, 0.0))
        reading = await bench.device.read()
        assert await bench.power_kw() == self.near(0.0)
        assert (reading.controlled, reading.setpoint_kw) == (True, self.near(0.0))

    async def test_a_reading_shows_what_is_in_force(self, bench: Bench) -> None:
        before = await bench.device.read()
        await bench.device.send(charge(bench, 5.0))
        after = await bench.device.read()
        assert before.controlled is not True
        assert (after.controlled, after.setpoint_kw) == (True, self.near(5.0))

    async def test_reading_changes_nothing(self, bench: Bench) -> None:
        await bench.device.send(charge(bench, 5.0))
        first = await bench.device.read()
        assert await bench.device.read() == first
        assert await bench.power_kw() == self.near(5.0)

    async def test_a_setpoint_ends_at_its_expiry_though_nothing_is_sent(self, bench: Bench) -> None:
        ends = bench.clock.now() + timedelta(seconds=self.lease_seconds)
        await bench.device.send(charge(bench, 5.0, expires_at=ends))
        assert await bench.power_kw() == self.near(5.0)
        await bench.until(ends)
        reading = await bench.device.read()
        assert await bench.power_kw() != self.near(5.0)
        assert reading.controlled is not True

    async def test_a_setpoint_without_expiry_stays(self, bench: Bench) -> None:
        await bench.device.send(charge(bench, 5.0))
        await bench.until(bench.clock.now() + timedelta(seconds=self.lease_seconds))
        assert await bench.power_kw() == self.near(5.0)

    async def test_a_release_gives_control_back(self, bench: Bench) -> None:
        await bench.device.send(charge(bench, 5.0))
        await bench.device.send(charge(bench, 0.0, reason=Mark.RELEASE))
        assert (await bench.device.read()).controlled is not True

    async def test_releasing_what_is_free_is_no_failure(self, bench: Bench) -> None:
        await bench.device.send(charge(bench, 0.0, reason=Mark.RELEASE))
        assert (await bench.device.read()).controlled is not True

    async def test_what_it_can_never_do_fails_for_good(self, bench: Bench) -> None:
        await bench.device.send(charge(bench, 3.0))
        with pytest.raises(DeviceFailed) as failed:
            await bench.device.send(command_for(bench, self.unsupported, power_kw=3.0))
        assert failed.value.permanent
        assert not failed.value.doubtful
        assert await bench.power_kw() == self.near(3.0)

    async def test_commands_wait_in_line(self, bench: Bench) -> None:
        async with asyncio.timeout(4 * PATIENCE_SECONDS), asyncio.TaskGroup() as group:
            for power_kw in (5.0, 4.0, 3.0):
                group.create_task(bench.device.send(charge(bench, power_kw)))
        assert bench.most_at_once() == 1
        assert await bench.power_kw() == self.near(3.0)
