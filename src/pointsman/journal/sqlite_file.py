"""The SQLite file of a journal: its tables, its format, and how it is opened."""

import sqlite3
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Final, NamedTuple
from uuid import uuid4

from pointsman.journal import JournalUnreadable

FORMAT: Final = 1
"""Grows when an older release could no longer read the file."""
EPOCH: Final = "~"
"""The key of claims."""
ROWS: Final = 128
"""Most rows of one statement."""
BUSY_SECONDS: Final = 5.0
"""How long to wait for another process that is just writing."""
AGAIN_SECONDS: Final = 0.01
PAGE_BYTES: Final = 4_096
CHECKPOINT_PAGES: Final = 8_000
"""Grow the log to 32 MB before it is merged into the file: hot pages are merged less often."""
LOG_BYTES: Final = CHECKPOINT_PAGES * PAGE_BYTES
CHUNK: Final = "place >> 9"
"""The index by key begins anew every 512 records. What is appended then lands on few pages, side
by side, and not on one page for each key: making 100 records durable takes a third of the time.
"""
SCHEMA: Final = f"""
    CREATE TABLE IF NOT EXISTS log (
        place INTEGER PRIMARY KEY, shard INTEGER NOT NULL, key TEXT NOT NULL, data BLOB NOT NULL
    );
    CREATE INDEX IF NOT EXISTS log_by_key ON log ({CHUNK}, shard, key);
    CREATE INDEX IF NOT EXISTS log_ended ON log (shard, key) WHERE length(data) = 0;
    CREATE TABLE IF NOT EXISTS home (site TEXT PRIMARY KEY, shard INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class Meta(NamedTuple):
    """What was settled when the journal was made."""

    id: str
    shards: int


def create(path: Path, shards: int) -> Meta:
    """What the journal at `path` is, which is made now if there is none.

    Raises:
        JournalUnreadable: If something else is there, or a journal of a newer release.
    """
    try:
        with closing(connect(path)) as db:
            if not db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                _lay_out(db, shards)
            return read_meta(db, path)
    except sqlite3.Error as error:
        raise unreadable(path, error) from error


def _lay_out(db: sqlite3.Connection, shards: int) -> None:
    """Make the tables in one transaction, as another process may be doing right now too."""
    write_ahead(db)
    db.execute("BEGIN IMMEDIATE")
    for statement in SCHEMA.split(";"):
        db.execute(statement)
    settled = [("format", str(FORMAT)), ("shards", str(shards)), ("id", uuid4().hex)]
    db.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", settled)
    db.execute("COMMIT")


def read_meta(db: sqlite3.Connection, path: Path) -> Meta:
    """What was settled when the journal was made.

    Raises:
        JournalUnreadable: If this is no journal, or one of a newer release.
    """
    with suppress(sqlite3.OperationalError):  # There is no such table.
        meta = dict(db.execute("SELECT name, value FROM meta"))
        if int(meta["format"]) > FORMAT:
            raise JournalUnreadable(
                f"{path} was written by a newer pointsman (format {meta['format']}, this one "
                f"reads up to {FORMAT}): use that one"
            )
        return Meta(meta["id"], int(meta["shards"]))
    raise JournalUnreadable(f"{path} is a SQLite file, but no journal of pointsman")


def is_begun(path: Path) -> bool:
    """Whether there is a journal. Who was killed while they made one have left a file without."""
    if not path.is_file() or not path.stat().st_size:
        return False
    try:
        with closing(connect_readonly(path)) as db:
            return db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
    except sqlite3.Error:
        return True  # It is something else. Whoever reads it, says so.


def connect(path: Path) -> sqlite3.Connection:
    """A connection to write with: what it commits is on the disk."""
    db = sqlite3.connect(
        path, isolation_level=None, cached_statements=2 * ROWS, timeout=BUSY_SECONDS
    )
    with ExitStack() as opening:
        opening.callback(db.close)
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        opening.pop_all()
    return db


def write_ahead(db: sqlite3.Connection) -> None:
    """Let readers and one writer work side by side, in this file from now on.

    Who changes that together with others is told at once that it is locked, however long a
    connection would wait otherwise.
    """
    until = monotonic() + BUSY_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if monotonic() > until:
                raise
            sleep(AGAIN_SECONDS)
        else:
            return


def connect_readonly(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, to be used by one thread at a time.

    Raises:
        JournalUnreadable: If there is no file, or it is empty.
    """
    if not path.is_file():
        raise JournalUnreadable(f"there is no journal at {path}")
    if not path.stat().st_size:
        raise JournalUnreadable(f"{path} is empty: nothing was journaled yet")
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        timeout=BUSY_SECONDS,
        check_same_thread=False,
    )


def unreadable(path: Path, error: sqlite3.Error) -> JournalUnreadable:
    if isinstance(error, sqlite3.OperationalError):
        return JournalUnreadable(f"{path} cannot be opened: {error}")
    return JournalUnreadable(f"{path} is no journal of pointsman: {error}")
