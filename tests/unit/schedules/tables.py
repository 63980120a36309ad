"""Small tables, and what an import says of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from pointsman.core.assets import Asset, AssetKind
from pointsman.schedules.changes import Import, plan_of
from pointsman.schedules.model import Channel, Mark, Timeline
from pointsman.schedules.table import Cell, Table

START = datetime(2025, 1, 15, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
CREATED_AT = START - HOUR
CHARGER = Asset("bay", AssetKind.EV_CHARGER, rating_kw=11.0)
BATTERY = Asset("batt", AssetKind.BATTERY, max_charge_kw=30.0, max_discharge_kw=30.0)
MAP = {"ev_1": "bay", "ev_2": "bay", "battery": "batt", "batt": "batt", "bay": "bay"}

Columns: TypeAlias = Mapping[str, Sequence[Cell]]
Said: TypeAlias = list[tuple[int, float, Mark | None]]


def hourly(**columns: Sequence[Cell]) -> Table:
    """A row an hour from `START`."""
    rows = max(map(len, columns.values()))
    return Table("plan.csv", tuple(START + HOUR * row for row in range(rows)), columns)


def imported(
    table: Table | None = None,
    *,
    site: Sequence[Asset] = (),
    columns: Columns | None = None,
    **options: Any,  # noqa: ANN401  # Whatever `plan_of` takes.
) -> Import:
    """An import of a table or of some columns, with everything else at its default."""
    table = table or hourly(**(columns or {}))
    options.setdefault("assets", {one.id: one for one in (CHARGER, BATTERY, *site)})
    asset_map = options.pop("asset_map", MAP)
    return plan_of(table, asset_map, created_at=CREATED_AT, **options)


def timeline_of(result: Import, channel: Channel = Channel.POWER) -> Timeline:
    """The only timeline of a channel."""
    (timeline,) = (one for one in result.timelines if one.channel is channel)
    return timeline


def said(result: Import, channel: Channel = Channel.POWER) -> Said:
    """The rows of the only timeline of a channel: slot, value, mark."""
    timeline = timeline_of(result, channel)
    rows = zip(timeline.slots, timeline.values, strict=True)
    return [(slot, value, timeline.marks.get(row)) for row, (slot, value) in enumerate(rows)]


def said_of(*, site: Sequence[Asset] = (), **columns: Sequence[Cell]) -> Said:
    """What columns alone lead to."""
    return said(imported(columns=columns, site=site))
