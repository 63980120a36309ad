"""Equipment of a run that was killed is the same equipment for the next one."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.assets import Asset, AssetKind
from pointsman.core.values import replace
from pointsman.devices import DeviceFailed, Earlier
from pointsman.devices.earlier import earlier_of
from pointsman.devices.simulated.commands import carry_out
from pointsman.devices.simulated.equipment import Battery, Equipment, EvBay, Session, equipment_of
from pointsman.devices.simulated.physics import Unsupported
from pointsman.devices.simulated.restoring import AWAY_MOST, restore
from pointsman.schedules.facts import Completed, Dispatched, Measured, StateChanged
from pointsman.schedules.lifecycle import evolve, initial
from pointsman.schedules.model import (
    AssetState,
    Command,
    CommandStatus,
    CommandType,
    Measurement,
    Progress,
)
from tests.unit.devices.simulated.bench import BATTERY, BAY, EPOCH

CARS = (
    Session("1", EPOCH + timedelta(minutes=10), EPOCH + timedelta(minutes=50), 3.0),
    Session("2", EPOCH + timedelta(minutes=60), EPOCH + timedelta(minutes=110), 30.0),
)
TYPES = [CommandType.SET_CHARGE_RATE] * 3 + [
    CommandType.SET_POWER_LIMIT,
    CommandType.STOP_CHARGING,
    CommandType.START_CHARGING,
]


def minute(number: float) -> datetime:
    return EPOCH + timedelta(minutes=number)


def told(
    at: float, power_kw: float | None, until: float | None = None, sequence: int = 0, **said: object
) -> Command:
    """A command that was completed."""
    command = Command(
        f"cmd_{sequence}",
        "asset",
        CommandType.SET_CHARGE_RATE,
        minute(at),
        minute(until) if until is not None else None,
        power_kw=power_kw,
        sequence=sequence,
        progress=Progress(CommandStatus.COMPLETED, dispatched_at=minute(at)),
    )
    return replace(command, **said)


def measured(equipment: Equipment, asset_id: str = "asset") -> Measurement:
    """What a journal keeps of its meter now."""
    s = equipment.sample()
    return Measurement(
        asset_id,
        s.at,
        s.at,
        s.power_kw,
        s.power_kw,
        s.power_kw,
        0.0,
        0.0,
        s.soc_percent,
        s.charged_kwh,
        s.discharged_kwh,
    )


@st.composite
def stories(draw: st.DrawFn) -> list[Command]:
    instants = sorted(draw(st.sets(st.integers(0, 119), max_size=6)))
    commands = []
    for n, at in enumerate(instants):
        until = draw(st.none() | st.integers(at + 1, 150))
        type = draw(st.sampled_from(TYPES))
        bare = type is CommandType.STOP_CHARGING
        power_kw = None if bare else draw(st.sampled_from([0.0, 2.0, 5.5]))
        commands.append(told(at, power_kw, until, n, type=type))
    return commands


def lived(
    equipment: Equipment, commands: list[Command], since: datetime, until: datetime
) -> list[Command]:
    """Carry out what was said in between. Returns what it could do."""
    done = []
    equipment.advance(since)
    for command in commands:
        if since < command.scheduled_at <= until:
            with suppress(DeviceFailed, Unsupported):
                carry_out(equipment, command, command.scheduled_at)
                done.append(command)
    equipment.advance(until)
    return done


def new(kind: str) -> Equipment:
    match kind:
        case "cars":
            return EvBay(BAY, CARS)
        case "one car":
            return EvBay(BAY)
    return Battery(BATTERY)


@given(
    st.sampled_from(["cars", "one car", "battery"]),
    stories(),
    st.integers(1, 119),
    st.integers(0, 60),
)
def test_a_life_that_was_cut_short_goes_on_as_if_it_had_not_been(
    kind: str, commands: list[Command], read_at: int, later: int
) -> None:
    """Whenever the meter was read last, and however much later the next run begins."""
    whole, before, after = new(kind), new(kind), new(kind)
    start, killed = minute(-1), minute(read_at + later)
    lived(before, commands, start, minute(read_at))
    done = lived(whole, commands, start, minute(read_at))
    done += lived(whole, commands, minute(read_at), killed)
    restore(after, journaled(before, done), killed)
    for now in (killed, minute(200)):
        whole.advance(now)
        after.advance(now)
        assert after.power_kw == pytest.approx(whole.power_kw, abs=1e-9)
        assert after.charged_kwh == pytest.approx(whole.charged_kwh, abs=1e-6)
        assert after.soc_percent == pytest.approx(whole.soc_percent, abs=1e-6)
        assert (after.setpoint_kw, after.limit_kw) == (whole.setpoint_kw, whole.limit_kw)
        assert after.session_running == whole.session_running
        if before.state != "finishing":  # Which does not tell whether it had ever charged.
            assert after.state == whole.state


def journaled(equipment: Equipment, commands: Sequence[Command]) -> Earlier:
    site = initial()
    evolve(site, Measured(measured(equipment)))
    evolve(site, StateChanged(AssetState("asset", equipment.state)))
    for command in reversed(commands):
        evolve(site, Completed(command))
    return earlier_of(site)["asset"]


def test_only_what_happened_since_is_told() -> None:
    before, after = EvBay(BAY, CARS), EvBay(BAY, CARS)
    command = told(12, 6.0, 80)
    lived(before, [command], minute(0), minute(20))
    restore(after, Earlier(measured(before), "charging", (command,)), minute(20))
    assert [change.state for change in after.changes()] == ["charging"]
    after.advance(minute(70))
    changes = list(after.changes())
    assert [(c.state, c.reason) for c in changes] == [
        ("suspended", "SuspendedEV"),
        ("available", ""),
        ("preparing", ""),
        ("charging", ""),
    ]
    assert changes[1].sample.at == CARS[0].departure


def test_a_car_that_was_stopped_stays_so() -> None:
    before, after = EvBay(BAY, CARS), EvBay(BAY, CARS)
    stop = told(15, None, type=CommandType.STOP_CHARGING)
    lived(before, [told(11, 6.0), stop], minute(0), minute(20))
    restore(after, Earlier(measured(before), before.state, (told(11, 6.0), stop)), minute(21))
    assert (after.state, after.session_running, after.setpoint_kw) == ("finishing", False, 6.0)


def test_what_was_only_rehearsed_is_not_told_again() -> None:
    battery = Battery(BATTERY)
    battery.advance(minute(0))
    fresh = Battery(BATTERY)
    restore(fresh, Earlier(measured(battery), "idle", (told(0, 20.0),)), minute(5), told=False)
    fresh.advance(minute(6))
    assert fresh.setpoint_kw is None


def test_what_was_told_before_any_reading_is_told_at_its_instant() -> None:
    battery = Battery(BATTERY)
    restore(battery, Earlier(commands=(told(0, 30.0),)), minute(60))
    battery.advance(minute(60))
    assert battery.charged_kwh == pytest.approx(30.0)


def test_what_happened_long_ago_is_not_lived_through() -> None:
    battery, fresh = Battery(BATTERY), Battery(BATTERY)
    battery.advance(minute(0))
    lent = Earlier(measured(battery), "idle", (told(0, 0.2),))
    now = minute(0) + 10 * AWAY_MOST
    restore(fresh, lent, now)
    fresh.advance(now)
    assert fresh.charged_kwh == pytest.approx(0.2 * AWAY_MOST.total_seconds() / 3600)


def test_a_meter_keeps_its_registers() -> None:
    asset = Asset("meter", AssetKind.METER)
    reading = replace(measured(Battery(BATTERY)), register_charged_kwh=7.0, until=minute(0))
    battery = Battery(BATTERY)
    restore(battery, Earlier(reading, "", (told(0, 30.0),)), minute(10))
    meter = equipment_of(asset, parts=[battery])
    restore(meter, Earlier(reading), minute(10))
    assert list(meter.changes()) == []
    meter.advance(minute(10))
    assert meter.charged_kwh == 7.0
    meter.advance(minute(70))
    assert meter.charged_kwh == pytest.approx(37.0)


def test_only_what_was_done_and_not_replaced_since_may_be_in_effect() -> None:
    site = initial()
    reading = replace(measured(Battery(BATTERY)), until=minute(10))
    done = [told(0, 1.0, 99, 1), told(5, 2.0, 6, 2), told(11, 3.0, 12, 3), told(12, 4.0, 13, 4)]
    cap = told(1, 9.0, None, 5, type=CommandType.SET_POWER_LIMIT)
    flying = told(13, 4.0, 60, 6, progress=Progress(CommandStatus.DISPATCHED))
    other = told(0, 1.0, 1, 7, asset_id="unread")
    for command in [*reversed(done), cap, other]:
        evolve(site, Completed(command))
    evolve(site, Dispatched(flying))
    evolve(site, Measured(reading))
    evolve(site, StateChanged(AssetState("asset", "charging")))
    known = earlier_of(site)
    assert known["asset"] == Earlier(reading, "charging", (done[1], cap, *done[2:]))
    assert known["unread"] == Earlier(None, "", (other,))


def test_a_car_that_is_never_full_needs_no_memory_of_it() -> None:
    bay = EvBay(BAY)
    bay.advance(minute(0))
    again = EvBay(BAY)
    restore(again, Earlier(measured(bay), bay.state), minute(1))
    again.tell(6.0, minute(1))
    assert again.power_kw == 6.0
    assert CARS[0].wanted_kwh < inf
