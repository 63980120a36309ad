"""A real day's plan, Caltech, 2019-06-05: 35 vehicles on 29 chargers, and one battery."""

import csv
from datetime import UTC, datetime
from math import fsum
from pathlib import Path

import pytest

from pointsman.core.assets import Asset, AssetKind
from pointsman.library.frames import read_table
from pointsman.schedules.changes import Import, plan_of
from pointsman.schedules.findings import over_import
from pointsman.schedules.model import Mark
from pointsman.schedules.table import ScheduleError

EXAMPLES = Path(__file__).parents[3] / "examples"
TABLE = read_table(EXAMPLES / "caltech_2019-06-05_plan.csv")
BATTERY = Asset("batt", AssetKind.BATTERY, max_charge_kw=30.0, max_discharge_kw=30.0)


def sessions() -> dict[str, str]:
    """Which charger each vehicle is on."""
    with (EXAMPLES / "caltech_2019-06-05_sessions.csv").open(newline="") as file:
        return {f"ev_{row['vehicle_id']}": row["station_id"] for row in csv.DictReader(file)}


def import_day(asset_map: dict[str, str]) -> Import:
    chargers = set(asset_map.values()) - {"batt"}
    site = {id: Asset(id, AssetKind.EV_CHARGER, rating_kw=6.6) for id in chargers}
    created_at = datetime(2019, 6, 4, 12, tzinfo=UTC)
    return plan_of(TABLE, asset_map, created_at=created_at, assets={**site, "batt": BATTERY})


DAY = import_day({**sessions(), "battery": "batt"})


def test_each_vehicle_is_on_its_charger() -> None:
    assert (len(sessions()), len(DAY.timelines), len(DAY.plan.assets)) == (35, 30, 30)
    assert DAY.report.columns["CA-319"] == ("ev_003_kw", "ev_028_kw", "ev_032_kw")
    (timeline,) = (one for one in DAY.timelines if one.asset_id == "CA-319")
    assert list(timeline.vehicles.values()) == ["ev_003_kw", "ev_028_kw", "ev_032_kw"]
    assert [timeline.marks.get(row) for row in timeline.vehicles] == [None] * 3


def test_the_local_day_is_96_slots_in_utc() -> None:
    assert DAY.plan.start == datetime(2019, 6, 5, 7, tzinfo=UTC)
    assert DAY.plan.end == datetime(2019, 6, 6, 7, tzinfo=UTC)
    assert DAY.plan.slot_count == 96


def test_the_energy_is_that_of_the_files_own_sums() -> None:
    vehicles = fsum(cell for cell in TABLE.columns["total_ev_kw"] if isinstance(cell, float)) / 4
    chargers = [one for one in DAY.timelines if one.asset_id != "batt"]
    planned = fsum(timeline.planned_charge_kwh for timeline in chargers)
    assert planned == pytest.approx(vehicles, abs=0.05)
    (battery,) = (one for one in DAY.timelines if one.asset_id == "batt")
    assert (battery.planned_charge_kwh, battery.planned_discharge_kwh) == (107.3675, 142.5)


def test_most_cells_need_no_command() -> None:
    """Each vehicle adds its departure, each asset its first slot and its release."""
    assert DAY.report.cells == 37 * 96
    assert DAY.report.commands == sum(len(timeline.slots) for timeline in DAY.timelines)
    assert DAY.report.commands < 0.11 * DAY.report.cells
    marks = [mark for timeline in DAY.timelines for mark in timeline.marks.values()]
    assert marks.count(Mark.RELEASE) == 30
    assert marks.count(Mark.AWAY) == 29 + 35
    assert (DAY.report.gaps, DAY.report.clamps, DAY.report.warnings) == (0, 0, ())


def test_the_site_stays_within_its_limit_by_the_plans_own_figure() -> None:
    assert over_import(DAY.plan, DAY.timelines, DAY.contexts, 200.0) == ()
    assert not any(
        excess.what == "column 'net_load_kw'"
        for excess in over_import(DAY.plan, DAY.timelines, DAY.contexts, 60.0)
    )
    assert DAY.report.over_rating == ()


def test_a_vehicle_that_nobody_mapped_refuses_the_day() -> None:
    asset_map = {**sessions(), "battery": "batt"}
    del asset_map["ev_017"]
    with pytest.raises(ScheduleError, match="column 'ev_017_kw': looks like a command, but no"):
        import_day(asset_map)


def test_two_vehicles_at_once_on_a_charger_refuse_the_day() -> None:
    asset_map = {**sessions(), "battery": "batt", "ev_002": "CA-311"}
    with pytest.raises(ScheduleError, match=r"_plan.csv, line \d+, column 'ev_002_kw': .*'ev_001_"):
        import_day(asset_map)
