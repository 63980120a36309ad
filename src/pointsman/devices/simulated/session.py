"""The simulated devices of a run: equipment in this process, moved by the run's own clock.

    send --fate--> equipment --> Taken          a lost answer: DeviceFailed, doubtful
    run: tick | event --> advance --> sampled, changed

A sample carries the exact instant that it is of, however late the loop comes to tell it.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from pointsman.core.agenda import Agenda
from pointsman.core.assets import Asset
from pointsman.devices import DeviceFailed, Fleet, Reading, Sample, Taken, World
from pointsman.devices.simulated.commands import carry_out
from pointsman.devices.simulated.faults import Fate, Faults, fate_of
from pointsman.devices.simulated.physics import NEVER, Equipment, Unsupported
from pointsman.devices.simulated.restoring import restore
from pointsman.devices.simulated.site import site_of
from pointsman.devices.simulated.world import SimulatedWorld
from pointsman.schedules.model import PATIENT, Channel, Command

SAMPLE_SECONDS: Final = 15.0
"""Between two readings of a meter, by the run's clock."""
ROUND_LEAST_SECONDS: Final = 0.05
"""Between two rounds of readings, by the wall clock."""
SAMPLES_PER_SECOND_MOST: Final = 1_000
SILENCE_MOST_SECONDS: Final = 1.0
"""How long a silent device holds a clock that is faster than the wall clock."""
NAP_LEAST_SECONDS: Final = 0.002
LOG_LIMIT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Received:
    """One command that reached a device, or would have."""

    at: datetime
    command: Command
    fate: Fate
    applied_kw: float | None = None


class SimulatedDevice:
    """One asset's door to its equipment. One command at a time; the others wait in line."""

    def __init__(
        self, asset: Asset, equipment: Equipment, faults: Faults, fleet: "SimulatedFleet"
    ) -> None:
        self.asset = asset
        self.equipment = equipment
        self.log: deque[Received] = deque(maxlen=LOG_LIMIT)
        """What it received last, oldest first."""
        self._faults = faults
        self._seed: int = asset.device.get("seed", 0)
        self._fleet = fleet
        self._count = 0
        self._one_at_a_time = asyncio.Lock()

    async def send(self, command: Command) -> Taken:
        async with self._one_at_a_time:
            now = self._fleet.bring_up(self.asset.id)
            fate = fate_of(self._faults, self._seed, self.asset.id, self._count, now)
            self._count += 1
            taken = self._take(command, fate, now)
            patience_seconds = command.policy.timeout_seconds
            if not fate.answers or fate.delay_seconds >= patience_seconds:
                await self._fleet.hold_up(patience_seconds)
                if fate.answers:
                    self._fleet.agree_in(fate.delay_seconds - patience_seconds, command)
                raise DeviceFailed(
                    f"{self.asset.id!r} did not answer within {patience_seconds:g} s", doubtful=True
                )
            if fate.delay_seconds:
                await self._fleet.hold_up(fate.delay_seconds)
            if fate.refused:
                raise DeviceFailed(f"{self.asset.id!r} refused {command.type}")
            return taken

    async def read(self) -> Reading:
        async with self._one_at_a_time:
            now = self._fleet.bring_up(self.asset.id)
            if self._faults.silent_at(now):
                await self._fleet.hold_up(PATIENT.timeout_seconds)
                raise DeviceFailed(f"{self.asset.id!r} does not answer", doubtful=True)
            equipment = self.equipment
            steerable = Channel.POWER in equipment.channels
            return Reading(
                setpoint_kw=equipment.setpoint_kw,
                controlled=equipment.setpoint_kw is not None if steerable else None,
                limit_kw=equipment.limit_kw,
                soc_target_percent=equipment.soc_target_percent,
                available=equipment.in_service,
                session_running=equipment.session_running,
            )

    def _take(self, command: Command, fate: Fate, now: datetime) -> Taken:
        """Do what the command says, as far as fate lets it."""
        taken = Taken()
        try:
            if fate.acts:
                taken = carry_out(self.equipment, command, now, fate)
        except Unsupported as error:
            raise DeviceFailed(str(error), permanent=True) from error
        finally:
            self.log.append(Received(now, command, fate, taken.applied_kw))
            self._fleet.note(self.asset.id)
        return taken


class SimulatedFleet:
    """All equipment of a site that lives in this process."""

    def __init__(self, assets: Sequence[Asset], world: World) -> None:
        self._world = world
        self._site = site_of(assets, world)
        for asset_id, earlier in world.earlier.items():
            if equipment := self._site.equipment.get(asset_id):
                restore(equipment, earlier, world.clock.now(), told=not world.dry_run)
        self._agenda: Agenda[datetime] = Agenda()
        self._sooner = asyncio.Event()
        self._wakes_at = NEVER
        self._last: dict[str, Sample] = {}
        simulated = SimulatedWorld(world.clock)
        self.devices: Mapping[str, SimulatedDevice] = MappingProxyType(
            {
                asset.id: SimulatedDevice(
                    asset, self._site.equipment[asset.id], simulated.faults_of(asset), self
                )
                for asset in assets
            }
        )

    async def run(self) -> None:
        """Move the equipment and tell what its meters say, until cancelled."""
        loop, speed = asyncio.get_running_loop(), max(self._world.clock.speed, 1.0)
        round_seconds = max(
            SAMPLE_SECONDS / speed, ROUND_LEAST_SECONDS, len(self.devices) / SAMPLES_PER_SECOND_MOST
        )
        while True:
            round_at = loop.time() + round_seconds
            self._read_all_meters()
            while (rest_seconds := round_at - loop.time()) > 0:
                await self._nap(rest_seconds, speed)
                self._let_happen()

    async def reached(self) -> None:
        """They are here."""

    def bring_up(self, asset_id: str) -> datetime:
        """Let an asset, and what is metered with it, live up to the present instant."""
        now = self._world.clock.now()
        self._site.root[asset_id].advance(now)
        return now

    def note(self, asset_id: str) -> None:
        """An asset was told something: tell what came of it, and watch for what will."""
        self._report(self._site.equipment[asset_id], always=True)
        if self._watch(asset_id) < self._wakes_at:
            self._sooner.set()

    async def hold_up(self, seconds: float) -> None:
        """Wait so many seconds of the run, and never hold a fast clock for long."""
        speed = self._world.clock.speed
        await asyncio.sleep(seconds if speed <= 1 else min(seconds / speed, SILENCE_MOST_SECONDS))

    def agree_in(self, seconds: float, command: Command) -> None:
        """Say yes to a command that was given up, after so many seconds of the run."""
        asyncio.get_running_loop().call_later(
            seconds / max(self._world.clock.speed, 1.0),
            self._world.listener.answered_late,
            command.id,
            command.progress.attempt,
            True,
        )

    def _read_all_meters(self) -> None:
        for asset_id, equipment in self._site.equipment.items():
            self.bring_up(asset_id)
            self._report(equipment, always=True)
            self._watch(asset_id)

    def _let_happen(self) -> None:
        for _, asset_id in list(self._agenda.take_until(self._world.clock.now())):
            self.bring_up(asset_id)
            self._report(self._site.equipment[asset_id])
            self._watch(asset_id)

    def _watch(self, asset_id: str) -> datetime:
        """Be there when the asset's state changes next. The day's course is no change."""
        equipment = self._site.equipment[asset_id]
        if Channel.POWER not in equipment.channels:
            return NEVER
        event = equipment.next_event()
        self._agenda.put(asset_id, event)
        return event

    def _report(self, equipment: Equipment, *, always: bool = False) -> None:
        """Tell all changes at their own instants; `always` the present too, if it is new."""
        listener, asset_id = self._world.listener, equipment.asset.id
        for change in equipment.changes():
            self._sample(asset_id, change.sample)
            listener.changed(asset_id, change.state, change.reason)
        sample = equipment.sample()
        if always and self._last.get(asset_id) != sample:
            self._sample(asset_id, sample)

    def _sample(self, asset_id: str, sample: Sample) -> None:
        self._last[asset_id] = sample
        self._world.listener.sampled(asset_id, sample)

    async def _nap(self, rest_seconds: float, speed: float) -> None:
        """Sleep until the next event by the run's clock, or the end of the round."""
        first = self._agenda.first()
        self._wakes_at = NEVER if first is None else first[0]
        event_seconds = (self._wakes_at - self._world.clock.now()).total_seconds() / speed
        self._sooner.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(max(event_seconds, NAP_LEAST_SECONDS), rest_seconds)):
                await self._sooner.wait()


def connect(assets: Sequence[Asset], world: World) -> Fleet:
    """The simulated devices of a site."""
    return SimulatedFleet(assets, world)
