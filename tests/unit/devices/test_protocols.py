"""Protocols are found by their folders; device tables are judged before anything is opened."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices import Device, Fleet, Key, Protocol, Reading, Sample, Taken, World, protocols
from pointsman.devices.protocols import (
    DeviceTableError,
    DryDevice,
    Fleets,
    MissingExtraError,
    check_devices,
    open_fleets,
    open_simulations,
    protocol_of,
)
from pointsman.devices.simulated import PROTOCOL as SIMULATED
from pointsman.devices.simulated.session import SimulatedDevice
from pointsman.devices.simulated.world import SimulatedWorld, Simulation
from pointsman.runtime.clock import SystemClock
from pointsman.schedules.model import Command, CommandType

COMMAND = Command(
    "cmd_1", "bay", CommandType.SET_CHARGE_RATE, datetime(2026, 6, 1, tzinfo=UTC), power_kw=3.0
)
WIRED = Protocol(
    name="wired",
    extra="wire",
    keys={
        "host": Key(str, required=True, help="where it is"),
        "port": Key(int, default=502),
        "scale": Key(float, default=1.0),
        "since": Key(datetime),
        "inner": Key(dict, keys={"depth": Key(float)}),
    },
    connect=f"{__name__}:connect",
    simulate=f"{__name__}:simulate",
)


class WiredFleet:
    def __init__(self, assets: Sequence[Asset], world: World) -> None:
        self.world = world
        self.sent: list[Command] = []
        self.reads = 0
        self.ran = False
        self.devices: Mapping[str, Device] = {asset.id: self for asset in assets}

    async def send(self, command: Command) -> Taken:
        self.sent.append(command)
        return Taken(applied_kw=3.0)

    async def read(self) -> Reading:
        self.reads += 1
        return Reading(setpoint_kw=3.0)

    async def run(self) -> None:
        self.ran = True
        if "busy" in self.devices:
            raise OSError("port 9000 is in use")

    async def reached(self) -> None:
        if "far" in self.devices:
            await asyncio.Event().wait()


opened: list[WiredFleet] = []


def connect(assets: Sequence[Asset], world: World) -> Fleet:
    opened.append(WiredFleet(assets, world))
    return opened[-1]


class WiredSimulation:
    def __init__(self, assets: Sequence[Asset], world: SimulatedWorld) -> None:
        self.names, self.world = [asset.id for asset in assets], world

    async def run(self) -> None:
        """It has nothing to say."""


def simulate(assets: Sequence[Asset], world: SimulatedWorld) -> Simulation:
    return WiredSimulation(assets, world)


class Deaf:
    """A listener that does not listen."""

    def sampled(self, asset_id: str, sample: Sample) -> None: ...
    def changed(self, asset_id: str, state: str, reason: str = "") -> None: ...
    def answered_late(self, command_id: str, attempt: int, success: bool) -> None: ...


@pytest.fixture(autouse=True)
def _wired(monkeypatch: pytest.MonkeyPatch) -> None:
    opened.clear()
    found = {**protocols.protocols(), WIRED.name: WIRED}
    monkeypatch.setattr(protocols, "protocols", lambda: found)


def asset(id: str = "bay", **device: Any) -> Asset:  # noqa: ANN401
    return Asset(id, AssetKind.EV_CHARGER, device)


def world(*, dry_run: bool = False, speed: float = 1.0) -> World:
    return World(SystemClock(), Deaf(), dry_run=dry_run, speed=speed)


def test_a_protocol_is_found_by_its_folder_and_costs_no_heavy_import() -> None:
    code = (
        "import sys; from pointsman.devices.protocols import protocols\n"
        "print(*protocols()); heavy = {'ocpp', 'websockets', 'pymodbus', 'sunspec2'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert (ended.returncode, ended.stderr.strip()) == (0, "")
    assert "simulated" in ended.stdout.split()


def test_an_asset_without_a_word_is_simulated() -> None:
    assert protocol_of(asset()) is SIMULATED


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ({"protocol": "simlated"}, "'simlated' is not known; did you mean 'simulated'?"),
        ({"protocol": "telex"}, "'telex' is not known; there is "),
        ({"protocol": ["wired"]}, "['wired'] is not known"),
        ({"protocol": "wired"}, "device lacks the key 'host': where it is"),
        (
            {"protocol": "wired", "host": "h", "prot": 1},
            "device key 'prot' is not known; did you mean 'port'?",
        ),
        (
            {"protocol": "wired", "host": 7},
            "device key 'host' must be a text, not 7",
        ),
        ({"protocol": "wired", "host": "h", "port": 1.5}, "'port' must be a whole number"),
        ({"protocol": "wired", "host": "h", "port": True}, "'port' must be a whole number"),
        ({"protocol": "wired", "host": "h", "scale": "1"}, "'scale' must be a number"),
        ({"protocol": "wired", "host": "h", "simulated": 1}, "'simulated' must be true or false"),
        (
            {"protocol": "wired", "host": "h", "since": datetime(2026, 1, 1)},  # noqa: DTZ001
            "'since' must be a time with its zone",
        ),
        ({"protocol": "wired", "host": "h", "inner": 1}, "'inner' must be a table"),
        (
            {"protocol": "wired", "host": "h", "inner": {"deph": 1}},
            "device inner key 'deph' is not known; did you mean 'depth'?",
        ),
        ({"faults": {"dorp": 0.1}}, "device faults key 'dorp' is not known; did you mean 'drop'?"),
    ],
)
def test_a_wrong_table_is_refused_in_one_line(device: dict[str, Any], message: str) -> None:
    with pytest.raises(DeviceTableError) as refused:
        check_devices([asset(), asset("bay-2", **device)])
    assert str(refused.value).startswith("asset 'bay-2': device")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_right_table_is_taken() -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    right = asset(protocol="wired", host="h", port=1, scale=2, since=since, inner={"depth": 1})
    check_devices([right, asset(), asset(protocol="simulated", faults={"drop": 1})])


def test_a_real_device_is_never_driven_faster_than_time() -> None:
    real = asset(protocol="wired", host="h")
    check_devices([real], speed=1.0)
    check_devices([asset(), asset("x", protocol="wired", host="h", simulated=True)], speed=960.0)
    with pytest.raises(DeviceTableError, match=r"asset 'bay': speed 960 .*simulated = true"):
        check_devices([asset("x"), real], speed=960.0)
    with pytest.raises(DeviceTableError, match="speed 2"):
        open_fleets([real], world(speed=2.0))
    assert opened == []


async def test_devices_are_opened_by_protocol_and_run_together() -> None:
    two = [asset(str(n), protocol="wired", host="h") for n in range(2)]
    fleets = open_fleets([two[0], asset("sim"), two[1]], world())
    assert set(fleets.devices) == {"0", "1", "sim"}
    assert isinstance(fleets.devices["sim"], SimulatedDevice)
    (wired,) = opened
    assert await fleets.devices["1"].send(COMMAND) == Taken(applied_kw=3.0)
    assert wired.sent == [COMMAND]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(fleets.run(), 0.05)
    assert wired.ran


async def test_a_site_is_reached_when_all_its_fleets_are() -> None:
    await asyncio.wait_for(open_fleets([asset()], world()).reached(), 5)
    far = open_fleets([asset(), asset("far", protocol="wired", host="h")], world())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(far.reached(), 0.05)


async def test_what_ends_a_fleet_is_told_as_it_is() -> None:
    fleets = open_fleets([asset("busy", protocol="wired", host="h"), asset()], world())
    with pytest.raises(OSError, match="port 9000 is in use"):
        await asyncio.wait_for(fleets.run(), 5)


async def test_a_dry_run_reaches_no_equipment_whatever_the_protocol() -> None:
    fleets = open_fleets([asset("sim"), asset(protocol="wired", host="h")], world(dry_run=True))
    for device in fleets.devices.values():
        assert isinstance(device, DryDevice)
        assert await device.send(COMMAND) == Taken(applied_kw=None)
        assert await device.read() == Reading()
    (wired,) = opened
    assert wired.world.dry_run
    assert (wired.sent, wired.reads) == ([], 0)


def test_fleets_of_nothing_have_no_devices() -> None:
    assert dict(Fleets([], dry_run=False).devices) == {}


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = Protocol("lacking", "wire", {}, connect="no_such_library.session:connect")
    monkeypatch.setattr(protocols, "protocols", lambda: {"lacking": lacking})
    with pytest.raises(MissingExtraError) as refused:
        open_fleets([asset(protocol="lacking")], world())
    assert str(refused.value) == (
        "protocol 'lacking' needs the extra: pip install 'pointsman[wire]'"
    )


def test_our_own_missing_module_is_no_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Protocol("broken", "wire", {}, connect="pointsman.devices.nothing:connect")
    monkeypatch.setattr(protocols, "protocols", lambda: {"broken": broken})
    with pytest.raises(ModuleNotFoundError):
        open_fleets([asset(protocol="broken")], world())


def test_only_what_has_a_wire_is_simulated_and_the_rest_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assets = [asset("sim"), asset(protocol="wired", host="h")]
    with caplog.at_level(logging.WARNING):
        (simulation,) = open_simulations(assets, SimulatedWorld(SystemClock()))
    assert isinstance(simulation, WiredSimulation)
    assert simulation.names == ["bay"]
    assert [record.getMessage() for record in caplog.records] == [
        "asset 'sim' is left out: protocol 'simulated' has no wire to simulate"
    ]
