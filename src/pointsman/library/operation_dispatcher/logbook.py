"""The logbook: events in the log of whoever asked for that, a line each."""

from logging import DEBUG, INFO, WARNING, Logger
from typing import Final

from pointsman.library.operation_dispatcher.translating import events_of
from pointsman.operations.events import EventType
from pointsman.runtime.codec import Happened

_LEVELS: Final = {
    EventType.OPERATION_DISPATCHER_PAUSED: WARNING,
    EventType.OPERATION_DISPATCHER_STOPPED: WARNING,
    EventType.OPERATION_DISPATCHER_RESUMED: INFO,
}


class Logbook:
    def __init__(self, logger: Logger, resource_id: str) -> None:
        self._logger = logger
        self._resource_id = resource_id

    def hear(self, happened: Happened) -> None:
        for event in events_of(happened, self._resource_id):
            level = _LEVELS.get(event.event_type, DEBUG)
            about = f" operation_id={event.operation_id}" if event.operation_id else ""
            self._logger.log(level, "%s %s%s", self._resource_id, event.event_type, about)
