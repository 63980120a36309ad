"""Announcements: each fact that reaches subscribers becomes an event, if there is one for it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pointsman.library.coordinator.book import Book
from pointsman.library.coordinator.commands import Command, parameters_of
from pointsman.library.coordinator.events import Event, EventBus, EventType
from pointsman.library.coordinator.imports import Arrival, Importer
from pointsman.runtime.codec import Happened
from pointsman.schedules.facts import (
    AboutCommand,
    Acknowledged,
    Added,
    Completed,
    Dispatched,
    Failed,
    PlanActivated,
    PlanEnded,
    Refused,
    StateChanged,
    Superseded,
    TimedOut,
)
from pointsman.schedules.model import Command as Value
from pointsman.schedules.model import CommandStatus, Plan
from pointsman.schedules.rows import starts_at

SUPERSEDED: Final = CommandStatus.SUPERSEDED
_EVENTS: Final[Mapping[type[AboutCommand], EventType]] = {
    Added: EventType.COMMAND_CREATED,
    Dispatched: EventType.COMMAND_DISPATCHED,
    Acknowledged: EventType.COMMAND_ACKNOWLEDGED,
    Completed: EventType.COMMAND_COMPLETED,
    Failed: EventType.COMMAND_FAILED,
    Refused: EventType.COMMAND_FAILED,
    TimedOut: EventType.COMMAND_TIMED_OUT,
    Superseded: EventType.COMMAND_SUPERSEDED,
}
"""A fact that is not in here makes no event: another try follows, or it was never sent."""


class Announcer:
    """Subscribed to the facts of one site."""

    def __init__(self, bus: EventBus, book: Book, importer: Importer) -> None:
        self._bus = bus
        self._book = book
        self._importer = importer

    def hear(self, happened: Happened) -> None:
        for event_type, payload in self._events(happened.fact):
            self._bus.publish(Event(event_type, payload, happened.at))

    def _events(self, fact: object) -> Iterator[tuple[EventType, dict[str, Any]]]:
        match fact:
            case AboutCommand(command=value):
                if isinstance(fact, Superseded):
                    self._replace(value)
                if event_type := _EVENTS.get(type(fact)):
                    yield event_type, payload_of(value)
            case PlanActivated(plan):
                yield from self._received(plan)
            case PlanEnded(plan) if plan.expired:
                yield (
                    EventType.SCHEDULE_EXPIRED,
                    {"plan_id": plan.id, "assets": plan.assets, "ended_at": plan.end},
                )
            case StateChanged(state):
                yield (
                    EventType.STATE_CHANGED,
                    {
                        "asset_id": state.asset_id,
                        "state": state.state.upper(),
                        "previous": state.previous.upper(),
                        "reason": state.reason,
                    },
                )

    def _received(self, plan: Plan) -> Iterator[tuple[EventType, dict[str, Any]]]:
        arrival = self._importer.arrivals.pop(plan.id, None)
        yield (
            EventType.SCHEDULE_RECEIVED,
            {
                "plan_id": plan.id,
                "commands": len(arrival.commands) if arrival else None,
                "assets": plan.assets,
                "report": arrival.report if arrival else None,
            },
        )
        if arrival and self._bus.listens(EventType.COMMAND_CREATED):
            for command in arrival.commands:
                yield EventType.COMMAND_CREATED, payload_of(command.given)
        if arrival and self._bus.listens(EventType.COMMAND_SUPERSEDED):
            for command in self._covered(arrival, plan):
                yield EventType.COMMAND_SUPERSEDED, payload_of(command.value)

    def _covered(self, arrival: Arrival, plan: Plan) -> Iterator[Command]:
        """Rows of older plans that ended with this one's coming, before anybody said them."""
        for older, timeline, first, until in arrival.covered:
            for row in range(first, len(timeline.slots)):
                if starts_at(older, timeline, row) >= until:
                    break
                command = self._book.row(older, timeline, row)
                progress = command.value.progress
                if (progress.status, progress.superseded_by) == (SUPERSEDED, plan.id):
                    yield command

    def _replace(self, value: Value) -> None:
        """Tell the command that took the place of another. That may have been a plan instead."""
        successor = self._book.known(value.progress.superseded_by)
        if successor is not None:
            successor.supersedes = value.id


def payload_of(value: Value) -> dict[str, Any]:
    """What every event about a command says."""
    progress = value.progress
    return {
        "command_id": value.id,
        "command_type": value.type,
        "asset_id": value.asset_id,
        "status": progress.status,
        "scheduled_at": value.scheduled_at,
        "parameters": parameters_of(value),
        "plan_id": value.plan_id,
        "attempt": progress.attempt,
        "error": progress.error or None,
        "late": progress.late,
        "applied_kw": progress.applied_kw,
        "superseded_by": progress.superseded_by or None,
        "source": value.source,
        "reason": value.reason,
        "dry_run": value.dry_run,
    }
