"""A dry run against real peers: what goes over the wire is counted between them and us.

pointsman run --- proxy --- an `ocpp` library's charger, a Modbus server
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from pointsman.runtime.clock import SystemClock
from tests.protocols.run_bench import BATTERY, BAY, Scene
from tests.protocols.run_peers import carried_out, charge_at
from tests.protocols.sunspec_bench import battery, counted, free_port, served, simulated

READS = {3, 4}
"""Modbus functions that change nothing."""
ASKS = {"GetConfiguration", "GetCompositeSchedule", "TriggerMessage"}
"""OCPP calls that change nothing."""
CALL = re.compile(rb'\[\s*2\s*,\s*"[^"]*"\s*,\s*"(\w+)"')
LEAD_SECONDS = 3.0


@dataclass
class Overheard:
    """What went to the chargers."""

    port: int = 0
    heard: bytearray = field(default_factory=bytearray)

    def actions(self) -> Counter[str]:
        """Of all calls. A server's frames are neither masked nor, here, compressed."""
        return Counter(action.decode() for action in CALL.findall(self.heard))


@asynccontextmanager
async def overheard(port: int) -> AsyncIterator[Overheard]:
    """A proxy before a central system that may not listen yet."""
    wire = Overheard()

    async def relay(near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        far_in, far_out = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(pump(near_in, far_out, bytearray()))
                group.create_task(pump(far_in, near_out, wire.heard))
        finally:
            far_out.close()

    async with served(relay) as wire.port:
        yield wire


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, heard: bytearray) -> None:
    try:
        while data := await source.read(65_536):
            heard += data
            sink.write(data)
            await sink.drain()
    finally:
        sink.close()


@pytest.mark.parametrize("dry", [True, False])
async def test_a_dry_run_sends_not_one_byte_of_control(tmp_path: Path, dry: bool) -> None:
    """And a real one does, over the same wires: so it is counted right."""
    scene, ocpp = Scene(tmp_path), free_port()
    inverter = battery()
    modbus_port = inverter.device["port"]
    with simulated(inverter) as elsewhere:
        async with overheard(ocpp) as chargers, counted(modbus_port) as modbus:
            device = f'{{ protocol = "sunspec", host = "127.0.0.1", port = {modbus.port} }}'
            point = '{ protocol = "ocpp1.6", charge_point = "CP-1" }'
            scene.site(f"{BATTERY}device = {device}\n", f"{BAY}device = {point}\n")
            start = SystemClock().now() + timedelta(seconds=LEAD_SECONDS)
            columns = {"battery_setpoint_kw": [6.0, -6.0, 9.0], "bay_setpoint_kw": [6.0, 9.0, 7.0]}
            scene.plan(columns, start=start, seconds=1.0)
            async with asyncio.TaskGroup() as tasks:
                charger = tasks.create_task(charge_at(chargers.port, "CP-1"))
                flags = ["--dry-run"] if dry else []
                ended = await carried_out(scene, *flags, ocpp=ocpp)
                charger.cancel()
        written = elsewhere.written()
    assert ended.status == 0, ended.error
    report = json.loads(ended.out)
    assert report["dry_run"] is dry
    assert report["totals"]["commands"] == {"COMPLETED": 8}
    assert modbus.functions.total() > 10, "the battery was reached"
    assert chargers.actions().total() > 0, "the charger was reached"
    if dry:
        assert set(modbus.functions) <= READS
        assert set(chargers.actions()) <= ASKS
        assert written == []
    else:
        assert set(modbus.functions) - READS
        assert chargers.actions()["SetChargingProfile"] >= 3
        assert written
