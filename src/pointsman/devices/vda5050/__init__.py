"""Vehicles over VDA 5050 2.x: mobile robots that take orders over an MQTT broker.

messages.py   what is said to a vehicle: orders of operations, instant actions
schema.py     what an order must be like
reports.py    what it says, and what that means for an order
session.py    the master's connection to the broker, for one vehicle
machine.py    the machine that an executor moves: order, pause, resume, cancel
driving.py    what a simulated vehicle does with what it is told
vehicle.py    a simulated vehicle on a broker
"""

from datetime import timedelta
from typing import Final

from pointsman.devices import ExecutorKind, Key

EXECUTOR: Final = ExecutorKind(
    name="vda5050",
    extra="vda5050",
    keys={
        "manufacturer": Key(str, required=True, help="as in the vehicle's topics"),
        "serial_number": Key(str, required=True, help="as in the vehicle's topics"),
        "broker": Key(str, default="127.0.0.1:1883", help="HOST:PORT of the MQTT broker"),
        "interface": Key(str, default="uagv", help="the first level of the topics"),
        "version": Key(str, default="2.1.0", help="of VDA 5050; a version 2 would do"),
        "username": Key(str, help="for the broker"),
        "password": Key(str, help="for the broker"),
        "tls": Key(bool, default=False, help="speak to the broker over TLS"),
        "node_seconds": Key(float, default=2.0, help="simulated: from one node to the next"),
        "action_seconds": Key(float, default=1.0, help="simulated: for one action"),
        "brake_seconds": Key(float, default=0.0, help="simulated: to let go of an order"),
    },
    machine="pointsman.devices.vda5050.machine:machine_of",
    simulate="pointsman.devices.vda5050.vehicle:simulation_of",
    confirms=True,
    heartbeat=timedelta(seconds=60),
    apart=("broker", "manufacturer", "serial_number"),
)
