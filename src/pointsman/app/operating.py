"""The operations of the resources of some sites: run as the site files say, offered to doors.

site files --policies--> Configure, StartResource --> engine --> journal
                                                        ^           |
doors <--> Operations --Add, Answer, Complete, ...------'           |
executors <--'   ^-----------------------tail-----------------------'
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from pointsman.api.operation_stream import Gap, Subscription
from pointsman.api.operations import Operations
from pointsman.config import Approval, Resource, Site, SiteError
from pointsman.devices import ExecutorKind
from pointsman.devices.executors import Executor, check_executor, executor_for, policy_for
from pointsman.devices.protocols import DeviceTableError
from pointsman.journal import Journal
from pointsman.operations import OPERATIONS, queue
from pointsman.operations.checks import Conflict
from pointsman.operations.facts import Fact
from pointsman.operations.intents import (
    Configure,
    Intent,
    PauseResource,
    ResumeResource,
    Retime,
    StartResource,
)
from pointsman.operations.policy import (
    DEFAULT_ORDER,
    Policy,
    SortDirection,
    SortField,
    SortRule,
)
from pointsman.runtime.ask import Overloaded
from pointsman.runtime.clock import Clock, SteadyClock
from pointsman.runtime.engine import Engine
from pointsman.runtime.record import RecordKeeper

BY: Final = "site file"
"""Who configures, starts and lets go of resources, as the facts name it."""
LEFT: Final = "no site file has it any more"
"""Why a resource is paused that was taken out of its site file. Back in, it goes on."""
AT_ONCE: Final = 100
"""Resources that are begun at the same time."""
CLOCK: Final = "clock"
"""Who tells resources that the clock was set, as the facts name it."""
LOOK_SECONDS: Final = 1.0
"""Between two looks whether it was."""

log = logging.getLogger(__name__)


class Operating:
    """One life of all resources. Close it in the end."""

    def __init__(
        self,
        engine: Engine,
        journal: Journal,
        keeper: RecordKeeper,
        record: Path,
        sites: Sequence[Site],
        clock: Clock,
    ) -> None:
        """`keeper` writes `record`, and keeps `operation_projections` in it.

        Raises:
            SiteError: If two resources have one id.
            DeviceTableError: If there is no executor such as a resource asks for.
        """
        self._engine, self._clock = engine, clock
        self._resources = resources_of(sites)
        self._kinds = executors_of(self._resources)
        homes = {id: site.id for site in sites for id in site.resources}
        self.microgrids = {
            id: site.microgrid.id if site.microgrid else None
            for site in sites
            for id in site.resources
        }
        """Of the site of each resource. None: it names none."""
        self.operations = Operations(engine, journal, keeper, record, homes)
        """For doors."""
        self._executors = list(self._make_executors())
        self.begun = asyncio.Event()
        """Each resource is run as its site file says."""

    def close(self) -> None:
        self.operations.close()

    async def run(self) -> None:
        """Follow, and run all executors once all has begun, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.operations.run())
            await self.begun.wait()
            async with asyncio.TaskGroup() as executors:  # They end first.
                for executor in self._executors:
                    executors.create_task(executor.run())

    async def begin(self) -> None:
        """Run each resource as its site file says, from here on.

        What was stopped or paused stays so. A resource that is seen for the first time starts.
        """
        turns = asyncio.Semaphore(AT_ONCE)

        async def begin(resource: Resource) -> None:
            async with turns:
                await self._begin(resource)

        async with asyncio.TaskGroup() as tasks:
            for resource in self._resources.values():
                tasks.create_task(begin(resource))
            for entity in self.operations.left():
                tasks.create_task(self._leave(entity))
        self.begun.set()

    async def _begin(self, resource: Resource) -> None:
        ask, id = self.operations.ask, resource.id
        policy = policy_for(self._kinds[id], policy_of(resource))
        await ask(id, Configure(policy, by=BY))
        header = (await self.operations.look(id)).header
        if header.changed_at is None:
            await ask(id, StartResource(by=BY))
        elif header.paused and header.why == LEFT:
            await ask(id, ResumeResource(by=BY))

    async def _leave(self, entity: str) -> None:
        """Nobody can answer for it, so it starts nothing more."""
        with suppress(Conflict):  # It is paused already.
            await self._engine.submit(OPERATIONS, entity, PauseResource(LEFT, by=BY))

    async def keep_time(self, clock: SteadyClock) -> None:
        """Have the time of day count whenever it was set, once all know that, until cancelled."""
        await self.begun.wait()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if step := clock.take_step():
                log.warning("the clock was set, by %+.3f s", step.total_seconds())
                await asyncio.gather(*self._retimed(Retime(step, by=CLOCK)))

    def _retimed(self, intent: Retime) -> Iterator[asyncio.Future[Sequence[Fact]]]:
        """All are decided on before anybody else gets a turn, and so before anything falls due."""
        for entity in (*self.operations.entities(), *self.operations.left()):
            try:
                yield self._engine.ask(OPERATIONS, entity, intent)
            except Overloaded as full:
                log.warning("%s", full)

    def _make_executors(self) -> Iterator[Executor]:
        for id, resource in self._resources.items():
            port = ExecutorPort(self.operations, id)
            if executor := executor_for(id, resource.device, port, self._clock):
                yield executor


class ExecutorPort:
    """What an executor is given: the operations of its resource, and no others."""

    def __init__(self, operations: Operations, resource_id: str) -> None:
        self._operations, self._id = operations, resource_id

    async def ask(self, intent: Intent) -> Sequence[Fact]:
        return await self._operations.ask(self._id, intent)

    async def look(self) -> queue.Resource:
        return await self._operations.look(self._id)

    def follow(self) -> AsyncIterator[object]:
        """From this very call on. Who is too slow hears once that something happened."""
        return self._rings(self._subscribe())

    def _subscribe(self) -> Subscription:
        return self._operations.subscribe(self._id, every=True)

    async def _rings(self, events: Subscription) -> AsyncIterator[object]:
        while True:
            with events:
                with suppress(Gap):
                    async for event in events:
                        yield event
                events = self._subscribe()
            yield None


def executors_of(resources: Mapping[str, Resource]) -> Mapping[str, ExecutorKind]:
    """Which kind of executor each resource asks for. Opens nothing.

    Raises:
        DeviceTableError: If there is none such, its table is not as it must be, or two resources
            would share their equipment.
    """
    kinds: dict[str, ExecutorKind] = {}
    owners: dict[tuple[str, ...], str] = {}
    for id, resource in resources.items():
        kind = kinds[id] = check_executor(id, resource.device)
        names = tuple(resource.device.get(key, kind.keys[key].default) for key in kind.apart)
        owner = owners.setdefault((kind.name, *names), id) if names else id
        if owner != id:
            raise DeviceTableError(
                f"resource {id!r}: device is that of resource {owner!r} already: another"
                f" {kind.apart[-1]} would do"
            )
    return kinds


def resources_of(sites: Iterable[Site]) -> Mapping[str, Resource]:
    """All resources by their ids, in the order of the sites.

    Raises:
        SiteError: If two have one id.
    """
    found: dict[str, Resource] = {}
    for site in sites:
        for id, resource in site.resources.items():
            if id in found:
                raise SiteError(f"{site.path}: resource {id!r} was given already: rename one")
            found[id] = resource
    return found


def policy_of(resource: Resource) -> Policy:
    """How a resource is run, as its site file says."""
    heartbeat = resource.heartbeat_seconds
    return Policy(
        ask=resource.approve is Approval.ASK,
        answer_within=timedelta(seconds=resource.answer_within_seconds),
        cooldown=timedelta(seconds=resource.cooldown_seconds),
        pause_after_denials=resource.pause_after_denials,
        confirm_within=timedelta(seconds=resource.confirm_within_seconds),
        heartbeat=None if heartbeat is None else timedelta(seconds=heartbeat),
        timeout_factor=resource.timeout_factor,
        retries=resource.retries,
        backoff=timedelta(seconds=resource.backoff_seconds),
        backoff_most=timedelta(seconds=resource.backoff_most_seconds),
        pause_when_lost=resource.pause_when_lost,
        order=_order(resource),
        finished_kept=resource.finished_kept,
    )


def _order(resource: Resource) -> tuple[SortRule, ...]:
    if resource.order is None:
        return DEFAULT_ORDER
    return tuple(
        SortRule(SortField(rule.field), SortDirection(rule.direction), rule.none_last)
        for rule in resource.order
    )
