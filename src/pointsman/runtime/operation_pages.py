"""Pages of what happened to operations, read from the record: events, and what has finished.

    table --which facts--> record --> the facts of a page

Only what is on a page is decoded. Each statement answers with one row, since Python's lock is
given up and taken again for every row.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from pointsman.core.names import entity_of, key_of
from pointsman.journal import Cursor
from pointsman.operations import OPERATIONS
from pointsman.operations.model import Operation, State
from pointsman.runtime.codec import Codec, Happened, UnknownFact
from pointsman.runtime.operation_table import DOCUMENTED
from pointsman.runtime.record_file import microseconds, moment

log = logging.getLogger(__name__)

MAPPED_BYTES: Final = 2**31 - 65_536
"""Of the file, read in place: what SQLite copies for itself is void with each thing written."""
EARLIEST: Final = -(2**63)
LATEST: Final = 2**63 - 1
FINISHED: Final = (State.COMPLETED, State.FAILED, State.CANCELLED)
LINE: Final = "\x1e"
"""Between lines, and"""
COLUMN: Final = "\x1f"
"""between columns: neither can be inside of JSON or of a name."""
LINES: Final = "group_concat(cursor || char(31) || key || char(31) || data, char(30))"


class Told(NamedTuple):
    """A fact, and its place in the journal."""

    seq: int
    happened: Happened


@dataclass(frozen=True, slots=True)
class Window:
    """Which events, or finished operations, of a resource are asked for."""

    limit: int
    """The last of what fits; with `after`, the first."""
    since: datetime | None = None
    until: datetime | None = None
    """Its instant included."""
    after: int | None = None
    before: int | None = None
    """Places that are excluded."""

    def instants(self) -> tuple[int, int]:
        return (
            EARLIEST if self.since is None else microseconds(self.since),
            LATEST if self.until is None else microseconds(self.until),
        )

    def places(self) -> tuple[int, int]:
        after = EARLIEST if self.after is None else min(self.after, LATEST)
        return after, LATEST if self.before is None else min(self.before, LATEST)

    def fits(self, seq: int) -> bool:
        after, before = self.places()
        return after < seq < before

    def cut(self, found: Iterable[Told]) -> list[Told]:
        """What fits of it, in the order in which it happened."""
        fitting = sorted(one for one in found if self.fits(one.seq))
        return fitting[: self.limit] if self.after is not None else fitting[-self.limit :]


class OperationPages:
    """The reading side of `OperationTable`: one connection, for one thread at a time.

    Raises Unknown, whatever is asked, if the record cannot be read.
    """

    def __init__(self, record: Path, number_of: Callable[[Cursor], int]) -> None:
        """The record must have been opened by its keeper. `number_of` is the journal's."""
        self._number_of = number_of
        self._codec = Codec([OPERATIONS])
        self._db = sqlite3.connect(
            f"{record.absolute().as_uri()}?mode=ro",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        self._db.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")

    def close(self) -> None:
        self._db.close()

    # Events

    def events(self, entity: str, window: Window, *, every: bool = False) -> list[Told]:
        """What happened to a resource: documented events only, or `every` one."""
        with moment(self._db, "operations"):
            kinds = (1, 0) if every else (1,)
            resource = self._resource(entity)
            found = [one for kind in kinds for one in self._events(resource, kind, window)]
        return window.cut(found)

    def events_of(
        self, entity: str, operation_id: str, window: Window, *, every: bool = False
    ) -> list[Told]:
        """The same of one operation."""
        least, most = window.instants()
        names = "" if every else f"AND fact IN ({','.join('?' * len(DOCUMENTED))})"
        from_an_end = not window.after and window.before is None
        limit = window.limit if from_an_end else LATEST  # Places are no columns of a fact.
        query = f"""
            SELECT {LINES} FROM (
                SELECT number FROM fact
                WHERE key = ? AND at BETWEEN ? AND ? AND fact != '' {names}
                ORDER BY number {"DESC" if window.after is None else "ASC"} LIMIT ?
            ) JOIN fact USING (number)
        """  # noqa: S608
        values: list[str | int] = [key_of(entity, operation_id), least, most]
        values += [*(() if every else DOCUMENTED), limit]
        with moment(self._db, "operations"):
            return window.cut(self._read(query, values))

    def events_after(self, seq: int, limit: int, *, every: bool = False) -> list[Told]:
        """The next ones of all resources, oldest first."""
        kinds = "" if every else "AND documented"
        query = f"""
            SELECT {LINES} FROM (
                SELECT fact AS number FROM operation_event WHERE seq > ? {kinds}
                ORDER BY seq LIMIT ?
            ) JOIN fact USING (number)
        """  # noqa: S608
        with moment(self._db, "operations"):
            return sorted(self._read(query, (min(seq, LATEST), limit)))

    # Operations

    def operations(self, entity: str, ids: Sequence[str]) -> list[Operation]:
        """As they are by now, or were when they were forgotten: those that there ever were."""
        marks = ",".join("?" * len(ids))
        query = f"""
            SELECT {LINES} FROM (
                SELECT max(number) AS number FROM fact WHERE key IN ({marks}) GROUP BY key
            ) JOIN fact USING (number)
        """  # noqa: S608
        with moment(self._db, "operations"):
            told = self._read(query, [key_of(entity, id) for id in ids])
            return [operation for one in told if (operation := _operation(one))]

    def finished(
        self,
        entity: str,
        window: Window,
        *,
        states: Sequence[State] = FINISHED,
        job_id: str | None = None,
    ) -> list[tuple[int, Operation]]:
        """Those that have ended for good, each with its place, in the order of their ends."""
        with moment(self._db, "operations"):
            resource = self._resource(entity)
            found = [
                one for state in states for one in self._finished(resource, state, job_id, window)
            ]
        told = window.cut(found)
        return [(one.seq, operation) for one in told if (operation := _operation(one))]

    def counts(self, entity: str, job_ids: Iterable[str]) -> dict[str, dict[State, int]]:
        """How many operations of each of these jobs have ended, and how."""
        query = """
            SELECT json_group_array(json_array(job, state, number)) FROM (
                SELECT job, state, count(*) AS number FROM operation_finished
                WHERE resource = ? AND job IN (SELECT value FROM json_each(?))
                GROUP BY job, state
            )
        """
        ids = list(job_ids)
        found: dict[str, dict[State, int]] = {id: {} for id in ids}
        with moment(self._db, "operations"):
            asked = msgspec.json.encode(ids).decode()
            [rows] = self._db.execute(query, (self._resource(entity), asked)).fetchone()
        for job_id, state, count in msgspec.json.decode(rows, type=list[tuple[str, State, int]]):
            found[job_id][state] = count
        return found

    # How they are read

    def _resource(self, entity: str) -> int:
        """The number of a resource. 0: nothing has ever happened to it."""
        query = "SELECT number FROM operation_resource WHERE entity = ?"
        found = self._db.execute(query, (entity,)).fetchone()
        return found[0] if found else 0

    def _events(self, resource: int, kind: int, window: Window) -> list[Told]:
        where = "resource = ? AND documented = ?"
        return self._page("operation_event", where, (resource, kind), window)

    def _finished(
        self, resource: int, state: State, job_id: str | None, window: Window
    ) -> list[Told]:
        if job_id is None:
            values: tuple[int | str, ...] = (resource, state)
            return self._page("operation_finished", "resource = ? AND state = ?", values, window)
        where = "resource = ? AND job = ? AND state = ?"
        return self._page("operation_finished", where, (resource, job_id, state), window)

    def _page(
        self, table: str, where: str, values: Sequence[int | str], window: Window
    ) -> list[Told]:
        """By place, unless the time matters: what is far from the end is found by an index then."""
        onwards = window.after is not None
        timed = window.since is not None or window.until is not None
        index, order = "by_place", "seq" if onwards else "seq DESC"
        if timed and not onwards:
            index, order = "by_time", "at DESC, seq DESC"
        if "job" in where:
            index = "by_job"
        query = f"""
            SELECT {LINES} FROM (
                SELECT fact AS number FROM {table} INDEXED BY {table}_{index}
                WHERE {where} AND at BETWEEN ? AND ? AND seq > ? AND seq < ?
                ORDER BY {order} LIMIT ?
            ) JOIN fact USING (number)
        """  # noqa: S608
        return self._read(query, (*values, *window.instants(), *window.places(), window.limit))

    def _read(self, query: str, values: Sequence[int | str]) -> list[Told]:
        """In no order."""
        [lines] = self._db.execute(query, values).fetchone()
        return [one for line in lines.split(LINE) if (one := self._told(line))] if lines else []

    def _told(self, line: str) -> Told | None:
        cursor, key, data = line.split(COLUMN, 2)
        try:
            fact, at = self._codec.open(OPERATIONS.name, key, data.encode())
            return Told(self._number_of(Cursor(cursor)), Happened(entity_of(key), fact, at))
        except UnknownFact as error:
            log.error("left out: %s", error)
            return None


def _operation(told: Told) -> Operation | None:
    fact = told.happened.fact
    operation: Operation | None = getattr(fact, "operation", None)
    return operation
