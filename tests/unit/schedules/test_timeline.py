"""Change detection, rule by rule."""

from dataclasses import replace
from math import nan
from typing import Any

import pytest

from pointsman.core.assets import Asset, AssetKind, MinPolicy, ZeroPolicy
from pointsman.schedules.changes import rows_of
from pointsman.schedules.model import Channel, Mark
from pointsman.schedules.table import ScheduleError, Table
from tests.unit.schedules.tables import (
    BATTERY,
    CHARGER,
    HOUR,
    START,
    Columns,
    imported,
    said,
    said_of,
    timeline_of,
)

AWAY, SAFE, RELEASE, MINIMUM = Mark.AWAY, Mark.SAFE, Mark.RELEASE, Mark.MINIMUM


class TestTheFirstSlot:
    def test_is_always_told_even_at_zero(self) -> None:
        assert said_of(ev_1_kw=[0.0, 0.0]) == [(0, 0.0, None), (2, 0.0, RELEASE)]

    def test_of_a_charger_without_a_vehicle_is_told_once(self) -> None:
        assert said_of(ev_1_kw=[None, None, 7.0]) == [
            (0, 0.0, AWAY),
            (2, 7.0, None),
            (3, 0.0, RELEASE),
        ]

    @pytest.mark.parametrize("option", ["assume_initial", "in_force"])
    def test_need_not_be_told_where_its_value_is_in_force(self, option: str) -> None:
        given: dict[str, Any] = {option: {"bay": 7.04}}
        result = imported(columns={"ev_1_kw": [7.0, 3.0]}, **given)
        assert timeline_of(result).assumed == 7.04
        assert said(result) == [(0, 7.0, None), (1, 3.0, None), (2, 0.0, RELEASE)]
        assert result.report.commands == 2

    def test_is_told_where_another_value_is_in_force(self) -> None:
        result = imported(
            columns={"ev_1_kw": [7.0]}, in_force={"bay": 7.06}, horizon_end=START + HOUR
        )
        assert timeline_of(result).assumed is None
        assert result.report.commands == 2

    def test_is_compared_with_what_users_assume_before_what_is_known(self) -> None:
        both: dict[str, Any] = {"assume_initial": {"bay": 7.0}, "in_force": {"bay": 5.0}}
        assert timeline_of(imported(columns={"ev_1_kw": [7.0, 7.0]}, **both)).assumed == 7.0

    def test_keeps_the_deadband_whether_it_is_told_or_assumed(self) -> None:
        """7.08 is near what is in force, and too far from row 0 in case that is told after all."""
        result = imported(columns={"ev_1_kw": [7.0, 7.08]}, in_force={"bay": 7.04})
        assert said(result)[1] == (1, 7.08, None)


class TestAnEqualValue:
    def test_is_told_once(self) -> None:
        seed = [22.0, 22.0, 22.0, 0.0]
        assert said_of(ev_1_kw=seed) == [(0, 22.0, None), (3, 0.0, None), (4, 0.0, RELEASE)]

    def test_is_one_within_the_deadband(self) -> None:
        assert said_of(ev_1_kw=[7.0, 7.05, 6.95]) == [(0, 7.0, None), (3, 0.0, RELEASE)]

    def test_is_compared_with_the_last_told_so_that_slow_drift_is_sent(self) -> None:
        drift = [7.0, 7.03, 7.06, 7.09, 7.12]
        assert [value for _, value, _ in said_of(ev_1_kw=drift)] == [7.0, 7.06, 7.12, 0.0]

    def test_allows_a_thousandth_of_the_rating(self) -> None:
        large = Asset("batt", AssetKind.BATTERY, max_discharge_kw=1000.0)
        cells = [10.0, 10.9, 11.1]
        told = said_of(battery_charge_kw=cells, site=[large])
        assert [value for _, value, _ in told] == [10.0, 11.1, 0.0]

    def test_allows_what_the_asset_says(self) -> None:
        coarse = replace(CHARGER, deadband_kw=1.0)
        assert len(said_of(ev_1_kw=[7.0, 8.0, 6.0], site=[coarse])) == 2
        assert len(said_of(ev_1_kw=[7.0, 7.01], site=[replace(CHARGER, deadband_kw=0.0)])) == 3


class TestAVehicle:
    def test_that_leaves_is_told_once(self) -> None:
        assert said_of(ev_1_kw=[7.0, None, None, 5.0]) == [
            (0, 7.0, None),
            (1, 0.0, AWAY),
            (3, 5.0, None),
            (4, 0.0, RELEASE),
        ]

    def test_that_leaves_at_zero_is_told_too(self) -> None:
        assert said_of(ev_1_kw=[7.0, 0.0, None]) == [
            (0, 7.0, None),
            (1, 0.0, None),
            (2, 0.0, AWAY),
            (3, 0.0, RELEASE),
        ]

    def test_that_follows_another_at_once_needs_no_release(self) -> None:
        result = imported(columns={"ev_1_kw": [7.0, None, None], "ev_2_kw": [None, 5.0, None]})
        assert said(result) == [
            (0, 7.0, None),
            (1, 5.0, None),
            (2, 0.0, AWAY),
            (3, 0.0, RELEASE),
        ]
        assert timeline_of(result).vehicles == {0: "ev_1_kw", 1: "ev_2_kw"}

    def test_that_follows_another_has_a_row_of_its_own_even_at_the_same_value(self) -> None:
        """Else it would get nothing if the first one left early and its rows were cancelled."""
        result = imported(columns={"ev_1_kw": [7.0, None], "ev_2_kw": [None, 7.0]})
        assert said(result)[:2] == [(0, 7.0, None), (1, 7.0, None)]
        assert timeline_of(result).vehicles == {0: "ev_1_kw", 1: "ev_2_kw"}

    def test_that_comes_back_has_a_new_turn(self) -> None:
        result = imported(columns={"ev_1_kw": [7.0, None, 7.0]})
        assert timeline_of(result).vehicles == {0: "ev_1_kw", 2: "ev_1_kw"}

    def test_never_shares_a_slot_with_another(self) -> None:
        columns: Columns = {"ev_1_kw": [7.0, 7.0], "ev_2_kw": [None, 0.0]}
        with pytest.raises(ScheduleError, match=r"row 2, column 'ev_2_kw': 0\.0 kW .*'ev_1_kw'"):
            imported(columns=columns)

    def test_that_is_away_is_no_gap(self) -> None:
        result = imported(columns={"ev_1_kw": [7.0, None]}, nan="error")
        assert result.report.gaps == 0


class TestAnEmptyCell:
    def test_is_held_for_two_slots_and_then_safe(self) -> None:
        assert said_of(battery_charge_kw=[5.0, None, nan, None, None, 6.0]) == [
            (0, 5.0, None),
            (3, 0.0, SAFE),
            (5, 6.0, None),
            (6, 0.0, RELEASE),
        ]

    def test_is_held_for_as_long_as_told(self) -> None:
        result = imported(columns={"battery_charge_kw": [5.0, None, None, None]}, max_hold=3)
        assert said(result) == [(0, 5.0, None), (4, 0.0, RELEASE)]
        assert result.report.gaps == 3

    def test_after_a_new_value_is_held_anew(self) -> None:
        cells = [5.0, None, None, 6.0, None, None]
        assert said_of(battery_charge_kw=cells) == [(0, 5.0, None), (3, 6.0, None), (6, 0, RELEASE)]

    def test_leads_to_the_safe_default_of_the_asset(self) -> None:
        safe = replace(BATTERY, safe_default_kw=-2.0)
        result = imported(columns={"battery_charge_kw": [5.0, None]}, nan="safe", site=[safe])
        assert said(result) == [(0, 5.0, None), (1, -2.0, SAFE), (2, -2.0, RELEASE)]

    def test_with_nothing_before_it_is_safe_at_once(self) -> None:
        assert said_of(battery_charge_kw=[None, 5.0])[0] == (0, 0.0, SAFE)

    def test_holds_what_is_in_force_where_that_is_known(self) -> None:
        result = imported(columns={"battery_charge_kw": [None, 5.0]}, in_force={"batt": 4.0})
        assert said(result)[0] == (0, 4.0, None)
        assert timeline_of(result).assumed == 4.0

    def test_may_be_an_error(self) -> None:
        with pytest.raises(ScheduleError, match=r"row 2, column 'battery_charge_kw': empty"):
            imported(columns={"battery_charge_kw": [5.0, None]}, nan="error")

    def test_is_never_zero_by_accident(self) -> None:
        with pytest.raises(ScheduleError, match=r"nan='zero' is no choice; one of 'hold', 'error'"):
            imported(columns={"battery_charge_kw": [5.0]}, nan="zero")

    def test_beside_a_zero_of_the_other_direction_is_no_instruction(self) -> None:
        columns: Columns = {"battery_charge_kw": [5.0, 0.0], "battery_discharge_kw": [None, None]}
        result = imported(columns=columns)
        assert said(result) == [(0, 5.0, None), (2, 0.0, RELEASE)]
        assert result.report.gaps == 1

    def test_of_a_limit_keeps_the_last_limit(self) -> None:
        result = imported(columns={"bay_limit_kw": [None, 6.0, None, None, None, 5.0]})
        assert said(result, Channel.LIMIT) == [(1, 6.0, None), (5, 5.0, None), (6, 11.0, RELEASE)]

    def test_and_nothing_else_says_nothing(self) -> None:
        columns: Columns = {"bay_limit_kw": [None, None], "ev_1_kw": [7.0, 7.0]}
        result = imported(columns=columns)
        assert [timeline.channel for timeline in result.timelines] == [Channel.POWER]
        assert "only empty cells" in result.report.warnings[-1]


class TestZero:
    def test_is_an_explicit_command(self) -> None:
        assert said_of(ev_1_kw=[7.0, 0.0])[1] == (1, 0.0, None)

    def test_may_stop_the_session(self) -> None:
        stops = replace(CHARGER, zero_policy=ZeroPolicy.STOP)
        assert timeline_of(imported(columns={"ev_1_kw": [7.0, 0.0]}, site=[stops])).stop_at_zero
        assert not timeline_of(imported(columns={"ev_1_kw": [7.0, 0.0]})).stop_at_zero

    def test_may_be_the_least_current_but_not_for_a_vehicle_that_is_away(self) -> None:
        least = replace(CHARGER, zero_policy=ZeroPolicy.MIN_CURRENT, min_kw=1.4)
        result = imported(columns={"ev_1_kw": [7.0, 0.0, None]}, site=[least])
        assert said(result)[1:3] == [(1, 1.4, MINIMUM), (2, 0.0, AWAY)]
        assert timeline_of(result).requested == {1: 0.0}

    def test_at_the_least_current_needs_one(self) -> None:
        odd = replace(CHARGER, zero_policy=ZeroPolicy.MIN_CURRENT)
        with pytest.raises(ScheduleError, match=r"'min_current' needs min_kw"):
            imported(columns={"ev_1_kw": [0.0, 0.0]}, site=[odd])


class TestBelowTheMinimum:
    least = replace(CHARGER, min_kw=1.4)

    def test_values_pass_where_the_asset_has_none(self) -> None:
        assert said_of(ev_1_kw=[0.3, 0.3])[0] == (0, 0.3, None)

    def test_values_become_zero(self) -> None:
        result = imported(columns={"ev_1_kw": [1.3, 0.5, 1.4]}, site=[self.least])
        assert said(result) == [(0, 0.0, MINIMUM), (2, 1.4, None), (3, 0.0, RELEASE)]
        assert timeline_of(result).requested == {0: 1.3}
        assert result.report.clamps == 2

    def test_values_become_the_minimum(self) -> None:
        least = replace(self.least, min_policy=MinPolicy.MINIMUM)
        assert said_of(ev_1_kw=[1.3, 0.0], site=[least])[:2] == [
            (0, 1.4, MINIMUM),
            (1, 0.0, None),
        ]

    def test_discharging_keeps_its_sign(self) -> None:
        least = replace(BATTERY, min_kw=2.0, min_policy=MinPolicy.MINIMUM)
        assert said_of(battery_discharge_kw=[1.0, 1.0], site=[least])[0] == (0, -2.0, MINIMUM)


class TestTheEnd:
    def test_is_an_explicit_release_to_the_safe_default(self) -> None:
        safe = replace(CHARGER, safe_default_kw=2.0)
        result = imported(columns={"ev_1_kw": [7.0, 7.0]}, site=[safe])
        *_, release = rows_of(timeline_of(result), result.plan)
        assert release == (1, START + 2 * HOUR, 2.0, RELEASE, None)

    def test_may_be_zero(self) -> None:
        safe = replace(CHARGER, safe_default_kw=2.0)
        result = imported(columns={"ev_1_kw": [7.0, 7.0]}, site=[safe], end="zero")
        assert said(result)[-1] == (2, 0.0, RELEASE)

    def test_may_hold_the_last_value_for_one_more_slot(self) -> None:
        result = imported(columns={"ev_1_kw": [7.0, 5.0]}, end="hold")
        *_, last, release = rows_of(timeline_of(result), result.plan)
        assert last.expires_at == release.starts_at == START + 3 * HOUR

    def test_is_held_as_long_as_the_last_slot_is(self) -> None:
        table = Table("plan", (START, START + HOUR), {"ev_1_kw": [7.0, 5.0]})
        result = imported(table, end="hold", horizon_end=START + 4 * HOUR)
        *_, release = rows_of(timeline_of(result), result.plan)
        assert release.starts_at == START + 7 * HOUR

    def test_of_a_limit_is_the_rating(self) -> None:
        result = imported(columns={"bay_limit_kw": [6.0, 6.0]})
        assert said(result, Channel.LIMIT)[-1] == (2, 11.0, RELEASE)
