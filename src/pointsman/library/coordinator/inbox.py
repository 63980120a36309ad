"""Where events wait for those who take them on an event loop.

put (any thread) --> deque, bounded --> drain (the loop's thread): one after the other
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any

from pointsman.library.worker import Worker

log = logging.getLogger(__name__)


class Inbox:
    """Events of one async subscriber. Never more wait than `maxsize`."""

    def __init__(self, call: Callable[[Any], Any], maxsize: int, worker: Worker) -> None:
        _check_size(maxsize)
        self._call = call
        self._maxsize = maxsize
        self._worker = worker
        self._home = _running_loop()
        self._waiting: deque[object] = deque()
        self._draining = False
        self._lock = Lock()
        self.dropped = 0
        self.failures = 0

    def put(self, event: object) -> None:
        with self._lock:
            if len(self._waiting) >= self._maxsize:
                self.dropped += 1
                return
            self._waiting.append(event)
            if self._draining:
                return
            self._draining = True
        self._begin()

    def _begin(self) -> None:
        draining = self._drain()
        try:
            asyncio.run_coroutine_threadsafe(draining, self._home or self._worker.loop)
        except RuntimeError:  # The loop where it was subscribed is closed by now.
            draining.close()
            with self._lock:
                self.dropped += len(self._waiting)
                self._waiting.clear()
                self._draining = False

    async def _drain(self) -> None:
        while (event := self._next()) is not None:
            try:
                await self._call(event)
            except Exception:
                with self._lock:
                    self.failures += 1
                log.exception("an async subscriber failed on %s", event)

    def _next(self) -> object | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._draining = False
            return None


class EventQueue:
    """Events as an async iterator. Belongs to the loop that it was made on."""

    def __init__(self, maxsize: int) -> None:
        loop = _running_loop()
        if loop is None:
            raise RuntimeError("a queue belongs to an event loop, and none is running here")
        _check_size(maxsize)
        self._loop = loop
        self._events: asyncio.Queue[Any] = asyncio.Queue()
        self._room = maxsize
        self._lock = Lock()
        self.dropped = 0
        """How many events came while it was full."""
        self.failures = 0
        self.unsubscribe: Callable[[], None] = lambda: None

    def put(self, event: object) -> None:
        with self._lock:
            if not self._room or self._loop.is_closed():
                self.dropped += 1
                return
            self._room -= 1
        self._loop.call_soon_threadsafe(self._events.put_nowait, event)

    def close(self) -> None:
        """Take no further event. What waits can still be taken."""
        self.unsubscribe()

    async def get(self) -> Any:  # noqa: ANN401  An `Event`, which is above this module.
        event = await self._events.get()
        with self._lock:
            self._room += 1
        return event

    def __aiter__(self) -> "EventQueue":
        return self

    async def __anext__(self) -> Any:  # noqa: ANN401
        return await self.get()


def _check_size(maxsize: int) -> None:
    if maxsize < 1:
        raise ValueError(f"maxsize={maxsize} holds no event; 1 or more would work")


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
