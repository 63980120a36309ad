"""Where events wait for those who take them on an event loop.

put (any thread) --> deque, bounded --> drain (the loop's thread): one after the other
"""

import asyncio
import logging
import weakref
from collections import deque
from collections.abc import Callable, Coroutine
from threading import Lock, Thread, current_thread
from typing import Any, TypeVar

log = logging.getLogger(__name__)
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
