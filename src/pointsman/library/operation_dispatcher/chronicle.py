"""The chronicle: what happened last, for those who ask about the past."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from threading import Lock
from typing import NamedTuple, Protocol

from pointsman.library.operation_dispatcher.translating import is_told
from pointsman.operations import model
from pointsman.operations.facts import AboutOperation
from pointsman.runtime.codec import Happened


class Past(Protocol):
    """Who can be asked about the past, from any thread."""

    def last(
        self, since: datetime | None, until: datetime | None, limit: int | None
    ) -> Sequence[Happened]:
        """The last of those from `since` to `until`, with both; oldest first."""

    def of(self, id: str) -> Sequence[Happened]:
        """All that it knows of an operation, oldest first."""

    def operation(self, id: str) -> model.Operation | None:
        """How it was when it was last heard of."""


class Entry(NamedTuple):
    number: int
    """Greater than that of any entry before."""
    happened: Happened


class Chronicle:
    """The last facts that are told to anybody. Usable from any thread."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._all: deque[Entry] = deque()
        self._by_operation: dict[str, list[Entry]] = {}
        self._number = 0
        self._lock = Lock()

    def hear(self, happened: Happened) -> None:
        if not is_told(happened.fact):
            return
        with self._lock:
            self._number += 1
            entry = Entry(self._number, happened)
            self._all.append(entry)
            if isinstance(happened.fact, AboutOperation):
                self._by_operation.setdefault(happened.fact.thing, []).append(entry)
            if len(self._all) > self._kept:
                self._drop_the_oldest()

    @property
    def number(self) -> int:
        """Of the last entry. 0: there was none yet."""
        return self._number

    def entries(self, id: str | None = None) -> Sequence[Entry]:
        """All that it knows, or of one operation; oldest first."""
        with self._lock:
            return tuple(self._all if id is None else self._by_operation.get(id, ()))

    def last(
        self, since: datetime | None, until: datetime | None, limit: int | None
    ) -> Sequence[Happened]:
        everything = (entry.happened for entry in reversed(self.entries()))
        fitting = (one for one in everything if _is_within(one.at, since, until))
        return [*islice(fitting, limit)][::-1]

    def knows(self, id: str) -> bool:
        """Whether it has heard of an operation."""
        return id in self._by_operation

    def of(self, id: str) -> Sequence[Happened]:
        return [entry.happened for entry in self.entries(id)]

    def operation(self, id: str) -> model.Operation | None:
        known = self.of(id)
        return known[-1].fact.operation if known else None

    def _drop_the_oldest(self) -> None:
        fact = self._all.popleft().happened.fact
        if isinstance(fact, AboutOperation):
            of_it = self._by_operation[fact.thing]
            del of_it[0]
            if not of_it:
                del self._by_operation[fact.thing]


def _is_within(at: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or at >= since) and (until is None or at <= until)
