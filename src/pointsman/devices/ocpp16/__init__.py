"""OCPP 1.6J: chargers dial in to us over a WebSocket, and we are their central system.

messages.py    PURE  commands -> calls, confirmations -> what a device said
reports.py     PURE  status, meter values and composite schedules -> what an asset does
schema.py      PURE  whether a payload is what OCPP 1.6 says it must be
link.py        one connection: calls out one at a time, calls in, late answers
connector.py   one asset: a connector of a charger, as a device
charger.py     one charger: what it says of itself, and its link
session.py     the server where all chargers of a site dial in
simulator.py   chargers without hardware, which dial in to a real socket
"""

from typing import Final

from pointsman.devices import Key, Protocol
from pointsman.devices.simulated import SIMULATION_KEYS

PROTOCOL: Final = Protocol(
    name="ocpp1.6",
    extra="ocpp",
    keys={
        "charge_point": Key(str, required=True, help="the charger's id: ws://HOST:PORT/ID"),
        "connector": Key(int, default=1, help="which of its connectors, counted from 1"),
        "id_tag": Key(str, default="pointsman", help="who starts transactions, up to 20 letters"),
        "password": Key(str, help="what the charger must say when it dials in (HTTP Basic)"),
        "unit": Key(str, help="W or A, for a charger that does not say which it takes"),
        **SIMULATION_KEYS,
    },
    connect="pointsman.devices.ocpp16.session:connect",
    simulate="pointsman.devices.ocpp16.simulator:simulate",
)
