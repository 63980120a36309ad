"""Hands: threads that call what may hang. One that does, holds up nothing else."""

import logging
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Final

log = logging.getLogger(__name__)
HANDS_MOST: Final = 32
IDLE_SECONDS: Final = 5.0
"""A thread that has had nothing to do for so long, ends."""

Work = Callable[[], object]


class Hands:
    def __init__(self, name: str, most: int = HANDS_MOST) -> None:
        self._name = name
        self._most = most
        self._lock = Lock()
        self._waiting: SimpleQueue[Work | None] = SimpleQueue()
        self._idle = 0
        """Threads that wait for work and that none is on its way to, less work that waits."""
        self._count = 0
        self._closed = False

    def do(self, work: Work) -> None:
        """Have it called, beside all else; once a hand is free, if all are full."""
        with self._lock:
            if self._closed:
                return
            if self._idle > 0 or self._count >= self._most:
                self._idle -= 1
                self._waiting.put(work)
                return
            self._count += 1
        Thread(target=self._turn, args=(work,), name=self._name, daemon=True).start()

    def close(self) -> None:
        """Begin nothing more, and let go of all threads: of those that do something, afterwards."""
        with self._lock:
            self._closed = True
            for _ in range(self._idle):
                self._waiting.put(None)

    def _turn(self, work: Work) -> None:
        next_work: Work | None = work
        while next_work is not None:
            try:
                next_work()
            except BaseException:  # The thread is needed, whatever that was.
                log.exception("%s: something got out of a call", self._name)
            next_work = self._next()

    def _next(self) -> Work | None:
        with self._lock:
            if self._closed:
                return None
            self._idle += 1
        try:
            return self._waiting.get(timeout=IDLE_SECONDS)
        except Empty:
            pass
        with self._lock:
            if self._idle > 0:
                self._idle -= 1
                self._count -= 1
                return None
        return self._waiting.get()  # It is on its way to this one.
