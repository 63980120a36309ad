"""What a column is for is decided by its name, and never guessed."""

import pytest

from pointsman.core.assets import Asset, AssetKind
from pointsman.schedules.columns import Assignment, OnUnmapped, Role, assign
from pointsman.schedules.model import Channel
from pointsman.schedules.table import ScheduleError

CHARGER = Asset("bay_1", AssetKind.EV_CHARGER)
BATTERY = Asset("battery_9", AssetKind.BATTERY)
METER = Asset("grid", AssetKind.METER)
SITE = {asset.id: asset for asset in (CHARGER, BATTERY, METER)}
INFORMATIONAL = (
    "total_ev_kw",
    "background_load_kw",
    "solar_generation_kw",
    "net_load_kw",
    "price_per_kwh",
    "slot_cost",
    "load_forecast_kw",
    "solar_forecast_kw",
    "net_load_before_kw",
    "battery_soc_kwh",
    "battery_soc_percent",
    "net_load_after_kw",
    "peak_target_kw",
    "slot_cost_before",
)


def look(
    *columns: str,
    site: dict[str, Asset] | None = None,
    on_unmapped: OnUnmapped = "error",
    keys: dict[str, str] | None = None,
    **asset_map: str,
) -> Assignment:
    return assign("plan.csv", columns, {**asset_map, **(keys or {})}, site or {}, on_unmapped)


def led(assignment: Assignment) -> list[tuple[str, Role]]:
    return [(target.asset_id, target.role) for target in assignment.targets]


@pytest.mark.parametrize(
    ("column", "key"),
    [
        ("ev_ev_001_kw", "ev_001"),  # the vehicle is called ev_001
        ("ev_001_kw", "ev_001"),  # the vehicle is called 001, the key is not
        ("ev_001_kw", "001"),
        ("ev_001_kw", "ev_001_kw"),
    ],
)
def test_a_vehicle_is_looked_up_by_id_then_with_its_prefix_then_by_column(
    column: str, key: str
) -> None:
    assert led(look(column, keys={key: "bay_1"})) == [("bay_1", Role.VEHICLE)]


def test_two_keys_that_lead_to_two_assets_are_ambiguous() -> None:
    with pytest.raises(
        ScheduleError, match=r"ambiguous, key '001' leads to 'a' and key 'ev_001' leads to 'b'"
    ):
        look("ev_001_kw", keys={"001": "a", "ev_001": "b"})


def test_two_keys_that_lead_to_one_asset_agree() -> None:
    found = look("ev_001_kw", keys={"001": "a", "ev_001": "a"})
    assert (led(found), found.unused_keys) == ([("a", Role.VEHICLE)], ())


def test_two_vehicles_that_answer_to_one_key_are_ambiguous() -> None:
    with pytest.raises(ScheduleError, match=r"'ev_ev_001_kw'.*'ev_001_kw'.*key 'ev_001'"):
        look("ev_001_kw", "ev_ev_001_kw", ev_001="a")


def test_several_vehicles_may_share_a_charger() -> None:
    assert led(look("ev_1_kw", "ev_2_kw", ev_1="a", ev_2="a")) == [("a", Role.VEHICLE)] * 2


@pytest.mark.parametrize("column", INFORMATIONAL)
def test_informational_columns_are_context(column: str) -> None:
    found = look(column, battery="b", ev="c")
    assert (found.targets, found.context, found.unmapped) == ((), (column,), ())


@pytest.mark.parametrize("column", ["EV_001_KW", "my_ev_001_kw", "ev__kw", "ev_001_kwh", "ev_kw"])
def test_patterns_are_anchored(column: str) -> None:
    assert look(column, keys={"001": "a"}).context == (column,)


def test_a_command_that_no_asset_answers_to_is_an_error_that_offers_what_works() -> None:
    with pytest.raises(ScheduleError) as caught:
        look("ev_target_soc_kw", ev_001="a")
    assert str(caught.value) == (
        "plan.csv, column 'ev_target_soc_kw': looks like a command, but no asset answers to it; "
        'add target_soc = "ASSET" to the asset map, or keep it as context with '
        'on_unmapped="ignore"'
    )


def test_an_unmapped_column_names_the_nearest_key() -> None:
    with pytest.raises(ScheduleError, match=r"near: 'ev_001'"):
        look("ev_01_kw", ev_001="a")


@pytest.mark.parametrize(("choice", "told"), [("warn", ("ev_target_soc_kw",)), ("ignore", ())])
def test_an_unmapped_column_never_commands(choice: OnUnmapped, told: tuple[str, ...]) -> None:
    found = look("ev_target_soc_kw", "ev_001_kw", on_unmapped=choice, ev_001="a")
    assert led(found) == [("a", Role.VEHICLE)]
    assert (found.context, found.unmapped) == (("ev_target_soc_kw",), told)


def test_a_key_without_a_column_is_told() -> None:
    assert look("ev_1_kw", ev_1="a", ev_2="b").unused_keys == ("ev_2",)


def test_a_key_never_makes_a_forecast_a_command() -> None:
    found = look("net_load_kw", "ev_1_kw", ev_1="a", net_load_kw="b")
    assert (led(found), found.unused_keys) == ([("a", Role.VEHICLE)], ("net_load_kw",))


def test_the_only_battery_answers_to_battery() -> None:
    found = look("battery_charge_kw", "battery_discharge_kw", battery="b")
    assert led(found) == [("b", Role.CHARGE), ("b", Role.DISCHARGE)]


@pytest.mark.parametrize("key", ["north", "battery_north", "battery_north_charge_kw"])
def test_one_of_several_batteries_answers_to_its_id(key: str) -> None:
    assert led(look("battery_north_charge_kw", keys={key: "b"})) == [("b", Role.CHARGE)]


@pytest.mark.parametrize(
    ("column", "role", "channel"),
    [
        ("heat_setpoint_kw", Role.SETPOINT, Channel.POWER),
        ("heat_limit_kw", Role.LIMIT, Channel.LIMIT),
        ("heat_charge_kw", Role.CHARGE, Channel.POWER),
        ("heat_discharge_kw", Role.DISCHARGE, Channel.POWER),
        ("heat_soc_target_percent", Role.SOC, Channel.SOC),
    ],
)
def test_other_columns_name_the_asset_and_what_of_it(
    column: str, role: Role, channel: Channel
) -> None:
    assert led(look(column, heat="a")) == [("a", role)]
    assert role.channel is channel


def test_an_asset_of_the_site_may_be_named_directly() -> None:
    found = look("bay_1_limit_kw", "battery_9_charge_kw", site=SITE)
    assert led(found) == [("bay_1", Role.LIMIT), ("battery_9", Role.CHARGE)]


def test_a_name_of_the_site_and_a_key_that_disagree_are_ambiguous() -> None:
    with pytest.raises(ScheduleError, match=r"key '9' leads to 'bay_1' and its own name leads"):
        look("battery_9_charge_kw", site=SITE, keys={"9": "bay_1"})


def test_a_vehicle_key_may_be_followed_by_what_is_set() -> None:
    assert led(look("ev_001_limit_kw", ev_001="a")) == [("a", Role.LIMIT)]


def test_an_asset_that_the_site_does_not_know_is_an_error_with_the_nearest() -> None:
    with pytest.raises(ScheduleError, match=r"key 'ev_1': the site has no asset 'bay1'.*'bay_1'"):
        look("ev_1_kw", site=SITE, ev_1="bay1")


@pytest.mark.parametrize("asset_id", ["battery_9", "grid"])
def test_a_vehicle_needs_a_charger(asset_id: str) -> None:
    with pytest.raises(ScheduleError, match=r"is of kind .*; map it to an ev_charger"):
        look("ev_1_kw", site=SITE, ev_1=asset_id)


def test_a_meter_takes_no_commands() -> None:
    with pytest.raises(ScheduleError, match=r"a meter only measures"):
        look("grid_limit_kw", site=SITE)


@pytest.mark.parametrize(
    "columns",
    [
        ("a_setpoint_kw", "ev_a_kw"),
        ("a_setpoint_kw", "battery_a_charge_kw"),
        ("a_charge_kw", "battery_a_charge_kw"),
    ],
)
def test_two_columns_that_set_the_same_are_ambiguous(columns: tuple[str, str]) -> None:
    with pytest.raises(ScheduleError, match=r"ambiguous, it and column .* both set the power of"):
        look(*columns, a="x")


def test_a_limit_and_a_setpoint_live_side_by_side() -> None:
    found = look("a_limit_kw", "a_setpoint_kw", a="x")
    assert list(found.of_channel()) == [("x", Channel.LIMIT), ("x", Channel.POWER)]
