"""An import as a whole: its time, its plan, its report."""

from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest

from pointsman.core.assets import ZeroPolicy
from pointsman.schedules.changes import rows_of
from pointsman.schedules.model import Channel, Mark
from pointsman.schedules.table import ScheduleError, Table
from tests.unit.schedules.tables import (
    CHARGER,
    HOUR,
    START,
    Columns,
    hourly,
    imported,
    said,
    timeline_of,
)

AWAY, SAFE, RELEASE, MINIMUM = Mark.AWAY, Mark.SAFE, Mark.RELEASE, Mark.MINIMUM


class TestThePast:
    columns: ClassVar[Columns] = {"battery_charge_kw": [5.0, 5.0, 6.0, 7.0]}

    def test_rows_begin_with_the_slot_that_holds_now(self) -> None:
        result = imported(columns=self.columns, now=START + timedelta(minutes=90))
        assert said(result)[0] == (1, 5.0, None)
        assert timeline_of(result).planned_charge_kwh == 18.0
        assert result.report.cells == 3

    def test_a_slot_begins_at_its_instant(self) -> None:
        assert said(imported(columns=self.columns, now=START + 2 * HOUR))[0] == (2, 6.0, None)

    def test_no_slot_is_past_before_the_plan_or_without_now(self) -> None:
        early = imported(columns=self.columns, now=START - HOUR)
        assert said(early) == said(imported(columns=self.columns))

    def test_a_plan_that_is_over_is_refused_by_its_end(self) -> None:
        with pytest.raises(ScheduleError, match=r"ended at 2025-01-15T12:00:00Z; .*--speed"):
            imported(columns=self.columns, now=START + 4 * HOUR)

    def test_a_gap_that_began_before_now_is_held_from_then(self) -> None:
        columns: Columns = {"battery_charge_kw": [5.0, None, None, None, None]}
        result = imported(columns=columns, now=START + 2 * HOUR)
        assert said(result)[:2] == [(2, 5.0, None), (3, 0.0, SAFE)]
        assert result.report.gaps == 3

    def test_clamps_of_the_past_do_not_count(self) -> None:
        least = replace(CHARGER, min_kw=1.4)
        cells = {"ev_1_kw": [1.0, 1.0, 7.0]}
        assert imported(columns=cells, site=[least], now=START + HOUR).report.clamps == 1

    def test_now_has_a_zone(self) -> None:
        with pytest.raises(ScheduleError, match=r"no zone"):
            imported(columns=self.columns, now=START.replace(tzinfo=None))


class TestThePlan:
    columns: ClassVar[Columns] = {
        "ev_1_kw": [7.0, None, 5.0],
        "net_load_kw": [9.0, 9.0, 9.0],
    }

    def test_knows_its_slots(self) -> None:
        times = (START, START + HOUR, START + 4 * HOUR)
        table = Table("plan.csv", times, self.columns)
        plan = imported(table, horizon_end=START + 5 * HOUR).plan
        assert (plan.start, plan.offsets_seconds) == (START, (0.0, 3600.0, 14400.0, 18000.0))
        assert (plan.end, plan.assets, plan.context) == (
            START + 5 * HOUR,
            ("bay",),
            ("net_load_kw",),
        )

    def test_energy_is_that_of_its_cells(self) -> None:
        times = (START, START + HOUR / 4, START + HOUR)
        columns: Columns = {"batt_setpoint_kw": [4.0, -2.0, 7.0]}
        timeline = timeline_of(imported(Table("p", times, columns), horizon_end=START + 2 * HOUR))
        assert timeline.planned_charge_kwh == 8.0
        assert timeline.planned_discharge_kwh == 1.5

    def test_energy_counts_what_is_held(self) -> None:
        columns: Columns = {"battery_charge_kw": [4.0, None, None, None]}
        assert timeline_of(imported(columns=columns)).planned_charge_kwh == 12.0

    def test_energy_is_the_plans_and_not_what_is_left_by_a_clamp(self) -> None:
        least = replace(CHARGER, min_kw=1.4)
        timeline = timeline_of(imported(columns={"ev_1_kw": [1.0, 1.0]}, site=[least]))
        assert timeline.planned_charge_kwh == 2.0

    def test_id_is_that_of_its_contents(self) -> None:
        id = imported(columns=self.columns).plan.id
        assert id == imported(columns=self.columns, now=START, name="other").plan.id
        assert id.startswith("plan_")
        assert len(id) == len("plan_") + 12
        others = [
            imported(columns={**self.columns, "ev_1_kw": [7.0, None, 5.1]}),
            imported(columns={**self.columns, "ev_1_kw": [7.0, 5.0, None]}),
            imported(columns={"ev_2_kw": self.columns["ev_1_kw"]}),
            imported(columns=self.columns, asset_map={"ev_1": "bay", "ev_2": "batt"}),
            imported(Table("p", (START, START + HOUR, START + 3 * HOUR), self.columns)),
        ]
        assert len({id, *(other.plan.id for other in others)}) == 6

    def test_id_leaves_forecasts_alone(self) -> None:
        forecast: Columns = {**self.columns, "net_load_kw": [1.0, 2.0, 3.0]}
        assert imported(columns=forecast).plan.id == imported(columns=self.columns).plan.id

    def test_takes_what_it_is_told(self) -> None:
        plan = imported(
            columns=self.columns, plan_id="p7", plan_rev=3, replace="site", dry_run=True, name="n"
        ).plan
        assert (plan.id, plan.rev, plan.whole_site, plan.dry_run, plan.name) == (
            "p7",
            3,
            True,
            True,
            "n",
        )

    def test_lets_go_at_once_what_an_older_plan_holds(self) -> None:
        result = imported(columns=self.columns, released=("batt",), now=START + HOUR)
        assert result.plan.assets == ("bay", "batt")
        released = result.timelines[-1]
        assert list(rows_of(released, result.plan)) == [(0, START + HOUR, 0.0, RELEASE, None)]

    def test_does_not_let_go_of_what_it_commands(self) -> None:
        assert len(imported(columns=self.columns, released=("bay",)).timelines) == 1

    def test_must_command_something(self) -> None:
        with pytest.raises(ScheduleError, match=r"no column commands an asset; one called ev_\{id"):
            imported(columns={"net_load_kw": [1.0]})

    def test_holds_for_no_negative_number_of_slots(self) -> None:
        with pytest.raises(ScheduleError, match=r"max_hold=-1"):
            imported(columns=self.columns, max_hold=-1)

    def test_works_without_a_site(self) -> None:
        result = imported(columns=self.columns, assets=None)
        assert said(result) == said(imported(columns=self.columns))


def test_what_holds_for_power_does_not_hold_for_a_limit() -> None:
    stops = replace(CHARGER, zero_policy=ZeroPolicy.STOP, safe_default_kw=2.0, min_kw=1.4)
    result = imported(columns={"bay_limit_kw": [1.0, 1.0]}, site=[stops], in_force={"bay": 1.0})
    limit = timeline_of(result, Channel.LIMIT)
    assert (limit.assumed, limit.stop_at_zero, limit.safe_default_kw) == (None, False, None)
    assert (limit.values[0], limit.planned_charge_kwh, result.report.clamps) == (1.0, 0.0, 0)


def test_a_state_of_charge_has_no_deadband_of_power() -> None:
    columns = {"batt_soc_target_percent": [80.0, 80.02]}
    assert said(imported(columns=columns), Channel.SOC)[1] == (1, 80.02, None)


class TestTheReport:
    def test_sums_up(self) -> None:
        columns: Columns = {
            "ev_1_kw": [7.0, None],
            "ev_2_kw": [None, 12.0],
            "ev_9_kw": [1.0, 1.0],
            "battery_charge_kw": [5.0, None],
            "price": [0.1, 0.2],
        }
        report = imported(columns=columns, on_unmapped="warn").report
        assert report.columns == {"bay": ("ev_1_kw", "ev_2_kw"), "batt": ("battery_charge_kw",)}
        assert (report.slots, report.cells, report.commands, report.gaps) == (2, 6, 5, 1)
        assert report.context == ("ev_9_kw", "price")
        assert report.unmapped == ("ev_9_kw",)
        assert report.unused_keys == ("batt", "bay")
        assert [excess.what for excess in report.over_rating] == ["bay"]
        assert [line.split(":")[0] for line in report.warnings] == [
            "asset_map key 'batt'",
            "asset_map key 'bay'",
            "plan.csv, column 'ev_9_kw'",
        ]

    def test_says_nothing_of_columns_that_are_to_be_ignored(self) -> None:
        columns: Columns = {"ev_1_kw": [7.0, 7.0], "ev_9_kw": [1.0, 1.0]}
        report = imported(columns=columns, on_unmapped="ignore").report
        assert not any("ev_9_kw" in line for line in report.warnings)


def test_rows_run_into_each_other() -> None:
    result = imported(hourly(ev_1_kw=[7.0, 7.0, 5.0, None]))
    rows = list(rows_of(timeline_of(result), result.plan))
    assert [row.starts_at for row in rows] == [START + HOUR * slot for slot in (0, 2, 3, 4)]
    assert [row.expires_at for row in rows] == [row.starts_at for row in rows[1:]] + [None]
    assert [row.mark for row in rows] == [None, None, AWAY, RELEASE]
