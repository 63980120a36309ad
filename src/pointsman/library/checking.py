"""What a plan would do at a site, without doing any of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from pointsman.config import Site
from pointsman.library.frames import read_table
from pointsman.schedules.changes import Import, plan_of
from pointsman.schedules.findings import Excess, over_import
from pointsman.schedules.reports import ImportReport
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
    found = plan_of(
        table,
        site.asset_map,
        created_at=table.times[0],
        assets=site.assets,
        now=now,
    )
    beyond = (
        over_import(found.plan, found.timelines, found.contexts, site.import_limit_kw)
        if site.import_limit_kw is not None
        else ()
    )
    assets = {id: _asset(found, id, found.report) for id in found.plan.assets}
    return Checked(
        found.plan.name,
        found.plan.id,
        found.plan.start,
        found.plan.end,
        found.plan.slot_count,
        site.id,
        found.report.commands,
        found.report.cells,
        sum(asset.planned_charge_kwh for asset in assets.values()),
        sum(asset.planned_discharge_kwh for asset in assets.values()),
        found.report.clamps,
        found.report.gaps,
        assets,
        found.report.context,
        found.report.unused_keys,
        tuple(id for id in site.assets if id not in assets),
        found.report.over_rating,
        beyond,
        found.report.warnings,
    )


def _asset(found: Import, asset_id: str, report: ImportReport) -> AssetCheck:
    timelines = [t for t in found.timelines if t.asset_id == asset_id]
    types: Counter[str] = Counter()
    for timeline in timelines:
        for row in range(len(timeline.slots)):
            types[command_of(found.plan, timeline, row).type.value] += 1
    values = [value for timeline in timelines for value in timeline.values]
    return AssetCheck(
        report.columns.get(asset_id, ()),
        dict(sorted(types.items())),
        sum(t.planned_charge_kwh for t in timelines),
        sum(t.planned_discharge_kwh for t in timelines),
        min(values, default=0.0),
        max(values, default=0.0),
        sum(t.clamps for t in timelines),
        sum(t.gaps for t in timelines),
    )
