"""The SunSpec devices of a run: commands go out as writes, meters are read from time to time.

send --> turn on the link --> discover once --> read what is needed --> write, in order
run:     read meter models --> sampled, changed     less often while a device is silent
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from pointsman.core.assets import Asset
from pointsman.devices import DeviceFailed, Fleet, Reading, Taken, World
from pointsman.devices.sunspec import messages, reports
from pointsman.devices.sunspec.address import Address, addresses
from pointsman.devices.sunspec.layout import BASES, Layout, LayoutError, Write, block, scan
from pointsman.devices.sunspec.link import Link, Refused
from pointsman.devices.sunspec.messages import Blocks
from pointsman.devices.sunspec.models import CONTROLS, DER_CONTROLS, STORAGE
from pointsman.devices.sunspec.power import Orders
from pointsman.schedules.model import Command

SAMPLE_SECONDS: Final = 10.0
"""Between two readings of a meter, by the run's clock."""
SAMPLE_LEAST_SECONDS: Final = 0.5
"""And at least, by the wall clock."""
SAMPLE_FAST_SECONDS: Final = 0.1
"""The same where a run is faster than the wall clock."""
SILENCE_MOST_SECONDS: Final = 1.0
"""How long a silent device may hold a clock that is faster than the wall clock."""
ANSWER_SECONDS: Final = 3.0
"""How long one request waits."""
ANSWER_FAST_SECONDS: Final = 0.8
"""The same for a fast clock, so that the failure of a request is told within its limit."""
READ_SECONDS: Final = 10.0
BACKOFF_MOST_SECONDS: Final = 30.0
_ILLEGAL_ADDRESS: Final = 2


class SunSpecDevice:
    """One unit behind a Modbus TCP server."""

    def __init__(self, asset: Asset, address: Address, link: Link, world: World) -> None:
        self.asset = asset
        self.layout: Layout | None = None
        """Where its models are, as far as that is known."""
        self._bases = BASES if address.base is None else (address.base,)
        self._unit = address.unit
        self._link = link
        self._world = world
        self._speed = max(world.speed, world.clock.speed)
        self._layout_of = 0
        self._state = ""
        self._remarked = False
        self.found = asyncio.Event()
        """Set once it has answered, and its models are known."""
        self._told = asyncio.Event()

    async def send(self, command: Command) -> Taken:
        """Tell the device, and wait until it has taken every write.

        Raises:
            DeviceFailed: If it refused, has no such model, or did not answer. It is doubtful as
                soon as one byte that could move something has left.
        """
        if self._world.dry_run:
            return Taken()
        started: list[Write] = []
        try:
            async with asyncio.timeout(self._patience_seconds(command.policy.timeout_seconds)):
                async with self._link.turn():
                    layout = await self._discovered()
                    blocks = await self._blocks(messages.needs(command, layout))
                    now = self._world.clock.now()
                    orders = messages.orders(command, blocks, self.asset, now)
                    self._remark_lease(command, orders)
                    await self._carry_out(orders.writes, started)
        except TimeoutError as error:
            raise DeviceFailed(
                f"{self._who} did not answer in time", doubtful=bool(started)
            ) from error
        self._told.set()
        return Taken(orders.applied_kw)

    async def read(self) -> Reading:
        """Ask what is set now.

        Raises:
            DeviceFailed: If it did not answer, or answers what cannot be.
        """
        return reports.reading(await self._asked(reports.read_models))

    async def follow(self) -> None:
        """Read the meter again and again, until cancelled."""
        failures = 0
        while True:
            try:
                await self._sample()
                failures = 0
            except DeviceFailed as error:
                failures += 1
                self._report("unavailable", str(error))
            self._told.clear()
            await asyncio.sleep(self._least_seconds)
            rest_seconds = self._rest_seconds(failures)
            with suppress(TimeoutError):
                async with asyncio.timeout(rest_seconds):
                    await self._told.wait()

    @property
    def _who(self) -> str:
        return f"{self.asset.id!r}, unit {self._unit} at {self._link.address},"

    def _patience_seconds(self, seconds: float) -> float:
        return seconds if self._speed <= 1 else min(seconds, SILENCE_MOST_SECONDS)

    @property
    def _least_seconds(self) -> float:
        return SAMPLE_LEAST_SECONDS if self._speed <= 1 else SAMPLE_FAST_SECONDS

    def _rest_seconds(self, failures: int) -> float:
        """How long to wait for the next sample: longer and longer while there is none."""
        if failures:
            seconds = min(SAMPLE_LEAST_SECONDS * 2.0 ** min(failures, 10), BACKOFF_MOST_SECONDS)
        else:
            seconds = max(SAMPLE_SECONDS / max(self._speed, 1.0), self._least_seconds)
        return seconds - self._least_seconds

    async def _sample(self) -> None:
        blocks = await self._asked(reports.meter_models)
        if (state := reports.state(blocks, self.asset)) is not None:
            self._report(*state)
        if (sample := reports.sample(blocks, self._world.clock.now())) is not None:
            if self._speed > 1:  # Its registers count by the wall clock, not by the run's.
                sample = replace(sample, charged_kwh=None, discharged_kwh=None)
            self._world.listener.sampled(self.asset.id, sample)

    def _report(self, state: str, reason: str) -> None:
        if state != self._state:
            self._state = state
            self._world.listener.changed(self.asset.id, state, reason)

    async def _carry_out(self, writes: Sequence[Write], started: list[Write]) -> None:
        for write in writes:
            started.append(write)
            try:
                await self._link.write(self._unit, write)
            except DeviceFailed as error:
                error.doubtful |= len(started) > 1
                raise

    async def _asked(self, wanted: Callable[[Layout], tuple[int, ...]]) -> Blocks:
        try:
            async with asyncio.timeout(self._patience_seconds(READ_SECONDS)):
                async with self._link.turn():
                    return await self._blocks(wanted(await self._discovered()))
        except TimeoutError as error:
            raise DeviceFailed(f"{self._who} did not answer in time") from error

    async def _blocks(self, models: tuple[int, ...]) -> Blocks:
        """Read models, and see that they are still where they were."""
        layout = await self._discovered()
        blocks = {}
        for id in models:
            place = layout.places[id]
            registers = await self._link.read(self._unit, place.read)
            try:
                blocks[id] = block(id, place, registers)
            except LayoutError as error:
                self.layout = None
                raise DeviceFailed(f"{self._who} has changed: {error}") from error
        return blocks

    async def _discovered(self) -> Layout:
        """Where the models are: looked up once a connection, as the device may be another."""
        if self.layout is not None and self._layout_of == self._link.generation:
            return self.layout
        try:
            layout = await self._scanned()
        except LayoutError as error:
            raise DeviceFailed(f"{self._who} cannot be used: {error}") from error
        if layout != self.layout:
            self._remark(layout)
        self.layout, self._layout_of = layout, self._link.generation
        self.found.set()
        return layout

    async def _scanned(self) -> Layout:
        steps = scan(self._bases)
        what = next(steps)
        while True:
            answer: tuple[int, ...] | None = None
            try:
                answer = await self._link.read(self._unit, what)
            except Refused as refused:
                if refused.code != _ILLEGAL_ADDRESS:
                    raise
            try:
                what = steps.send(answer)
            except StopIteration as found:
                layout: Layout = found.value
                return layout

    def _remark(self, layout: Layout) -> None:
        """Tell the log what the owner of the device should know."""
        log = logging.getLogger(__name__)
        if self.layout is not None:
            log.warning("%s has other models than before: %s", self._who, sorted(layout.places))
        if not layout.first(DER_CONTROLS, STORAGE, CONTROLS):
            log.warning("%s has no model that can be controlled", self._who)

    def _remark_lease(self, command: Command, orders: Orders) -> None:
        if command.expires_at is not None and not orders.timed and not self._remarked:
            self._remarked = True
            logging.getLogger(__name__).warning(
                "%s has no revert timer: what it is told stays if this program dies", self._who
            )


class SunSpecFleet:
    """All SunSpec devices of a site. Units of one server share its connection."""

    def __init__(self, assets: Sequence[Asset], world: World) -> None:
        fast = max(world.speed, world.clock.speed) > 1
        timeout_seconds = ANSWER_FAST_SECONDS if fast else ANSWER_SECONDS
        where = addresses(assets)
        self._links = {
            (a.host, a.port): Link(a.host, a.port, timeout_seconds, dry_run=world.dry_run)
            for a in where.values()
        }
        self._devices = {
            asset.id: SunSpecDevice(asset, a, self._links[a.host, a.port], world)
            for asset in assets
            for a in (where[asset.id],)
        }
        self.devices: Mapping[str, SunSpecDevice] = MappingProxyType(self._devices)
        """By asset id."""

    async def run(self) -> None:
        """Read all meters, until cancelled, and close the connections then."""
        try:
            async with asyncio.TaskGroup() as group:
                for device in self._devices.values():
                    group.create_task(device.follow())
        finally:
            self.close()

    async def reached(self) -> None:
        """Return once each device has been found. May take for ever."""
        for device in self._devices.values():
            await device.found.wait()

    def close(self) -> None:
        """Let all connections go. A device that is used again makes a new one."""
        for link in self._links.values():
            link.close()


def connect(assets: Sequence[Asset], world: World) -> Fleet:
    """The SunSpec devices of a site.

    Raises:
        DeviceTableError: If a `device` table says what cannot be.
    """
    return SunSpecFleet(assets, world)
