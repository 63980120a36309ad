"""What chargers report, in our words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices.ocpp16.reports import (
    Metered,
    metered,
    parse_instant,
    reading_of,
    sample_of,
    state_of,
    trusted,
)

NOW = datetime(2019, 6, 5, 12, tzinfo=UTC)
ASSET = Asset("bay", AssetKind.EV_CHARGER, phases=3)
P, E = "Power.Active.Import", "Energy.Active.Import.Register"


def report(*sampled: dict[str, Any], timestamp: str = "2019-06-05T11:59:00Z") -> dict[str, Any]:
    return {
        "connectorId": 1,
        "meterValue": [{"timestamp": timestamp, "sampledValue": list(sampled)}],
    }


def value(text: str, measurand: str = P, **more: str) -> dict[str, str]:
    return {"value": text, "measurand": measurand, **more}


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        ("Available", "available", ""),
        ("Preparing", "preparing", ""),
        ("Charging", "charging", ""),
        ("SuspendedEV", "suspended", "SuspendedEV"),
        ("SuspendedEVSE", "suspended", "SuspendedEVSE"),
        ("Finishing", "finishing", ""),
        ("Reserved", "unavailable", "Reserved"),
        ("Unavailable", "unavailable", ""),
    ],
)
def test_a_status_is_a_state(status: str, state: str, reason: str) -> None:
    assert state_of({"status": status, "errorCode": "NoError"}) == (state, reason)


def test_a_fault_says_which() -> None:
    fault = {"status": "Faulted", "errorCode": "GroundFailure", "info": "line 2"}
    assert state_of(fault) == ("faulted", "GroundFailure: line 2")


@pytest.mark.parametrize(
    ("sampled", "power_kw"),
    [
        ([value("3600")], 3.6),
        ([value("3600", unit="W")], 3.6),
        ([value("3.6", unit="kW")], 3.6),
        ([value("1000", phase="L1"), value("1200", phase="L2"), value("1400", phase="L3")], 3.6),
        ([value("1000", phase="L1-N"), value("2600", phase="L2-N")], 3.6),
        ([value("3600"), value("1000", phase="L1")], 3.6),
        ([value("3600"), value("9999", location="Inlet")], 3.6),
        ([value("3600"), value("zz", unit="kW")], 3.6),
        ([value("1", phase="N")], None),
        ([value("3600", unit="kvar")], None),
        ([value("3600", format="SignedData")], None),
        ([value("inf")], None),
    ],
)
def test_power_is_the_total_or_the_sum_of_phases(
    sampled: list[dict[str, str]], power_kw: float | None
) -> None:
    [read] = metered(report(*sampled), NOW)
    assert read.power_kw == (None if power_kw is None else pytest.approx(power_kw))


def test_a_value_without_a_name_is_energy_in_wh() -> None:
    [read] = metered(report({"value": "1500"}), NOW)
    assert read.energy_kwh == 1.5


def test_the_state_of_charge_is_read() -> None:
    [read] = metered(report(value("61", "SoC", unit="Percent", location="EV")), NOW)
    assert read.soc_percent == 61


def test_meter_values_come_in_the_order_of_their_time() -> None:
    late, early = report(value("2")), report(value("1"), timestamp="2019-06-05T11:58:00Z")
    late["meterValue"] += early["meterValue"]
    assert [read.power_kw for read in metered(late, NOW)] == [0.001, 0.002]


@pytest.mark.parametrize("told", ["2019-06-05T12:00:01Z", "2018-01-01T00:00:00Z", "soon", None])
def test_a_charger_with_a_wrong_clock_is_believed_all_but_its_time(told: str | None) -> None:
    assert trusted(told, NOW) == NOW


def test_an_instant_without_a_zone_is_utc() -> None:
    assert parse_instant("2019-06-05T12:00:00") == NOW
    assert parse_instant("2019-06-05T05:00:00.000-07:00") == NOW


def test_a_meter_that_only_counts_has_the_average_power() -> None:
    earlier = Metered(NOW - timedelta(minutes=30), energy_kwh=1.0)
    later = Metered(NOW, energy_kwh=4.0)
    sample = sample_of(later, earlier)
    assert sample is not None
    assert (sample.power_kw, sample.charged_kwh) == (6.0, 4.0)
    assert sample_of(earlier, None) is None
    assert sample_of(later, later) is None


def schedule(*periods: tuple[int, float], unit: str = "W") -> dict[str, Any]:
    said = [{"startPeriod": start, "limit": limit} for start, limit in periods]
    return {
        "status": "Accepted",
        "chargingSchedule": {"chargingRateUnit": unit, "chargingSchedulePeriod": said},
    }


def test_the_limit_in_force_is_the_setpoint() -> None:
    reading = reading_of(schedule((0, 6600.0), (30, 1.0)), ASSET, True, True)
    assert (reading.setpoint_kw, reading.controlled) == (6.6, True)
    amperes = reading_of(schedule((0, 10.0), unit="A"), ASSET, None, None)
    assert amperes.setpoint_kw == pytest.approx(6.9)


def test_a_limit_of_later_is_not_in_force() -> None:
    assert reading_of(schedule((30, 6600.0)), ASSET, True, False).controlled is False


def test_no_schedule_is_no_control_and_a_refusal_is_no_answer() -> None:
    assert reading_of({"status": "Accepted"}, ASSET, None, None).controlled is False
    assert reading_of({"status": "Rejected"}, ASSET, None, None).controlled is None
