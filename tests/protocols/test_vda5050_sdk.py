"""Vehicles that speak VDA 5050, over a real broker: the SDK's own, which we did not write."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pointsman.devices.machines import Machine
from pointsman.devices.vda5050.machine import machine_of
from pointsman.runtime.clock import SystemClock
from tests.executor_contract import ExecutorContract
from tests.protocols.mosquitto import Mosquitto, mosquitto
from tests.protocols.vda5050_peers import MAKER, SdkVehicle


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


class SdkBench:
    def __init__(self, broker: Mosquitto) -> None:
        self._port = broker.port
        self._nodes = 0
        self.vehicle = SdkVehicle(broker.port)

    async def live(self) -> None:
        await self.vehicle.live()

    def machine(self) -> Machine:
        device = {
            "manufacturer": MAKER,
            "serial_number": "v1",
            "broker": f"127.0.0.1:{self._port}",
        }
        return machine_of("robot-1", device, SystemClock())

    def payload(self, seconds: float) -> dict[str, Any]:
        self._nodes += 1
        wait = {"actionType": "wait", "actionParameters": {"seconds": seconds}}
        return {"goto": f"n{self._nodes}", "actions": [wait]}

    def impossible(self) -> dict[str, Any]:
        return {"nodes": ["far away"]}

    def starts(self) -> int:
        return len(self.vehicle.orders)


class TestSdkVehicleContract(ExecutorContract):
    @pytest.fixture
    def bench(self, broker: Mosquitto) -> SdkBench:
        return SdkBench(broker)
