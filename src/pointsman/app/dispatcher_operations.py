"""The operations of one dispatcher in this program, as every door asks for them.

    door --> DispatcherOperations --> the dispatcher's machine
      ^                                  |
      `-- Subscription <-- Broadcast <---'   on the loop of the door

What an operator asks returns when the request callback has decided, as it does in Python.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final, cast

from pointsman.api.operation_events import Event, Numbering
from pointsman.api.operation_stream import Broadcast, Subscription
from pointsman.api.operations import PAGE_MOST, JobView, NoResource, Operations
from pointsman.library.operation_dispatcher.dispatcher import OperationDispatcher
from pointsman.library.operation_dispatcher.operating import requests_of
from pointsman.library.operation_dispatcher.translating import event_id
from pointsman.operations.checks import Conflict, NotFound
from pointsman.operations.events import DOCUMENTED, event_type_of
from pointsman.operations.facts import AboutOperation, Denied, Fact
from pointsman.operations.intents import Cancel, Intent, Pause, Resume
from pointsman.operations.model import ENDED, Ask, Operation, State
from pointsman.operations.policy import Job
from pointsman.operations.queue import Resource
from pointsman.runtime.codec import Happened
from pointsman.runtime.operation_pages import FINISHED, Told, Window

DENIED: Final = {
    Ask.CANCEL: ("operation_cancellation_denied", "it was not to be cancelled"),
    Ask.PAUSE: ("operation_pause_denied", "it was not to be paused"),
    Ask.RESUME: ("operation_resume_denied", "it was not to be resumed"),
    Ask.START: ("operation_start_denied", "it was not to start"),
}


class DispatcherOperations(Operations):
    """One resource, remembered as far as its dispatcher does. For one event loop."""

    def __init__(self, dispatcher: OperationDispatcher) -> None:
        self.resource_ids: Sequence[str] = (dispatcher.resource_id,)
        self._dispatcher = dispatcher
        self._machine = dispatcher.machine
        self._numbers = _Numbers(self._machine.owner.name, dispatcher.resource_id)
        self._broadcast = Broadcast(self._numbers, lambda: self._told, self._past)
        self._told = 0
        """The number of what the loop was last told of."""
        self._loop: asyncio.AbstractEventLoop | None = None

    async def ask(self, resource_id: str, intent: Intent) -> Sequence[Fact]:
        self._check(resource_id)
        return await asyncio.to_thread(self._asked, intent)

    async def look(self, resource_id: str) -> Resource:
        self._check(resource_id)
        return self._machine.view()

    async def get(self, resource_id: str, id: str) -> Operation:
        self._check(resource_id)
        found = self._dispatcher.value_of(id)
        if found is None:
            raise NotFound(f"there is no operation {id}")
        return found

    async def jobs(self, resource_id: str) -> Sequence[JobView]:
        resource = await self.look(resource_id)
        return [
            JobView(
                resource.jobs.get(id, Job(id)),
                Counter(resource.operations[one].state for one in resource.members.get(id, ())),
            )
            for id in sorted({*resource.members, *resource.jobs})
        ]

    async def events(
        self,
        resource_id: str,
        window: Window,
        *,
        operation_id: str | None = None,
        every: bool = False,
    ) -> Sequence[Event]:
        self._check(resource_id)
        return self._events(window.cut(self._fitting(window, operation_id, every=every)))

    async def finished(self, resource_id: str, ids: Sequence[str]) -> Sequence[Operation]:
        self._check(resource_id)
        values = (self._dispatcher.value_of(id) for id in ids[:PAGE_MOST])
        return [value for value in values if value is not None]

    async def ended(
        self,
        resource_id: str,
        window: Window,
        *,
        states: Sequence[State] = FINISHED,
        job_id: str | None = None,
    ) -> Sequence[tuple[int, Operation]]:
        self._check(resource_id)
        found: dict[str, Told] = {}
        for one in self._fitting(window, None, every=True):
            fact = one.happened.fact
            if isinstance(fact, AboutOperation) and fact.operation.phase in ENDED:
                found[fact.thing] = one
        told = [(one.seq, one.happened.fact.operation) for one in window.cut(found.values())]
        return [
            (seq, operation)
            for seq, operation in told
            if operation.state in states and job_id in (None, operation.work.job_id)
        ]

    def subscribe(
        self, resource_id: str | None, after: int | None = None, *, every: bool = False
    ) -> Subscription:
        if resource_id is not None:
            self._check(resource_id)
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._machine.owner.subscribe(self._hear)
            self._told = self._machine.chronicle.number
        return self._broadcast.subscribe(resource_id, after, every=every)

    def _asked(self, intent: Intent) -> Sequence[Fact]:
        if not isinstance(intent, Cancel | Pause | Resume):
            return self._machine.ask(intent)
        with self._machine.watches.watch() as watch:
            facts = self._machine.ask(intent)
            ended = [
                watch.until_closed(*request, self._dispatcher.patience_seconds)
                for request in requests_of(facts)
            ]
        for fact in ended:
            if isinstance(fact, Denied) and fact.request is not None:
                code, line = DENIED[fact.request.ask]
                raise Conflict(code, line, phase=fact.operation.phase)
        return [*facts, *cast(list[Fact], ended)]

    def _hear(self, happened: Happened) -> None:
        number, loop = self._machine.chronicle.number, self._loop
        if loop is not None:
            with suppress(RuntimeError):  # The loop is closed.
                loop.call_soon_threadsafe(self._tell_here, number, happened)

    def _tell_here(self, number: int, happened: Happened) -> None:
        if number > self._told:
            self._told = number
            self._broadcast.tell(self.resource_ids[0], number, happened)

    async def _past(
        self, subscription: Subscription, after: int
    ) -> tuple[Sequence[Event], int | None]:
        window = Window(PAGE_MOST, after=after)
        told = window.cut(self._fitting(window, None, every=subscription.every))
        return self._events(told), told[-1].seq if len(told) == PAGE_MOST else None

    def _fitting(self, window: Window, id: str | None, *, every: bool) -> Iterator[Told]:
        for number, happened in self._machine.chronicle.entries(id):
            since, until = window.since, window.until
            early = since is not None and happened.at < since
            late = until is not None and happened.at > until
            if not early and not late and (every or event_type_of(happened.fact) in DOCUMENTED):
                yield Told(number, happened)

    def _events(self, told: Sequence[Told]) -> Sequence[Event]:
        events = (self._numbers.event(one.seq, one.happened) for one in told)
        return [event for event in events if event is not None]

    def _check(self, resource_id: str) -> None:
        if resource_id not in self.resource_ids:
            raise NoResource(f"there is no resource {resource_id!r}; known: {self.resource_ids[0]}")


class _Numbers(Numbering):
    """Gives events the ids that they have in Python."""

    def __init__(self, entity: str, resource_id: str) -> None:
        super().__init__("", {entity: resource_id})

    def event(self, seq: int, happened: Happened) -> Event | None:
        event = super().event(seq, happened)
        return event and event._replace(id=event_id(happened, event.type))
