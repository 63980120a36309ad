"""The laws of simulated equipment, whatever it is told and however time is cut into steps."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices.simulated.equipment import Equipment, Session, equipment_of

START = datetime(2026, 6, 1, 6, tzinfo=UTC)
DAY = timedelta(days=1)
TICK_KWH = 1e-6


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


BATTERY = Asset(
    "battery",
    AssetKind.BATTERY,
    max_charge_kw=30.0,
    max_discharge_kw=20.0,
    capacity_kwh=40.0,
    soc_min_percent=10.0,
    soc_max_percent=90.0,
)
BAY = Asset("bay", AssetKind.EV_CHARGER, rating_kw=11.0, min_kw=1.4)
PV = Asset("pv", AssetKind.PV, rating_kw=12.0)
LOAD = Asset("load", AssetKind.LOAD, rating_kw=9.0)
METER = Asset("meter", AssetKind.METER)
CARS = (
    Session("1", after(3_000), after(20_000), 7.7),
    Session("2", after(20_000), after(30_000.5), 30.0),
    Session("3", after(40_000), after(80_000), 0.0),
)


def new(asset: Asset) -> Equipment:
    cars = CARS if asset.kind is AssetKind.EV_CHARGER else None
    parts = [new(part) for part in (BATTERY, BAY, PV, LOAD)] if asset is METER else ()
    return equipment_of(asset, cars, seed=7, parts=parts)


@dataclass(frozen=True)
class Told:
    """At this second of the day, this setpoint (or limit) for so many seconds."""

    second: float
    kw: float | None
    lasts_seconds: float | None
    limits: bool = False

    def tell(self, equipment: Equipment) -> None:
        ends = None if self.lasts_seconds is None else after(self.second + self.lasts_seconds)
        if self.limits:
            equipment.limit(None if self.kw is None else abs(self.kw), after(self.second), ends)
        elif equipment.asset.kind in (AssetKind.BATTERY, AssetKind.EV_CHARGER):
            charges = equipment.asset.kind is AssetKind.EV_CHARGER and self.kw is not None
            equipment.tell(abs(self.kw or 0) if charges else self.kw, after(self.second), ends)


seconds = st.floats(0, 86_400).map(lambda value: round(value, 3))
told = st.builds(
    Told,
    seconds,
    st.none() | st.floats(-50, 50).map(lambda value: round(value, 2)),
    st.none() | st.floats(0.001, 40_000).map(lambda value: round(value, 3)),
    st.booleans(),
)
days = st.lists(told, max_size=8).map(lambda these: sorted(these, key=lambda each: each.second))
few = settings(max_examples=40)
fewer = settings(max_examples=15)
assets = st.sampled_from([BATTERY, BAY, PV])


def live(equipment: Equipment, day: list[Told], steps: list[float]) -> None:
    """A day, advanced at each step, in which it is told things."""
    equipment.advance(START)
    moments = [*((told.second, told) for told in day), *((second, None) for second in steps)]
    for second, each in sorted(moments, key=lambda moment: moment[0]):
        equipment.advance(after(second))
        if each is not None:
            each.tell(equipment)
    equipment.advance(START + DAY)


def summary(equipment: Equipment) -> list[float]:
    soc = equipment.soc_percent
    return [equipment.charged_kwh, equipment.discharged_kwh, -1.0 if soc is None else soc]


@few
@given(asset=assets, day=days, steps=st.lists(seconds, max_size=60))
def test_steps_make_no_difference(asset: Asset, day: list[Told], steps: list[float]) -> None:
    whole, cut = new(asset), new(asset)
    live(whole, day, [])
    live(cut, day, steps)
    assert summary(cut) == pytest.approx(summary(whole), abs=TICK_KWH)
    assert [(c.state, c.reason) for c in cut.changes()] == [
        (c.state, c.reason) for c in whole.changes()
    ]


@few
@given(asset=assets, day=days)
def test_registers_are_the_integral_of_power(asset: Asset, day: list[Told]) -> None:
    equipment = new(asset)
    equipment.advance(START)
    charged = discharged = 0.0
    at, waiting = START, list(day)
    while at < START + DAY:
        told_at = after(waiting[0].second) if waiting else START + DAY
        until = min(equipment.next_event(), told_at, START + DAY)
        energy_kwh = equipment.power_kw * (until - at) / timedelta(hours=1)
        charged += max(energy_kwh, 0.0)
        discharged -= min(energy_kwh, 0.0)
        equipment.advance(until)
        at = until
        while waiting and after(waiting[0].second) <= at:
            waiting.pop(0).tell(equipment)
    assert equipment.charged_kwh == pytest.approx(charged, abs=TICK_KWH)
    assert equipment.discharged_kwh == pytest.approx(discharged, abs=TICK_KWH)


@few
@given(asset=assets, day=days, steps=st.lists(seconds, max_size=40))
def test_power_keeps_its_bounds_and_registers_only_grow(
    asset: Asset, day: list[Told], steps: list[float]
) -> None:
    equipment = new(asset)
    equipment.advance(START)
    seen = [equipment.sample()]
    for second in sorted(steps):
        while day and day[0].second <= second:
            day.pop(0).tell(equipment)
        equipment.advance(after(second))
        seen.append(equipment.sample())
        most_kw = asset.charge_limit_kw or 0.0
        least_kw = -(asset.rating_kw or 0) if asset is PV else -(asset.discharge_limit_kw or 0)
        assert least_kw - 1e-9 <= equipment.power_kw <= most_kw + 1e-9
        if equipment.limit_kw is not None:
            assert abs(equipment.power_kw) <= equipment.limit_kw + 1e-9
    for before, later in pairwise(seen):
        assert (before.charged_kwh or 0) <= (later.charged_kwh or 0)
        assert (before.discharged_kwh or 0) <= (later.discharged_kwh or 0)


@few
@given(day=days, steps=st.lists(seconds, max_size=40))
def test_a_battery_stays_between_its_bounds_and_loses_what_it_must(
    day: list[Told], steps: list[float]
) -> None:
    battery = new(BATTERY)
    battery.advance(START)
    for second in sorted(steps):
        while day and day[0].second <= second:
            day.pop(0).tell(battery)
        battery.advance(after(second))
        soc = battery.soc_percent
        assert soc is not None
        assert 10 - 1e-6 <= soc <= 90 + 1e-6
        stored = 20.0 + battery.charged_kwh * 0.95 - battery.discharged_kwh / 0.95
        assert soc == pytest.approx(100 * stored / 40.0, abs=1e-6)


@few
@given(day=days)
def test_no_car_takes_more_than_it_wants(day: list[Told]) -> None:
    bay = new(BAY)
    live(bay, [told for told in day if not told.limits], [])
    assert bay.charged_kwh <= sum(car.wanted_kwh for car in CARS) + TICK_KWH


@fewer
@given(day=days, steps=st.lists(seconds, max_size=20))
def test_a_meter_is_the_sum_of_its_parts(day: list[Told], steps: list[float]) -> None:
    meter = new(METER)
    parts = meter.parts  # type: ignore[attr-defined]
    meter.advance(START)
    for second in sorted(steps):
        while day and day[0].second <= second:
            due = day.pop(0)
            meter.advance(after(due.second))
            due.tell(parts[0])
        meter.advance(after(second))
        assert meter.power_kw == pytest.approx(sum(part.power_kw for part in parts))
    net = meter.charged_kwh - meter.discharged_kwh
    assert net == pytest.approx(
        sum(part.charged_kwh - part.discharged_kwh for part in parts), abs=TICK_KWH
    )


def test_a_car_is_full_at_its_instant_and_says_why_it_stops() -> None:
    bay = new(BAY)
    bay.advance(START)
    bay.tell(11.0, after(2_000))
    bay.advance(START + DAY)
    told = [((c.sample.at - START).total_seconds(), c.state, c.reason) for c in bay.changes()]
    assert told == [
        (0.0, "available", ""),
        (3_000.0, "preparing", ""),
        (3_000.0, "charging", ""),
        (pytest.approx(3_000 + 7.7 / 11 * 3_600, abs=1e-3), "suspended", "SuspendedEV"),
        (20_000.0, "available", ""),
        (20_000.0, "preparing", ""),
        (20_000.0, "charging", ""),
        (pytest.approx(20_000 + 30 / 11 * 3_600, abs=1e-3), "suspended", "SuspendedEV"),
        (30_000.5, "available", ""),
        (40_000.0, "preparing", ""),
        (40_000.0, "suspended", "SuspendedEV"),
        (80_000.0, "available", ""),
    ]
    assert bay.charged_kwh == pytest.approx(37.7, abs=TICK_KWH)
