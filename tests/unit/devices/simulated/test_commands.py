"""What each type of command does to simulated equipment, and which equipment can never do it."""

from datetime import timedelta
from pathlib import Path

import pytest

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices import DeviceFailed, Taken
from pointsman.devices.simulated.session import SimulatedDevice
from pointsman.runtime.clock import SystemClock
from pointsman.schedules.model import Command, CommandType, Mark
from tests.unit.devices.simulated.bench import BATTERY, BAY, SESSIONS, command, device_of


async def send_to(asset: Asset, *commands: Command) -> tuple[SimulatedDevice, Taken]:
    device = device_of(asset, SystemClock())
    for each in commands[:-1]:
        await device.send(each)
    return device, await device.send(commands[-1])


async def test_a_battery_discharges() -> None:
    device, taken = await send_to(BATTERY, command(CommandType.SET_DISCHARGE_RATE, power_kw=15.0))
    assert (taken.applied_kw, device.equipment.power_kw) == (-15.0, -15.0)


async def test_what_is_applied_is_within_the_rating() -> None:
    _, taken = await send_to(BATTERY, command(CommandType.SET_DISCHARGE_RATE, power_kw=50.0))
    assert taken.applied_kw == -20.0


async def test_a_limit_caps_a_setpoint_and_can_be_read() -> None:
    limit = command(CommandType.SET_POWER_LIMIT, power_kw=2.0)
    device, _ = await send_to(BAY, command(power_kw=6.0), limit)
    assert device.equipment.power_kw == 2.0
    reading = await device.read()
    assert (reading.limit_kw, reading.setpoint_kw) == (2.0, 6.0)


async def test_a_limit_ends_too() -> None:
    clock = SystemClock()
    ends = clock.now() + timedelta(seconds=0.05)
    limit = command(CommandType.SET_POWER_LIMIT, power_kw=2.0, expires_at=ends)
    device, _ = await send_to(BAY, command(power_kw=6.0), limit)
    device.equipment.advance(ends)
    assert (device.equipment.limit_kw, device.equipment.power_kw) == (None, 6.0)


async def test_stopping_ends_the_session_and_starting_charges_at_full_power() -> None:
    device, _ = await send_to(BAY, command(CommandType.STOP_CHARGING))
    assert (await device.read()).session_running is False
    taken = await device.send(command(CommandType.START_CHARGING))
    assert (taken.applied_kw, device.equipment.power_kw) == (6.6, 6.6)
    assert (await device.read()).session_running is True


async def test_a_start_may_carry_its_rate_and_never_raises_one_that_is_in_force() -> None:
    device, taken = await send_to(BAY, command(CommandType.START_CHARGING, power_kw=3.0))
    assert taken.applied_kw == 3.0
    assert (await device.send(command(CommandType.START_CHARGING))).applied_kw == 3.0
    assert device.equipment.power_kw == 3.0


async def test_nothing_starts_without_a_car(tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text(SESSIONS.splitlines()[0] + "\n")
    asset = Asset("bay", AssetKind.EV_CHARGER, {"sessions": str(tmp_path / "none.csv")})
    with pytest.raises(DeviceFailed, match="no car is plugged in at 'bay'") as failed:
        await send_to(asset, command(CommandType.START_CHARGING))
    assert not failed.value.permanent


async def test_availability_waits_for_a_running_session() -> None:
    off = command(CommandType.CHANGE_AVAILABILITY, parameters={"available": False})
    device, taken = await send_to(BAY, off)
    assert taken.later
    assert (await device.read()).available is True
    battery, taken = await send_to(BATTERY, off)
    assert not taken.later
    assert (await battery.read()).available is False


async def test_a_battery_takes_a_target_of_charge() -> None:
    target = command(CommandType.SET_SOC_TARGET, parameters={"soc_target_percent": 80})
    device, _ = await send_to(BATTERY, target)
    assert device.equipment.power_kw == 30.0
    assert (await device.read()).soc_target_percent == 80.0


async def test_a_release_with_a_safe_default_sets_that() -> None:
    released = command(power_kw=1.5, reason=Mark.RELEASE)
    device, taken = await send_to(BAY, command(power_kw=6.0), released)
    assert taken.applied_kw == device.equipment.power_kw == 1.5


@pytest.mark.parametrize(
    ("kind", "impossible"),
    [
        (AssetKind.BATTERY, command(CommandType.START_CHARGING)),
        (AssetKind.BATTERY, command(CommandType.STOP_CHARGING)),
        (AssetKind.PV, command(power_kw=1.0)),
        (AssetKind.PV, command(CommandType.SET_SOC_TARGET, parameters={"soc_target_percent": 1})),
        (AssetKind.LOAD, command(CommandType.SET_POWER_LIMIT, power_kw=1.0)),
        (
            AssetKind.METER,
            command(CommandType.CHANGE_AVAILABILITY, parameters={"available": True}),
        ),
        (AssetKind.EV_CHARGER, command(CommandType.SET_SOC_TARGET)),
        (AssetKind.EV_CHARGER, command(CommandType.CHANGE_AVAILABILITY)),
        (AssetKind.EV_CHARGER, command()),
        (AssetKind.EV_CHARGER, command(power_kw=float("nan"))),
    ],
)
async def test_what_a_kind_cannot_do_fails_for_good(kind: AssetKind, impossible: Command) -> None:
    with pytest.raises(DeviceFailed) as failed:
        await send_to(Asset("thing", kind, rating_kw=5.0), impossible)
    assert failed.value.permanent
