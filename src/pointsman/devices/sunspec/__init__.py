"""SunSpec over Modbus TCP: batteries, inverters and chargers that describe their own registers.

models.py     what the points of a model are, from the published definitions
layout.py     where a device keeps its models, and blocks of registers with their meaning
messages.py   commands as writes of registers
reports.py    registers as readings, samples and states
link.py       one TCP connection, shared by the units behind it
session.py    the devices of a run
image.py      the registers of a simulated device, and what writing them does
simulator.py  a Modbus TCP server of simulated devices
"""

from typing import Final

from pointsman.devices import Key, Protocol
from pointsman.devices.simulated import SIMULATION_KEYS

PROTOCOL: Final = Protocol(
    name="sunspec",
    extra="modbus",
    keys={
        "host": Key(str, required=True, help="host name or address of the Modbus TCP server"),
        "port": Key(int, default=502, help="its TCP port"),
        "unit": Key(int, default=1, help="Modbus unit id, from 1 to 247"),
        "base": Key(int, help='address of "SunS"; without it 40000, 0 and 50000 are tried'),
        "negative_rates": Key(
            bool, default=True, help="model 124 takes negative rates, which force a direction"
        ),
        "models": Key(list, help="the simulator's control model: [704], the default, or [124]"),
        **SIMULATION_KEYS,
    },
    connect="pointsman.devices.sunspec.session:connect",
    simulate="pointsman.devices.sunspec.simulator:simulate",
)
