"""The table of dispatches: what the record knows of each one now, narrow enough to read at once.

    fact rows --> DispatchTable --> dispatch             what is filtered and sorted by: no JSON
                                    dispatch_quarantine  what could not be read, and why

A row names the fact that has all the rest. It is in the place of that fact, so whoever has read the
table finds what has changed since at its end; for this, a dispatch that is gone leaves a row too.
"""

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple
from zlib import crc32

from pointsman.dispatches import DISPATCHES
from pointsman.dispatches.components import ComponentKind
from pointsman.dispatches.facts import Deleted
from pointsman.dispatches.model import Dispatch
from pointsman.journal import Cursor
from pointsman.runtime.codec import Codec, UnknownFact
from pointsman.runtime.projection import Numbered
from pointsman.runtime.record_file import microseconds

log = logging.getLogger(__name__)

RULES: Final = 2
"""Grows when a row would be read otherwise than before."""
NEVER: Final = 2**63 - 1
"""The end of what never ends: after every instant."""
ACTIVE: Final = "active"
DRY_RUN: Final = "dry_run"
RECURRING: Final = "recurring"
COLUMNS: Final = "fact, id, start_time, create_time, update_time, end_time, type, traits"
TABLES: Final = """
    CREATE TABLE dispatch (
        catalogue INTEGER NOT NULL, fact INTEGER NOT NULL, id INTEGER NOT NULL,
        start_time INTEGER NOT NULL, create_time INTEGER NOT NULL, update_time INTEGER NOT NULL,
        end_time INTEGER NOT NULL, type TEXT, traits TEXT NOT NULL,
        PRIMARY KEY (catalogue, fact)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX dispatch_by_id ON dispatch (catalogue, id);
    CREATE TABLE dispatch_catalogue (number INTEGER PRIMARY KEY, entity TEXT NOT NULL UNIQUE);
    CREATE TABLE dispatch_quarantine (
        key TEXT PRIMARY KEY, cursor TEXT NOT NULL, reason TEXT NOT NULL
    ) WITHOUT ROWID
"""
VERSION: Final = crc32(f"{RULES} {TABLES}".encode())
"""Of the rules and of the tables."""


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
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'dispatch*'"
        for (name,) in db.execute(tables).fetchall():
            db.execute(f"DROP TABLE {name}")
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
        by_entity: dict[str, list[_News]] = {}
        for one in news.values():
            by_entity.setdefault(one.entity, []).append(one)
        for entity, own in by_entity.items():
            _replace(db, entity, own)

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


def _replace(db: sqlite3.Connection, entity: str, news: Sequence[_News]) -> None:
    """Put what is new of one microgrid in the place of what was."""
    db.execute("INSERT OR IGNORE INTO dispatch_catalogue (entity) VALUES (?)", (entity,))
    query = "SELECT number FROM dispatch_catalogue WHERE entity = ?"
    [catalogue] = db.execute(query, (entity,)).fetchone()
    rows = [row for one in news if (row := _columns(one))]
    if rows:
        marks = ",".join([f"({catalogue},?,?,?,?,?,?,?,?)"] * len(rows))
        insert = f"INSERT OR REPLACE INTO dispatch (catalogue, {COLUMNS}) VALUES {marks}"  # noqa: S608
        db.execute(insert, list(chain.from_iterable(rows)))


def _columns(news: _News) -> tuple[int | str | None, ...]:
    """Nothing if no dispatch could be meant."""
    dispatch = news.dispatch
    if dispatch is None:
        thing = news.thing
        known = thing.isdecimal() and int(thing) <= NEVER
        return (news.number, int(thing), 0, 0, 0, 0, None, "") if known else ()
    return (
        news.number,
        dispatch.id,
        microseconds(dispatch.data.start_time),
        microseconds(dispatch.create_time),
        microseconds(dispatch.update_time),
        NEVER if dispatch.end_time is None else microseconds(dispatch.end_time),
        dispatch.data.type,
        " ".join(_traits(dispatch)),
    )


def _traits(dispatch: Dispatch) -> Iterator[str]:
    """The words that a dispatch can be asked for by: a kind is also of its category."""
    data = dispatch.data
    if data.active:
        yield ACTIVE
    if data.dry_run:
        yield DRY_RUN
    if data.recurrence:
        yield RECURRING
    for kind in data.target.kinds:
        yield from {kind.category.value, word_of(kind)}
    yield from map(str, data.target.ids)


def word_of(kind: ComponentKind) -> str:
    """How a kind of components is called. An id is called as it is."""
    return f"{kind.category.value}/{kind.type}" if kind.type else kind.category.value
