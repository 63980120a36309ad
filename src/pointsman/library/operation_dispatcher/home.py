"""Home: the one event loop on which a dispatcher's async callbacks are awaited.

It is the loop that `run` runs on; before, the one where the dispatcher was made. Without any, or
while a blocking call of ours keeps that one from turning, it is a loop on a thread of our own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any

from pointsman.library.worker import Worker


class Home:
    """Usable from any thread."""

    def __init__(self) -> None:
        self._own = _running_loop()
        self._worker = Worker("pointsman callbacks")
        self._blocked = 0
        self._lock = Lock()

    def settle(self) -> None:
        """It is here, from now on."""
        self._own = asyncio.get_running_loop()

    def is_here(self) -> bool:
        """Whether this is its thread."""
        return self._own is not None and _running_loop() is self._own

    @contextmanager
    def blocked(self) -> Iterator[None]:
        """Whoever calls waits inside. If this is the loop's thread, the loop does not turn."""
        here = self.is_here()
        with self._lock:
            self._blocked += here
        try:
            yield
        finally:
            with self._lock:
                self._blocked -= here

    def call(self, function: Callable[[], object]) -> None:
        """Call it on the loop of the program, if that turns; else here and now."""
        loop = self._turning()
        if loop is None or self.is_here():
            function()
            return
        try:
            loop.call_soon_threadsafe(function)
        except RuntimeError:  # It was closed just now.
            function()

    def begin(self, work: Coroutine[Any, Any, Any]) -> "Future[Any]":
        """Have it run, and return what will come of it."""
        loop = self._free()
        if loop is not None:
            with suppress(RuntimeError):  # It was closed just now.
                return asyncio.run_coroutine_threadsafe(work, loop)
        return asyncio.run_coroutine_threadsafe(work, self._worker.loop)

    def wait_for(self, work: Awaitable[Any], seconds: float) -> "Future[Any] | None":
        """What came of it, or None if it is not over by then: it is cancelled.

        Not to be called on a loop that turns.
        """
        future = self.begin(_awaited(work))
        try:
            future.exception(seconds)
        except TimeoutError:
            if not future.done():
                future.cancel()
                return None
        return future

    def close(self) -> None:
        self._worker.close()

    def _turning(self) -> asyncio.AbstractEventLoop | None:
        loop = self._own
        return loop if loop is not None and loop.is_running() else None

    def _free(self) -> asyncio.AbstractEventLoop | None:
        with self._lock:
            return None if self._blocked else self._turning()


async def _awaited(work: Awaitable[Any]) -> object:
    return await work


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
