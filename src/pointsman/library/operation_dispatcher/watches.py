"""Watches: callers that wait for what becomes of a request."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Lock
from time import monotonic

from pointsman.operations.facts import AboutOperation
from pointsman.runtime.codec import Happened


class Watch:
    """Facts about operations, from when it began."""

    def __init__(self) -> None:
        self._seen: defaultdict[str, list[AboutOperation]] = defaultdict(list)
        """By operation."""
        self._changed = Condition()
        self._gone: Exception | None = None

    def see(self, fact: AboutOperation) -> None:
        with self._changed:
            self._seen[fact.thing].append(fact)
            self._changed.notify_all()

    def give_up(self, error: Exception) -> None:
        with self._changed:
            self._gone = error
            self._changed.notify_all()

    def until_closed(self, id: str, number: int, seconds: float) -> AboutOperation:
        """The fact that a request ended with: granted, denied, withdrawn, or overtaken.

        Raises:
            TimeoutError: If nothing came of it. Then nobody minds the time any more.
            Exception: What ended the dispatcher meanwhile.
        """
        until = monotonic() + seconds
        with self._changed:
            while True:
                for fact in self._seen[id]:
                    if _closes(fact, number):
                        return fact
                if self._gone is not None:
                    raise self._gone
                rest = until - monotonic()
                if rest <= 0:
                    raise TimeoutError(f"request {number} of operation {id} is never closed")
                self._changed.wait(min(rest, 60.0))


class Watches:
    """Usable from any thread."""

    def __init__(self) -> None:
        self._watches: tuple[Watch, ...] = ()
        self._lock = Lock()

    @contextmanager
    def watch(self) -> Iterator[Watch]:
        watch = Watch()
        with self._lock:
            self._watches = (*self._watches, watch)
        try:
            yield watch
        finally:
            with self._lock:
                self._watches = tuple(one for one in self._watches if one is not watch)

    def hear(self, happened: Happened) -> None:
        if isinstance(happened.fact, AboutOperation):
            for watch in self._watches:
                watch.see(happened.fact)

    def give_up(self, error: Exception) -> None:
        """Nothing comes any more."""
        for watch in self._watches:
            watch.give_up(error)


def _closes(fact: AboutOperation, number: int) -> bool:
    operation = fact.operation
    pending = operation.request.number if operation.request else None
    return operation.requests >= number and pending != number
