"""The archive: all that ever happened on a resource, as its journal and the record tell."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from pointsman.library.operation_dispatcher.translating import is_told
from pointsman.operations import OPERATIONS, model
from pointsman.operations.facts import AboutOperation
from pointsman.runtime.codec import Codec, Happened, UnknownFact
from pointsman.runtime.record import RecordReader
from pointsman.runtime.record_file import Row

log = logging.getLogger(__name__)
MOMENT: Final = timedelta(microseconds=1)


class Archive:
    """Reads beside whoever writes, from any thread. What cannot be read is left out, and logged.

    Raises:
        JournalUnreadable: Whatever is asked, if there is no journal, or none that this release
            reads.
    """

    def __init__(self, journal: Path, entity: str) -> None:
        self._journal = journal
        self._entity = entity
        self._codec = Codec([OPERATIONS])

    def last(
        self, since: datetime | None, until: datetime | None, limit: int | None
    ) -> Sequence[Happened]:
        before = None if until is None else until + MOMENT
        return self._newest(None, since, before, limit)[::-1]

    def of(self, id: str) -> Sequence[Happened]:
        return self._newest(id)[::-1]

    def operation(self, id: str) -> model.Operation | None:
        for happened in self._newest(id, limit=1):
            if isinstance(happened.fact, AboutOperation):
                return happened.fact.operation
        return None

    def _newest(
        self,
        id: str | None,
        since: datetime | None = None,
        before: datetime | None = None,
        limit: int | None = None,
    ) -> list[Happened]:
        with closing(RecordReader(self._journal)) as reader:
            rows = reader.facts(self._entity, id, None, since, before, newest_first=True)
            return [*islice(self._told(rows), limit)]

    def _told(self, rows: Iterator[Row]) -> Iterator[Happened]:
        for row in rows:
            try:
                happened = self._codec.decode(row.key, row.data)
            except UnknownFact as error:
                log.error("left out of the past: %s", error)
                continue
            if is_told(happened.fact):
                yield happened
