"""The SQLite file of the record: a row a fact, in the order of the journal's tail."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from pointsman.core.names import entity_of
from pointsman.journal import START, TOMBSTONE, Cursor, JournalUnreadable, Record, Unknown
from pointsman.journal.sqlite_file import write_ahead
from pointsman.runtime.projection import FORGET, Projection, advance, prepare

FORMAT: Final = "1"
ROWS: Final = 100
"""Rows of one statement: a statement a row would fight for the interpreter's lock."""
PAGE: Final = 500
SCHEMA: Final = f"""
    DROP TABLE IF EXISTS fact;
    DROP TABLE IF EXISTS meta;
    {FORGET};
    CREATE TABLE fact (
        number INTEGER PRIMARY KEY, cursor TEXT NOT NULL, shard INTEGER NOT NULL,
        key TEXT NOT NULL, entity TEXT NOT NULL, thing TEXT NOT NULL, fact TEXT NOT NULL,
        at INTEGER NOT NULL, data TEXT NOT NULL
    );
    CREATE INDEX fact_by_key ON fact (key);
    CREATE UNIQUE INDEX fact_by_cursor ON fact (cursor);
    CREATE TABLE meta (format TEXT NOT NULL, journal TEXT NOT NULL, cursor TEXT NOT NULL);
"""
COLUMNS: Final = "cursor, shard, key, entity, thing, fact, at, data"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Row(NamedTuple):
    """One fact, as the journal has it."""

    cursor: Cursor
    shard: int
    key: str
    entity: str
    thing: str
    fact: str
    """The name of its class. "" if it cannot be read; then `at` tells nothing either."""
    at: datetime
    data: bytes
    """The whole line of JSON. `Codec.decode(row.key, row.data)` makes a fact of it again."""


class Wanted(NamedTuple):
    """Which facts are asked for. None is any."""

    entity: str | None = None
    thing: str | None = None
    """Encoded, as in the key. "" is the entity itself."""
    names: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Before this instant."""

    def fits(self, row: Row) -> bool:
        return (
            (self.entity is None or row.entity == self.entity)
            and (self.thing is None or row.thing == self.thing)
            and (self.names is None or row.fact in self.names)
            and (self.since is None or row.at >= self.since)
            and (self.until is None or row.at < self.until)
        )

    def clauses(self) -> tuple[list[str], list[str | int]]:
        """The same in SQL: conditions, and what their question marks stand for."""
        found: list[tuple[str, Sequence[str | int]]] = []
        if self.entity is not None and self.thing is not None:
            key = f"{self.entity}/{self.thing}" if self.thing else self.entity
            found.append(("key = ?", [key]))
        elif self.entity is not None:
            found.append(("entity = ?", [self.entity]))
        elif self.thing is not None:
            found.append(("thing = ?", [self.thing]))
        if self.names is not None:
            found.append((f"fact IN ({','.join('?' * len(self.names))})", self.names))
        if self.since is not None:
            found.append(("at >= ?", [microseconds(self.since)]))
        if self.until is not None:
            found.append(("at < ?", [microseconds(self.until)]))
        return [clause for clause, _ in found], [value for _, values in found for value in values]


class _Head(msgspec.Struct):
    fact: str
    at: datetime


UNREADABLE: Final = _Head("", EPOCH)
_head: Final = msgspec.json.Decoder(_Head)


def row_of(cursor: Cursor, record: Record) -> Row | None:
    """None for a tombstone: to forget is no fact."""
    if record.data == TOMBSTONE:
        return None
    entity = entity_of(record.key)
    thing, head = record.key[len(entity) + 1 :], _head_of(record.data)
    return Row(cursor, record.shard, record.key, entity, thing, head.fact, head.at, record.data)


def _head_of(data: bytes) -> _Head:
    """What cannot be read is kept too, by itself."""
    with suppress(msgspec.MsgspecError, UnicodeDecodeError):
        head = _head.decode(data)
        if head.at.tzinfo is not None:
            return head
    return UNREADABLE


class RecordFile:
    """The writing side. One thread at a time."""

    def __init__(self, path: Path, journal: str, projections: Sequence[Projection] = ()) -> None:
        """Open the record of the journal with this id, or begin it anew.

        Raises:
            JournalUnreadable: If something else is at `path`.
        """
        self._journal, self._projections = journal, projections
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            with ExitStack() as opening:
                opening.callback(self._db.close)
                self.cursor = self._begin()
                opening.pop_all()
        except sqlite3.OperationalError as error:
            raise JournalUnreadable(f"{path} cannot be opened: {error}") from error
        except sqlite3.Error as error:
            raise _no_record(path, error) from error

    def add(self, entries: Sequence[tuple[Cursor, Record]]) -> None:
        """Add all and remember the last cursor, or neither."""
        rows = [row for entry in entries if (row := row_of(*entry))]
        cursor = entries[-1][0]
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for start in range(0, len(rows), ROWS):
                self._insert(rows[start : start + ROWS])
            self._db.execute("UPDATE meta SET cursor = ?", (cursor,))
            for projection in self._projections:
                while advance(self._db, projection):
                    pass
        self.cursor = cursor

    def make_durable(self) -> Cursor:
        """Return the cursor up to which not even a power cut takes anything back."""
        self._db.execute("PRAGMA wal_checkpoint(FULL)")
        return self.cursor

    def close(self) -> None:
        self._db.close()

    def _begin(self) -> Cursor:
        write_ahead(self._db)
        self._db.execute("PRAGMA synchronous = NORMAL")
        cursor = self._open()
        for projection in self._projections:
            prepare(self._db, projection)
            while self._advance(projection):
                pass
        return cursor

    def _open(self) -> Cursor:
        if self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
            found = self._db.execute("SELECT format, journal, cursor FROM meta").fetchone()
            if found and found[:2] == (FORMAT, self._journal):
                return Cursor(found[2])
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for statement in SCHEMA.split(";"):
                self._db.execute(statement)
            self._db.execute("INSERT INTO meta VALUES (?, ?, ?)", (FORMAT, self._journal, START))
        return START

    def _advance(self, projection: Projection) -> bool:
        """A transaction a page, so that whoever else writes need not wait long."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            return advance(self._db, projection)

    def _insert(self, rows: Sequence[Row]) -> None:
        """While one owner replaces another, both write, and both the same."""
        marks = ",".join(["(?,?,?,?,?,?,?,?)"] * len(rows))
        self._db.execute(
            f"INSERT OR IGNORE INTO fact ({COLUMNS}) VALUES {marks}",  # noqa: S608
            [value for row in rows for value in _values(row)],
        )


class RecordView:
    """The reading side, of one moment. Never writes; a record that is not there is empty."""

    def __init__(self, path: Path, journal: str) -> None:
        self.cursor = START
        """What of the journal it holds: all up to here."""
        self._path = path
        self._db: sqlite3.Connection | None = None
        if not path.is_file():
            return
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            db.execute("BEGIN")
            found = db.execute("SELECT format, journal, cursor FROM meta").fetchone()
            if found and found[:2] == (FORMAT, journal):
                self._db, self.cursor = db, Cursor(found[2])
        except sqlite3.Error:  # It is just being made, or is no record: the journal has it all.
            self._db = None
        if self._db is None:
            db.close()

    def close(self) -> None:
        if self._db:
            self._db.close()

    def number_of(self, cursor: Cursor) -> int | None:
        """Where in the record a row is. None: the record has not got it. Raises as `rows`."""
        if self._db is None:
            return None
        query = "SELECT number FROM fact WHERE cursor = ?"
        try:
            found = self._db.execute(query, (cursor,)).fetchone()
        except sqlite3.DatabaseError as error:
            raise _no_record(self._path, error) from error
        return found[0] if found else None

    def rows(self, wanted: Wanted, number: int | None, *, newest_first: bool) -> Iterator[Row]:
        """Those that fit, from the row after this number on.

        Raises:
            JournalUnreadable: If the record is damaged.
        """
        if self._db is None:
            return
        clauses, values = wanted.clauses()
        if number is not None:
            clauses.append(f"number {'<' if newest_first else '>'} ?")
            values.append(number)
        where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
        order = "DESC" if newest_first else "ASC"
        query = f"SELECT {COLUMNS} FROM fact {where} ORDER BY number {order}"  # noqa: S608
        try:
            with closing(self._db.execute(query, values)) as found:
                while page := found.fetchmany(PAGE):
                    yield from (_row(columns) for columns in page)
        except sqlite3.DatabaseError as error:
            raise _no_record(self._path, error) from error


def _no_record(path: Path, error: sqlite3.Error) -> JournalUnreadable:
    return JournalUnreadable(
        f"{path} is no record of pointsman: {error}; delete it, and it is made anew"
    )


def _values(row: Row) -> tuple[str | int | bytes, ...]:
    data: str | bytes = row.data
    with suppress(UnicodeDecodeError):
        data = row.data.decode()
    return (*row[:6], microseconds(row.at), data)


def _row(columns: tuple[str, int, str, str, str, str, int, str | bytes]) -> Row:
    cursor, shard, key, entity, thing, fact, at, data = columns
    when = EPOCH + timedelta(microseconds=at)
    whole = data.encode() if isinstance(data, str) else data
    return Row(Cursor(cursor), shard, key, entity, thing, fact, when, whole)


def microseconds(at: datetime) -> int:
    """As the record keeps instants."""
    return (at - EPOCH) // timedelta(microseconds=1)


@contextmanager
def moment(db: sqlite3.Connection, what: str) -> Iterator[None]:
    """Read from a record as it is at one moment. `what` is read, says the line if it cannot be.

    Raises:
        Unknown: If the record cannot be read.
    """
    try:
        db.execute("BEGIN")
        try:
            yield
        finally:
            db.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise Unknown(f"{what} cannot be read from the record: {error}") from error
