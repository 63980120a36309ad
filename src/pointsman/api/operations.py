"""Operations as every door offers them: what is asked goes to the engine, what is read is fresh.

    ask --------------> engine --> journal --> mirrors, subscriptions
    look, get, jobs <-- mirrors                 `--> record
    events, finished <-- record, on its reader thread

All that was answered before something is read, is in what is read. This holds no rules.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from pointsman.api.operation_events import Event, Numbering
from pointsman.api.operation_stream import Broadcast, Subscription
from pointsman.journal import Cursor, Journal, Unknown
from pointsman.operations import OPERATIONS, resource_id
from pointsman.operations.checks import Invalid, NotFound
from pointsman.operations.facts import Fact
from pointsman.operations.intents import Intent
from pointsman.operations.model import ENDED, Operation, State
from pointsman.operations.policy import Job
from pointsman.operations.queue import Resource
from pointsman.runtime.codec import Happened
from pointsman.runtime.engine import Engine
from pointsman.runtime.loading import collector_paused
from pointsman.runtime.mirrors import Mirrors
from pointsman.runtime.operation_pages import FINISHED, OperationPages, Told, Window
from pointsman.runtime.operation_table import OperationTable
from pointsman.runtime.projection import Projection
from pointsman.runtime.record import RecordKeeper

PAGE_MOST: Final = 1_000
"""Events or operations that are read at once."""

Result = TypeVar("Result")


class NoResource(LookupError):
    """There is no resource of this id. One line, which says which there are."""


@dataclass(frozen=True, slots=True)
class JobView:
    """A job, and how many of its operations are in which state, of all that there ever were."""

    job: Job
    counts: Mapping[State, int]


def operation_projections(journal: Journal) -> tuple[Projection, ...]:
    """What a `RecordKeeper` must keep for `Operations`."""
    return (OperationTable(journal.number_of),)


class Operations:
    """For as long as it runs, and the engine and the keeper do. Close it in the end.

    All calls raise what the engine's `submit` raises, `NoResource` for a resource that is none, and
    `Unknown` if the journal is not followed, or the record not kept, any more.
    """

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        keeper: RecordKeeper,
        record: Path,
        resources: Mapping[str, str],
    ) -> None:
        """`resources` are the sites of each resource, by its id. `keeper` writes `record`, and
        keeps `operation_projections` in it.
        """
        self.resource_ids: Sequence[str] = tuple(resources)
        """In the order of the site files. The first one is the root's."""
        self._engine, self._journal, self._keeper, self._record = engine, journal, keeper, record
        self._entities = {id: resource_id(site, id) for id, site in resources.items()}
        self._names = {id: f"{OPERATIONS.name}/{entity}" for id, entity in self._entities.items()}
        self._ids = {name: id for id, name in self._names.items()}
        self._numbering = Numbering(journal.id, self._ids)
        self._mirrors = Mirrors(OPERATIONS, self._ids, journal, self._tell)
        self._broadcast = Broadcast(self._numbering, self._place, self._replay)
        self._pages: OperationPages | None = None
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="operations")

    def load(self, journal: Path) -> None:
        """Begin with what the journal in this file holds: before `run`, on any thread."""
        self._mirrors.load(journal)

    def entities(self) -> Sequence[str]:
        """Those of its resources, in their order."""
        return [*self._entities.values()]

    def left(self) -> Sequence[str]:
        """Entities that are resources of the same sites in the journal, and none of these."""
        return sorted(name.partition("/")[2] for name in self._mirrors.others)

    async def run(self) -> None:
        """Follow the journal until cancelled."""
        try:
            await self._mirrors.run()
        finally:
            self._broadcast.end(Unknown("the journal is not followed here any more"))

    def close(self) -> None:
        """Let go of the record, once what is being read is read."""
        self._reader.submit(self._close_pages)
        self._reader.shutdown()

    # To change something

    async def ask(self, resource_id: str, intent: Intent) -> Sequence[Fact]:
        """Return what `intent` caused, once that is durable.

        Raises:
            Rejected: Invalid, NotFound or Conflict, with a line for whoever asked.
        """
        return await self._engine.submit(OPERATIONS, self._of(self._entities, resource_id), intent)

    # What there is now

    async def look(self, resource_id: str) -> Resource:
        """The resource as it stands. Look, and keep nothing of it, least of all across an await."""
        name = self._of(self._names, resource_id)
        await self._mirrors.caught_up()
        return self._mirrors.states[name]

    async def get(self, resource_id: str, id: str) -> Operation:
        """An operation as it is by now, however long ago it has ended.

        Raises:
            NotFound: If there is none of this id, and never was.
        """
        known = (await self.look(resource_id)).operations.get(id)
        found = [known] if known else await self.finished(resource_id, [id])
        if not found:
            raise NotFound(f"there is no operation {id}")
        return found[0]

    async def jobs(self, resource_id: str) -> Sequence[JobView]:
        """The jobs of all operations that are known by heart, by id."""
        resource = await self.look(resource_id)
        views = {
            id: (
                resource.jobs.get(id, Job(id)),
                Counter(
                    operation.state
                    for member in resource.members.get(id, ())
                    if (operation := resource.operations[member]).phase not in ENDED
                ),
            )
            for id in sorted({*resource.members, *resource.jobs})
        }
        name = self._names[resource_id]
        ended = await self._read(lambda pages: pages.counts(name, views))
        return [JobView(job, counts + Counter(ended[id])) for id, (job, counts) in views.items()]

    # What was

    async def events(
        self,
        resource_id: str,
        window: Window,
        *,
        operation_id: str | None = None,
        every: bool = False,
    ) -> Sequence[Event]:
        """What happened to a resource, or to one operation, oldest first.

        Documented events only, unless `every` one is asked for: then also holds, withdrawals,
        progress, heartbeats and the like.

        Raises:
            Invalid: If the window is too large, or closed before it opens.
        """
        name = self._of(self._names, resource_id)
        _check(window)

        def read(pages: OperationPages) -> Sequence[Event]:
            if operation_id is None:
                return self._events(pages.events(name, window, every=every))
            return self._events(pages.events_of(name, operation_id, window, every=every))

        return await self._read(read)

    async def finished(self, resource_id: str, ids: Sequence[str]) -> Sequence[Operation]:
        """Those of these operations that there ever were, as they are by now, in no order."""
        name = self._of(self._names, resource_id)
        if len(ids) > PAGE_MOST:
            raise Invalid(f"{len(ids)} operations are too many: ask for at most {PAGE_MOST}")
        return await self._read(lambda pages: pages.operations(name, ids))

    async def ended(
        self,
        resource_id: str,
        window: Window,
        *,
        states: Sequence[State] = FINISHED,
        job_id: str | None = None,
    ) -> Sequence[tuple[int, Operation]]:
        """Operations that have ended for good, in the order of their ends, each with its place:
        the `after` or `before` of the page that comes next.
        """
        name = self._of(self._names, resource_id)
        _check(window)
        return await self._read(
            lambda pages: pages.finished(name, window, states=states, job_id=job_id)
        )

    # What happens

    def subscribe(
        self, resource_id: str | None, after: int | None = None, *, every: bool = False
    ) -> Subscription:
        """What happens from here on, or after the event of this `seq`, to one resource or to all.

        Documented events only, unless `every` one is asked for. What was answered a moment before
        may be told too. Close it in the end.
        """
        if resource_id is not None:
            self._of(self._names, resource_id)
        return self._broadcast.subscribe(resource_id, after, every=every)

    async def last_seq(self) -> int:
        """That of the latest fact. No event has a greater one."""
        return self._journal.number_of(await self._journal.end())

    # How it is done

    def _of(self, found: Mapping[str, str], resource_id: str) -> str:
        if resource_id not in found:
            raise NoResource(
                f"there is no resource {resource_id!r}; known: {', '.join(self.resource_ids[:10])}"
            )
        return found[resource_id]

    def _tell(self, cursor: Cursor, happened: Happened) -> None:
        seq = self._journal.number_of(cursor)
        self._broadcast.tell(self._ids[happened.entity], seq, happened)

    def _place(self) -> int:
        return self._journal.number_of(self._mirrors.cursor)

    async def _replay(
        self, subscription: Subscription, after: int
    ) -> tuple[Sequence[Event], int | None]:
        id, every = subscription.resource_id, subscription.every
        if id is None:
            told = await self._read(lambda pages: pages.events_after(after, PAGE_MOST, every=every))
        else:
            name, window = self._names[id], Window(PAGE_MOST, after=after)
            told = await self._read(lambda pages: pages.events(name, window, every=every))
        return self._events(told), told[-1].seq if len(told) == PAGE_MOST else None

    def _events(self, told: Sequence[Told]) -> Sequence[Event]:
        """Of resources that the site files have no more, nobody asks."""
        of_ours = (one for one in told if one.happened.entity in self._ids)
        events = (self._numbering.event(one.seq, one.happened) for one in of_ours)
        return [event for event in events if event is not None]

    async def _read(self, read: Callable[[OperationPages], Result]) -> Result:
        await self._keeper.caught_up()
        return await asyncio.get_running_loop().run_in_executor(
            self._reader, partial(self._read_now, read)
        )

    def _read_now(self, read: Callable[[OperationPages], Result]) -> Result:
        if self._pages is None:
            self._pages = OperationPages(self._record, self._journal.number_of)
        with collector_paused():
            return read(self._pages)

    def _close_pages(self) -> None:
        if self._pages is not None:
            self._pages.close()


def _check(window: Window) -> None:
    if not 1 <= window.limit <= PAGE_MOST:
        raise Invalid(f"limit is {window.limit}: 1 to {PAGE_MOST} are allowed")
    if window.since and window.until and window.until < window.since:
        raise Invalid("the window ends before it begins")
