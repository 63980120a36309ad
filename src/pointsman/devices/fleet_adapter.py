"""What the coordinator's adapters have in common: equipment that is kept on a thread of its own.

engine --send(command)--> adapter --(its thread)--> fleet --> equipment
engine <--report_state, handle_response-- adapter <---------- what it says by itself
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from threading import Thread
from typing import Any, Final
from typing import Protocol as Shape

from pointsman.core.assets import Asset, AssetKind
from pointsman.core.values import replace
from pointsman.devices import Device, DeviceFailed, Fleet, Sample, Taken, World
from pointsman.devices.driver import shows
from pointsman.devices.protocols import MissingExtraError, check_devices
from pointsman.runtime.clock import SystemClock
from pointsman.schedules.model import Command

log = logging.getLogger(__name__)
HURRY: Final = 0.9
"""The part of a command's time that devices get, so that they can still say what went wrong."""


class Told(Shape):
    """A command as the coordinator hands it out."""

    asset_id: str

    @property
    def value(self) -> Command:
        """The command as devices take it."""


class Engine(Shape):
    """What equipment that speaks by itself needs of an engine."""

    def report_state(
        self, asset_id: str, what: str, reason: str = "", *, kind: AssetKind | None = None
    ) -> object:
        """Take in the state that an asset is in."""

    def answered_late(self, command_id: str, attempt: int, success: bool) -> object:
        """Take in an answer to a try that was given up."""

    @property
    def assets(self) -> Mapping[str, Asset]:
        """What is known of the site's assets, by id."""

    def served_by(self, adapter: object) -> Iterable[str]:
        """The assets that are registered for an adapter."""


class FleetAdapter:
    """One protocol's devices. `open` and `close` it, or let `with engine` do so."""

    protocol: str
    extra: str
    session: str
    """The module whose `connect` makes a fleet of assets."""
    kind: AssetKind

    def __init__(self, adapter_id: str, assets: Iterable[Asset] = ()) -> None:
        self.adapter_id: Final = adapter_id
        self._known = {asset.id: asset for asset in assets}
        self._engine: Engine | None = None
        self._fleet: Fleet | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: Thread | None = None
        self._reports = ThreadPoolExecutor(1, f"reports of {adapter_id}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.adapter_id!r})"

    def attach(self, engine: Engine) -> None:
        """Serve this engine: its assets that are registered here, and it hears their states."""
        self._engine = engine

    def open(self) -> None:
        """Begin to keep connections, on a thread. Open already, it does nothing.

        Raises:
            DeviceTableError: If no device can be made of what is known, or an extra is missing.
            OSError: If the address to listen on is in use.
        """
        if self._thread is not None:
            return
        assets = [self._placed(self._asset(id)) for id in self._served()]
        check_devices(assets)
        connect = self._connect()
        fleet = connect(assets, self._world())
        started: Future[None] = Future()
        self._thread = Thread(
            target=lambda: asyncio.run(self._live(fleet, started)),
            name=self.adapter_id,
            daemon=True,
        )
        self._thread.start()
        try:
            started.result()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let all connections go. It may be opened again."""
        if self._thread is not None:
            if self._loop is not None and self._stop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        self._thread = self._loop = self._stop = self._fleet = None

    def __enter__(self) -> "FleetAdapter":
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def send(self, command: Told) -> Taken:
        """Tell the equipment, and wait for its answer.

        Raises:
            DeviceFailed: If it refused, did not answer, or is not there.
        """
        device, value = self._device(command.asset_id), _hurried(command.value)
        taken: Taken = await self._on_thread(lambda: device.send(value))
        return taken

    async def confirm(self, command: Told) -> bool:
        """Whether a read-back shows that the command is in effect.

        Raises:
            DeviceFailed: If the equipment did not answer.
        """
        device, value = self._device(command.asset_id), command.value
        reading = await self._on_thread(device.read)
        return shows(reading, value, self._asset(command.asset_id).least_change_kw)

    # As a listener of its devices

    def sampled(self, asset_id: str, sample: Sample) -> None:
        """Meters are followed by `pointsman run` only."""

    def changed(self, asset_id: str, state: str, reason: str = "") -> None:
        engine, kind = self._engine, self._asset(asset_id).kind
        if engine is not None:
            self._report(lambda: engine.report_state(asset_id, state, reason, kind=kind))

    def answered_late(self, command_id: str, attempt: int, success: bool) -> None:
        engine = self._engine
        if engine is not None:
            self._report(lambda: engine.answered_late(command_id, attempt, success))

    # Within

    def _placed(self, asset: Asset) -> Asset:
        """The asset with a `device` table of this adapter."""
        raise NotImplementedError

    async def _ready(self, fleet: Fleet) -> None:
        """Return once the fleet can be used."""

    def _world(self) -> World:
        return World(SystemClock(), self)

    def _report(self, report: Callable[[], object]) -> None:
        """On another thread, as whoever moves the engine may just be waiting for this one."""

        def tell() -> None:
            try:
                report()
            except Exception:
                log.exception("what %s reported could not be taken in", self.adapter_id)

        self._reports.submit(tell)

    def _served(self) -> list[str]:
        registered = self._engine.served_by(self) if self._engine else ()
        return sorted({*self._known, *registered})

    def _asset(self, asset_id: str) -> Asset:
        described = self._engine.assets.get(asset_id) if self._engine else None
        return self._known.get(asset_id) or described or Asset(asset_id, self.kind)

    def _device(self, asset_id: str) -> Device:
        if self._fleet is None:
            raise DeviceFailed(f"{self.adapter_id} is not open: adapter.open(), or `with engine`")
        if asset_id not in self._fleet.devices:
            served = ", ".join(map(repr, self._fleet.devices)) or "nobody"
            raise DeviceFailed(
                f"{self.adapter_id} serves {served}, and not {asset_id!r}: register it before"
                " the adapter is opened",
                permanent=True,
            )
        return self._fleet.devices[asset_id]

    async def _on_thread(self, call: Callable[[], Any]) -> Any:  # noqa: ANN401  As it answers.
        loop = self._loop
        if loop is None:
            raise DeviceFailed(f"{self.adapter_id} was closed")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call(), loop))

    def _connect(self) -> Callable[[list[Asset], World], Fleet]:
        try:
            connect: Callable[[list[Asset], World], Fleet] = import_module(self.session).connect
        except ModuleNotFoundError as missing:
            if (missing.name or "").startswith("pointsman"):
                raise
            raise MissingExtraError(
                f"{self!r} needs the extra: pip install 'pointsman[{self.extra}]'"
            ) from missing
        return connect

    async def _live(self, fleet: Fleet, started: "Future[None]") -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(fleet.run())
                await self._ready(fleet)
                self._fleet = fleet
                started.set_result(None)
                await self._stop.wait()
                running.cancel()
        except BaseExceptionGroup as failed:
            if started.done():
                log.exception("%s has ended", self.adapter_id)
            else:
                started.set_exception(failed.exceptions[0])
        finally:
            self._fleet = None


def _hurried(command: Command) -> Command:
    seconds = command.policy.timeout_seconds * HURRY
    return replace(command, policy=replace(command.policy, timeout_seconds=seconds))
