"""Simulated chargers on real sockets: against our central system, and against another one."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ocpp.exceptions import FormatViolationError
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from pointsman.core.assets import Asset
from pointsman.devices import DeviceFailed
from pointsman.devices.ocpp16.connector import Connector
from pointsman.devices.ocpp16.link import Connection
from pointsman.devices.ocpp16.messages import CONTROL
from pointsman.devices.ocpp16.session import CentralSystem
from pointsman.devices.ocpp16.simulator import SimulatedCharger
from pointsman.devices.simulated.world import SimulatedWorld
from pointsman.runtime.clock import Clock, RunClock, SystemClock, sleep_until
from pointsman.schedules.model import CommandType, Mark, Policy, Progress
from tests.device_contract import DeviceContract
from tests.protocols.ocpp_peers import SOON_SECONDS, Ear, bay, central_system, rate, until

BRIEF = Policy(timeout_seconds=0.3)
DAY = datetime(2019, 6, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Watched(SimulatedCharger):
    """One that keeps what crosses its wire."""

    unanswered = 0
    most_unanswered = 0

    async def _speak(self, connection: Connection) -> None:
        await super()._speak(_Tap(connection, self))


class _Tap:
    def __init__(self, connection: Connection, charger: Watched) -> None:
        self._connection, self._charger = connection, charger

    async def recv(self) -> str | bytes:
        message = await self._connection.recv()
        if json.loads(message)[0] == 2:
            self._charger.unanswered += 1
            self._charger.most_unanswered = max(
                self._charger.most_unanswered, self._charger.unanswered
            )
        return message

    async def send(self, message: str) -> None:
        if json.loads(message)[0] != 2:
            self._charger.unanswered -= 1
        await self._connection.send(message)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self._connection.close(code, reason)


@dataclass
class Log:
    """What simulators say that reached them."""

    lines: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, asset_id: str, event: str, **fields: object) -> None:
        self.lines.append({"asset": asset_id, "event": event, **fields})

    def control(self) -> list[str]:
        return [line["action"] for line in self.lines if line["action"] in CONTROL]


@dataclass
class OcppBench:
    """A charger in simulation, and the central system that it dialed."""

    asset: Asset
    central: CentralSystem
    charger: Watched
    clock: Clock
    ear: Ear
    log: Log

    @property
    def device(self) -> Connector:
        return self.central.devices[self.asset.id]

    async def power_kw(self) -> float:
        bay = self.charger.bays[0]
        bay.advance(self.charger.clock.now())
        return bay.equipment.power_kw

    async def until(self, instant: datetime) -> None:
        await sleep_until(self.clock, instant)
        # The charger's clock may be behind by as long as a message takes.
        await asyncio.sleep(0.1)

    def most_at_once(self) -> int:
        return self.charger.most_unanswered


@asynccontextmanager
async def benched(
    asset: Asset | None = None, *, clock: Clock | None = None, folder: Path = Path()
) -> AsyncIterator[OcppBench]:
    asset, clock, ear, log = asset or bay(), clock or SystemClock(), Ear(), Log()
    async with (
        central_system(asset, clock=clock, ear=ear) as central,
        simulated(asset, central.address, log, folder) as charger,
    ):
        await until(lambda: ear.changes, "the charger says in what state it is")
        yield OcppBench(asset, central, charger, clock, ear, log)


@asynccontextmanager
async def simulated(
    asset: Asset, address: str, log: Log, folder: Path = Path()
) -> AsyncIterator[Watched]:
    world = SimulatedWorld(SystemClock(), log=log, ocpp=address, folder=str(folder))
    charger = Watched(asset.device["charge_point"], [asset], world)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(charger.run())
        yield charger
        running.cancel()


class TestContract(DeviceContract):
    @pytest.fixture(params=["W", "A"])
    async def bench(self, request: pytest.FixtureRequest) -> AsyncIterator[OcppBench]:
        async with benched(bay(unit=request.param)) as bench:
            yield bench


# A day of a charger.


async def test_a_car_comes_charges_and_leaves(tmp_path: Path) -> None:
    (tmp_path / "cars.csv").write_text(
        "vehicle_id,arrival,departure,requested_energy (kWh),station_id\n"
        "001,2019-06-05T13:00:00Z,2019-06-05T16:00:00Z,20,CP-1\n"
    )
    clock = RunClock(DAY, 7200)
    async with benched(bay(sessions="cars.csv"), clock=clock, folder=tmp_path) as bench:
        with clock.held():
            command = rate(kw=5.0, scheduled_at=clock.now(), expires_at=DAY + 12 * HOUR)
            await bench.device.send(command)
        await until(lambda: bench.ear.states("bay")[-3:] == LAST_STATES, "the car has left")
        energies = [s.charged_kwh for _, s in bench.ear.samples if s.charged_kwh is not None]
        powers = {round(s.power_kw, 3) for _, s in bench.ear.samples}
    assert bench.ear.states("bay")[0] == "available"
    assert energies == sorted(energies)
    assert energies[-1] == pytest.approx(15.0, abs=0.01)
    assert powers == {0.0, 5.0}


LAST_STATES = ["suspended", "charging", "available"]


async def test_a_transaction_can_be_stopped_and_started_again() -> None:
    async with benched() as bench:
        await until(lambda: bench.device.transaction_id, "a transaction runs")
        first = bench.device.transaction_id
        await bench.device.send(rate(type=CommandType.STOP_CHARGING, kw=None))
        await until(lambda: bench.device.state == "finishing", "the transaction is over")
        assert bench.device.session_running is False
        await bench.device.send(rate(type=CommandType.START_CHARGING, kw=3.0))
        await until(lambda: bench.device.transaction_id, "another transaction runs")
        assert bench.device.transaction_id != first
        assert await bench.power_kw() == pytest.approx(3.0)


async def test_going_out_of_service_waits_for_the_transaction() -> None:
    async with benched() as bench:
        await until(lambda: bench.device.transaction_id, "a transaction runs")
        out = rate(type=CommandType.CHANGE_AVAILABILITY, kw=None, parameters={"available": False})
        assert (await bench.device.send(out)).later
        assert (await bench.device.read()).available


async def test_a_limit_of_the_charger_caps_the_rate() -> None:
    async with benched() as bench:
        await bench.device.send(rate(kw=5.0))
        await bench.device.send(rate(type=CommandType.SET_POWER_LIMIT, kw=2.0))
        assert await bench.power_kw() == pytest.approx(2.0)
        await bench.device.send(rate(type=CommandType.SET_POWER_LIMIT, kw=2.0, reason=Mark.RELEASE))
        assert await bench.power_kw() == pytest.approx(5.0)


async def test_all_that_is_received_is_logged() -> None:
    async with benched() as bench:
        await bench.device.send(rate())
        [line] = [line for line in bench.log.lines if line["action"] == "SetChargingProfile"]
        assert line["asset"] == "bay"
        assert line["payload"]["csChargingProfiles"]["validTo"]
        assert {"unique_id", "wall", "told"} <= set(line)
        json.dumps(line)


# The run's clock.


async def test_a_lease_is_over_late_but_never_early_when_time_runs_fast() -> None:
    clock = RunClock(DAY, 960)
    async with benched(clock=clock) as bench:
        with clock.held():
            ends = clock.now() + HOUR
            await bench.device.send(rate(kw=5.0, scheduled_at=clock.now(), expires_at=ends))
        while clock.now() < ends - timedelta(minutes=8):
            assert await bench.power_kw() == pytest.approx(5.0)
            assert bench.charger.clock.now() <= clock.now() + timedelta(seconds=1)
            await asyncio.sleep(0.02)
        await sleep_until(clock, ends)
        assert (await bench.device.read()).controlled is False
        assert await bench.power_kw() == 0.0


async def test_a_charger_that_is_told_an_earlier_day_begins_anew() -> None:
    address = await free_address()
    async with simulated(bay(), address, Log()) as charger:
        async with central_system(bay(), clock=RunClock(DAY, 1.0), address=address) as first:
            await first.devices["bay"].send(rate(kw=5.0, scheduled_at=DAY, expires_at=None))
            old = charger.bays[0]
        day_before = DAY - 24 * HOUR
        clock = RunClock(day_before, 1.0)
        async with central_system(bay(), clock=clock, address=address) as second:
            await until(lambda: charger.bays[0] is not old, "it begins anew")
            device = second.devices["bay"]
            await until(lambda: device.transaction_id, "a transaction runs")
            assert (await device.read()).controlled is False
        assert charger.clock.now() < day_before + HOUR


# Faults.


async def test_a_lost_answer_is_doubt_though_it_acted() -> None:
    async with benched(bay(faults={"drop": 1.0})) as bench:
        with pytest.raises(DeviceFailed) as failed:
            await bench.device.send(rate(kw=5.0, policy=BRIEF))
        assert failed.value.doubtful
        assert (await bench.device.read()).setpoint_kw == pytest.approx(5.0)


async def test_a_lost_command_is_doubt_and_did_not_act() -> None:
    async with benched(bay(faults={"lose": 1.0})) as bench:
        with pytest.raises(DeviceFailed) as failed:
            await bench.device.send(rate(kw=5.0, policy=BRIEF))
        assert failed.value.doubtful
        assert (await bench.device.read()).controlled is False
        assert bench.log.control() == ["SetChargingProfile"]


async def test_a_refused_command_is_no_doubt() -> None:
    async with benched(bay(faults={"refuse": 1.0})) as bench:
        for command in (rate(), rate(reason=Mark.RELEASE)):
            with pytest.raises(DeviceFailed) as failed:
                await bench.device.send(command)
            assert (failed.value.doubtful, failed.value.permanent) == (False, False)
        assert (await bench.device.read()).controlled is False


async def test_a_late_answer_is_heard() -> None:
    async with benched(bay(faults={"delay": 1.0, "delay_seconds": 0.5})) as bench:
        with pytest.raises(DeviceFailed):
            await bench.device.send(rate(policy=BRIEF, progress=Progress(attempt=1)))
        await until(lambda: bench.ear.late, "the late answer is reported")
        assert bench.ear.late == [("cmd_1", 1, True)]


async def test_a_setpoint_that_is_ignored_is_reported_all_the_same() -> None:
    async with benched(bay(faults={"ignore": 1.0})) as bench:
        await bench.device.send(rate(kw=5.0))
        assert (await bench.device.read()).setpoint_kw == pytest.approx(5.0)
        assert await bench.power_kw() == 0.0


async def test_a_setpoint_that_is_given_up_is_read_back_as_gone() -> None:
    async with benched(bay(faults={"revert": 1.0, "revert_seconds": 0.3})) as bench:
        await bench.device.send(rate(kw=5.0))
        assert (await bench.device.read()).controlled
        await asyncio.sleep(0.4)
        assert not (await bench.device.read()).controlled


# Away and back.


async def test_a_charger_dials_in_again_and_its_transaction_is_known() -> None:
    address = await free_address()
    async with simulated(bay(), address, Log()) as charger:
        async with central_system(bay(), address=address) as first:
            await until(lambda: first.devices["bay"].transaction_id, "a transaction runs")
            old = first.devices["bay"].transaction_id
        async with central_system(bay(), address=address) as second:
            device = second.devices["bay"]
            await until(lambda: device.transaction_id, "the transaction is known again")
            assert device.transaction_id == old == charger.bays[0].transaction_id
            await device.send(rate(kw=4.0))
            assert (await device.read()).setpoint_kw == pytest.approx(4.0)


async def free_address() -> str:
    async with central_system(bay()) as central:
        return central.address


async def test_what_nobody_confirmed_is_told_again() -> None:
    told: list[str] = []
    boot = {"status": "Accepted", "interval": 9, "currentTime": "2026-01-01T00:00:00Z"}

    async def hang_up_at_the_first_status(connection: ServerConnection) -> None:
        async for message in connection:
            _, unique_id, action, payload = json.loads(message)
            if action == "StatusNotification":
                told.append(payload["status"])
                return
            await connection.send(json.dumps([3, unique_id, boot]))

    async with (
        asyncio.timeout(30),
        serve(
            hang_up_at_the_first_status,
            "127.0.0.1",
            0,
            subprotocols=[Subprotocol("ocpp1.6")],
            close_timeout=1,
        ) as server,
    ):
        port = next(iter(server.sockets)).getsockname()[1]
        async with simulated(bay(), f"127.0.0.1:{port}", Log()):
            await until(lambda: len(told) >= 3, "the status is told again and again")
    assert set(told) == {"Available"}


# Another central system, which shares no code with ours.


class LibraryCentral(ChargePoint):  # type: ignore[misc]
    """A central system as the `ocpp` library's users write one."""

    transactions = 0

    def __init__(self, id: str, connection: ServerConnection) -> None:
        super().__init__(id, connection, response_timeout=SOON_SECONDS)
        self.statuses: list[str] = []

    @on("BootNotification")  # type: ignore[untyped-decorator]
    def on_boot_notification(self, **_: object) -> object:
        return call_result.BootNotification(SystemClock().now().isoformat(), 10, "Accepted")

    @on("Heartbeat")  # type: ignore[untyped-decorator]
    def on_heartbeat(self, **_: object) -> object:
        return call_result.Heartbeat(SystemClock().now().isoformat())

    @on("StatusNotification")  # type: ignore[untyped-decorator]
    def on_status_notification(self, status: str, **_: object) -> object:
        self.statuses.append(status)
        return call_result.StatusNotification()

    @on("MeterValues")  # type: ignore[untyped-decorator]
    def on_meter_values(self, **_: object) -> object:
        return call_result.MeterValues()

    @on("StartTransaction")  # type: ignore[untyped-decorator]
    def on_start_transaction(self, **_: object) -> object:
        self.transactions += 1
        return call_result.StartTransaction(self.transactions, {"status": "Accepted"})

    @on("StopTransaction")  # type: ignore[untyped-decorator]
    def on_stop_transaction(self, **_: object) -> object:
        return call_result.StopTransaction()


@asynccontextmanager
async def library_central(asset: Asset) -> AsyncIterator[LibraryCentral]:
    """One that a simulated charger has dialed."""
    arrived: asyncio.Future[LibraryCentral] = asyncio.get_running_loop().create_future()

    async def welcome(connection: ServerConnection) -> None:
        central = LibraryCentral("CP-1", connection)
        arrived.set_result(central)
        await central.start()

    async with (
        asyncio.timeout(30),
        serve(
            welcome, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")], close_timeout=1
        ) as server,
    ):
        port = next(iter(server.sockets)).getsockname()[1]
        async with simulated(asset, f"127.0.0.1:{port}", Log()):
            central = await arrived
            await until(lambda: "SuspendedEVSE" in central.statuses, "a car is there")
            yield central


def profile(limit: float, **more: object) -> dict[str, object]:
    periods = [{"start_period": 0, "limit": limit}]
    schedule = {"charging_rate_unit": "W", "charging_schedule_period": periods}
    return {
        "charging_profile_id": 1,
        "stack_level": 0,
        "charging_profile_purpose": "TxDefaultProfile",
        "charging_profile_kind": "Absolute",
        "charging_schedule": schedule,
        **more,
    }


async def test_another_central_system_can_steer_it() -> None:
    async with library_central(bay()) as central:

        async def ask(payload: object) -> Any:  # noqa: ANN401 - the library has no types
            return await central.call(payload, suppress=False)

        assert central.statuses == ["Available", "Preparing", "SuspendedEVSE"]
        assert (await ask(call.SetChargingProfile(1, profile(5000.0)))).status == "Accepted"
        schedule = await ask(call.GetCompositeSchedule(1, 60, "W"))
        [period] = schedule.charging_schedule["charging_schedule_period"]
        assert float(period["limit"]) == 5000
        await until(lambda: "Charging" in central.statuses, "it charges")
        assert (await ask(call.ChangeAvailability(1, "Inoperative"))).status == "Scheduled"
        assert (await ask(call.ChangeAvailability(1, "Operative"))).status == "Accepted"
        assert (await ask(call.RemoteStopTransaction(99))).status == "Rejected"
        assert (await ask(call.RemoteStopTransaction(1))).status == "Accepted"
        await until(lambda: central.statuses[-1] == "Finishing", "the transaction is over")
        assert (await ask(call.RemoteStartTransaction("tag", 1))).status == "Accepted"
        await until(lambda: central.transactions == 2, "another transaction runs")
        assert (await ask(call.ClearChargingProfile(id=1))).status == "Accepted"
        assert (await ask(call.ClearChargingProfile(id=1))).status == "Unknown"
        assert (await ask(call.DataTransfer("someone"))).status == "UnknownVendorId"
        configuration = await ask(call.GetConfiguration(["NumberOfConnectors", "Colour"]))
        assert configuration.unknown_key == ["Colour"]
        assert configuration.configuration_key[0]["value"] == "1"


async def test_it_refuses_a_limit_that_is_no_tenth() -> None:
    async with library_central(bay()) as central:
        payload = call.SetChargingProfile(1, profile(11.11))
        with pytest.raises(FormatViolationError):
            await central.call(payload, suppress=False, skip_schema_validation=True)


async def test_it_refuses_a_profile_of_a_transaction_that_does_not_run() -> None:
    async with library_central(bay()) as central:
        other = profile(5000.0, charging_profile_purpose="TxProfile", transaction_id=99)
        answer = await central.call(call.SetChargingProfile(1, other), suppress=False)
    assert answer.status == "Rejected"
