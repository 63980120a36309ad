"""A thread with an event loop, for coroutines of callers who have none."""

import asyncio
import weakref
from collections.abc import Callable, Coroutine
from threading import Lock, Thread, current_thread
from typing import Any, TypeVar

Result = TypeVar("Result")


class Worker:
    """A thread with an event loop, which begins when it is first needed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: Callable[[], object] = lambda: None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = loop = asyncio.new_event_loop()
                thread = Thread(target=_turn, args=(loop,), name=self._name, daemon=True)
                thread.start()
                self._end = weakref.finalize(self, _stop, loop, thread)
            return self._loop

    def wait_for(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run `work` to its end on the thread, and return what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def close(self) -> None:
        """Cancel what runs, and end the thread. It begins anew when it is needed."""
        with self._lock:
            end, self._loop, self._end = self._end, None, lambda: None
        end()


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(_ended(left))
    finally:
        loop.close()


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def _stop(loop: asyncio.AbstractEventLoop, thread: Thread) -> None:
    loop.call_soon_threadsafe(loop.stop)
    if thread is not current_thread():
        thread.join(timeout=5)
