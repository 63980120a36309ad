"""Which limit the profiles of a simulated charger make."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices.ocpp16.bay import Bay
from pointsman.devices.ocpp16.messages import instant
from pointsman.devices.ocpp16.profiles import MAX, TX, TX_DEFAULT, Profiles, profile_of
from pointsman.devices.simulated.world import SimulatedWorld
from pointsman.runtime.clock import SystemClock

NOW = datetime(2019, 6, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ASSET = Asset("bay", AssetKind.EV_CHARGER)


def said(id: int, limit: float, purpose: str = TX_DEFAULT, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    schedule = {
        "startSchedule": instant(NOW),
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
    }
    return {
        "chargingProfileId": id,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule,
        **more,
    }


def holding(*profiles: dict[str, Any], connector: int = 1) -> Profiles:
    held = Profiles()
    for profile in profiles:
        held.put(profile_of(connector, profile, NOW))
    return held


def kw(held: Profiles, at: datetime = NOW, connector: int = 1) -> float | None:
    return held.rate(connector, ASSET, at).kw


def test_the_transaction_comes_before_the_default() -> None:
    held = holding(said(1, 5000), said(2, 3000, TX))
    assert kw(held) == 3.0
    held.clear(purpose=TX)
    assert kw(held) == 5.0


def test_the_higher_stack_level_wins() -> None:
    assert kw(holding(said(1, 5000, stackLevel=3), said(2, 3000))) == 5.0


def test_the_same_id_or_the_same_place_replaces() -> None:
    assert kw(holding(said(1, 5000, stackLevel=3), said(1, 3000))) == 3.0
    assert kw(holding(said(1, 5000), said(2, 3000))) == 3.0


def test_a_profile_ends_when_it_says() -> None:
    held = holding(said(1, 5000, validTo=instant(NOW + HOUR)), said(2, 1000, stackLevel=-1))
    assert held.rate(1, ASSET, NOW).until == NOW + HOUR
    assert kw(held, NOW + HOUR - timedelta(milliseconds=1)) == 5.0
    assert kw(held, NOW + HOUR) == 1.0


def test_a_profile_begins_when_it_says() -> None:
    held = holding(said(1, 5000, validFrom=instant(NOW + HOUR)))
    assert held.rate(1, ASSET, NOW).until == NOW + HOUR
    assert kw(held) is None
    assert kw(held, NOW + HOUR) == 5.0


def test_periods_follow_each_other() -> None:
    steps = said(1, 5000)
    steps["chargingSchedule"]["chargingSchedulePeriod"] += [{"startPeriod": 3600, "limit": 7000}]
    steps["chargingSchedule"]["duration"] = 7200
    held = holding(steps)
    assert [kw(held, NOW + n * HOUR) for n in range(3)] == [5.0, 7.0, None]


def test_a_default_of_the_charger_is_for_every_connector() -> None:
    assert kw(holding(said(1, 5000), connector=0), connector=2) == 5.0
    assert kw(holding(said(1, 5000), connector=1), connector=2) is None


def test_a_cap_is_no_rate() -> None:
    held = holding(said(1, 5000, MAX), connector=0)
    assert kw(held) is None
    assert held.cap(ASSET, NOW).kw == 5.0


def steered(*profiles: dict[str, Any]) -> Bay:
    """A bay with a car that is never full, told these profiles at noon."""
    held = Profiles()
    bay = Bay(ASSET, SimulatedWorld(SystemClock()), held)
    bay.advance(NOW)
    for profile in profiles:
        held.put(profile_of(1, profile, NOW))
    bay.apply(NOW)
    return bay


def test_each_period_is_followed_in_its_own_time() -> None:
    steps = said(1, 5000, validTo=instant(NOW + 2 * HOUR))
    steps["chargingSchedule"]["chargingSchedulePeriod"] += [{"startPeriod": 3600, "limit": 7000}]
    bay = steered(steps)
    bay.advance(NOW + 3 * HOUR)
    assert bay.equipment.charged_kwh == pytest.approx(5 + 7)
    assert bay.in_force_kw() is None


def test_a_profile_of_a_transaction_ends_with_it() -> None:
    bay = steered(said(1, 5000), said(2, 3000, TX))
    bay.equipment.stop(NOW + HOUR)
    bay.advance(NOW + HOUR)
    bay.equipment.start(NOW + HOUR)
    assert bay.in_force_kw() == 5.0


def test_clearing_says_whether_anything_was_there() -> None:
    held = holding(said(1, 5000))
    assert not held.clear(id=2)
    assert held.clear(id=1)
    assert kw(held) is None
