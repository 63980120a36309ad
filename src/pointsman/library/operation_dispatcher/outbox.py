"""The outbox: events on their way to the notification callback, one after the other, in order.

A plain function is called on the loop that the dispatcher runs on, or without one by whoever
caused the event, before their call returns. A coroutine is awaited. Neither is called inside a
lock, and what they call of the dispatcher tells its own events after this one.
"""

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable
from concurrent.futures import Future
from contextvars import ContextVar
from threading import Lock
from typing import Any, Final

from pointsman.library.operation_dispatcher.events import DispatchEvent, NotificationCallback
from pointsman.library.operation_dispatcher.home import Home
from pointsman.library.operation_dispatcher.translating import events_of
from pointsman.operations.facts import Requested
from pointsman.runtime.codec import Happened

log = logging.getLogger(__name__)
_telling: ContextVar[bool] = ContextVar("telling", default=False)
"""Whether an event is being told right now, here or in what was started from there."""
WAITING_MOST: Final = 10_000
"""Events that wait for the callback. Further ones are dropped and counted."""


class Outbox:
    def __init__(
        self, callback: NotificationCallback, home: Home, resource_id: str, seconds: float
    ) -> None:
        self._callback = callback
        self._home = home
        self._resource_id = resource_id
        self._seconds = seconds
        self._waiting: deque[DispatchEvent] = deque()
        self._lock = Lock()
        self._busy = False
        """Somebody is emptying it."""
        self._emptying: Future[Any] | None = None
        self._awaits = _is_async(callback)
        self.failures = 0
        """How often the callback raised, or took too long."""
        self.dropped = 0

    @staticmethod
    def is_telling() -> bool:
        """Whether the callback is who asks. It is not to work off a whole queue in one breath."""
        return _telling.get()

    def hear(self, happened: Happened) -> None:
        if not isinstance(happened.fact, Requested):  # Those go to the request callback.
            for event in events_of(happened, self._resource_id):
                self._put(event)

    def empty(self) -> None:
        """Have told what waits. By now, unless somebody else is telling or a coroutine does."""
        if not self._waiting:
            return
        if self._awaits:
            self._begin_awaiting()
        else:
            self._home.call(self._call_all)

    async def emptied(self) -> None:
        """Return once all is told. Called on the loop that events are told on."""
        self.empty()
        emptying = self._emptying
        if emptying is not None and not emptying.done():
            await asyncio.wait([asyncio.wrap_future(emptying)])

    def _put(self, event: DispatchEvent) -> None:
        with self._lock:
            if len(self._waiting) < WAITING_MOST:
                self._waiting.append(event)
                return
            self.dropped += 1
            first = self.dropped == 1
        if first:
            log.error("the notification callback is too slow: events are dropped")

    def _call_all(self) -> None:
        if not self._claim():
            return
        try:
            while (event := self._next()) is not None:
                made = self._called(event)
                if made is not None:
                    self._awaits = True
                    self._emptying = self._home.begin(self._await_all(made, event))
                    return
        except BaseException:  # Such as Ctrl-C in the callback: others may go on.
            self._let_go()
            raise

    def _begin_awaiting(self) -> None:
        if self._claim():
            self._emptying = self._home.begin(self._await_all(None, None))

    async def _await_all(self, made: Any, event: DispatchEvent | None) -> None:  # noqa: ANN401
        """Go on from what a call has `made`, until nothing waits."""
        try:
            if made is not None and event is not None:
                await self._awaited(made, event)
            while (following := self._next()) is not None:
                if (made := self._called(following)) is not None:
                    await self._awaited(made, following)
        except BaseException:
            self._let_go()
            raise

    def _called(self, event: DispatchEvent) -> Awaitable[Any] | None:
        """What is still to be awaited of a call."""
        mark = _telling.set(True)
        try:
            made = self._callback(event)
        except Exception as error:
            self._failed(event, repr(error))
            return None
        finally:
            _telling.reset(mark)
        return made if inspect.isawaitable(made) else None

    async def _awaited(self, made: Awaitable[Any], event: DispatchEvent) -> None:
        _telling.set(True)  # In this task alone.
        try:
            async with asyncio.timeout(self._seconds):
                await made
        except Exception as error:
            self._failed(event, repr(error))

    def _claim(self) -> bool:
        with self._lock:
            if self._busy or not self._waiting:
                return False
            self._busy = True
            return True

    def _next(self) -> DispatchEvent | None:
        """What is to be told next. None: nothing, and somebody else may begin."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._busy = False
            return None

    def _let_go(self) -> None:
        with self._lock:
            self._busy = False

    def _failed(self, event: DispatchEvent, why: str) -> None:
        self.failures += 1
        log.error("the notification callback failed on %s: %s", event.event_type, why)


def _is_async(callback: object) -> bool:
    call = getattr(callback, "__call__", callback)  # noqa: B004  An object with an async one.
    return inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(call)
