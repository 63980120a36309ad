"""A bell that any thread may ring, for followers on event loops of other threads."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from threading import Lock
from types import MappingProxyType
from typing import Final

NOTHING: Final[Mapping[asyncio.AbstractEventLoop, Callable[[], None]]] = MappingProxyType({})


class Bell:
    """Remember `rung`, look, and if there was nothing, wait: no ring slips in between."""

    def __init__(self) -> None:
        self.rung = 0
        self._lock = Lock()
        self._waiting: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}

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
        for news, loop in waiting.items():
            calls.setdefault(loop, []).append(partial(_come_true, news))
        for loop, some in calls.items():
            if _is_here(loop):
                _make(some)
            else:
                with suppress(RuntimeError):  # That loop is closed: nobody waits any more.
                    loop.call_soon_threadsafe(_make, some)

    async def wait(self, rung: int, seconds: float | None = None) -> bool:
        """Return once it has been rung more than `rung` times, or so long after.

        Returns:
            Whether it has been rung.
        """
        loop = asyncio.get_running_loop()
        news: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if self.rung != rung:
                return True
            self._waiting[news] = loop
        timer = None if seconds is None else loop.call_later(seconds, _come_true, news)
        try:
            await news
        finally:
            with self._lock:
                self._waiting.pop(news, None)
            if timer is not None:
                timer.cancel()
        return self.rung != rung


def _come_true(news: "asyncio.Future[None]") -> None:
    if not news.done():
        news.set_result(None)


def _make(calls: list[Callable[[], None]]) -> None:
    for call in calls:
        call()


def _is_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
