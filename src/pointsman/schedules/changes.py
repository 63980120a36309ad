"""An import: a table and a map of assets become a plan that can be put in force.

    Table --columns--> cells --change detection--> Timeline per channel of an asset
                   `-> Context per column that commands nothing

Nothing here is in force yet, and nothing is kept: that is up to whoever asked.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from math import nan as not_a_number
from struct import pack
from typing import Literal, NamedTuple, TypeAlias

from pointsman.core.assets import Asset, AssetKind
from pointsman.schedules.cells import Both, Series, read_cells
from pointsman.schedules.columns import SHAPES, Assignment, OnUnmapped, Role, Target, assign
from pointsman.schedules.model import PATIENT, Channel, Context, Mark, Plan, Policy, Timeline
from pointsman.schedules.reports import ImportReport, report_of, warnings_of
from pointsman.schedules.rows import ends_at, starts_at
from pointsman.schedules.table import ScheduleError, Table, stamp
from pointsman.schedules.timeline import End, Frame, Nan, build_release, build_timeline

Replace: TypeAlias = Literal["assets", "site"]

_CHOICES = {
    "nan": ("hold", "error", "safe"),
    "both": ("error", "net"),
    "end": ("default", "hold", "zero"),
    "on_unmapped": ("error", "warn", "ignore"),
    "replace": ("assets", "site"),
}


@dataclass(frozen=True, slots=True)
class Import:
    """A plan, ready to be written and put in force."""

    plan: Plan
    timelines: tuple[Timeline, ...]
    contexts: tuple[Context, ...]
    report: ImportReport


class Row(NamedTuple):
    """One row of a timeline, at its instants."""

    row: int
    starts_at: datetime
    value: float
    """Signed kW, or percent for a state of charge."""
    mark: Mark | None
    expires_at: datetime | None
    """When the next row takes over. None: it stands until something newer comes."""


def plan_of(  # noqa: PLR0913  # The documented keywords of an import.
    table: Table,
    asset_map: Mapping[str, str],
    *,
    created_at: datetime,
    assets: Mapping[str, Asset] | None = None,
    now: datetime | None = None,
    plan_id: str | None = None,
    plan_rev: int | None = None,
    horizon_end: datetime | None = None,
    on_unmapped: OnUnmapped = "error",
    nan: Nan = "hold",
    max_hold: int = 2,
    both: Both = "error",
    end: End = "default",
    assume_initial: Mapping[str, float] | None = None,
    in_force: Mapping[str, float] | None = None,
    replace: Replace = "assets",
    policy: Policy = PATIENT,
    name: str = "",
    dry_run: bool = False,
    released: Collection[str] = (),
) -> Import:
    """Make a plan of a table; `name` is what users know it by, by default the table's.

    Args:
        asset_map: Plan column, or the part of its name that tells the asset, to asset id.
        created_at: When it was made; an older plan never replaces a newer one.
        assets: The site's assets by id. Empty: not known; assets then have no limits.
        now: Slots that are over by then are left out. None: no slot is past.
        plan_id: Default: a hash of times, commanding columns and asset map.
        plan_rev: The planner's own number of this plan.
        horizon_end: When the last slot ends. Default: after the most frequent step.
        on_unmapped: What a column shaped like a command, but without an asset, is.
        nan: What an empty cell means, but for vehicles: hold the last value, safe, or an error.
        max_hold: Slots that a value is held for; then the asset's safe default.
        both: What charging and discharging in one slot is: an error, or their difference.
        end: What the release says: the safe default at once or a slot later, or 0.
        assume_initial: Signed kW that assets may be trusted to follow already, by asset id.
        in_force: Signed kW that assets are known to follow, by asset id.
        replace: Whether assets that the plan does not name are released too.
        policy: How hard each command is tried.
        dry_run: Nothing of it may reach a device.
        released: Assets to let go at once, because an older plan holds them.

    Raises:
        ScheduleError: If it cannot be carried out as it is. The plan in force is not touched.
    """
    _check_choices(max_hold, nan=nan, both=both, end=end, on_unmapped=on_unmapped, replace=replace)
    assignment = assign(table.name, tuple(table.columns), asset_map, assets or {}, on_unmapped)
    series = _read(table, assignment, both)
    start, offsets = _times(table, horizon_end)
    plan = Plan(
        plan_id or _hash(table, assignment, asset_map),
        start,
        offsets,
        tuple(dict.fromkeys((*(t.asset_id for t in assignment.targets), *released))),
        created_at,
        name or table.name,
        plan_rev,
        policy,
        replace == "site",
        assignment.context,
        assignment.unused_keys,
        dry_run,
    )
    hours = tuple((after - before) / 3600.0 for before, after in pairwise(offsets))
    frame = Frame(plan.id, hours, _first_slot(table.name, plan, now), nan, max_hold, end)
    known = {**(in_force or {}), **(assume_initial or {})}
    return _imported(table, plan, frame, assignment, series, assets or {}, known, released)


class _Commanded(NamedTuple):
    """The checked cells of all that is commanded, and what was odd about them."""

    cells: Mapping[tuple[str, Channel], tuple[Series, Sequence[Target]]]
    warnings: list[str]


def _read(table: Table, assignment: Assignment, both: Both) -> _Commanded:
    if not assignment.targets:
        raise ScheduleError(f"{table.name}: no column commands an asset; one called {SHAPES} would")
    warnings: list[str] = warnings_of(table.name, assignment)
    cells = {
        group: (read_cells(table, targets, both, warnings), targets)
        for group, targets in assignment.of_channel().items()
    }
    return _Commanded(cells, warnings)


def _imported(
    table: Table,
    plan: Plan,
    frame: Frame,
    assignment: Assignment,
    series: _Commanded,
    site: Mapping[str, Asset],
    known: Mapping[str, float],
    released: Collection[str],
) -> Import:
    """The plan with all its rows, and what there is to say of it."""
    timelines = (
        *_timelines(table, frame, site, series.cells, known, series.warnings),
        *_releases(frame, site, released, assignment),
    )
    contexts = tuple(Context(plan.id, c, tuple(table.columns[c])) for c in assignment.context)
    report = report_of(plan, frame.first, timelines, assignment, site, series.warnings)
    return Import(plan, timelines, contexts, report)


def rows_of(timeline: Timeline, plan: Plan) -> Iterator[Row]:
    """All rows of a timeline, the release last."""
    for row, value in enumerate(timeline.values):
        begins, ends = starts_at(plan, timeline, row), ends_at(plan, timeline, row)
        yield Row(row, begins, value, timeline.marks.get(row), ends)


def _check_choices(max_hold: int, **given: str) -> None:
    for option, value in given.items():
        if value not in _CHOICES[option]:
            words = ", ".join(map(repr, _CHOICES[option]))
            raise ScheduleError(f"{option}={value!r} is no choice; one of {words} would work")
    if max_hold < 0:
        raise ScheduleError(f"max_hold={max_hold} is no number of slots; 0 or more would work")


def _times(table: Table, horizon_end: datetime | None) -> tuple[datetime, tuple[float, ...]]:
    start = table.times[0].astimezone(UTC)
    instants = (*table.times, table.ends(horizon_end))
    return start, tuple((instant - start).total_seconds() for instant in instants)


def _hash(table: Table, assignment: Assignment, asset_map: Mapping[str, str]) -> str:
    digest = sha256(repr([stamp(time) for time in table.times]).encode())
    digest.update(repr(sorted(asset_map.items())).encode())
    for target in sorted(assignment.targets, key=lambda target: target.column):
        digest.update(repr(target.column).encode())
        cells = table.columns[target.column]
        numbers = [not_a_number if cell is None else cell for cell in cells]
        digest.update(pack(f"<{len(numbers)}d", *numbers))
    return f"plan_{digest.hexdigest()[:12]}"


def _first_slot(name: str, plan: Plan, now: datetime | None) -> int:
    if now is None:
        return 0
    if now.tzinfo is None:
        raise ScheduleError(f"now={now} has no zone; add a UTC offset")
    if now >= plan.end:
        raise ScheduleError(
            f"{name}: the plan is over, it ended at {stamp(plan.end)}; "
            "a newer plan, or --speed above 1 on simulated devices, would work"
        )
    return max(0, plan.slot_at(now))


def _timelines(
    table: Table,
    frame: Frame,
    assets: Mapping[str, Asset],
    cells: Mapping[tuple[str, Channel], tuple[Series, Sequence[Target]]],
    in_force: Mapping[str, float],
    warnings: list[str],
) -> Iterator[Timeline]:
    for (asset_id, channel), (series, targets) in cells.items():
        if frame.nan == "error" and series.vehicles is None:
            _refuse_gap(table, series, targets, frame.first)
        asset = _asset(assets, asset_id, targets[0].role)
        now_kw = in_force.get(asset_id) if channel is Channel.POWER else None
        timeline = build_timeline(frame, asset, channel, series, now_kw)
        if timeline is not None:
            yield timeline
        else:
            warnings.append(
                f"{table.name}, column {targets[0].column!r}: only empty cells, so nothing is told"
            )


def _refuse_gap(table: Table, series: Series, targets: Sequence[Target], first: int) -> None:
    for row in range(first, len(series.values)):
        if series.values[row] is None:
            raise table.refuse(
                row, targets[0].column, 'empty; a number, or nan="hold" or "safe", would work'
            )


def _asset(assets: Mapping[str, Asset], asset_id: str, role: Role) -> Asset:
    """The asset as the site describes it, or all that its column tells of it."""
    kind = AssetKind.EV_CHARGER if role is Role.VEHICLE else AssetKind.BATTERY
    return assets.get(asset_id) or Asset(asset_id, kind)


def _releases(
    frame: Frame, assets: Mapping[str, Asset], released: Collection[str], assignment: Assignment
) -> Iterator[Timeline]:
    commanded = {target.asset_id for target in assignment.targets}
    for asset_id in released:
        if asset_id not in commanded:
            yield build_release(frame, _asset(assets, asset_id, Role.SETPOINT))
