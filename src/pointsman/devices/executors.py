"""Executors: who carries out, for one resource, what was approved to start, pause, resume, end.

    facts of the resource --follow--> look --next_step--> machine.do
                                        |           `---> Confirm, Complete, Fail, progress
    machine.shows ----------------------'

An executor holds no rule and keeps nothing: when it starts, it looks at the resource, and takes up
whatever goes on there. `machines.py` says what is done next. A kind of executor is a package in
`pointsman.devices` whose `__init__.py` has an `EXECUTOR`; `external` is none at all, for a resource
of which whoever runs it reports.
"""

import asyncio
import logging
import pkgutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final
from typing import Protocol as Shape

import pointsman.devices as home
from pointsman.core.entity import Rejected
from pointsman.core.values import replace
from pointsman.devices import DeviceFailed, ExecutorKind, Key
from pointsman.devices.machines import (
    BEATS,
    BY,
    SILENT,
    Deed,
    Machine,
    Report,
    Shown,
    is_quiet,
    next_step,
    sign_of_life,
)
from pointsman.devices.protocols import DeviceTableError, MissingExtraError, check_table, nearest
from pointsman.devices.simulated.world import Log, Simulation, quiet
from pointsman.operations.facts import Fact
from pointsman.operations.intents import Fail, Intent
from pointsman.operations.model import UNCONFIRMED, Operation, Reason
from pointsman.operations.policy import Policy
from pointsman.operations.queue import Resource
from pointsman.runtime.ask import Overloaded
from pointsman.runtime.cancelling import insist_on_cancellation
from pointsman.runtime.clock import Clock

LOOK_SECONDS: Final = 1.0
"""Between two looks while the machine is to do something, if nothing rings before."""
CALM_SECONDS: Final = 5.0
"""The same, at most, while all is as it is to be."""
AFTER_BUG_SECONDS: Final = 5.0

log = logging.getLogger(__name__)


class Port(Shape):
    """What an executor needs of the operations of its resource."""

    async def ask(self, intent: Intent) -> Sequence[Fact]:
        """What it causes, once that is durable.

        Raises:
            Rejected: If it makes no sense in the present state.
        """

    async def look(self) -> Resource:
        """The resource with all that was answered before this call. Keep nothing of it."""

    def follow(self) -> AsyncIterator[object]:
        """Yields, from this very call on, whenever something was said of the resource."""


EXTERNAL: Final = ExecutorKind("external")


class Executor:
    """Carries out the operations of one resource."""

    def __init__(self, name: str, port: Port, machine: Machine, clock: Clock) -> None:
        """`name` is the resource's, for the log."""
        self._name = name
        self._port = port
        self._machine = machine
        self._clock = clock
        self._bell = asyncio.Event()

    async def run(self) -> None:
        """Carry on, until cancelled.

        Raises:
            ExceptionGroup: With what ended it, such as Fenced if the engine has ended.
        """
        news = self._port.follow()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(news))
            tasks.create_task(self._keep_machine())
            while True:
                self._bell.clear()
                rest = await self._settle()
                with suppress(TimeoutError):
                    async with asyncio.timeout(rest):
                        await self._bell.wait()

    async def _listen(self, news: AsyncIterator[object]) -> None:
        async for _ in news:
            self._bell.set()

    async def _keep_machine(self) -> None:
        while True:
            try:
                await self._machine.run(self._bell.set)
            except Exception:
                log.exception("%s: its machine failed", self._name)
            insist_on_cancellation()
            await asyncio.sleep(AFTER_BUG_SECONDS)

    async def _settle(self) -> float | None:
        """Take one step, if there is one. Returns when to look again, if nothing rings before."""
        resource = await self._port.look()
        if resource.active is None:
            return None
        operation = resource.operations[resource.active]
        heartbeat = resource.header.policy.heartbeat
        shown = self._shows(operation)
        step = next_step(operation, shown)
        calm = step is None and operation.phase not in UNCONFIRMED
        if isinstance(step, Deed):
            step = await self._do(operation, step)
        now = self._clock.now()
        if is_quiet(shown, heartbeat, now):
            await self._machine.ask()
        report = step or sign_of_life(operation, shown, heartbeat, now)
        if report is not None:
            await self._tell(report)
        return _rest_seconds(heartbeat) if calm else LOOK_SECONDS

    def _shows(self, operation: Operation) -> Shown:
        try:
            return self._machine.shows(operation)
        except Exception:
            log.exception("%s: cannot tell what its machine is at", self._name)
            return SILENT

    async def _do(self, operation: Operation, deed: Deed) -> Report | None:
        """Tell the machine. Returns what there is to report if it can never be done."""
        try:
            await self._machine.do(operation, deed)
        except DeviceFailed as failed:
            if failed.permanent and deed is Deed.START:
                return _not_started(operation, str(failed))
            log.warning("%s: %s of %s: %s", self._name, deed.name.lower(), operation.id, failed)
        except Exception as bug:
            log.exception("%s: its machine failed at operation %s", self._name, operation.id)
            if deed is Deed.START:
                return _not_started(operation, f"{type(bug).__name__}: {bug}")
        return None

    async def _tell(self, report: Report) -> None:
        try:
            await self._port.ask(report)
        except Rejected as late:  # Somebody else was quicker. The next look shows how it is now.
            log.info("%s: %s", self._name, late)
        except Overloaded as full:
            log.warning("%s: %s", self._name, full)


def _rest_seconds(heartbeat: timedelta | None) -> float:
    """How long nobody need look at what goes on as it is to, but for its signs of life."""
    beats = heartbeat.total_seconds() / BEATS if heartbeat else CALM_SECONDS
    return min(max(beats, LOOK_SECONDS / BEATS), CALM_SECONDS)


def _not_started(operation: Operation, error: str) -> Fail:
    reason = Reason.EXTERNAL_ERROR
    return Fail(operation.id, reason, error, "not_started", attempt=operation.attempt, by=BY)


# Which there are


@cache
def executor_kinds() -> Mapping[str, ExecutorKind]:
    """All kinds of executors, by name."""
    found = {EXTERNAL.name: EXTERNAL}
    for module in pkgutil.iter_modules(home.__path__):
        if module.ispkg:
            package = import_module(f"{home.__name__}.{module.name}")
            if isinstance(kind := getattr(package, "EXECUTOR", None), ExecutorKind):
                found[kind.name] = kind
    return MappingProxyType(found)


def check_executor(resource_id: str, device: Mapping[str, Any]) -> ExecutorKind:
    """Which kind of executor a resource's `device` table asks for. Opens nothing.

    Raises:
        DeviceTableError: If there is no such kind, or it cannot be made of that table.
    """
    where = f"resource {resource_id!r}: device"
    name = device.get("protocol", EXTERNAL.name)
    kind = executor_kinds().get(name) if isinstance(name, str) else None
    if kind is None:
        raise DeviceTableError(
            f"{where} protocol {name!r} is not known{nearest(name, executor_kinds())}"
        )
    check_table(where, device, {"protocol": Key(str), **kind.keys})
    return kind


def policy_for(kind: ExecutorKind, policy: Policy) -> Policy:
    """How a resource with such an executor is run: as its owner says, and as the kind needs."""
    heartbeat = kind.heartbeat if policy.heartbeat is None else policy.heartbeat
    return replace(policy, confirms=kind.confirms, heartbeat=heartbeat)


def executor_for(
    resource_id: str, device: Mapping[str, Any], port: Port, clock: Clock
) -> Executor | None:
    """The executor that a resource's `device` table asks for. None: others report.

    Raises:
        DeviceTableError: If there is none of that table, or an extra is missing.
    """
    kind = check_executor(resource_id, device)
    if not kind.machine:
        return None
    machine: Machine = _load(resource_id, kind, kind.machine)(resource_id, device, clock)
    return Executor(resource_id, port, machine, clock)


def simulation_for(
    resource_id: str, device: Mapping[str, Any], clock: Clock, log: Log = quiet
) -> Simulation | None:
    """What speaks the real protocol in place of a resource's equipment. None: it has no wire.

    Raises:
        DeviceTableError: If there is none of that table, or an extra is missing.
    """
    kind = check_executor(resource_id, device)
    if not kind.simulate:
        return None
    make = _load(resource_id, kind, kind.simulate)
    simulation: Simulation = make(resource_id, device, clock, log)
    return simulation


def _load(resource_id: str, kind: ExecutorKind, where: str) -> Callable[..., Any]:
    module, _, function = where.partition(":")
    try:
        loaded: Callable[..., Any] = getattr(import_module(module), function)
    except ModuleNotFoundError as missing:
        if not kind.extra or (missing.name or "").startswith("pointsman"):
            raise
        raise MissingExtraError(
            f"resource {resource_id!r}: {kind.name!r} needs the extra:"
            f" pip install 'pointsman[{kind.extra}]'"
        ) from missing
    return loaded
