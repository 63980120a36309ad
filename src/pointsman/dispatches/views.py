"""Questions about a microgrid's dispatches, and which dispatch answers them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pointsman.dispatches.components import Target
from pointsman.dispatches.model import Dispatch


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
