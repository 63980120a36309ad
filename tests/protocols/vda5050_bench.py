"""Vehicles behind a real broker, as benches for executors: the SDK's own, and ours."""

from typing import Any

from pointsman.devices.machines import Machine
from pointsman.devices.vda5050.broker import Broker
from pointsman.devices.vda5050.driving import Driving, Pace
from pointsman.devices.vda5050.machine import machine_of
from pointsman.devices.vda5050.messages import Vehicle
from pointsman.devices.vda5050.vehicle import SimulatedVehicle
from pointsman.runtime.clock import SystemClock
from tests.protocols.vda5050_peers import MAKER, SdkVehicle


class VehicleBench:
    """Operations that drive to a new node each, and wait there."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._nodes = 0

    def machine(self) -> Machine:
        broker = f"127.0.0.1:{self.port}"
        device = {"manufacturer": MAKER, "serial_number": "v1", "broker": broker}
        return machine_of("robot-1", device, SystemClock())

    def payload(self, seconds: float, **also: object) -> dict[str, Any]:
        self._nodes += 1
        wait = {"actionType": "wait", "actionParameters": {"seconds": seconds, **also}}
        return {"goto": f"n{self._nodes}", "actions": [wait]}

    def impossible(self) -> dict[str, Any]:
        return {"nodes": ["far", "away"]}


class SdkBench(VehicleBench):
    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.vehicle = SdkVehicle(port)

    async def live(self) -> None:
        await self.vehicle.live()

    def starts(self) -> int:
        return len(self.vehicle.orders)


class OwnBench(VehicleBench):
    def __init__(self, port: int, **pace: float) -> None:
        super().__init__(port)
        self.driving = Driving(pace=Pace(**{"node_seconds": 0.02, **pace}))
        vehicle, broker = Vehicle(MAKER, "v1"), Broker(port=port)
        self.vehicle = SimulatedVehicle(vehicle, broker, SystemClock(), self.driving)

    async def live(self) -> None:
        await self.vehicle.run()

    def starts(self) -> int:
        return self.driving.starts
