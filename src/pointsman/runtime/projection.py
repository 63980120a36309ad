"""Projections: what the record works out of its rows, in tables of its own, for quick answers.

    fact rows --in order--> Projection.add --> its tables          all in one transaction

A projection is never the only one to know something. One that is missing, of another version, or
behind, as a release wrote the record that does not know it, is made from the record's own rows:
those hold what the journal has forgotten.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final, Protocol

from pointsman.journal import Cursor

PAGE: Final = 500
"""Rows that a projection takes at a time."""
SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS projection (
        name TEXT PRIMARY KEY, version INTEGER NOT NULL, number INTEGER NOT NULL
    ) WITHOUT ROWID
"""
FORGET: Final = "DROP TABLE IF EXISTS projection"
ROWS: Final = """
    SELECT number, cursor, key, entity, data FROM fact
    WHERE number > ? AND substr(key, 1, ?) = ? ORDER BY number LIMIT ?
"""

Numbered = tuple[int, Cursor, str, str, str | bytes]
"""A row of the record: its number, its cursor, its key, its entity, its data."""


class Projection(Protocol):
    """Writes on the record's own thread, and never raises because of what a row says."""

    @property
    def name(self) -> str:
        """What it is called. Its tables are called alike."""

    @property
    def version(self) -> int:
        """Another one, whenever its tables or what is in them would be different."""

    @property
    def kind(self) -> str:
        """The kind of entities that it is about. It is told of no other."""

    def begin(self, db: sqlite3.Connection) -> None:
        """Make its tables, empty, whatever was there before."""

    def add(self, db: sqlite3.Connection, rows: Sequence[Numbered]) -> None:
        """Take the next rows, oldest first."""


def prepare(db: sqlite3.Connection, projection: Projection) -> None:
    """Begin it anew if it is not there, or another version is."""
    with db:
        db.execute("BEGIN IMMEDIATE")
        db.execute(SCHEMA)
        query = "SELECT version FROM projection WHERE name = ?"
        if db.execute(query, (projection.name,)).fetchone() != (projection.version,):
            projection.begin(db)
            begun = projection.name, projection.version, 0
            db.execute("INSERT OR REPLACE INTO projection VALUES (?, ?, ?)", begun)


def advance(db: sqlite3.Connection, projection: Projection) -> bool:
    """Take one page of what is new in the record. Returns whether there may be more."""
    query = "SELECT number FROM projection WHERE name = ?"
    [number] = db.execute(query, (projection.name,)).fetchone()
    prefix = f"{projection.kind}/"
    rows = db.execute(ROWS, (number, len(prefix), prefix, PAGE)).fetchall()
    if rows:
        projection.add(db, rows)
    full = len(rows) == PAGE
    [last] = [rows[-1][0]] if full else db.execute("SELECT max(number) FROM fact").fetchone()
    update = "UPDATE projection SET number = ? WHERE name = ?"
    db.execute(update, (last or 0, projection.name))
    return full
