"""The table of operations: which facts of the record are events, and which tell how one ended.

    fact rows --> OperationTable --> operation_event      by place, and by time: no JSON
                                     operation_finished   by job, and by how and when it ended

A row names the fact that has all the rest. What has not ended yet, the mirror knows by heart.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from typing import Final
from zlib import crc32

import msgspec

from pointsman.journal import Cursor
from pointsman.operations import OPERATIONS
from pointsman.operations.events import is_documented
from pointsman.operations.facts import Cancelled, Completed, Failed
from pointsman.operations.model import ENDED, Operation
from pointsman.runtime.codec import Codec, UnknownFact
from pointsman.runtime.projection import Numbered
from pointsman.runtime.record_file import microseconds

log = logging.getLogger(__name__)

RULES: Final = 1
"""Grows when a row would be read otherwise than before."""
DOCUMENTED: Final = tuple(fact.__name__ for fact in OPERATIONS.facts if is_documented(fact))
"""The facts that are documented events. All others are events too."""
ENDINGS: Final = tuple(fact.__name__ for fact in (Completed, Failed, Cancelled))
HEADS: Final = tuple(f'{{"fact":"{name}"' for name in ENDINGS)
"""How the lines of those begin."""
TABLES: Final = """
    CREATE TABLE operation_event (
        seq INTEGER PRIMARY KEY, resource INTEGER NOT NULL, documented INTEGER NOT NULL,
        at INTEGER NOT NULL, fact INTEGER NOT NULL
    );
    CREATE INDEX operation_event_by_place ON operation_event (resource, documented);
    CREATE INDEX operation_event_by_time ON operation_event (resource, documented, at);
    CREATE TABLE operation_finished (
        seq INTEGER PRIMARY KEY, resource INTEGER NOT NULL, state TEXT NOT NULL, job TEXT,
        at INTEGER NOT NULL, fact INTEGER NOT NULL
    );
    CREATE INDEX operation_finished_by_place ON operation_finished (resource, state);
    CREATE INDEX operation_finished_by_time ON operation_finished (resource, state, at);
    CREATE INDEX operation_finished_by_job ON operation_finished (resource, job, state, at)
        WHERE job IS NOT NULL;
    CREATE TABLE operation_resource (number INTEGER PRIMARY KEY, entity TEXT NOT NULL UNIQUE)
"""
VERSION: Final = crc32(f"{RULES} {DOCUMENTED} {TABLES}".encode())
"""Of the rules and of the tables."""
RESOURCES: Final = (
    "INSERT OR IGNORE INTO operation_resource (entity) SELECT value FROM json_each(?)"
)
EVENTS: Final = f"""
    INSERT OR REPLACE INTO operation_event
    SELECT json_extract(news.value, '$[0]'), resource.number,
        fact.fact IN ({",".join("?" * len(DOCUMENTED))}), fact.at, fact.number
    FROM json_each(?) AS news
    JOIN fact ON fact.number = json_extract(news.value, '$[1]')
    JOIN operation_resource AS resource ON resource.entity = fact.entity
    WHERE fact.fact != ''
"""  # noqa: S608
FINISHED: Final = """
    INSERT OR REPLACE INTO operation_finished
    SELECT json_extract(news.value, '$[0]'), resource.number, json_extract(news.value, '$[3]'),
        json_extract(news.value, '$[4]'), json_extract(news.value, '$[5]'),
        json_extract(news.value, '$[1]')
    FROM json_each(?) AS news
    JOIN operation_resource AS resource ON resource.entity = json_extract(news.value, '$[2]')
"""


class OperationTable:
    """The writing side: a `Projection`."""

    name: Final = "operation"
    version: Final = VERSION
    kind: Final = OPERATIONS.name

    def __init__(self, number_of: Callable[[Cursor], int]) -> None:
        """`number_of` is the journal's."""
        self._number_of = number_of
        self._codec = Codec([OPERATIONS])

    def begin(self, db: sqlite3.Connection) -> None:
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'operation_*'"
        for (name,) in db.execute(tables).fetchall():
            db.execute(f"DROP TABLE {name}")
        for statement in TABLES.split(";"):
            db.execute(statement)

    def add(self, db: sqlite3.Connection, rows: Sequence[Numbered]) -> None:
        news = [(self._number_of(cursor), number) for number, cursor, *_ in rows]
        ended = [
            (seq, number, entity, *_columns(operation))
            for (seq, number), (_, _, key, entity, data) in zip(news, rows, strict=True)
            if (operation := self._ended(key, data))
        ]
        db.execute(RESOURCES, (_json(sorted({entity for _, _, _, entity, _ in rows})),))
        db.execute(EVENTS, (*DOCUMENTED, _json(news)))
        if ended:
            db.execute(FINISHED, (_json(ended),))

    def _ended(self, key: str, data: str | bytes) -> Operation | None:
        """The operation that this fact ends for good."""
        if isinstance(data, bytes) or not data.startswith(HEADS):
            return None
        try:
            fact, _ = self._codec.open(OPERATIONS.name, key, data.encode())
        except UnknownFact as error:
            log.error("left out of what has finished: %s", error)
            return None
        operation: Operation = fact.operation
        return operation if operation.phase in ENDED else None


def _columns(operation: Operation) -> tuple[str, str | None, int]:
    finish_time = operation.finish_time or operation.changed_at
    return operation.state, operation.work.job_id, microseconds(finish_time)


def _json(values: Sequence[object]) -> str:
    return msgspec.json.encode(values).decode()
