"""The last records that this process committed, so that its own followers need no file."""

from bisect import bisect_right
from collections.abc import Sequence
from threading import Lock
from typing import Final

from pointsman.journal import Record

RECORDS: Final = 10_000
BYTES: Final = 16_000_000
"""The ring holds at most about twice as many of either."""


class Ring:
    """All records between two places, without a gap. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._after: int | None = None
        self._until: int | None = None
        self._bytes = 0
        self._records: list[Record] = []

    def extend(self, after: int, until: int, records: Sequence[Record]) -> None:
        """Add all that is journaled after the place `after` and up to the place `until`.

        If `after` is not where the ring ends, others have written: it begins anew.
        """
        with self._lock:
            if after != self._until:
                self._after, self._bytes, self._records = after, 0, []
            self._until = until
            self._records += records
            self._bytes += sum(len(record.data) for record in records)
            if len(self._records) > 2 * RECORDS or self._bytes > 2 * BYTES:
                self._drop_the_oldest()

    def clear(self) -> None:
        """Know nothing: the file is no longer what it was."""
        with self._lock:
            self._after, self._until, self._bytes, self._records = None, None, 0, []

    def since(self, place: int, limit: int) -> list[Record] | None:
        """The next records after `place`. None: only the file can tell."""
        with self._lock:
            if self._after is None or place < self._after:
                return None
            start = bisect_right(self._records, place, key=lambda record: record.position)
            return self._records[start : start + limit]

    def _drop_the_oldest(self) -> None:
        count, size = 0, 0
        for record in reversed(self._records):
            size += len(record.data)
            if count == RECORDS or size > BYTES:
                break
            count += 1
        dropped = self._records[: len(self._records) - count]
        self._after = dropped[-1].position
        self._records = self._records[len(dropped) :]
        self._bytes = sum(len(record.data) for record in self._records)
