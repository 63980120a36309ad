"""The record of a journal whose owner has no event loop: kept now and then, on a thread of its own.

    journal --page by page--> FILE.record --forget--> journal: drops what is past

`RecordKeeper` does the same at once, and for as long as an event loop runs. Here nobody waits for
the record: a `RecordReader` adds what it has not got yet.
"""

import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from threading import Event, Thread, current_thread
from typing import Final

from pointsman.journal import TOMBSTONE, JournalUnreadable, Unknown
from pointsman.journal.sqlite import SqliteJournal
from pointsman.journal.sqlite_reader import SqliteReader
from pointsman.runtime.record import FORGET_SECONDS, record_beside
from pointsman.runtime.record_file import RecordFile

log = logging.getLogger(__name__)
GROWN_MOST: Final = 10_000
"""So many records more, and the journal is tidied at once."""
PAGE: Final = 200
REST_SECONDS: Final = 0.05
"""After each page, for those who are in more of a hurry; unless it would fall behind for good."""


class DirectKeeper:
    """Keeps the record when it begins, when the journal has grown, and every so often; and lets
    the journal forget, unless nothing has ended since: to look for what is past takes a while.
    """

    def __init__(
        self,
        journal: SqliteJournal,
        *,
        every_seconds: float = FORGET_SECONDS,
        grown_most: int = GROWN_MOST,
    ) -> None:
        self._journal = journal
        self._record: Path = record_beside(journal.path)
        self._every_seconds = every_seconds
        self._grown_most = grown_most
        self._grown, self._ended = 1, True  # An earlier life may have left something.
        self._wanted = Event()
        self._closed = Event()
        self._thread = Thread(target=self._keep, name="pointsman record", daemon=True)
        self._thread.start()

    def grew(self, records: Sequence[tuple[str, bytes]]) -> None:
        """The journal has these, too."""
        self._grown += len(records)
        self._ended |= any(data == TOMBSTONE for _, data in records)
        if self._grown >= self._grown_most:
            self._wanted.set()

    def close(self) -> None:
        """Let go of the files. What was not written yet is written next time."""
        self._closed.set()
        self._wanted.set()
        if self._thread is not current_thread():
            self._thread.join()

    def _keep(self) -> None:
        while not self._closed.is_set():
            self._wanted.clear()
            if self._grown:
                forgets, self._grown, self._ended = self._ended, 0, False
                try:
                    self._tidy(forgets=forgets)
                except (JournalUnreadable, Unknown, sqlite3.Error) as error:
                    log.error("%s is not kept: %s", self._record, error)
                    self._grown, self._ended = 1, True
            if not self._wanted.wait(self._every_seconds):
                self._ended = True  # What goes on for long has a past, too.

    def _tidy(self, *, forgets: bool) -> None:
        """Write down what is new, and let the journal forget what is past."""
        with (
            closing(SqliteReader(self._journal.path)) as journal,
            closing(RecordFile(self._record, journal.id)) as record,
        ):
            while page := journal.after_now(record.cursor, PAGE):
                record.add(page)
                behind = self._grown >= self._grown_most
                if self._closed.wait(0 if behind else REST_SECONDS):
                    return
            if forgets:
                self._journal.forget_now(record.make_durable(), rest=self._closed.wait)
