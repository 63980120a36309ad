"""A bell that any thread may ring, for followers on event loops of other threads."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock
from types import MappingProxyType
from typing import Final

NOTHING: Final[Mapping[asyncio.AbstractEventLoop, Callable[[], None]]] = MappingProxyType({})


class Bell:
    """Remember `rung`, look, and if there was nothing, wait: no ring slips in between."""

    def __init__(self) -> None:
        self.rung = 0
        self._lock = Lock()
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    def ring(
        self, saying: Mapping[asyncio.AbstractEventLoop, Callable[[], None]] = NOTHING
    ) -> None:
        """Wake those who wait, and have loops told something before.

        Each loop is called once, for each call has it and this thread wait for each other.
        """
        calls = {loop: [call] for loop, call in saying.items()}
        with self._lock:
            self.rung += 1
            waiting, self._waiting = self._waiting, {}
        for event, loop in waiting.items():
            calls.setdefault(loop, []).append(event.set)
        for loop, some in calls.items():
            if _is_here(loop):
                _make(some)
            else:
                with suppress(RuntimeError):  # That loop is closed: nobody waits any more.
                    loop.call_soon_threadsafe(_make, some)

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


def _make(calls: list[Callable[[], None]]) -> None:
    for call in calls:
        call()


def _is_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
