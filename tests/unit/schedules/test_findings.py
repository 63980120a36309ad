"""What a plan asks for beyond its limits is told, and changes nothing."""

from pointsman.core.assets import Asset, AssetKind
from pointsman.schedules.findings import over_import
from tests.unit.schedules.tables import Columns, imported, said


def test_rows_beyond_the_rating_are_told_and_not_changed() -> None:
    result = imported(columns={"ev_1_kw": [11.0, 12.0, 12.0, 3.0, 13.0]})
    (excess,) = result.report.over_rating
    assert (excess.what, excess.limit_kw, excess.slots) == ("bay", 11.0, (1, 4))
    assert (excess.worst_slot, excess.worst_kw) == (4, 13.0)
    assert str(excess) == "bay: 13 kW in slot 4 is beyond 11 kW, as is 1 more"
    assert [value for _, value, _ in said(result)] == [11.0, 12.0, 3.0, 13.0, 0.0]


def test_each_direction_has_its_own_rating() -> None:
    uneven = Asset("batt", AssetKind.BATTERY, max_charge_kw=10.0, max_discharge_kw=5.0)
    result = imported(columns={"batt_setpoint_kw": [8.0, -8.0]}, site=[uneven])
    (excess,) = result.report.over_rating
    assert (excess.limit_kw, excess.slots, excess.worst_kw) == (-5.0, (1,), -8.0)


def test_the_rating_itself_is_no_excess() -> None:
    result = imported(columns={"batt_setpoint_kw": [30.0, -30.0, 30.0 + 1e-9]})
    assert result.report.over_rating == ()


def test_an_asset_without_a_rating_has_no_excess() -> None:
    assert imported(columns={"ev_1_kw": [900.0, 0.0]}, assets=None).report.over_rating == ()


def test_a_state_of_charge_is_no_power() -> None:
    assert imported(columns={"batt_soc_target_percent": [80.0, 90.0]}).report.over_rating == ()


def test_what_is_controlled_is_summed_slot_by_slot() -> None:
    columns: Columns = {
        "ev_1_kw": [6.0, 6.0, None],
        "batt_setpoint_kw": [5.0, -5.0, 12.0],
        "bay_limit_kw": [11.0, 11.0, 11.0],
    }
    result = imported(columns=columns)
    (excess,) = over_import(result.plan, result.timelines, result.contexts, 10.0)
    assert (excess.what, excess.slots, excess.worst_slot) == ("controlled power", (0, 2), 2)
    assert over_import(result.plan, result.timelines, result.contexts, 12.0) == ()


def test_the_optimizers_own_figure_for_the_site_is_compared_too() -> None:
    columns: Columns = {"ev_1_kw": [6.0, 6.0], "net_load_kw": [9.0, None], "price": [99.0, 99.0]}
    result = imported(columns=columns)
    (excess,) = over_import(result.plan, result.timelines, result.contexts, 8.0)
    assert (excess.what, excess.slots, excess.worst_kw) == ("column 'net_load_kw'", (0,), 9.0)
    assert str(excess) == "column 'net_load_kw': 9 kW in slot 0 is beyond 8 kW"
