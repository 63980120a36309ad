"""A dispatcher to try things with, and somebody who is told of its events."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from typing import Any

from pointsman.operation_dispatcher import (
    DispatchEvent,
    EventType,
    Operation,
    OperationDispatcher,
)

ROBOT = "robot-1"
SECONDS = 5.0
"""However slow the computer: what does not happen by then, does not happen."""


def op(**also: Any) -> Operation:  # noqa: ANN401  Any field.
    return Operation(resource_id=ROBOT, **also)


class Told:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[DispatchEvent] = []
        self._changed = Condition()

    def __call__(self, event: DispatchEvent) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    @property
    def types(self) -> list[str]:
        return [event.event_type.removeprefix("operation_") for event in self.events]

    def until(self, event_type: EventType, times: int = 1) -> DispatchEvent:
        """The event that comes so many times."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._all(event_type)) >= times, SECONDS), (
                f"no {event_type} among {self.types}"
            )
            return self._all(event_type)[times - 1]

    def _all(self, event_type: EventType) -> list[DispatchEvent]:
        return [event for event in self.events if event.event_type is event_type]


@contextmanager
def dispatching(
    ask: Callable[[DispatchEvent], object] | None = None,
    **also: Any,  # noqa: ANN401  Any keyword.
) -> Iterator[tuple[OperationDispatcher, Told]]:
    """A dispatcher that runs, without an event loop."""
    told = Told()
    also.setdefault("on_notification_callback", told)
    with OperationDispatcher(ROBOT, on_request_callback=ask, **also) as dispatcher:
        dispatcher.start()
        yield dispatcher, told
