"""What each kind of equipment does, instant by instant."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices.simulated.equipment import (
    Battery,
    Equipment,
    EvBay,
    Session,
    Unsupported,
    equipment_of,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BAY = Asset("bay", AssetKind.EV_CHARGER, rating_kw=10.0, min_kw=1.4)
BATTERY = Asset(
    "battery", AssetKind.BATTERY, max_charge_kw=10.0, max_discharge_kw=10.0, capacity_kwh=20.0
)


def told(equipment: Equipment) -> list[tuple[float, str]]:
    """Hours since noon, and the state that began then."""
    return [
        (round((change.sample.at - NOON) / HOUR, 6), change.state) for change in equipment.changes()
    ]


def bay(sessions: Sequence[Session] | None = None, asset: Asset = BAY) -> EvBay:
    made = equipment_of(asset, sessions)
    assert isinstance(made, EvBay)
    made.advance(NOON)
    return made


def battery(asset: Asset = BATTERY) -> Battery:
    made = equipment_of(asset)
    assert isinstance(made, Battery)
    made.advance(NOON)
    return made


def test_a_setpoint_and_a_limit_end_within_one_step() -> None:
    equipment = battery()
    equipment.tell(4.0, NOON, NOON + 2 * HOUR)
    equipment.limit(1.0, NOON, NOON + HOUR)
    equipment.advance(NOON + 10 * HOUR)
    assert equipment.charged_kwh == pytest.approx(1.0 + 4.0)
    assert told(equipment) == [(0, "idle"), (0, "charging"), (2, "idle")]


def test_a_lifted_limit_gives_the_setpoint_back() -> None:
    equipment = battery()
    equipment.limit(1.0, NOON)
    assert equipment.tell(4.0, NOON) == 1.0
    equipment.limit(None, NOON)
    assert equipment.power_kw == 4.0


def test_what_has_ended_already_is_not_set() -> None:
    equipment = battery()
    equipment.tell(4.0, NOON, NOON)
    equipment.limit(1.0, NOON, NOON)
    assert (equipment.setpoint_kw, equipment.limit_kw, equipment.power_kw) == (None, None, 0.0)


def test_time_never_goes_back() -> None:
    equipment = battery()
    equipment.tell(4.0, NOON + HOUR)
    equipment.advance(NOON)
    assert equipment.sample().at == NOON + HOUR


def test_a_battery_is_full_when_its_losses_let_it_be() -> None:
    equipment = battery()
    equipment.tell(10.0, NOON)
    equipment.advance(NOON + 10 * HOUR)
    full_hours = 10.0 / 0.95 / 10.0
    assert told(equipment) == [(0, "idle"), (0, "charging"), (round(full_hours, 6), "idle")]
    assert equipment.charged_kwh == pytest.approx(10.0 / 0.95)
    assert equipment.soc_percent == pytest.approx(100.0)


def test_a_battery_is_empty_when_its_losses_let_it_be() -> None:
    equipment = battery()
    equipment.tell(-10.0, NOON)
    equipment.advance(NOON + 10 * HOUR)
    assert told(equipment)[-1] == (0.95, "idle")
    assert equipment.discharged_kwh == pytest.approx(9.5)


def test_a_battery_goes_to_its_target_unless_a_setpoint_says_otherwise() -> None:
    equipment = battery()
    equipment.soc_target(75.0, NOON)
    equipment.tell(-5.0, NOON, NOON + HOUR)
    equipment.advance(NOON + HOUR)
    assert equipment.power_kw == 10.0
    equipment.advance(NOON + 9 * HOUR)
    assert equipment.soc_percent == pytest.approx(75.0)
    equipment.soc_target(25.0, NOON + 9 * HOUR)
    assert equipment.power_kw == -10.0
    equipment.advance(NOON + 20 * HOUR)
    assert equipment.power_kw == 0.0
    assert equipment.soc_percent == pytest.approx(25.0)


def test_a_battery_out_of_service_does_nothing() -> None:
    equipment = battery()
    equipment.tell(5.0, NOON)
    assert equipment.available(False, NOON)
    equipment.advance(NOON + HOUR)
    assert (equipment.state, equipment.charged_kwh) == ("unavailable", 0.0)
    assert equipment.available(True, NOON + HOUR)
    assert equipment.power_kw == 5.0


def test_a_battery_of_unknown_capacity_is_never_full() -> None:
    equipment = battery(Asset("b", AssetKind.BATTERY))
    assert equipment.tell(1_000.0, NOON) == 1_000.0
    equipment.advance(NOON + 100 * HOUR)
    assert equipment.charged_kwh == pytest.approx(100_000.0)
    assert equipment.soc_percent is None


def test_efficiency_and_own_power_come_from_the_device_table() -> None:
    table = {"charge_efficiency": 0.5, "own_kw": 2}
    equipment = battery(Asset("b", AssetKind.BATTERY, table, capacity_kwh=10.0))
    equipment.advance(NOON + HOUR)
    assert equipment.charged_kwh == pytest.approx(2.0)
    assert equipment.soc_percent == pytest.approx(60.0)


def test_a_car_that_left_before_the_start_was_never_there() -> None:
    gone = Session("1", NOON - 2 * HOUR, NOON - HOUR, 5.0)
    here = Session("2", NOON - HOUR, NOON + HOUR, 5.0)
    assert told(bay([gone])) == [(0, "available")]
    equipment = bay([gone, here])
    assert (told(equipment), equipment.vehicle_id) == ([(0, "available"), (0, "preparing")], "2")


def test_each_stay_begins_afresh() -> None:
    cars = [Session(str(n), NOON + n * HOUR, NOON + (n + 0.5) * HOUR, 3.0) for n in range(2)]
    equipment = bay(cars)
    equipment.tell(10.0, NOON)
    equipment.stop(NOON + 0.1 * HOUR)
    equipment.tell(0.0, NOON + 0.2 * HOUR)
    equipment.advance(NOON + 2 * HOUR)
    states = [(0, "available"), (0, "preparing"), (0, "charging"), (0.1, "finishing")]
    rest = [(0.5, "available"), (1, "preparing"), (1.5, "available")]
    assert told(equipment) == states + rest


def test_a_bay_goes_out_of_service_when_its_car_leaves() -> None:
    cars = [
        Session("1", NOON, NOON + HOUR, 30.0),
        Session("2", NOON + 2 * HOUR, NOON + 3 * HOUR, 1),
    ]
    equipment = bay(cars)
    equipment.tell(10.0, NOON)
    assert not equipment.available(False, NOON)
    equipment.advance(NOON + 2.5 * HOUR)
    assert equipment.charged_kwh == pytest.approx(10.0)
    assert told(equipment)[-1] == (1, "unavailable")
    assert equipment.available(True, NOON + 2.5 * HOUR)
    assert equipment.power_kw == 10.0


def test_coming_back_into_service_before_the_car_leaves_changes_nothing() -> None:
    equipment = bay([Session("1", NOON, NOON + HOUR, 30.0)])
    equipment.available(False, NOON)
    equipment.available(True, NOON)
    equipment.advance(NOON + 2 * HOUR)
    assert equipment.state == "available"


def test_a_car_stops_at_the_share_of_its_wish_that_it_was_told() -> None:
    equipment = bay([Session("1", NOON, NOON + 9 * HOUR, 20.0)])
    equipment.tell(10.0, NOON)
    equipment.soc_target(50.0, NOON)
    equipment.advance(NOON + 5 * HOUR)
    assert equipment.charged_kwh == pytest.approx(10.0)
    assert equipment.soc_percent == pytest.approx(50.0)
    assert equipment.reason == "SuspendedEV"


def test_a_car_takes_nothing_below_the_least_current() -> None:
    equipment = bay()
    assert equipment.tell(1.3, NOON) == 1.3
    assert equipment.power_kw == 0.0
    equipment.tell(1.4, NOON)
    assert equipment.power_kw == 1.4


def test_a_charger_of_unknown_rating_has_the_usual_current() -> None:
    assert bay(asset=Asset("bay", AssetKind.EV_CHARGER, phases=3)).most_kw == pytest.approx(22.08)


def test_a_charger_cannot_discharge() -> None:
    with pytest.raises(Unsupported, match="ev_charger 'bay' cannot discharge"):
        bay().tell(-1.0, NOON)


def test_the_sun_shines_by_local_time_and_gives_half_its_most_over_fourteen_hours() -> None:
    asset = Asset("pv", AssetKind.PV, rating_kw=10.0)
    night = datetime(2026, 6, 1, 7, tzinfo=UTC)
    sun = equipment_of(asset, timezone="America/Los_Angeles")
    sun.advance(night)
    assert sun.power_kw == 0.0
    sun.advance(night + timedelta(hours=13))
    assert sun.power_kw == pytest.approx(-10.0, abs=1e-3)
    sun.advance(night + timedelta(hours=24))
    assert sun.discharged_kwh == pytest.approx(10.0 * 14 / 2, rel=1e-4)
    assert sun.charged_kwh == 0.0


def test_the_sun_is_curtailed_to_its_limit() -> None:
    sun = equipment_of(Asset("pv", AssetKind.PV, rating_kw=10.0))
    sun.advance(NOON)
    sun.limit(3.0, NOON)
    assert sun.power_kw == -3.0


def test_a_load_is_the_same_for_the_same_seed_and_most_in_the_evening() -> None:
    def day(seed: int) -> list[float]:
        load = equipment_of(Asset("load", AssetKind.LOAD, rating_kw=10.0), seed=seed)
        powers = []
        for hour in range(24):
            load.advance(NOON + hour * HOUR)
            powers.append(load.power_kw)
        return powers

    assert day(1) == day(1) != day(2)
    assert all(0 < power <= 10.0 for power in day(1))
    assert 6 <= max(range(24), key=day(1).__getitem__) <= 8
