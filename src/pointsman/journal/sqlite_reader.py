"""A SQLite journal as seen by those who only read: no claim, and no access to write.

Works beside a running writer, and on what a killed one left.
"""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Final

from pointsman.journal import START, Cursor, Record
from pointsman.journal.bell import Bell
from pointsman.journal.ring import Ring
from pointsman.journal.sqlite_file import CHUNK, EPOCH, connect_readonly, read_meta, unreadable

LOOK_AGAIN_SECONDS: Final = 0.25
"""How soon a tail sees what another process has written."""
OWNER_SECONDS: Final = 1.0
"""The same in a process that writes: as a rule, nobody else does."""
PAGE: Final = 1_000
"""Records that a tail reads at a time."""
CHUNKS: Final = f"""
    WITH RECURSIVE chunks (chunk) AS (
        SELECT min({CHUNK}) FROM log
        UNION ALL
        SELECT (SELECT min({CHUNK}) FROM log WHERE {CHUNK} > chunk) FROM chunks
        WHERE chunk IS NOT NULL
    )
"""  # noqa: S608
"""Every chunk of the index by key that has an entry."""
LAST: Final = f"""
    {CHUNKS} SELECT shard, place, key, data FROM log WHERE place IN (
        SELECT max(place) FROM chunks CROSS JOIN log
        WHERE {CHUNK} = chunk AND shard = ? AND key != ? GROUP BY key
    ) AND length(data) > 0
"""  # noqa: S608
"""The last record of each key of a shard."""


class SqliteReader:
    """Opens the file at once. All calls may come from any thread.

    Raises:
        JournalUnreadable: If there is no journal, or none that this release reads.
    """

    def __init__(self, path: Path, *, own: Ring | None = None, grown: Bell | None = None) -> None:
        self.path = path
        self._lock = Lock()
        self._own = own or Ring()
        self._look_again_seconds = LOOK_AGAIN_SECONDS if own is None else OWNER_SECONDS
        self._grown = grown or Bell()
        with ExitStack() as opening:
            try:
                self._db = connect_readonly(path)
                opening.callback(self._db.close)
                self.id, self.shards = read_meta(self._db, path)
            except sqlite3.Error as error:
                raise unreadable(path, error) from error
            opening.pop_all()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def load_now(self, shard: int) -> list[Record]:
        """The last record of each key of the shard, oldest first."""
        return self._read(f"{LAST} ORDER BY place", (shard, EPOCH))

    def load_pages_now(self, shard: int, size: int) -> Iterator[list[Record]]:
        """As `load_now`, a page at a time: the newest page first, each from its oldest on."""
        with self._reading():
            rows = self._db.execute(f"{LAST} ORDER BY place DESC", (shard, EPOCH))
            while page := list(map(Record._make, rows.fetchmany(size))):
                yield page[::-1]

    def unchanged_now(self, shard: int, since: Cursor) -> bool:
        """Whether nothing was appended to the shard after `since`, and nothing since is gone.

        Places come without gaps, so a missing one tells of what was dropped.
        """
        start = int(since or 0)
        query = (
            "SELECT count(*), ifnull(max(place), :start),"
            " ifnull(sum(shard = :shard AND key != :epoch), 0) FROM log WHERE place > :start"
        )
        values = {"shard": shard, "start": start, "epoch": EPOCH}
        with self._reading():
            count, last, own = self._db.execute(query, values).fetchone()
        return bool(own == 0 and last - start == count)

    def history_now(self, shard: int, key: str) -> list[Record]:
        """Every record of one key, oldest first."""
        return self._read(
            f"{CHUNKS} SELECT shard, place, key, data FROM chunks CROSS JOIN log"  # noqa: S608
            f" WHERE {CHUNK} = chunk AND shard = :shard AND key = :key AND place >"
            " (SELECT ifnull(max(place), 0) FROM log"
            "  WHERE shard = :shard AND key = :key AND length(data) = 0) ORDER BY place",
            {"shard": shard, "key": key},
        )

    def home_now(self, site: str) -> int | None:
        """The shard where a site lives. None: nothing was ever journaled of it."""
        with self._reading():
            row = self._db.execute("SELECT shard FROM home WHERE site = ?", (site,)).fetchone()
        return row[0] if row else None

    def sites_now(self) -> list[str]:
        """All (encoded) sites of which anything was ever journaled."""
        with self._reading():
            return [site for (site,) in self._db.execute("SELECT site FROM home ORDER BY site")]

    def after_now(self, cursor: Cursor, limit: int = PAGE) -> list[tuple[Cursor, Record]]:
        """The next records after `cursor`, as `tail` gives them, none if there are none yet."""
        records = self._after(int(cursor or 0), limit)
        return [(Cursor(str(record.position)), record) for record in records]

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that is read inside is of one moment, whatever is appended or dropped meanwhile."""
        with self._lock:
            self._db.execute("BEGIN")
            self._db.execute("SELECT max(place) FROM log").fetchone()
        try:
            yield
        finally:
            with self._lock:
                self._db.execute("COMMIT")

    def before_now(
        self, after: Cursor, before: Cursor | None = None, limit: int = PAGE
    ) -> list[tuple[Cursor, Record]]:
        """The last records between two cursors, both excluded, newest first."""
        records = self._read(
            "SELECT shard, place, key, data FROM log WHERE place > ? AND place < ? AND key != ?"
            " ORDER BY place DESC LIMIT ?",
            (int(after or 0), int(before) if before else sys.maxsize, EPOCH, limit),
        )
        return [(Cursor(str(record.position)), record) for record in records]

    def past_now(self, until: Cursor, keep: int) -> list[int]:
        """The places up to `until` that nobody needs any more, so ordered that dropping may be
        cut short: a tombstone goes after all that it ends.

        That is all of a key up to its tombstone, all but the last `keep` records of another,
        and claims that others followed. The last row of all stays: no place is given twice.
        """
        query = """
            WITH ended AS (
                SELECT shard, key, max(place) AS at FROM log
                WHERE length(data) = 0 AND place <= :until GROUP BY shard, key
            ), aged AS (
                SELECT place, key, at,
                    row_number() OVER (PARTITION BY shard, key ORDER BY place DESC) AS age
                FROM log LEFT JOIN ended USING (shard, key) WHERE place <= :until
            )
            SELECT place FROM aged
            WHERE CASE key WHEN :epoch THEN age > 1 ELSE age > :keep OR place <= at END
                AND place < (SELECT max(place) FROM log)
            ORDER BY place
        """
        values = {"until": int(until or 0), "epoch": EPOCH, "keep": keep}
        with self._reading():
            places = self._db.execute(query, values).fetchall()
        return [place for (place,) in places]

    async def end(self) -> Cursor:
        """As `Tailed.end`."""
        return await asyncio.to_thread(self.end_now)

    def end_now(self) -> Cursor:
        """The cursor after all that there is now. Claims do not count, as nobody follows them."""
        query = "SELECT place FROM log WHERE key != ? ORDER BY place DESC LIMIT 1"
        with self._reading():
            found = self._db.execute(query, (EPOCH,)).fetchone()
        return Cursor(str(found[0])) if found else START

    def reached(self, cursor: Cursor, end: Cursor) -> bool:
        """As `Tailed.reached`."""
        return int(cursor or 0) >= int(end or 0)

    def number_of(self, cursor: Cursor) -> int:
        """As `Tailed.number_of`."""
        return int(cursor or 0)

    async def load(self, shard: int) -> Sequence[Record]:
        return await asyncio.to_thread(self.load_now, shard)

    async def history(self, shard: int, key: str) -> Sequence[Record]:
        return await asyncio.to_thread(self.history_now, shard, key)

    async def tail(self, cursor: Cursor = START) -> AsyncIterator[tuple[Cursor, Record]]:
        """As `Tailed.tail`."""
        place, look_again = int(cursor or 0), True
        while True:
            rung = self._grown.rung
            records = self._own.since(place, PAGE)
            if records is None or (look_again and not records):
                records = await asyncio.to_thread(self._after, place, PAGE)
            for record in records:
                place = record.position
                yield Cursor(str(place)), record
            # If this process has not written, it is time to look for what others wrote.
            look_again = not records and not await self._grown.wait(rung, self._look_again_seconds)

    def _after(self, place: int, limit: int) -> list[Record]:
        return self._read(
            "SELECT shard, place, key, data FROM log WHERE place > ? AND key != ?"
            " ORDER BY place LIMIT ?",
            (place, EPOCH, limit),
        )

    def _read(self, query: str, values: Sequence[Any] | Mapping[str, Any]) -> list[Record]:
        with self._reading():
            return list(map(Record._make, self._db.execute(query, values)))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """One reads at a time, and what is damaged is said in one line."""
        try:
            with self._lock:
                yield
        except sqlite3.DatabaseError as error:
            raise unreadable(self.path, error) from error
