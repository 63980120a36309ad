"""The table of dispatches: what the record knows of each one now, narrow enough to scan.

    fact rows --> DispatchTable --> dispatch             what is filtered and sorted by: no JSON
                                    dispatch_type        each type once
                                    dispatch_target      each set of component ids once
                                    dispatch_quarantine  what could not be read, and why

A row names the fact that has all the rest. Three indexes hold whole rows, each in one of the
orders that may be asked for: whoever looks for a page reads one of them from where it begins.
"""

import logging
import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final, NamedTuple
from zlib import crc32

from pointsman.dispatches import DISPATCHES
from pointsman.dispatches.components import TYPES, Category, ComponentKind, Target
from pointsman.dispatches.facts import Deleted
from pointsman.dispatches.model import Dispatch
from pointsman.journal import Cursor
from pointsman.runtime.codec import Codec, UnknownFact
from pointsman.runtime.projection import Numbered
from pointsman.runtime.record_file import microseconds

log = logging.getLogger(__name__)

RULES: Final = 1
"""Grows when a row would be read otherwise than before."""
NEVER: Final = 2**63 - 1
"""The end of what never ends: after every instant."""
ACTIVE: Final = 1
DRY_RUN: Final = 2
RECURRING: Final = 4
KINDS: Final = {
    kind: 8 << n
    for n, kind in enumerate(
        ComponentKind(category, type)
        for category in Category
        for type in ("", *TYPES.get(category, ()))
    )
}
"""A bit for each kind of component: that of its category is set whatever the type."""
HASHED: Final = 32
"""The uppermost bits are of component ids, each standing for all with the same remainder: they
spare most of those that do not fit the question which set of components theirs is.
"""
COLUMNS: Final = "id, create_time, start_time, update_time, end_time, bits, type, target, fact"
REST: Final = "id, end_time, bits, type, target, fact"
TABLES: Final = f"""
    DROP TABLE IF EXISTS dispatch;
    DROP TABLE IF EXISTS dispatch_catalogue;
    DROP TABLE IF EXISTS dispatch_type;
    DROP TABLE IF EXISTS dispatch_target;
    DROP TABLE IF EXISTS dispatch_component;
    DROP TABLE IF EXISTS dispatch_quarantine;
    CREATE TABLE dispatch (
        catalogue INTEGER NOT NULL, id INTEGER NOT NULL, create_time INTEGER NOT NULL,
        start_time INTEGER NOT NULL, update_time INTEGER NOT NULL, end_time INTEGER NOT NULL,
        bits INTEGER NOT NULL, type INTEGER NOT NULL, target INTEGER, fact INTEGER NOT NULL,
        PRIMARY KEY (catalogue, id)
    ) WITHOUT ROWID;
    CREATE INDEX dispatch_by_create_time ON dispatch (
        catalogue, create_time, {REST}, start_time, update_time
    );
    CREATE INDEX dispatch_by_start_time ON dispatch (
        catalogue, start_time, {REST}, create_time, update_time
    );
    CREATE INDEX dispatch_by_update_time ON dispatch (
        catalogue, update_time, {REST}, create_time, start_time
    );
    CREATE TABLE dispatch_catalogue (
        number INTEGER PRIMARY KEY, entity TEXT NOT NULL UNIQUE,
        version INTEGER NOT NULL, total INTEGER NOT NULL
    );
    CREATE TABLE dispatch_type (number INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE);
    CREATE TABLE dispatch_target (number INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE);
    CREATE TABLE dispatch_component (
        id INTEGER NOT NULL, target INTEGER NOT NULL, PRIMARY KEY (id, target)
    ) WITHOUT ROWID;
    CREATE TABLE dispatch_quarantine (
        key TEXT PRIMARY KEY, cursor TEXT NOT NULL, reason TEXT NOT NULL
    ) WITHOUT ROWID
"""
VERSION: Final = crc32(f"{RULES} {TABLES} {KINDS}".encode())
"""Of the rules, of the tables, and of what each bit means."""


class Quarantined(NamedTuple):
    """What is left out, since it could not be read."""

    key: str
    cursor: Cursor
    reason: str


class _News(NamedTuple):
    """What became last of one dispatch, in some rows."""

    entity: str
    thing: str
    number: int
    dispatch: Dispatch | None
    """None: it is gone, or cannot be read."""


class DispatchTable:
    """The writing side: a `Projection`."""

    name: Final = "dispatch"
    version: Final = VERSION
    kind: Final = DISPATCHES.name

    def __init__(self) -> None:
        self._codec = Codec([DISPATCHES])

    def begin(self, db: sqlite3.Connection) -> None:
        for statement in TABLES.split(";"):
            db.execute(statement)

    def add(self, db: sqlite3.Connection, rows: Sequence[Numbered]) -> None:
        news: dict[str, _News] = {}
        broken: dict[str, Quarantined] = {}
        for number, cursor, key, entity, data in rows:
            broken.pop(key, None)
            dispatch = None
            try:
                dispatch = self._read(key, data)
            except UnknownFact as error:
                log.error("left out at cursor %s: %s", cursor, error)
                broken[key] = Quarantined(key, cursor, str(error))
            news[key] = _News(entity, key[len(entity) + 1 :], number, dispatch)
        self._quarantine(db, list(news), list(broken.values()))
        present = [one.dispatch for one in news.values() if one.dispatch is not None]
        types = _numbers(db, "type", {dispatch.data.type for dispatch in present})
        targets = _target_numbers(db, {_ids(dispatch.data.target) for dispatch in present})
        by_entity: dict[str, list[_News]] = {}
        for one in news.values():
            by_entity.setdefault(one.entity, []).append(one)
        for entity, own in by_entity.items():
            _replace(db, entity, own, types, targets)

    def _read(self, key: str, data: str | bytes) -> Dispatch | None:
        line = data.encode() if isinstance(data, str) else data
        fact = self._codec.decode(key, line).fact
        dispatch: Dispatch = fact.dispatch
        return None if isinstance(fact, Deleted) else dispatch

    def _quarantine(
        self, db: sqlite3.Connection, keys: Sequence[str], broken: Sequence[Quarantined]
    ) -> None:
        """Of a key that has news, what was wrong before counts no more."""
        marks = ",".join("?" * len(keys))
        db.execute(f"DELETE FROM dispatch_quarantine WHERE key IN ({marks})", keys)  # noqa: S608
        db.executemany("INSERT INTO dispatch_quarantine VALUES (?, ?, ?)", broken)


def _replace(
    db: sqlite3.Connection,
    entity: str,
    news: Sequence[_News],
    types: dict[str, int],
    targets: dict[str, int],
) -> None:
    """Put what is new of one microgrid in the place of what was."""
    new = "INSERT OR IGNORE INTO dispatch_catalogue (entity, version, total) VALUES (?, 0, 0)"
    db.execute(new, (entity,))
    query = "SELECT number FROM dispatch_catalogue WHERE entity = ?"
    [catalogue] = db.execute(query, (entity,)).fetchone()
    ids = ",".join(one.thing for one in news if one.thing.isdecimal() and int(one.thing) <= NEVER)
    gone = db.execute(
        f"DELETE FROM dispatch WHERE catalogue = {catalogue} AND id IN ({ids})"  # noqa: S608
    ).rowcount
    rows = [
        _columns(catalogue, one.number, one.dispatch, types, targets)
        for one in news
        if one.dispatch is not None
    ]
    if rows:
        marks = ",".join(["(?,?,?,?,?,?,?,?,?,?)"] * len(rows))
        insert = f"INSERT INTO dispatch (catalogue, {COLUMNS}) VALUES {marks}"  # noqa: S608
        db.execute(insert, list(chain.from_iterable(rows)))
    db.execute(
        "UPDATE dispatch_catalogue SET version = ?, total = total + ? WHERE number = ?",
        (max(one.number for one in news), len(rows) - gone, catalogue),
    )


def _columns(
    catalogue: int, number: int, dispatch: Dispatch, types: dict[str, int], targets: dict[str, int]
) -> tuple[int | None, ...]:
    data = dispatch.data
    return (
        catalogue,
        dispatch.id,
        microseconds(dispatch.create_time),
        microseconds(data.start_time),
        microseconds(dispatch.update_time),
        NEVER if dispatch.end_time is None else microseconds(dispatch.end_time),
        _bits(dispatch),
        types[data.type],
        targets.get(_ids(data.target)),
        number,
    )


def _bits(dispatch: Dispatch) -> int:
    data = dispatch.data
    bits = data.active * ACTIVE | data.dry_run * DRY_RUN | bool(data.recurrence) * RECURRING
    for kind in data.target.kinds:
        bits |= KINDS[ComponentKind(kind.category)] | KINDS[kind]
    for id in data.target.ids:
        bits |= component_bit(id)
    return bits


def component_bit(id: int) -> int:
    """What all dispatches have that are for this component."""
    return (8 << len(KINDS)) << id % HASHED


def _ids(target: Target) -> str:
    """A set of component ids, as one text. "" if there are none."""
    return ",".join(map(str, sorted(set(target.ids))))


def signed(id: int) -> int:
    """An id of 64 bits as SQLite keeps it."""
    return id - 2**64 if id >= 2**63 else id


def _target_numbers(db: sqlite3.Connection, values: Iterable[str]) -> dict[str, int]:
    """The numbers of sets of component ids, whose components are known from now on."""
    numbers = _numbers(db, "target", {value for value in values if value})
    db.executemany(
        "INSERT OR IGNORE INTO dispatch_component VALUES (?, ?)",
        ((signed(int(id)), number) for value, number in numbers.items() for id in value.split(",")),
    )
    return numbers


def _numbers(db: sqlite3.Connection, what: str, values: Iterable[str]) -> dict[str, int]:
    """The number of each value, which is kept once and for all."""
    known = list(values)
    if not known:
        return {}
    marks = ",".join(["(?)"] * len(known))
    db.execute(f"INSERT OR IGNORE INTO dispatch_{what} (value) VALUES {marks}", known)  # noqa: S608
    query = f"SELECT value, number FROM dispatch_{what} WHERE value IN (VALUES {marks})"  # noqa: S608
    return dict(db.execute(query, known))
