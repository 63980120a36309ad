"""A bell that any thread may ring, for followers on event loops of other threads."""

import asyncio
from contextlib import suppress
from threading import Lock


class Bell:
    """Remember `rung`, look, and if there was nothing, wait: no ring slips in between."""

    def __init__(self) -> None:
        self.rung = 0
        self._lock = Lock()
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    def ring(self) -> None:
        with self._lock:
            self.rung += 1
            waiting, self._waiting = self._waiting, {}
        for event, loop in waiting.items():
            if _is_here(loop):
                event.set()
            else:
                with suppress(RuntimeError):  # That loop is closed: nobody waits any more.
                    loop.call_soon_threadsafe(event.set)

    async def wait(self, rung: int) -> None:
        """Return once it has been rung more than `rung` times."""
        event = asyncio.Event()
        with self._lock:
            if self.rung != rung:
                return
            self._waiting[event] = asyncio.get_running_loop()
        try:
            await event.wait()
        finally:
            with self._lock:
                self._waiting.pop(event, None)


def _is_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
