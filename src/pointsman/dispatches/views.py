"""Questions about a microgrid's dispatches, and which dispatch answers them."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from pointsman.dispatches.components import Target
from pointsman.dispatches.model import Dispatch

_NUMBERED: Final = re.compile(r"#[0-9]{1,20}")


class SortField(StrEnum):
    START_TIME = "START_TIME"
    CREATE_TIME = "CREATE_TIME"
    UPDATE_TIME = "UPDATE_TIME"


@dataclass(frozen=True, slots=True)
class Interval:
    """From an instant on, and before another one. None leaves that side open."""

    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """All that is given must hold; of several values in one field, any one."""

    targets: tuple[Target, ...] = ()
    active: bool | None = None
    dry_run: bool | None = None
    recurring: bool | None = None
    start_time: Interval = Interval()
    end_time: Interval = Interval()
    """What never ends does so after every instant."""
    update_time: Interval = Interval()
    ids: tuple[int, ...] = ()
    queries: tuple[str, ...] = ()
    """`#7` is the dispatch of that id; any other text is a part of its type, case and all."""


@dataclass(frozen=True, slots=True)
class Sort:
    """Those of the same instant go by id, in the same direction."""

    field: SortField = SortField.CREATE_TIME
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Where in its order a dispatch stands."""

    instant: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Query:
    microgrid_id: int
    filter: Filter = Filter()
    sort: Sort = Sort()
    page_size: int = 100
    after: Place | None = None
    """The last one of the page before."""


@dataclass(frozen=True, slots=True)
class Page:
    dispatches: tuple[Dispatch, ...] = field(default_factory=tuple)
    total: int = 0
    """Over all pages."""
    next: Place | None = None
    """None: this page is the last one."""


def fits(filter: Filter, dispatch: Dispatch) -> bool:
    """Whether a dispatch is one of those that are asked for."""
    data = dispatch.data
    return (
        filter.active in (None, data.active)
        and filter.dry_run in (None, data.dry_run)
        and filter.recurring in (None, data.recurrence is not None)
        and _within(filter.start_time, data.start_time)
        and _within(filter.end_time, dispatch.end_time)
        and _within(filter.update_time, dispatch.update_time)
        and (not filter.ids or dispatch.id in filter.ids)
        and (not filter.queries or any(_answers(query, dispatch) for query in filter.queries))
        and (not filter.targets or any(_overlap(target, data.target) for target in filter.targets))
    )


def id_of(query: str) -> int | None:
    """The id that a query names. None: it names a part of a type."""
    return int(query[1:]) if _NUMBERED.fullmatch(query) else None


def place_of(dispatch: Dispatch, sort: Sort) -> Place:
    """Where a dispatch stands in an order."""
    match sort.field:
        case SortField.START_TIME:
            instant = dispatch.data.start_time
        case SortField.CREATE_TIME:
            instant = dispatch.create_time
        case SortField.UPDATE_TIME:
            instant = dispatch.update_time
    return Place(instant, dispatch.id)


def _within(interval: Interval, instant: datetime | None) -> bool:
    """None: after every instant."""
    if instant is None:
        return interval.end is None
    after_start = interval.start is None or interval.start <= instant
    return after_start and (interval.end is None or instant < interval.end)


def _answers(query: str, dispatch: Dispatch) -> bool:
    id = id_of(query)
    return query in dispatch.data.type if id is None else id == dispatch.id


def _overlap(asked: Target, given: Target) -> bool:
    """Whether any component of one may be meant by the other: a kind without a type means all of
    its category, and who asks for a type does not mean what is of whatever type.
    """
    return not set(asked.ids).isdisjoint(given.ids) or any(
        kind.category == own.category and kind.type in ("", own.type)
        for kind in asked.kinds
        for own in given.kinds
    )
