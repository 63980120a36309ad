"""A site to simulate: faulty equipment that outlives the program which drives it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices import Device, DeviceFailed, Reading, Sample, Taken
from pointsman.devices import World as DeviceWorld
from pointsman.devices.driver import Driver
from pointsman.devices.simulated.session import connect
from pointsman.journal import Cursor
from pointsman.runtime.follow import follow
from pointsman.schedules import SCHEDULES, schedules_id
from pointsman.schedules.changes import plan_of
from pointsman.schedules.importing import steps
from pointsman.schedules.intents import Open
from pointsman.schedules.model import Command, Plan, Policy, Run, Timeline
from pointsman.schedules.site import Site
from pointsman.schedules.table import Table
from tests.simulation.world import EPOCH, World

PLANT = schedules_id("plant")
Answered = TypeVar("Answered")
SLOT = timedelta(minutes=15)
PATIENCE = Policy(max_retries=3, timeout_seconds=30)


@dataclass
class Told:
    """One call to a device, and how it ended."""

    at: datetime
    what: str
    """`send` or `read`."""
    command: Command | None = None
    ended: str = "cut"
    """`yes`, `no` (for sure), `doubtful`, or `cut`: nobody heard the answer."""


@dataclass
class Witness:
    """A device, and a witness of all that reaches it."""

    device: Device
    world: World
    told: list[Told] = field(default_factory=list)
    busy: bool = False
    collided: bool = False
    """Two calls came at a time."""

    async def send(self, command: Command) -> Taken:
        told = Told(self.world.clock.now(), "send", command)
        return await self._witnessed(told, partial(self.device.send, command))

    async def read(self) -> Reading:
        return await self._witnessed(Told(self.world.clock.now(), "read"), self.device.read)

    async def _witnessed(self, told: Told, call: Callable[[], Awaitable[Answered]]) -> Answered:
        self.collided = self.collided or self.busy
        self.told.append(told)
        self.busy = True
        try:
            answer = await call()
        except DeviceFailed as failed:
            told.ended = "doubtful" if failed.doubtful else "no"
            raise
        finally:
            self.busy = False
        told.ended = "yes"
        return answer


class Deaf:
    """A listener: what meters say is no part of these stories."""

    def sampled(self, asset_id: str, sample: Sample) -> None: ...
    def changed(self, asset_id: str, state: str, reason: str = "") -> None: ...
    def answered_late(self, command_id: str, attempt: int, success: bool) -> None: ...


class Plant:
    """Batteries that misbehave as told, and lives of the program that drives them."""

    def __init__(self, world: World, count: int, faults: dict[str, float]) -> None:
        self.world = world
        self.assets = {
            f"battery-{n}": Asset(
                f"battery-{n}",
                AssetKind.BATTERY,
                {"protocol": "simulated", "seed": world.dice.randrange(10**6), "faults": faults},
                max_charge_kw=30.0,
                max_discharge_kw=30.0,
                capacity_kwh=1e6,
            )
            for n in range(count)
        }
        self.fleet = connect(list(self.assets.values()), DeviceWorld(world.clock, Deaf()))
        self.witnesses = {id: Witness(d, world) for id, d in self.fleet.devices.items()}
        self.lives = 0

    def plan(self, slots: int, id: str = "plan") -> tuple[Plan, tuple[Timeline, ...]]:
        """Random setpoints, some of them equal from slot to slot."""
        dice = self.world.dice
        columns: dict[str, Any] = {
            f"{id}_setpoint_kw": [dice.choice([0.0, 5.0, -5.0, 10.0, 12.5]) for _ in range(slots)]
            for id in self.assets
        }
        times = tuple(EPOCH + timedelta(minutes=1) + SLOT * n for n in range(slots))
        imported = plan_of(
            Table("plan", times, columns),
            {id: id for id in self.assets},
            created_at=EPOCH,
            assets=self.assets,
            plan_id=id,
            policy=PATIENCE,
        )
        return imported.plan, imported.timelines

    async def put_in_force(self, plan: Plan, timelines: tuple[Timeline, ...]) -> None:
        for step in steps(plan, timelines, (), Site(), {}):
            await self.world.ask(SCHEDULES, PLANT, step)

    async def live(self) -> None:
        """One life of the program, until it is killed."""
        world, engine = self.world, self.world.new_engine()
        self.lives += 1
        ahead_seconds = world.dice.choice([0.0, 0.04, 5.0])
        run = Run(self.lives, 1.0, False, world.clock.now(), ahead_seconds=ahead_seconds)
        driver = Driver(
            lambda intent: engine.submit(SCHEDULES, PLANT, intent),
            self.witnesses,
            self.assets,
            world.clock,
            run_number=run.number,
            opened_at=run.started_at,
        )
        cursor = await world.journal.end()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(engine.submit(SCHEDULES, PLANT, Open(run)))
            await asyncio.sleep(0)
            world.engine = engine
            tasks.create_task(engine.run())
            tasks.create_task(driver.run(self._facts(cursor)))

    async def live_and_die(self, seconds: float) -> None:
        """Life after life, each killed between any two steps."""
        while True:
            try:
                async with asyncio.timeout(self.world.dice.uniform(0, seconds)):
                    await self.live()
            except TimeoutError:
                await asyncio.sleep(self.world.dice.uniform(0, seconds / 10))

    async def _facts(self, cursor: Cursor) -> AsyncIterator[Any]:
        async for _, happened in follow(self.world.journal, [SCHEDULES], cursor):
            yield happened.fact
