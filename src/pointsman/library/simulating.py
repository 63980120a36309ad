"""A site's devices as a process of their own: for tests, demonstrations and rehearsals."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pointsman.config import Site
from pointsman.devices.executors import simulation_for
from pointsman.devices.protocols import DeviceTableError, open_simulations
from pointsman.devices.simulated.faults import read_faults
from pointsman.devices.simulated.world import Log, SimulatedWorld, quiet
from pointsman.runtime.clock import Clock, SystemClock


async def simulate(
    site: Site, *, faults: Path | None = None, ocpp: str = "127.0.0.1:9000", log: Path | None = None
) -> None:
    """Speak the devices' real protocols on loopback, until cancelled.

    Raises:
        DeviceTableError, FaultsError: If no device can be made of what is written, or no asset or
            resource of the site has a protocol with a wire.
        OSError: If an address is in use, or the log cannot be written.
    """
    clock = SystemClock()
    with _writing(log, clock) as write:
        world = SimulatedWorld(
            clock,
            write,
            ocpp=ocpp,
            timezone=str(site.timezone),
            folder=str(site.folder),
            asset_map=site.asset_map,
            faults=read_faults(faults) if faults else {},
        )
        simulations = open_simulations(list(site.assets.values()), world)
        for resource in site.resources.values():
            if simulation := simulation_for(resource.id, resource.device, clock, write):
                simulations.append(simulation)
        if not simulations:
            raise DeviceTableError(
                f"{site.path}: no asset or resource has a protocol with a wire, so there is nothing"
                " to simulate in a process of its own; `pointsman run` simulates assets itself, and"
                " `pointsman serve` resources"
            )
        try:
            async with asyncio.TaskGroup() as tasks:
                for simulation in simulations:
                    tasks.create_task(simulation.run())
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from failed


@contextmanager
def _writing(path: Path | None, clock: Clock) -> Iterator[Log]:
    """A line of JSON an event, complete on disk before the next one, whoever is killed."""
    if path is None:
        yield quiet
        return
    with path.open("a", encoding="utf-8", buffering=1) as file:

        def write(asset_id: str, event: str, **fields: object) -> None:
            entry = {"wall": clock.now().isoformat(), "asset": asset_id, "event": event, **fields}
            file.write(json.dumps(entry, default=str) + "\n")

        yield write
