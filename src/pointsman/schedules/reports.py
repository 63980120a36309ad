"""The report of an import: what became of each column, for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pointsman.core.assets import Asset
from pointsman.schedules.columns import Assignment
from pointsman.schedules.findings import Excess, over_rating
from pointsman.schedules.model import Plan, Timeline


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a table: for people, and for `check`."""

    plan_id: str
    slots: int
    assets: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    """By asset: the columns that command it."""
    context: tuple[str, ...]
    """Columns that command nothing."""
    unused_keys: tuple[str, ...]
    """Keys of the asset map that no column answers to."""
    unmapped: tuple[str, ...]
    """Columns shaped like a command that no asset answers to, kept as context."""
    warnings: tuple[str, ...]
    commands: int
    """Rows that will be sent, releases among them."""
    cells: int
    """Cells that these rows stand for."""
    gaps: int
    clamps: int
    over_rating: tuple[Excess, ...]


def warnings_of(name: str, assignment: Assignment) -> list[str]:
    """A line for each name that leads nowhere."""
    lines = [
        f"asset_map key {key!r}: no commanding column of {name} answers to it"
        for key in assignment.unused_keys
    ]
    lines += [
        f"{name}, column {column!r}: looks like a command, but no asset answers to it; "
        "kept as context"
        for column in assignment.unmapped
    ]
    return lines


def report_of(
    plan: Plan,
    first: int,
    timelines: Sequence[Timeline],
    assignment: Assignment,
    assets: Mapping[str, Asset],
    warnings: Sequence[str],
) -> ImportReport:
    """Sum up an import whose rows begin with slot `first`."""
    columns: dict[str, tuple[str, ...]] = {}
    for target in assignment.targets:
        columns[target.asset_id] = (*columns.get(target.asset_id, ()), target.column)
    return ImportReport(
        plan.id,
        plan.slot_count,
        plan.assets,
        columns,
        assignment.context,
        assignment.unused_keys,
        assignment.unmapped,
        tuple(warnings),
        sum(len(timeline.slots) - (timeline.assumed is not None) for timeline in timelines),
        len(assignment.targets) * (plan.slot_count - first),
        sum(timeline.gaps for timeline in timelines),
        sum(timeline.clamps for timeline in timelines),
        over_rating(timelines, assets),
    )
