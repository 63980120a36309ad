"""Pages of dispatches, read from the record: any filter, any order, from any place on.

    from the order's beginning --scan--> the page --scan on--> the end        counted on the way

Whoever asks for a first page with a total reads the whole index once and no more: the page is
found from where it begins, and the rest is only counted. Later pages know the total, for as long
as nothing has changed in the microgrid. Each statement answers with one row, since Python's lock
is given up and taken again for every row; and only what is on the page is decoded.
"""

import logging
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

from pointsman.dispatches import DISPATCHES, dispatches_id
from pointsman.dispatches.checks import ID_MOST
from pointsman.dispatches.components import Target
from pointsman.dispatches.model import Dispatch
from pointsman.dispatches.views import (
    Filter,
    Interval,
    Page,
    Place,
    Query,
    Sort,
    SortField,
    id_of,
)
from pointsman.journal import Cursor, Unknown
from pointsman.runtime.codec import Codec, UnknownFact
from pointsman.runtime.dispatch_table import (
    ACTIVE,
    DRY_RUN,
    KINDS,
    NEVER,
    RECURRING,
    Quarantined,
    component_bit,
    signed,
)
from pointsman.runtime.record_file import EPOCH, microseconds

log = logging.getLogger(__name__)

TOTALS: Final = 1_024
"""Questions whose totals are remembered."""
FEW: Final = 3
CACHE_KIB: Final = 65_536
"""Of the file, kept in memory."""
MAPPED_BYTES: Final = 2**31 - 65_536
"""Of the file, read in place: what SQLite copies for itself is void with each thing written."""
SEPARATOR: Final = "\x1e"
"""Between lines of JSON, which cannot have it inside."""
ORDERS: Final = {
    SortField.CREATE_TIME: "create_time",
    SortField.START_TIME: "start_time",
    SortField.UPDATE_TIME: "update_time",
}
Value = str | int
Clause = tuple[str, list[Value]]


class _Place(NamedTuple):
    at: int
    id: int
    fact: int


class DispatchPages:
    """The reading side of `DispatchTable`: one connection, for one thread at a time."""

    def __init__(self, record: Path) -> None:
        """The record must have been opened by its keeper."""
        self._codec = Codec([DISPATCHES])
        self._totals: OrderedDict[tuple[int, Filter], tuple[int, int]] = OrderedDict()
        """By microgrid and filter: the version that it is of, and the total."""
        self._db = sqlite3.connect(
            f"{record.absolute().as_uri()}?mode=ro",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        self._db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._db.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")

    def close(self) -> None:
        self._db.close()

    def get(self, microgrid_id: int, dispatch_id: int) -> Dispatch | None:
        """None: there is none, or none that can be read."""
        if not 0 <= dispatch_id <= NEVER:
            return None
        with self._moment():
            catalogue, _, _ = self._catalogue(microgrid_id)
            query = "SELECT fact FROM dispatch WHERE catalogue = ? AND id = ?"
            found = self._db.execute(query, (catalogue, dispatch_id)).fetchone()
            place = [_Place(0, dispatch_id, *found)] if found else []
            return next(self._dispatches(place), None)

    def page(self, query: Query) -> Page:
        """As of one moment."""
        with self._moment():
            catalogue, version, everything = self._catalogue(query.microgrid_id)
            where = [*_where(catalogue, query.filter), *self._answering(query.filter.queries)]
            found = self._places([*where, *_after(query)], query)
            key = catalogue, query.filter
            total = everything if query.filter == Filter() else self._known(key, version)
            if total is None:
                total = self._total(where, found, query)
                self._remember(key, version, total)
            own = found[: query.page_size]
            by_id = {dispatch.id: dispatch for dispatch in self._dispatches(own)}
        dispatches = tuple(by_id[place.id] for place in own if place.id in by_id)
        last = own[-1] if len(found) > len(own) else None
        following = Place(EPOCH + timedelta(microseconds=last.at), last.id) if last else None
        return Page(dispatches, total, following)

    def quarantined(self) -> list[Quarantined]:
        """What is left out of every answer, since it could not be read."""
        with self._moment():
            rows = self._db.execute("SELECT key, cursor, reason FROM dispatch_quarantine")
            return [Quarantined(key, Cursor(cursor), reason) for key, cursor, reason in rows]

    @contextmanager
    def _moment(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                self._db.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise Unknown(f"dispatches cannot be read from the record: {error}") from error

    def _catalogue(self, microgrid_id: int) -> tuple[int, int, int]:
        """Number, version and size of a microgrid's dispatches."""
        query = "SELECT number, version, total FROM dispatch_catalogue WHERE entity = ?"
        entity = f"{DISPATCHES.name}/{dispatches_id(microgrid_id)}"
        found = self._db.execute(query, (entity,)).fetchone()
        return tuple(found) if found else (0, 0, 0)

    def _answering(self, queries: Sequence[str]) -> Iterator[Clause]:
        """Types are few as a rule: those that are meant are looked up beforehand."""
        if not queries:
            return
        ids = [id for text in queries if (id := id_of(text)) is not None]
        texts = [text for text in queries if id_of(text) is None]
        parts = " OR ".join(["instr(value, ?)"] * len(texts)) or "0"
        types = self._db.execute(f"SELECT number FROM dispatch_type WHERE {parts}", texts)  # noqa: S608
        yield f"({_any('type', [n for (n,) in types])} OR {_any('id', ids)})", []

    def _places(self, clauses: list[Clause], query: Query) -> list[_Place]:
        """Where the page's dispatches stand, and one more if there is one."""
        order, back = ORDERS[query.sort.field], query.sort.descending
        direction = "DESC" if back else "ASC"
        condition, values = _joined(clauses)
        statement = (
            f"SELECT group_concat({order} || ' ' || id || ' ' || fact) FROM ("  # noqa: S608
            f"SELECT {order}, id, fact FROM dispatch {_index(query)} WHERE {condition}"
            f" ORDER BY {order} {direction}, id {direction} LIMIT {query.page_size + 1})"
        )
        [found] = self._db.execute(statement, values).fetchone()
        places = [_Place(*map(int, one.split())) for one in found.split(",")] if found else []
        return sorted(places, reverse=back)

    def _known(self, key: tuple[int, Filter], version: int) -> int | None:
        known_version, total = self._totals.get(key, (-1, 0))
        return total if known_version == version else None

    def _remember(self, key: tuple[int, Filter], version: int, total: int) -> None:
        self._totals[key] = version, total
        self._totals.move_to_end(key)
        if len(self._totals) > TOTALS:
            self._totals.popitem(last=False)

    def _total(self, where: list[Clause], found: Sequence[_Place], query: Query) -> int:
        """All that fit. After a first page, only what is behind it needs to be counted."""
        seen = 0
        if query.after is None:
            seen = len(found)
            if seen <= query.page_size:
                return seen
            where = [*where, _behind(query.sort, found[-1].at, found[-1].id)]
        condition, values = _joined(where)
        statement = f"SELECT count(*) FROM dispatch {_index(query)} WHERE {condition}"  # noqa: S608
        [behind] = self._db.execute(statement, values).fetchone()
        return seen + int(behind)

    def _dispatches(self, places: Sequence[_Place]) -> Iterator[Dispatch]:
        """In no order."""
        facts = ",".join(str(place.fact) for place in places)
        statement = f"SELECT group_concat(data, char(30)) FROM fact WHERE number IN ({facts})"  # noqa: S608
        [lines] = self._db.execute(statement).fetchone()
        for line in lines.split(SEPARATOR) if lines else ():
            try:
                fact, _ = self._codec.open(DISPATCHES.name, "a row of the record", line.encode())
                yield fact.dispatch
            except UnknownFact as error:  # It could be read when it was written.
                log.error("left out: %s", error)


def _index(query: Query) -> str:
    """Which index to walk along, unless it is known where to look."""
    filter = query.filter
    if filter.ids or (filter.queries and all(id_of(text) is not None for text in filter.queries)):
        return "INDEXED BY sqlite_autoindex_dispatch_1"
    return f"INDEXED BY dispatch_by_{ORDERS[query.sort.field]}"


def _joined(clauses: Iterable[Clause]) -> Clause:
    clauses = list(clauses)
    condition = " AND ".join(text for text, _ in clauses)
    return condition, [value for _, values in clauses for value in values]


def _after(query: Query) -> Iterator[Clause]:
    if query.after is not None and query.after.id <= NEVER:
        yield _behind(query.sort, microseconds(query.after.instant), query.after.id)


def _behind(sort: Sort, at: int, id: int) -> Clause:
    compare = "<" if sort.descending else ">"
    return f"({ORDERS[sort.field]}, id) {compare} (?, ?)", [at, id]


def _where(catalogue: int, filter: Filter) -> Iterator[Clause]:
    """What `fits` says, as conditions that must all hold. The cheapest come first."""
    yield "catalogue = ?", [catalogue]
    flags = ((ACTIVE, filter.active), (DRY_RUN, filter.dry_run), (RECURRING, filter.recurring))
    if mask := sum(bit for bit, wanted in flags if wanted is not None):
        yield "bits & ? = ?", [mask, sum(bit for bit, wanted in flags if wanted)]
    yield from _within("start_time", filter.start_time)
    yield from _within("end_time", filter.end_time)
    yield from _within("update_time", filter.update_time)
    if filter.ids:
        yield _any("id", filter.ids), []
    if filter.targets:
        yield _overlapping(filter.targets)


def _within(column: str, interval: Interval) -> Iterator[Clause]:
    if interval.start is not None:
        yield f"{column} >= ?", [microseconds(interval.start)]
    if interval.end is not None:
        yield f"{column} < ?", [microseconds(interval.end)]


def _overlapping(targets: Sequence[Target]) -> Clause:
    ids = {id for target in targets for id in target.ids if 0 <= id <= ID_MOST}
    kinds, maybe = 0, 0
    for target in targets:
        for kind in target.kinds:
            kinds |= KINDS.get(kind, 0)
    for id in ids:
        maybe |= component_bit(id)
    if not ids:
        return "bits & ? != 0", [kinds]
    sets = f"SELECT target FROM dispatch_component WHERE id IN ({_list(map(signed, ids))})"  # noqa: S608
    surely = f"(target IN ({sets}) OR bits & ? != 0)"
    return f"(bits & ? != 0 AND {surely})", [kinds | maybe, kinds]


def _any(column: str, values: Sequence[int]) -> str:
    """Whether a column has one of these values: a few are compared quicker than looked up."""
    if len(values) > FEW:
        return f"{column} IN ({_list(values)})"
    return f"({' OR '.join(f'{column} = {n}' for n in values if abs(n) <= NEVER) or '0'})"


def _list(ids: Iterable[int]) -> str:
    """Whole numbers that SQLite can hold. No other id exists."""
    return ",".join(str(id) for id in ids if abs(id) <= NEVER)
