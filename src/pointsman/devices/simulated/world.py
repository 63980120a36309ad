"""What a simulator of devices with a real wire is given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol as Shape

from pointsman.core.assets import Asset
from pointsman.devices.simulated.faults import EVERY_ASSET, Faults, faults_of_table
from pointsman.runtime.clock import Clock


class Log(Shape):
    """Where a simulator tells what reached it. One call is one line."""

    def __call__(self, asset_id: str, event: str, **fields: object) -> None: ...


def quiet(asset_id: str, event: str, **fields: object) -> None:
    """A log that keeps nothing."""


@dataclass(frozen=True, slots=True)
class SimulatedWorld:
    """What a protocol's simulators are given."""

    clock: Clock
    """Time until the other side tells another one."""
    log: Log = quiet
    ocpp: str = "127.0.0.1:9000"
    """HOST:PORT that chargers dial."""
    timezone: str = "UTC"
    """The site's own day is by it."""
    folder: str = "."
    """Relative paths in the site file are relative to this."""
    asset_map: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, Faults] = field(default_factory=dict)
    """By asset id; "*" is every asset that is not named. Stronger than the device's own."""

    def faults_of(self, asset: Asset) -> Faults:
        """What goes wrong with this asset."""
        for name in (asset.id, EVERY_ASSET):
            if name in self.faults:
                return self.faults[name]
        return faults_of_table(f"asset {asset.id!r}", asset.device.get("faults", {}))


class Simulation(Shape):
    """All simulated devices of one protocol."""

    async def run(self) -> None:
        """Speak the protocol, until cancelled. One bad peer stops no other."""
