"""Commands as writes of registers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices import DeviceFailed
from pointsman.devices.sunspec.content import content_of
from pointsman.devices.sunspec.image import Image, image_of
from pointsman.devices.sunspec.layout import Layout, Place
from pointsman.devices.sunspec.messages import needs, orders
from pointsman.devices.sunspec.power import Orders
from pointsman.devices.sunspec.reports import reading
from pointsman.schedules.model import Command, CommandType, Mark

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
RATES = (CommandType.SET_CHARGE_RATE, CommandType.SET_DISCHARGE_RATE)


def asset(**said: Any) -> Asset:  # noqa: ANN401 - fields of an asset
    return Asset("b", AssetKind.BATTERY, {}, 30.0, capacity_kwh=100.0, **said)


def device(control: int, kind: AssetKind = AssetKind.BATTERY) -> Image:
    return image_of(40000, content_of(Asset("b", kind, {}, 30.0, capacity_kwh=100.0), control))


def layout(image: Image) -> Layout:
    return Layout(image.base, {id: Place(image.base + at, 1) for id, at in image.starts.items()})


def command(type: CommandType, power_kw: float | None = None, **said: Any) -> Command:  # noqa: ANN401
    return Command("cmd_1", "b", type, NOW, power_kw=power_kw, **said)


def tell(image: Image, told: Command, owner: Asset | None = None) -> Orders:
    """Write a command into an image, as a device would take it."""
    blocks = {id: image.block(id) for id in needs(told, layout(image))}
    found = orders(told, blocks, owner or asset(), NOW)
    for write in found.writes:
        image.write(write.address, write.registers)
    return found


def names(found: Orders) -> list[tuple[str, ...]]:
    return [write.points for write in found.writes]


# Model 704.


def test_charging_is_negative_on_the_wire_and_enabled_last() -> None:
    image = device(704)
    ends = NOW + timedelta(seconds=900)
    found = tell(image, command(CommandType.SET_CHARGE_RATE, 5.0, expires_at=ends))
    assert names(found) == [
        ("WSetMod", "WSet", "WSetRvrt"),
        ("WSetEnaRvrt", "WSetRvrtTms"),
        ("WSetEna",),
    ]
    points = ("WSetMod", "WSet", "WSetRvrt", "WSetEnaRvrt", "WSetRvrtTms", "WSetEna")
    assert [image.value(704, point) for point in points] == [1, -5000, 0, 0, 900, 1]
    assert found.applied_kw == 5.0


def test_discharging_is_positive_on_the_wire() -> None:
    image = device(704)
    found = tell(image, command(CommandType.SET_DISCHARGE_RATE, 5.0))
    assert image.value(704, "WSet") == 5000
    assert found.applied_kw == -5.0


@pytest.mark.parametrize(
    ("seconds", "timer"),
    [(0.2, 1), (1.0, 1), (1.000001, 2), (59.5, 60), (5e9, 2**32 - 2), (None, 0)],
)
def test_the_timer_counts_whole_seconds_and_never_too_few(
    seconds: float | None, timer: int
) -> None:
    image = device(704)
    ends = None if seconds is None else NOW + timedelta(seconds=seconds)
    tell(image, command(CommandType.SET_CHARGE_RATE, 5.0, expires_at=ends))
    assert image.raw(704, "WSetRvrtTms") == timer


def test_after_its_time_it_falls_back_to_the_safe_default() -> None:
    image = device(704)
    tell(image, command(CommandType.SET_CHARGE_RATE, 5.0), asset(safe_default_kw=1.5))
    assert (image.value(704, "WSetRvrt"), image.raw(704, "WSetEnaRvrt")) == (-1500, 1)


def test_a_release_disables_first_and_then_disarms() -> None:
    image = device(704)
    tell(image, command(CommandType.SET_CHARGE_RATE, 5.0), asset(safe_default_kw=1.5))
    released = command(CommandType.SET_CHARGE_RATE, 0.0, reason=Mark.RELEASE)
    found = tell(image, released, asset(safe_default_kw=1.5))
    assert names(found) == [("WSetEna",), ("WSetEnaRvrt", "WSetRvrtTms")]
    assert [image.raw(704, point) for point in ("WSetEna", "WSetEnaRvrt", "WSetRvrtTms")] == [0] * 3
    assert found.applied_kw is None


def test_a_release_to_a_safe_default_sets_it() -> None:
    image = device(704)
    tell(image, command(CommandType.SET_CHARGE_RATE, 2.0, reason=Mark.RELEASE))
    assert (image.value(704, "WSet"), image.raw(704, "WSetEna")) == (-2000, 1)


def test_a_device_without_a_timer_is_known_by_it() -> None:
    bare = image_of(40000, {704: dict.fromkeys(("WSet_SF", "WSet", "WSetEna"), 0)})
    found = tell(bare, command(CommandType.SET_CHARGE_RATE, 2.0, expires_at=NOW + timedelta(1)))
    assert names(found) == [("WSet",), ("WSetEna",)]
    assert not found.timed


# Model 124.


def test_a_direction_is_forced_by_closing_the_other_one_beyond_zero() -> None:
    image = device(124)
    ends = NOW + timedelta(seconds=90)
    found = tell(image, command(CommandType.SET_CHARGE_RATE, 6.0, expires_at=ends))
    points = ("InWRte", "OutWRte", "InOutWRte_RvrtTms", "StorCtl_Mod")
    assert [image.value(124, point) for point in points] == [20, -20, 90, 3]
    assert names(found)[-1] == ("StorCtl_Mod",)
    assert found.applied_kw == pytest.approx(6.0)


def test_turning_round_writes_zero_first_and_going_on_does_not() -> None:
    image = device(124)
    first = tell(image, command(CommandType.SET_CHARGE_RATE, 6.0))
    on = tell(image, command(CommandType.SET_CHARGE_RATE, 7.0))
    back = tell(image, command(CommandType.SET_DISCHARGE_RATE, 6.0))
    assert len(first.writes) == len(on.writes) == 2
    assert back.writes[0].registers == (0, 0)
    assert (image.value(124, "InWRte"), image.value(124, "OutWRte")) == (-20, 20)


def test_more_than_all_is_all() -> None:
    found = tell(device(124), command(CommandType.SET_DISCHARGE_RATE, 99.0))
    assert found.applied_kw == pytest.approx(-30.0)


def test_a_timer_of_one_register_stops_at_what_it_can_count() -> None:
    image = device(124)
    tell(image, command(CommandType.SET_CHARGE_RATE, 6.0, expires_at=NOW + timedelta(days=2)))
    assert image.raw(124, "InOutWRte_RvrtTms") == 65534


# Both.


@given(
    st.sampled_from([704, 124]),
    st.sampled_from(RATES),
    st.floats(0, 30),
    st.sampled_from(RATES),
    st.floats(0, 30),
)
def test_a_reading_shows_what_was_applied(
    control: int, first: CommandType, before_kw: float, type: CommandType, power_kw: float
) -> None:
    image = device(control)
    tell(image, command(first, before_kw))
    found = tell(image, command(type, power_kw))
    signed_kw = power_kw if type is CommandType.SET_CHARGE_RATE else -power_kw
    shown = reading({control: image.block(control)})
    assert shown.controlled is True
    assert shown.setpoint_kw == pytest.approx(found.applied_kw, abs=1e-9)
    assert found.applied_kw == pytest.approx(signed_kw, abs=0.002)


@pytest.mark.parametrize("control", [704, 124])
def test_a_limit_is_a_share_of_the_nameplate_and_never_more_than_asked(control: int) -> None:
    image = device(control)
    found = tell(image, command(CommandType.SET_POWER_LIMIT, 9.9999))
    id, switch = (704, "WMaxLimPctEna") if control == 704 else (123, "WMaxLim_Ena")
    assert image.value(id, "WMaxLimPct") == pytest.approx(33.33)
    assert names(found)[-1] == (switch,)
    assert found.applied_kw == pytest.approx(9.999)


def test_a_limit_can_be_released() -> None:
    image = device(704)
    tell(image, command(CommandType.SET_POWER_LIMIT, 9.0))
    found = tell(image, command(CommandType.SET_POWER_LIMIT, 0.0, reason=Mark.RELEASE))
    assert names(found) == [("WMaxLimPctEna",), ("WMaxLimPctRvrtTms",)]
    assert image.raw(704, "WMaxLimPctEna") == 0


def test_sessions_availability_and_reserve_have_models_of_their_own() -> None:
    charger = device(704, AssetKind.EV_CHARGER)
    stopped = tell(charger, command(CommandType.STOP_CHARGING))
    assert (names(stopped), charger.raw(715, "OpCtl")) == ([("OpCtl",)], 0)
    started = tell(charger, command(CommandType.START_CHARGING, 7.0))
    assert names(started)[-2:] == [("WSetEna",), ("OpCtl",)]
    assert (charger.raw(715, "OpCtl"), started.applied_kw) == (1, 7.0)
    off = command(CommandType.CHANGE_AVAILABILITY, parameters={"available": False})
    assert names(tell(charger, off)) == [("ES",)]
    assert names(tell(device(124), off)) == [("Conn_WinTms", "Conn_RvrtTms", "Conn")]
    reserve = command(CommandType.SET_SOC_TARGET, parameters={"soc_target_percent": 80})
    image = device(124)
    assert (names(tell(image, reserve)), image.value(124, "MinRsvPct")) == ([("MinRsvPct",)], 80)


def test_a_device_under_local_control_is_left_alone_for_now() -> None:
    charger = device(704, AssetKind.EV_CHARGER)
    charger.set(715, {"LocRemCtl": 1})
    with pytest.raises(DeviceFailed, match="under local control") as failed:
        tell(charger, command(CommandType.START_CHARGING, 7.0))
    assert not failed.value.permanent


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (command(CommandType.START_CHARGING), "has no model 715 or 802"),
        (command(CommandType.SET_CHARGE_RATE), "needs power_kw, a number; it says None"),
        (command(CommandType.SET_CHARGE_RATE, float("nan")), "it says nan"),
        (command(CommandType.SET_CHARGE_RATE, 1e9), "WSet holds"),
        (command(CommandType.SET_CHARGE_RATE, 5.0, expires_at=NOW), "its time was over"),
        (command(CommandType.SET_POWER_LIMIT, -1.0), "a limit is 0 or more"),
        (command(CommandType.CHANGE_AVAILABILITY), "lacks available = true or false"),
        (command(CommandType.SET_SOC_TARGET), "has no model 802 or 124"),
    ],
)
def test_what_cannot_be_told_fails_for_good_in_one_line(told: Command, said: str) -> None:
    if told.type is CommandType.SET_SOC_TARGET:
        told = command(told.type, parameters={"soc_target_percent": 50})
    with pytest.raises(DeviceFailed, match=said) as failed:
        tell(device(704), told)
    assert failed.value.permanent
    assert not failed.value.doubtful


def test_a_reserve_is_a_percentage() -> None:
    told = command(CommandType.SET_SOC_TARGET, parameters={"soc_target_percent": 101})
    with pytest.raises(DeviceFailed, match="from 0 to 100, not 101"):
        tell(device(124), told)
