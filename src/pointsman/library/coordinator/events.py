"""What an engine tells those who listen: events, and the bus that carries them.

    publish --> subscriber, subscriber ...          called at once, in the thread of `publish`
           `--> inbox --> async subscriber, queue   awaited on a loop, as fast as that one can

No subscriber can hold up another: what it raises is logged, and what an async one is too slow
for is dropped and counted.
"""

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from threading import Lock
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from pointsman.library.coordinator.inbox import EventQueue, Inbox
from pointsman.library.worker import Worker

log = logging.getLogger(__name__)
QUEUE_SIZE: Final = 1_000
"""Events that wait for one async subscriber, at most."""


class EventType(StrEnum):
    COMMAND_CREATED = "COMMAND_CREATED"
    COMMAND_DISPATCHED = "COMMAND_DISPATCHED"
    COMMAND_ACKNOWLEDGED = "COMMAND_ACKNOWLEDGED"
    COMMAND_COMPLETED = "COMMAND_COMPLETED"
    COMMAND_FAILED = "COMMAND_FAILED"
    COMMAND_TIMED_OUT = "COMMAND_TIMED_OUT"
    COMMAND_SUPERSEDED = "COMMAND_SUPERSEDED"
    COMMAND_LATE_RESPONSE = "COMMAND_LATE_RESPONSE"
    STATE_CHANGED = "STATE_CHANGED"
    SCHEDULE_RECEIVED = "SCHEDULE_RECEIVED"
    SCHEDULE_EXPIRED = "SCHEDULE_EXPIRED"


@dataclass(frozen=True, slots=True)
class Event:
    event_type: EventType
    payload: Mapping[str, Any]
    """About a command: at least `command_id`, `command_type` and `asset_id`."""
    timestamp: datetime


Subscriber: TypeAlias = Callable[[Event], object] | Callable[[Event], Awaitable[object]]


@dataclass(slots=True, eq=False)
class _Subscription:
    event_type: EventType | None
    call: Callable[[Event], object]
    inbox: Inbox | EventQueue | None = None
    failures: int = field(default=0)


class EventBus:
    """Synchronous, typed publish and subscribe. Usable from any thread."""

    def __init__(self) -> None:
        self._subscriptions: list[_Subscription] = []
        self._lock = Lock()
        self._worker = Worker("pointsman events")
        self._gone = {"failures": 0, "dropped": 0}

    def subscribe(
        self,
        event_type: EventType | str | None,
        subscriber: Subscriber,
        *,
        maxsize: int = QUEUE_SIZE,
    ) -> Callable[[], None]:
        """Call `subscriber` with each event of a type, until the returned function is called.

        A coroutine function is awaited on the loop that runs where it is subscribed, one event
        after the other; without one, on a thread of the bus. At most `maxsize` events wait for
        it, further ones are dropped.

        Args:
            event_type: None: every event.
        """
        kind = None if event_type is None else EventType(event_type)
        call = getattr(subscriber, "__call__", subscriber)  # noqa: B004  An object with an async one.
        if inspect.iscoroutinefunction(subscriber) or inspect.iscoroutinefunction(call):
            inbox = Inbox(subscriber, maxsize, self._worker)
            return self._add(_Subscription(kind, inbox.put, inbox))
        return self._add(_Subscription(kind, subscriber))

    def queue(
        self, event_type: EventType | str | None = None, maxsize: int = QUEUE_SIZE
    ) -> EventQueue:
        """Events to iterate over with `async for`, on the running loop."""
        queue = EventQueue(maxsize)
        kind = None if event_type is None else EventType(event_type)
        queue.unsubscribe = self._add(_Subscription(kind, queue.put, queue))
        return queue

    def publish(self, event: Event) -> None:
        """Call all who listen to this type, in the order in which they subscribed."""
        with self._lock:
            listeners = [s for s in self._subscriptions if s.event_type in {None, event.event_type}]
        for subscription in listeners:
            try:
                subscription.call(event)
            except Exception:
                with self._lock:
                    subscription.failures += 1
                log.exception("a subscriber failed on %s", event.event_type)

    def listens(self, event_type: EventType) -> bool:
        """Whether anybody subscribed to this very type. Who wants all is not asked."""
        with self._lock:
            return any(s.event_type is event_type for s in self._subscriptions)

    @property
    def failures(self) -> int:
        """How often a subscriber raised."""
        return self._sum("failures")

    @property
    def dropped(self) -> int:
        """How many events async subscribers were too slow for."""
        return self._sum("dropped")

    def close(self) -> None:
        """End the thread that async subscribers are called on, if there is one."""
        self._worker.close()

    def _add(self, subscription: _Subscription) -> Callable[[], None]:
        with self._lock:
            self._subscriptions.append(subscription)

        def unsubscribe() -> None:
            with self._lock:
                if subscription in self._subscriptions:
                    self._subscriptions.remove(subscription)
                    for what, number in _counts(subscription).items():
                        self._gone[what] += number

        return unsubscribe

    def _sum(self, what: str) -> int:
        with self._lock:
            return self._gone[what] + sum(_counts(s)[what] for s in self._subscriptions)


def _counts(subscription: _Subscription) -> Mapping[str, int]:
    inbox = subscription.inbox
    return MappingProxyType(
        {
            "failures": subscription.failures + (inbox.failures if inbox else 0),
            "dropped": inbox.dropped if inbox else 0,
        }
    )
