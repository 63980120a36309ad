"""A server on a thread of its own, for programs without an event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from threading import Lock, Thread
from typing import Final

STARTED_SECONDS: Final = 30.0
STOPPED_SECONDS: Final = 10.0


class OwnThread:
    """Usable from any thread."""

    def __init__(self, name: str, serving: Callable[[], AbstractAsyncContextManager[int]]) -> None:
        """`serving` serves while it is entered, and gives a port."""
        self._name = name
        self._serving = serving
        self._lock = Lock()
        self._thread: Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.port: int | None = None
        """Where it last began to listen."""

    def start(self) -> int:
        """Begin, and return the port.

        Raises:
            RuntimeError: If it serves already.
            Exception: Whatever kept it from serving.
        """
        with self._lock:
            if self._thread is not None:
                raise RuntimeError("it serves already")
            begun: Future[int] = Future()
            self._thread = Thread(
                target=asyncio.run, args=(self._run(begun),), name=self._name, daemon=True
            )
            self._thread.start()
            try:
                return begun.result(STARTED_SECONDS)
            except BaseException:
                self._thread = None
                raise

    def stop(self) -> None:
        """End it, and wait for that. Twice is once."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None and self._loop is not None and self._stop is not None:
                self._loop.call_soon_threadsafe(self._stop.set)
                thread.join(STOPPED_SECONDS)

    async def _run(self, begun: "Future[int]") -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with self._serving() as port:
                self.port = port
                begun.set_result(port)
                await self._stop.wait()
        except BaseException as error:
            if begun.done():
                raise
            begun.set_exception(error)
