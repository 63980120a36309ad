"""What each command is in OCPP 1.6, and what each answer means."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.assets import Asset, AssetKind
from pointsman.core.values import replace
from pointsman.devices import DeviceFailed
from pointsman.devices.ocpp16 import schema
from pointsman.devices.ocpp16.messages import (
    Call,
    Circumstances,
    Purpose,
    calls_of,
    kw_of_limit,
    profile_id,
    rate_unit,
    refusal,
    taken,
)
from pointsman.schedules.model import Channel, Command, CommandType, Mark

START = datetime(2019, 6, 5, 6, 30, tzinfo=UTC)
ASSET = Asset("bay", AssetKind.EV_CHARGER, phases=3, voltage_volts=230.0)
IDLE = Circumstances(ASSET, connector=2, session_running=False)
CHARGING = dataclasses.replace(IDLE, transaction_id=7, session_running=True)


def command(type: CommandType = CommandType.SET_CHARGE_RATE, **said: Any) -> Command:  # noqa: ANN401
    said.setdefault("power_kw", 6.6)
    return Command("cmd_1", "bay", type, START, START + timedelta(minutes=15), **said)


def only(calls: tuple[Call, ...]) -> dict[str, Any]:
    [call] = calls
    return call.payload


def profile(calls: tuple[Call, ...]) -> dict[str, Any]:
    payload = only(calls)
    found: dict[str, Any] = payload.get("csChargingProfiles") or payload["chargingProfile"]
    return found


def limit(calls: tuple[Call, ...]) -> float:
    found: float = profile(calls)["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"]
    return found


def test_a_rate_holds_from_its_time_to_its_expiry() -> None:
    said = profile(calls_of(command(), IDLE))
    assert said["chargingProfileKind"] == "Absolute"
    assert said["validFrom"] == said["chargingSchedule"]["startSchedule"]
    assert said["validFrom"] == "2019-06-05T06:30:00.000Z"
    assert said["validTo"] == "2019-06-05T06:45:00.000Z"


def test_a_rate_without_expiry_has_no_end() -> None:
    assert "validTo" not in profile(calls_of(replace(command(), expires_at=None), IDLE))


def test_zero_is_a_limit_and_no_stop() -> None:
    [call] = calls_of(command(power_kw=0.0), CHARGING)
    assert call.action == "SetChargingProfile"
    assert limit((call,)) == 0


def test_a_rate_is_for_the_transaction_that_runs() -> None:
    idle, charging = calls_of(command(), IDLE), calls_of(command(), CHARGING)
    assert profile(idle)["chargingProfilePurpose"] == "TxDefaultProfile"
    assert "transactionId" not in profile(idle)
    assert profile(charging)["chargingProfilePurpose"] == "TxProfile"
    assert profile(charging)["transactionId"] == 7


def test_a_new_profile_replaces_the_old_one_of_its_purpose() -> None:
    old, new = (profile(calls_of(command(power_kw=kw), IDLE)) for kw in (3.0, 5.0))
    assert old["chargingProfileId"] == new["chargingProfileId"]
    assert old["stackLevel"] == new["stackLevel"]


def test_no_two_profiles_of_a_charger_share_an_id() -> None:
    ids = [profile_id(Purpose.CHARGE_POINT_MAX, 1)]
    ids += [profile_id(p, n) for p in (Purpose.TX, Purpose.TX_DEFAULT) for n in range(1, 20)]
    assert len(set(ids)) == len(ids)


def test_a_release_clears_our_profiles_and_no_others() -> None:
    released = calls_of(command(power_kw=0.0, reason=Mark.RELEASE), CHARGING)
    set_ids = {profile(calls_of(command(), at))["chargingProfileId"] for at in (IDLE, CHARGING)}
    assert {call.action for call in released} == {"ClearChargingProfile"}
    assert {call.payload["id"] for call in released} == set_ids
    assert all(list(call.payload) == ["id"] for call in released)


def test_a_released_limit_leaves_the_rates_alone() -> None:
    capped = command(CommandType.SET_POWER_LIMIT)
    released = only(calls_of(replace(capped, reason=Mark.RELEASE), IDLE))
    assert released == {"id": profile(calls_of(capped, IDLE))["chargingProfileId"]}
    assert capped.channel is Channel.LIMIT


def test_a_power_limit_caps_the_whole_charger() -> None:
    calls = calls_of(command(CommandType.SET_POWER_LIMIT), CHARGING)
    assert only(calls)["connectorId"] == 0
    assert profile(calls)["chargingProfilePurpose"] == "ChargePointMaxProfile"


def test_discharging_is_not_supported_for_good() -> None:
    with pytest.raises(DeviceFailed, match="NotSupported") as failed:
        calls_of(command(CommandType.SET_DISCHARGE_RATE), CHARGING)
    assert failed.value.permanent


def test_a_start_may_carry_its_rate() -> None:
    plain = only(calls_of(command(CommandType.START_CHARGING, power_kw=None), IDLE))
    rated = only(calls_of(command(CommandType.START_CHARGING), IDLE))
    assert plain == {"idTag": "pointsman", "connectorId": 2}
    assert rated["chargingProfile"]["chargingProfilePurpose"] == "TxProfile"
    assert "transactionId" not in rated["chargingProfile"]


def test_a_start_of_what_runs_only_sets_the_rate() -> None:
    assert calls_of(command(CommandType.START_CHARGING, power_kw=None), CHARGING) == ()
    [call] = calls_of(command(CommandType.START_CHARGING), CHARGING)
    assert call.action == "SetChargingProfile"


def test_a_stop_names_the_transaction() -> None:
    stop = command(CommandType.STOP_CHARGING, power_kw=None)
    assert only(calls_of(stop, CHARGING)) == {"transactionId": 7}
    assert calls_of(stop, IDLE) == ()


@pytest.mark.parametrize("running", [True, None])
def test_a_stop_waits_until_the_transaction_is_known(running: bool | None) -> None:
    stop = command(CommandType.STOP_CHARGING, power_kw=None)
    with pytest.raises(DeviceFailed, match="which transaction") as failed:
        calls_of(stop, dataclasses.replace(IDLE, session_running=running))
    assert not failed.value.permanent


@pytest.mark.parametrize(("available", "type"), [(True, "Operative"), (False, "Inoperative")])
def test_availability_is_of_the_connector(available: bool, type: str) -> None:
    change = command(CommandType.CHANGE_AVAILABILITY, parameters={"available": available})
    assert only(calls_of(change, IDLE)) == {"connectorId": 2, "type": type}


def test_a_target_is_our_own_message() -> None:
    target = command(CommandType.SET_SOC_TARGET, parameters={"soc_target_percent": 80})
    payload = only(calls_of(target, IDLE))
    assert payload["vendorId"] == "pointsman"
    assert json.loads(payload["data"]) == {"connectorId": 2, "socTargetPercent": 80}


@pytest.mark.parametrize(
    "lacking",
    [
        command(power_kw=None),
        command(power_kw=float("nan")),
        command(power_kw=-1.0),
        command(CommandType.CHANGE_AVAILABILITY, parameters={"available": 1}),
        command(CommandType.SET_SOC_TARGET, parameters={}),
        command(CommandType.SET_SOC_TARGET, parameters={"soc_target_percent": True}),
    ],
)
def test_what_a_command_lacks_fails_for_good(lacking: Command) -> None:
    with pytest.raises(DeviceFailed, match="lacks") as failed:
        calls_of(lacking, IDLE)
    assert failed.value.permanent


@given(st.floats(0, 1000), st.sampled_from("WA"), st.sampled_from([1, 3]))
def test_limits_are_tenths_and_close(power_kw: float, unit: str, phases: int) -> None:
    at = dataclasses.replace(IDLE, unit=unit, asset=dataclasses.replace(ASSET, phases=phases))
    rated = calls_of(command(power_kw=power_kw), at)
    capped = calls_of(command(CommandType.SET_POWER_LIMIT, power_kw=power_kw), at)
    for calls in (rated, capped):
        schema.check(schema.CALL, "SetChargingProfile", only(calls))
    tenth_kw = kw_of_limit(0.1, unit, at.asset)
    assert abs(kw_of_limit(limit(rated), unit, at.asset) - power_kw) <= tenth_kw * 0.5001
    assert -tenth_kw <= kw_of_limit(limit(capped), unit, at.asset) - power_kw <= tenth_kw * 1e-4


def test_the_schema_refuses_what_is_no_tenth() -> None:
    payload = only(calls_of(command(), IDLE))
    payload["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] = 11.11
    with pytest.raises(schema.Malformed) as malformed:
        schema.check(schema.CALL, "SetChargingProfile", payload)
    assert malformed.value.code == "FormatViolation"


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        ("Current", "A"),
        ("Power", "W"),
        ("Current,Power", "W"),
        ("A", "A"),
        ("current, power", "W"),
        ("", None),
    ],
)
def test_watts_are_preferred_where_they_are_allowed(value: str, unit: str | None) -> None:
    key = "ChargingScheduleAllowedChargingRateUnit"
    answer = {"configurationKey": [{"key": key, "readonly": True, "value": value}]}
    assert rate_unit(answer) == unit
    assert rate_unit({"unknownKey": [key]}) is None


CLEAR = Call("ClearChargingProfile", {"id": 1})


@pytest.mark.parametrize(
    ("status", "permanent"),
    [("Rejected", False), ("NotSupported", True), ("UnknownVendorId", True), (None, False)],
)
def test_a_no_may_be_for_good(status: str | None, permanent: bool) -> None:
    with pytest.raises(DeviceFailed) as failed:
        taken(command(), IDLE, CLEAR, {"status": status})
    assert (failed.value.permanent, failed.value.doubtful) == (permanent, False)


def test_nothing_to_clear_is_cleared() -> None:
    assert not taken(command(), IDLE, CLEAR, {"status": "Unknown"}).later


def test_a_yes_to_a_limit_is_what_the_limit_stands_for() -> None:
    at = dataclasses.replace(IDLE, unit="A")
    [call] = calls_of(command(power_kw=11.0), at)
    assert taken(command(), at, call, {"status": "Accepted"}).applied_kw == pytest.approx(10.971)


def test_a_yes_to_a_cap_says_nothing_of_the_rate() -> None:
    [call] = calls_of(command(CommandType.SET_POWER_LIMIT), IDLE)
    assert taken(command(), IDLE, call, {"status": "Accepted"}).applied_kw is None


@pytest.mark.parametrize(
    ("code", "permanent"),
    [
        ("NotSupported", True),
        ("FormationViolation", True),
        ("InternalError", False),
        ("GenericError", False),
        ("Nonsense", False),
    ],
)
def test_an_error_may_be_for_good(code: str, permanent: bool) -> None:
    assert refusal("SetChargingProfile", code, "").permanent is permanent
