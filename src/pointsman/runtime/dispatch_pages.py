"""Pages of dispatches, read from the record: any filter, any order, from any place on.

    table --what has changed--> DispatchIndex --which facts--> record --> the dispatches of a page

An index of each microgrid that is asked about is kept in memory: those asked about last, and not
too many. Before it answers, it takes in what was written since; so a page is as of one moment of
the record, and only what is on it is decoded. Each statement answers with one row, since Python's
lock is given up and taken again for every row.
"""

import logging
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from pointsman.dispatches import DISPATCHES, dispatches_id
from pointsman.dispatches.model import Dispatch
from pointsman.dispatches.views import Page, Query, id_of, place_of
from pointsman.journal import Cursor
from pointsman.runtime.codec import Codec, UnknownFact
from pointsman.runtime.dispatch_index import DispatchIndex, State
from pointsman.runtime.dispatch_table import COLUMNS, NEVER, Quarantined
from pointsman.runtime.record_file import moment

log = logging.getLogger(__name__)

INDEXED: Final = 1_000_000
"""Positions that all indexes have together, of some 70 bytes each."""
LEAST: Final = 250
"""Positions that an index counts for at least: an empty one takes up something too."""
ROWS: Final = 1_000
"""Rows of the table that are read at a time."""
FEW: Final = 4
"""What part of an index may change before it is cheaper to make it anew."""
MAPPED_BYTES: Final = 2**31 - 65_536
"""Of the file, read in place: what SQLite copies for itself is void with each thing written."""
SEPARATOR: Final = "\x1e"
"""Between lines of JSON, which cannot have it inside."""
CHANGES: Final = f"""
    SELECT json_group_array(json_array({COLUMNS})) FROM (
        SELECT {COLUMNS} FROM dispatch WHERE catalogue = ? AND fact > ? ORDER BY fact LIMIT {ROWS}
    )
"""  # noqa: S608

LAST: Final = """
    SELECT group_concat(fact) FROM dispatch INDEXED BY dispatch_by_id
    WHERE catalogue = ? AND type IS NOT NULL
"""


class DispatchPages:
    """The reading side of `DispatchTable`: one connection, for one thread at a time."""

    def __init__(self, record: Path, *, indexed: int = INDEXED) -> None:
        """The record must have been opened by its keeper. `indexed` positions are held at most,
        or the index of one microgrid.
        """
        self._indexed = indexed
        self._codec = Codec([DISPATCHES])
        self._states = msgspec.json.Decoder(list[State])
        self._indexes: OrderedDict[int, DispatchIndex] = OrderedDict()
        """By catalogue, the one asked about last at the end."""
        self._db = sqlite3.connect(
            f"{record.absolute().as_uri()}?mode=ro",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        self._db.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")

    def close(self) -> None:
        self._db.close()

    def get(self, microgrid_id: int, dispatch_id: int) -> Dispatch | None:
        """None: there is none, or none that can be read."""
        with moment(self._db, "dispatches"):
            facts = self._facts(self._catalogue(microgrid_id), [dispatch_id])
            return next(self._dispatches(facts), None)

    def page(self, query: Query) -> Page:
        """As of one moment."""
        filter, sort = query.filter, query.sort
        with moment(self._db, "dispatches"):
            catalogue = self._catalogue(query.microgrid_id)
            index = self._index(catalogue)
            queried = [id for text in filter.queries if (id := id_of(text)) is not None]
            fitting = index.fitting(
                filter, self._facts(catalogue, filter.ids), self._facts(catalogue, queried)
            )
            facts, more = index.page(fitting, query)
            found = list(self._dispatches(facts))
        found.sort(key=lambda one: (place_of(one, sort).instant, one.id), reverse=sort.descending)
        following = place_of(found[-1], sort) if more and found else None
        return Page(tuple(found), fitting.bit_count(), following)

    def quarantined(self) -> list[Quarantined]:
        """What is left out of every answer, since it could not be read."""
        with moment(self._db, "dispatches"):
            rows = self._db.execute("SELECT key, cursor, reason FROM dispatch_quarantine")
            return [Quarantined(key, Cursor(cursor), reason) for key, cursor, reason in rows]

    def _catalogue(self, microgrid_id: int) -> int:
        """The number of a microgrid's dispatches. 0: it has never had any."""
        query = "SELECT number FROM dispatch_catalogue WHERE entity = ?"
        entity = f"{DISPATCHES.name}/{dispatches_id(microgrid_id)}"
        found = self._db.execute(query, (entity,)).fetchone()
        return found[0] if found else 0

    def _index(self, catalogue: int) -> DispatchIndex:
        """It has all that the table has."""
        index = self._indexes.setdefault(catalogue, DispatchIndex())
        self._indexes.move_to_end(catalogue)
        query = "SELECT count(*) FROM dispatch WHERE catalogue = ? AND fact > ?"
        [news] = self._db.execute(query, (catalogue, index.seen)).fetchone()
        if news > len(index) // FEW or index.stale:
            index = self._indexes[catalogue] = DispatchIndex()
        anew, states = not len(index), list[State]()
        while not states or len(states) == ROWS:
            [page] = self._db.execute(CHANGES, (catalogue, index.seen)).fetchone()
            states = self._states.decode(page)
            if not states:
                break
            if not anew:
                index.drop(state.id for state in states)
            index.take(states)
        self._let_go()
        return index

    def _let_go(self) -> None:
        """Of what was asked about longest ago, if there is too much."""
        held = sum(LEAST + len(index) for index in self._indexes.values())
        while held > self._indexed and len(self._indexes) > 1:
            _, index = self._indexes.popitem(last=False)
            held -= LEAST + len(index)

    def _facts(self, catalogue: int, ids: Sequence[int]) -> list[int]:
        """Where the last states of these dispatches are, of those that exist."""
        if not ids:
            return []
        known = ",".join(str(id) for id in ids if 0 <= id <= NEVER)
        query = f"{LAST} AND id IN ({known})"
        [facts] = self._db.execute(query, (catalogue,)).fetchone()
        return [int(fact) for fact in facts.split(",")] if facts else []

    def _dispatches(self, facts: Iterable[int]) -> Iterator[Dispatch]:
        """In no order."""
        numbers = ",".join(map(str, facts))
        statement = f"SELECT group_concat(data, char(30)) FROM fact WHERE number IN ({numbers})"  # noqa: S608
        [lines] = self._db.execute(statement).fetchone()
        for line in lines.split(SEPARATOR) if lines else ():
            try:
                fact, _ = self._codec.open(DISPATCHES.name, "a row of the record", line.encode())
                yield fact.dispatch
            except UnknownFact as error:  # It could be read when it was written.
                log.error("left out: %s", error)
