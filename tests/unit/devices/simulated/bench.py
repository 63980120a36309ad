"""Devices to try, a listener that writes down what it hears, and virtual time."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import async_solipsism

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices import Sample, World
from pointsman.devices.simulated.session import SimulatedDevice, SimulatedFleet
from pointsman.runtime.clock import Clock, LoopClock
from pointsman.schedules.model import Command, CommandType

EPOCH = datetime(2026, 6, 1, 12, tzinfo=UTC)
BAY = Asset("bay", AssetKind.EV_CHARGER, rating_kw=6.6)
BATTERY = Asset(
    "battery", AssetKind.BATTERY, max_charge_kw=30.0, max_discharge_kw=20.0, capacity_kwh=120.0
)
SESSIONS = """\
vehicle_id,arrival,departure,requested_energy (kWh),delivered_energy (kWh),station_id
1,2026-06-01T12:01:40Z,2026-06-01T12:33:20Z,1.65,1.0,bay
"""


@dataclass
class Ear:
    """A listener that writes down what it hears, and when it heard it."""

    clock: Clock | None = None
    samples: list[tuple[str, Sample]] = field(default_factory=list)
    states: list[tuple[str, str, str]] = field(default_factory=list)
    heard_at: list[datetime] = field(default_factory=list)
    late: list[tuple[str, int, bool]] = field(default_factory=list)

    def sampled(self, asset_id: str, sample: Sample) -> None:
        self.samples.append((asset_id, sample))

    def changed(self, asset_id: str, state: str, reason: str = "") -> None:
        self.states.append((asset_id, state, reason))
        if self.clock is not None:
            self.heard_at.append(self.clock.now())

    def answered_late(self, command_id: str, attempt: int, success: bool) -> None:
        self.late.append((command_id, attempt, success))


def device_of(asset: Asset, clock: Clock, listener: Ear | None = None) -> SimulatedDevice:
    return SimulatedFleet([asset], World(clock, listener or Ear())).devices[asset.id]


def faulty(asset: Asset = BAY, **faults: Any) -> Asset:  # noqa: ANN401
    return Asset(
        asset.id,
        asset.kind,
        {"protocol": "simulated", "faults": faults},
        rating_kw=asset.rating_kw,
    )


def command(type: CommandType = CommandType.SET_CHARGE_RATE, **said: Any) -> Command:  # noqa: ANN401
    return Command("cmd_1", "asset", type, EPOCH, **said)


def play(story: Callable[[LoopClock], Coroutine[Any, Any, None]]) -> None:
    """Run a story in virtual time."""
    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        runner.run(story(LoopClock(EPOCH)))
