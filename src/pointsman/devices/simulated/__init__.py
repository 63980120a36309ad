"""Simulated equipment in this process: what a site without hardware is carried out on.

    equipment.py   physics, by kind of asset: energy, state of charge, states
    sessions.py    which cars come when, from a CSV file
    faults.py      what goes wrong, the same for the same seed
    session.py     the devices of a run, by the run's own clock
    operations.py  a machine that carries out operations by letting time pass
    world.py       what simulators of the wire protocols are given

The physics serves the simulators of the wire protocols too, and so do the keys.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from pointsman.devices import ExecutorKind, Key, Protocol

FAULT_KEYS: Final[Mapping[str, Key]] = {
    "drop": Key(float, help="share of commands that act and are never answered"),
    "lose": Key(float, help="share of commands that neither act nor are answered"),
    "delay": Key(float, help="share of commands that are answered late"),
    "delay_seconds": Key(float, help="how late"),
    "refuse": Key(float, help="share of commands that are refused"),
    "revert": Key(float, help="share of setpoints that the device gives up by itself"),
    "revert_seconds": Key(float, help="how soon"),
    "ignore": Key(float, help="share of setpoints that are reported and not followed"),
    "silent_from": Key(datetime, help="nothing acts or answers from then on"),
    "silent_until": Key(datetime, help="and until then"),
}

SIMULATION_KEYS: Final[Mapping[str, Key]] = {
    "sessions": Key(str, help="CSV file of charging sessions; without it a car is always there"),
    "station": Key(str, help="station_id of its rows in the sessions file"),
    "seed": Key(int, default=0, help="which faults happen"),
    "faults": Key(dict, help="what goes wrong, as shares from 0 to 1", keys=FAULT_KEYS),
    "charge_efficiency": Key(float, default=0.95, help="battery: stored per charged kWh"),
    "discharge_efficiency": Key(float, default=0.95, help="battery: given per kWh taken out"),
    "own_kw": Key(float, default=0.0, help="power under its own control, positive for charging"),
}
"""What any protocol's `device` table may say about the equipment behind a simulator."""

PROTOCOL: Final = Protocol(
    name="simulated",
    extra="",
    keys=SIMULATION_KEYS,
    connect="pointsman.devices.simulated.session:connect",
    simulated=True,
)

RUN_FAULT_KEYS: Final[Mapping[str, Key]] = {
    "refuse": Key(float, help="share of operations that are not taken"),
    "fail_start": Key(float, help="share of operations that fail before they have started"),
    "fail": Key(float, help="share of operations that fail half-way"),
    "hang": Key(float, help="share of operations that get no further than half-way"),
    "die": Key(float, help="share of operations of which nothing is heard from half-way on"),
    "late": Key(float, help="share of operations whose every step comes late"),
    "late_seconds": Key(float, help="how late"),
}

EXECUTOR: Final = ExecutorKind(
    name="simulated",
    keys={
        "duration_seconds": Key(float, default=5.0, help="of operations that do not say it"),
        "seed": Key(int, default=0, help="which faults happen"),
        "faults": Key(dict, help="what goes wrong, as shares from 0 to 1", keys=RUN_FAULT_KEYS),
    },
    machine="pointsman.devices.simulated.operations:machine_of",
    confirms=True,
    heartbeat=timedelta(seconds=30),
)
