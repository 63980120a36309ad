"""What a dispatcher answers about its present and its past. All answers are snapshots."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from pointsman.library.operation_dispatcher.assembly import Assembly
from pointsman.library.operation_dispatcher.coercing import choice, instant, integer
from pointsman.library.operation_dispatcher.events import DispatchEvent
from pointsman.library.operation_dispatcher.history import (
    History,
    OperationDispatcherState,
    TimeWindow,
)
from pointsman.library.operation_dispatcher.operation import (
    ExecutionState,
    Operation,
    OperationExecution,
    OperationId,
    execution_of,
)
from pointsman.library.operation_dispatcher.translating import events_of, name_of
from pointsman.operations.model import OVER, Phase
from pointsman.operations.model import Operation as Value
from pointsman.operations.queue import Resource
from pointsman.operations.ranking import in_turn, rank_of
from pointsman.operations.why import Block, blocked_by

EVENTS_MOST: Final = 2**31
"""More than anybody has. What counts them takes no larger number."""


class Questions(Assembly):
    """Every method may be called from any thread."""

    # The present

    def get_state(self) -> OperationDispatcherState:
        """What it is about."""
        machine = self._machine
        with machine.looking() as (resource, now):
            since, paused = resource.header.running_since, resource.header.paused
            active = resource.operations[resource.active] if resource.active else None
            queued = resource.queued
        return OperationDispatcherState(
            resource_id=self.resource_id,
            is_running=since is not None,
            is_paused=paused,
            queue_size=queued,
            current_operation=machine.snapshot(active) if active else None,
            running_since=since,
            uptime_seconds=(now - since).total_seconds() if since else None,
            runtime_last_error=repr(machine.error) if machine.error else None,
        )

    @property
    def state(self) -> OperationDispatcherState:
        return self.get_state()

    @property
    def is_running(self) -> bool:
        with self._machine.looking() as (resource, _):
            return resource.header.running_since is not None

    @property
    def is_paused(self) -> bool:
        with self._machine.looking() as (resource, _):
            return resource.header.paused

    def get_operation(self, operation_id: OperationId) -> Operation | None:
        """A snapshot of an operation, ended ones too. None: it is not known (any more)."""
        value = self.value_of(operation_id)
        return self._machine.snapshot(value) if value else None

    def get_operations(self, state: ExecutionState | str | None = None) -> list[Operation]:
        """Those in this state; without one, the current one and then the queue in its order."""
        wanted = None if state is None else choice("state", ExecutionState, state)
        with self._machine.looking() as (resource, _):
            values = [*_in_order(resource, wanted)]
        return [self._machine.snapshot(value) for value in values]

    def get_queue(self) -> list[Operation]:
        """All that wait for their turn, in the order in which they would have it."""
        return self.get_operations(ExecutionState.QUEUED)

    def get_current_operation(self) -> Operation | None:
        """The one that goes on, or is paused."""
        return self.get_state().current_operation

    @property
    def current_operation(self) -> Operation | None:
        return self.get_current_operation()

    def get_execution(self, operation_id: OperationId) -> OperationExecution | None:
        """What became of an operation. None: it is not known (any more)."""
        operation = self.get_operation(operation_id)
        return execution_of(operation) if operation else None

    def why(self, operation_id: OperationId) -> tuple[Block, ...]:
        """All that keeps an operation from starting; each has a `line` for people.

        Raises:
            LookupError: If there is no such operation.
        """
        with self._machine.looking() as (resource, now):
            value = resource.operations.get(name_of(operation_id))
            if value is not None:
                return blocked_by(resource, value, now)
        raise LookupError(f"there is no operation {operation_id}")

    # The past

    def get_events(
        self, operation_id: OperationId | None = None, limit: int | None = None
    ) -> list[DispatchEvent]:
        """The last events, of one operation or of all; oldest first.

        Raises:
            ValueError: If the limit is no number.
        """
        past, most = self._machine.past, _most(limit)
        if operation_id is None:
            happened = past.last(None, None, most)
        else:
            happened = past.of(name_of(operation_id))
        events = [event for one in happened for event in events_of(one, self.resource_id)]
        return events if most is None else events[max(len(events) - most, 0) :]

    def get_history(
        self,
        from_time: datetime | str | None = None,
        to_time: datetime | str | None = None,
        resolve_operations: bool = False,
        limit: int | None = None,
    ) -> History:
        """What happened from then to then, with both; the last `limit` events of that.

        Times without a zone are in UTC. If there is a history callback, it may return another.

        Raises:
            ValueError: If a time or the limit is none, or the callback returned something else.
        """
        since = None if from_time is None else instant("from_time", from_time)
        until = None if to_time is None else instant("to_time", to_time)
        remembered = self._remembered(since, until, resolve_operations, limit)
        if self._historian is None:
            return remembered
        return self._historian.told(since, until, resolve_operations, limit, remembered)

    def _remembered(
        self,
        since: datetime | None,
        until: datetime | None,
        resolve_operations: bool,
        limit: int | None,
    ) -> History:
        window = TimeWindow(start=since, end=until)
        most = _most(limit)
        happened = self._machine.past.last(since, until, most)
        events = [event for one in happened for event in events_of(one, self.resource_id)]
        history = History(
            resource_id=self.resource_id,
            window=window,
            events=events if most is None else events[max(len(events) - most, 0) :],
            created_at=self._machine.clock.now(),
        )
        if resolve_operations:
            found = (self.get_operation(id) for id in history.get_operation_ids())
            history.operations = [operation for operation in found if operation]
        return history

    def value_of(self, operation_id: OperationId) -> Value | None:
        """An operation as the rules have it. None: it is not known (any more)."""
        name = name_of(operation_id)
        with self._machine.looking() as (resource, _):
            known = resource.operations.get(name)
        return known or self._machine.past.operation(name)


def _most(limit: int | None) -> int | None:
    """How many events that is. None: all."""
    return None if limit is None else min(max(integer("limit", limit), 0), EVENTS_MOST)


def _in_order(resource: Resource, state: ExecutionState | None) -> Iterator[Value]:
    """The active one, then the queue; those that have ended come only if they are asked for."""
    active = resource.operations.get(resource.active or "")
    if active is not None and state in (None, active.state):
        yield active
    if state in (None, ExecutionState.QUEUED):
        order = resource.header.policy.order
        queued = {id: v for id, v in resource.operations.items() if v.phase is Phase.QUEUED}
        ranks = {id: rank_of(value, order) for id, value in queued.items()}
        ahead = {id: [on.on for on in v.work.dependencies] for id, v in queued.items()}
        yield from (queued[id] for id in in_turn(ranks, ahead))
    elif state in (ExecutionState.COMPLETED, ExecutionState.FAILED, ExecutionState.CANCELLED):
        ended = (resource.operations[id] for id in resource.ended)
        kept = (one for one in resource.operations.values() if one.phase is Phase.QUARANTINED)
        fitting = (one for one in (*ended, *kept) if one.state is state and one.phase in OVER)
        yield from sorted(fitting, key=lambda one: (one.changed_at, one.number))
