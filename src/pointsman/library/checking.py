"""What a plan would do at a site, without doing any of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from math import fsum

from pointsman.config import Site
from pointsman.library.frames import read_table
from pointsman.schedules.changes import Import, plan_of
from pointsman.schedules.findings import Excess, over_import
from pointsman.schedules.rows import command_of


@dataclass(frozen=True, slots=True)
class AssetCheck:
    """What the plan would do to one asset."""

    columns: tuple[str, ...]
    commands: Mapping[str, int]
    """How many of each type, releases among them."""
    planned_charge_kwh: float
    planned_discharge_kwh: float
    least_kw: float
    """Signed, as is the next: the range that the plan asks for."""
    most_kw: float
    clamps: int
    gaps: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What a plan would do, and where it asks for more than there is."""

    file: str
    plan_id: str
    start: datetime
    end: datetime
    slots: int
    site_id: str
    commands: int
    cells: int
    """Cells that these commands stand for."""
    planned_charge_kwh: float
    planned_discharge_kwh: float
    clamps: int
    gaps: int
    assets: Mapping[str, AssetCheck]
    context: tuple[str, ...]
    """Columns that command nothing."""
    unused_keys: tuple[str, ...]
    """Keys of the asset map that no column answers to."""
    unplanned: tuple[str, ...]
    """Assets of the site that the plan says nothing of."""
    over_rating: tuple[Excess, ...]
    over_import: tuple[Excess, ...]
    warnings: tuple[str, ...]


def check_plan(
    source: object,
    site: Site,
    *,
    tz: str | tzinfo | None = None,
    now: datetime | None = None,
) -> Checked:
    """Read a plan as a run would, and say what would come of it. Writes nothing.

    Args:
        source: Whatever `read_table` takes: a file's path, `-`, a table.
        site: The site as its file describes it.
        tz: The zone of times that have none.
        now: Slots that are over by then are left out. None: no slot is past.

    Raises:
        ScheduleError: If it cannot be carried out as it is.
    """
    table = read_table(source, tz=tz)
    found = plan_of(table, site.asset_map, created_at=table.times[0], assets=site.assets, now=now)
    return _checked(found, site)


def _checked(found: Import, site: Site) -> Checked:
    plan, report = found.plan, found.report
    assets = {asset_id: _asset(found, asset_id) for asset_id in plan.assets}
    limit_kw = site.import_limit_kw
    return Checked(
        plan.name,
        plan.id,
        plan.start,
        plan.end,
        plan.slot_count,
        site.id,
        report.commands,
        report.cells,
        fsum(asset.planned_charge_kwh for asset in assets.values()),
        fsum(asset.planned_discharge_kwh for asset in assets.values()),
        report.clamps,
        report.gaps,
        assets,
        report.context,
        report.unused_keys,
        tuple(asset_id for asset_id in site.assets if asset_id not in assets),
        report.over_rating,
        over_import(plan, found.timelines, found.contexts, limit_kw)
        if limit_kw is not None
        else (),
        report.warnings,
    )


def _asset(found: Import, asset_id: str) -> AssetCheck:
    timelines = [t for t in found.timelines if t.asset_id == asset_id]
    types: Counter[str] = Counter()
    for timeline in timelines:
        for row in range(len(timeline.slots)):
            types[command_of(found.plan, timeline, row).type.value] += 1
    values = [value for timeline in timelines for value in timeline.values]
    return AssetCheck(
        found.report.columns.get(asset_id, ()),
        dict(sorted(types.items())),
        sum(t.planned_charge_kwh for t in timelines),
        sum(t.planned_discharge_kwh for t in timelines),
        min(values, default=0.0),
        max(values, default=0.0),
        sum(t.clamps for t in timelines),
        sum(t.gaps for t in timelines),
    )
