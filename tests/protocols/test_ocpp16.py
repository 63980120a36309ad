"""The central system on real sockets, against chargers written with the `ocpp` library."""

import asyncio
import base64
import dataclasses
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from ocpp.v16 import call
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from pointsman.core.assets import Asset, AssetKind
from pointsman.core.values import replace
from pointsman.devices import DeviceFailed, World
from pointsman.devices.ocpp16.messages import CONTROL
from pointsman.devices.ocpp16.session import TransactionIds, host_and_port
from pointsman.devices.ocpp16.session import connect as connect_site
from pointsman.devices.protocols import DeviceTableError
from pointsman.runtime.clock import RunClock, SystemClock
from pointsman.schedules.model import CommandType, Mark, Policy, Progress
from tests.protocols.ocpp_peers import (
    Ear,
    LibraryCharger,
    bay,
    central_system,
    control_calls,
    dial,
    library_charger,
    rate,
    until,
)

BRIEF = Policy(timeout_seconds=0.15)
IN_TIME_SECONDS = 1.0
OTHER = bay("other", "CP-2")
PER_PHASE = dataclasses.replace(bay(), phases=3)


# What a charger is told.


async def test_a_rate_is_a_default_profile_while_no_transaction_runs() -> None:
    async with central_system(bay()) as central, library_charger(central) as charger:
        taken = await central.devices["bay"].send(rate(kw=6.6))
        [(action, payload)] = control_calls(charger)
    assert taken.applied_kw == pytest.approx(6.6)
    assert (action, payload["connectorId"]) == ("SetChargingProfile", 1)
    profile = payload["csChargingProfiles"]
    assert isinstance(profile, dict)
    assert profile["chargingProfilePurpose"] == "TxDefaultProfile"
    assert profile["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == 6600


async def test_a_rate_is_a_profile_of_the_running_transaction() -> None:
    async with central_system(bay()) as central, library_charger(central) as charger:
        transaction_id = await charger.start_transaction()
        await central.devices["bay"].send(rate())
        await charger.call(call.StopTransaction(1_500, "2026-01-01T00:00:00Z", transaction_id))
        await central.devices["bay"].send(rate())
        during, after = (payload["csChargingProfiles"] for _, payload in control_calls(charger))
    assert isinstance(during, dict)
    assert isinstance(after, dict)
    assert (during["chargingProfilePurpose"], during["transactionId"]) == (
        "TxProfile",
        transaction_id,
    )
    assert after["chargingProfilePurpose"] == "TxDefaultProfile"


async def test_a_charger_that_counts_in_amperes_is_told_amperes() -> None:
    def in_amperes(charger: LibraryCharger) -> None:
        charger.unit = "Current"

    async with (
        central_system(PER_PHASE) as central,
        library_charger(central, setup=in_amperes) as charger,
    ):
        taken = await central.devices["bay"].send(rate(kw=11.0))
        [(_, payload)] = control_calls(charger)
    profile = payload["csChargingProfiles"]
    assert isinstance(profile, dict)
    schedule = profile["chargingSchedule"]
    assert schedule["chargingRateUnit"] == "A"
    assert schedule["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "limit": 15.9, "numberPhases": 3}
    ]
    assert taken.applied_kw == pytest.approx(15.9 * 3 * 0.230)


async def test_every_type_of_command_is_well_formed_to_another_library() -> None:
    commands = [
        rate(type=CommandType.SET_CHARGE_RATE, kw=1.234567),
        rate(type=CommandType.SET_POWER_LIMIT, kw=11.11),
        rate(type=CommandType.START_CHARGING, kw=None),
        rate(type=CommandType.START_CHARGING, kw=3.3333),
        rate(type=CommandType.CHANGE_AVAILABILITY, kw=None, parameters={"available": False}),
        rate(type=CommandType.SET_SOC_TARGET, kw=None, parameters={"soc_target_percent": 80}),
        rate(reason=Mark.RELEASE, kw=0.0),
    ]
    async with central_system(bay()) as central, library_charger(central) as charger:
        await charger.report("Preparing")
        for command in commands:
            await central.devices["bay"].send(command)
        await charger.start_transaction()
        await central.devices["bay"].send(rate(type=CommandType.STOP_CHARGING, kw=None))
        told = [action for action, _ in control_calls(charger)]
    assert told == [
        "SetChargingProfile",
        "SetChargingProfile",
        "RemoteStartTransaction",
        "RemoteStartTransaction",
        "ChangeAvailability",
        "DataTransfer",
        "ClearChargingProfile",
        "ClearChargingProfile",
        "RemoteStopTransaction",
    ]


async def test_a_charger_is_told_the_time_of_the_run() -> None:
    start = datetime(2019, 6, 5, 12, tzinfo=UTC)
    clock = RunClock(start, 960)
    with clock.held():
        async with central_system(bay(), clock=clock) as central, dial(central) as connection:
            await connection.send('[2,"1","Heartbeat",{}]')
            _, _, answer = json.loads(await connection.recv())
    told = datetime.fromisoformat(answer["currentTime"])
    assert timedelta(0) <= told - start < timedelta(minutes=10)


# How a charger's answer is understood.


@pytest.mark.parametrize(
    ("status", "permanent"), [("Rejected", False), ("NotSupported", True)], ids=str
)
async def test_a_no_is_a_failure(status: str, permanent: bool) -> None:
    async with central_system(bay()) as central, library_charger(central) as charger:
        charger.status = status
        with pytest.raises(DeviceFailed, match=status) as failed:
            await central.devices["bay"].send(rate())
    assert (failed.value.permanent, failed.value.doubtful) == (permanent, False)


async def test_a_change_of_availability_may_be_for_later() -> None:
    command = rate(type=CommandType.CHANGE_AVAILABILITY, parameters={"available": False})
    async with central_system(bay()) as central, library_charger(central) as charger:
        charger.status = "Scheduled"
        taken = await central.devices["bay"].send(command)
    assert taken.later


async def test_silence_is_doubt_and_a_late_yes_is_heard() -> None:
    ear = Ear()
    late = rate(policy=BRIEF, progress=Progress(attempt=2))
    async with central_system(bay(), ear=ear) as central, library_charger(central) as charger:
        charger.answer_after_seconds = 0.4
        with pytest.raises(DeviceFailed, match="did not answer") as failed:
            await central.devices["bay"].send(late)
        assert (failed.value.permanent, failed.value.doubtful) == (False, True)
        await until(lambda: ear.late, "a late answer is reported")
        charger.answer_after_seconds = 0.0
        await central.devices["bay"].send(rate())
    assert ear.late == [("cmd_1", 2, True)]


async def test_a_late_no_is_heard_as_a_no() -> None:
    ear = Ear()
    async with central_system(bay(), ear=ear) as central, library_charger(central) as charger:
        charger.answer_after_seconds, charger.status = 0.3, "Rejected"
        with suppress(DeviceFailed):
            await central.devices["bay"].send(rate(policy=BRIEF))
        await until(lambda: ear.late, "a late answer is reported")
    assert ear.late == [("cmd_1", 0, False)]


@pytest.mark.parametrize(
    ("code", "permanent"), [("NotImplemented", True), ("InternalError", False)], ids=str
)
async def test_an_error_in_answer_is_a_failure(code: str, permanent: bool) -> None:
    async with (
        central_system(bay()) as central,
        dial(central) as connection,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(answer_with(connection, [4, None, code, "no", {}]))
        with pytest.raises(DeviceFailed, match=code) as failed:
            await central.devices["bay"].send(rate())
        await connection.close()
    assert (failed.value.permanent, failed.value.doubtful) == (permanent, False)


async def test_an_answer_that_cannot_be_read_is_doubt() -> None:
    async with (
        central_system(bay()) as central,
        dial(central) as connection,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(answer_with(connection, [3, None, {"status": "Perhaps"}]))
        with pytest.raises(DeviceFailed, match="cannot be read") as failed:
            await central.devices["bay"].send(rate())
        await connection.close()
    assert failed.value.doubtful


async def answer_with(connection: ClientConnection, frame: list[object]) -> None:
    """Speak, and answer every call with this frame."""
    await connection.send('[2,"1","Heartbeat",{}]')
    with suppress(ConnectionClosed):
        async for message in connection:
            kind, unique_id, *_ = json.loads(message)
            if kind == 2:
                await connection.send(json.dumps([frame[0], unique_id, *frame[2:]]))


async def test_a_reading_is_what_the_charger_says() -> None:
    async with central_system(bay()) as central, library_charger(central) as charger:
        await charger.report("Charging")
        reading = await central.devices["bay"].read()
    assert (reading.setpoint_kw, reading.controlled) == (6.6, True)
    assert (reading.available, reading.session_running) == (True, True)


# What a charger reports.


async def test_a_status_is_a_state() -> None:
    ear = Ear()
    async with central_system(bay(), ear=ear) as central, library_charger(central) as charger:
        await charger.report("SuspendedEV")
        await charger.report("Faulted")
        await charger.report("Available", connector=2)
        assert ear.changes == [("bay", "suspended", "SuspendedEV"), ("bay", "faulted", "")]


async def test_meter_values_are_samples_and_tell_the_transaction() -> None:
    ear = Ear()
    sampled = [
        {"value": "3600", "measurand": "Power.Active.Import", "unit": "W"},
        {"value": "12.5", "measurand": "Energy.Active.Import.Register", "unit": "kWh"},
    ]
    values = [{"timestamp": "2020-01-01T00:00:00Z", "sampledValue": sampled}]
    async with central_system(bay(), ear=ear) as central, library_charger(central) as charger:
        await charger.call(call.MeterValues(1, values, transaction_id=77), suppress=False)
        await central.devices["bay"].send(rate(type=CommandType.STOP_CHARGING))
        [(action, payload)] = control_calls(charger)
    [(_, sample)] = ear.samples
    assert (sample.power_kw, sample.charged_kwh) == (3.6, 12.5)
    assert (action, payload) == ("RemoteStopTransaction", {"transactionId": 77})


async def test_a_register_does_not_go_back_when_a_transaction_ends() -> None:
    """Meter values have fractions of a Wh; the end of a transaction has not."""
    ear = Ear()
    now = SystemClock().now().isoformat()
    values = [{"timestamp": now, "sampledValue": [{"value": "1500.9"}]}]
    async with central_system(bay(), ear=ear) as central, library_charger(central) as charger:
        transaction_id = await charger.start_transaction()
        await charger.call(call.MeterValues(1, values, transaction_id), suppress=False)
        await charger.call(call.StopTransaction(1500, now, transaction_id), suppress=False)
    [(_, sample)] = ear.samples
    assert sample.power_kw == 0
    assert sample.charged_kwh == pytest.approx(1.5009)


async def test_a_transaction_that_is_told_twice_is_one_transaction() -> None:
    start = call.StartTransaction(1, "tag", 5, "2026-01-01T00:00:00Z")
    async with central_system(bay()) as central, library_charger(central) as charger:
        first = await charger.call(start, suppress=False)
        again = await charger.call(start, suppress=False)
        next_one = await charger.start_transaction()
    assert first.transaction_id == again.transaction_id != next_one


async def test_every_report_of_a_charger_is_answered() -> None:
    reports = [
        call.Heartbeat(),
        call.Authorize("tag"),
        call.DataTransfer("somebody"),
        call.FirmwareStatusNotification("Installed"),
        call.DiagnosticsStatusNotification("Uploaded"),
    ]
    async with central_system(bay()) as central, library_charger(central) as charger:
        for report in reports:
            assert await charger.call(report, suppress=False) is not None


# Who is there, and who is not.


async def test_a_command_to_a_charger_that_is_away_was_surely_not_heard() -> None:
    async with central_system(bay()) as central:
        with pytest.raises(DeviceFailed, match="is not connected") as failed:
            await central.devices["bay"].send(rate(policy=BRIEF))
    assert (failed.value.permanent, failed.value.doubtful) == (False, False)


async def test_a_command_waits_for_a_charger_that_is_about_to_come() -> None:
    async with central_system(bay()) as central, asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(central.devices["bay"].send(rate()))
        await asyncio.sleep(0.05)
        async with library_charger(central):
            assert (await sending).applied_kw == pytest.approx(6.6)


async def test_a_charger_that_never_boots_is_asked_all_the_same() -> None:
    async with central_system(bay()) as central, dial(central) as connection:
        async with asyncio.timeout(3):
            _, _, action, payload = json.loads(await connection.recv())
    assert action == "GetConfiguration"
    assert payload == {"key": ["ChargingScheduleAllowedChargingRateUnit"]}


async def test_a_silent_charger_costs_a_fast_run_one_second() -> None:
    clock = RunClock(datetime(2019, 6, 5, tzinfo=UTC), 960)
    loop = asyncio.get_running_loop()
    async with central_system(bay(), clock=clock) as central, dial(central):
        begun = loop.time()
        with pytest.raises(DeviceFailed):
            await central.devices["bay"].send(rate(policy=Policy(timeout_seconds=30)))
        assert loop.time() - begun < 1.5


async def test_names_are_percent_decoded() -> None:
    async with (
        central_system(bay(charge_point="bay/7 ü")) as central,
        library_charger(central, "bay%2F7%20%C3%BC"),
    ):
        await central.devices["bay"].send(rate())


@pytest.mark.parametrize(("said", "status"), [("CP-1:shut", 401), ("", 401), ("CP-1:open", 101)])
async def test_a_password_is_asked_for(said: str, status: int) -> None:
    secret = base64.b64encode(said.encode()).decode()
    table = {"password": "open"}
    async with central_system(bay(**table)) as central:
        dialing = connect(
            f"ws://{central.address}/CP-1",
            subprotocols=[Subprotocol("ocpp1.6")],
            additional_headers={"Authorization": f"Basic {secret}"},
            proxy=None,
        )
        if status == 101:
            async with dialing:
                return
        with pytest.raises(InvalidStatus) as refused:
            async with dialing:
                pass
        assert refused.value.response.status_code == status


async def test_connectors_of_one_charger_take_turns() -> None:
    """OCPP: no second call before the first is answered."""
    assets = [bay("left", connector=1), bay("right", connector=2)]
    async with central_system(*assets) as central, library_charger(central) as charger:
        charger.answer_after_seconds = 0.1
        async with asyncio.TaskGroup() as tasks:
            sending = [tasks.create_task(central.devices[a].send(rate(a))) for a in central.devices]
            await until(lambda: control_calls(charger), "the first call is made")
            await asyncio.sleep(0.03)
            assert len(control_calls(charger)) == 1
            await asyncio.gather(*sending)
        told = [payload["connectorId"] for _, payload in control_calls(charger)]
        ids = {p["csChargingProfiles"]["chargingProfileId"] for _, p in control_calls(charger)}  # type: ignore[index]
    assert sorted(told) == [1, 2]  # type: ignore[type-var]
    assert len(ids) == 2


async def test_a_dry_run_sends_no_control() -> None:
    async with central_system(bay(), dry_run=True) as central, library_charger(central) as charger:
        await charger.start_transaction()
        for type in CommandType:
            for command in (rate(type=type), rate(type=type, reason=Mark.RELEASE)):
                said = {"available": True, "soc_target_percent": 50}
                with pytest.raises(DeviceFailed):
                    await central.devices["bay"].send(replace(command, parameters=said))
        await central.devices["bay"].read()
        heard = {action for action, _ in charger.tape.calls()}
    assert heard == {"GetConfiguration", "TriggerMessage", "GetCompositeSchedule"}
    assert not heard & CONTROL


async def test_a_car_that_left_while_its_charger_was_away_is_seen_to_have_left() -> None:
    ear = Ear()
    async with central_system(bay(), ear=ear) as central:
        async with library_charger(central) as charger:
            await charger.report("Charging")
        await until(lambda: "unavailable" in ear.states("bay"), "the charger is known to be away")
        async with library_charger(central) as charger:
            await charger.report("Available")
            assert ear.states("bay") == ["charging", "unavailable", "finishing", "available"]


# What no site can have.


@pytest.mark.parametrize(
    ("assets", "message"),
    [
        ([bay("a"), bay("b")], "both connector 1 of charge_point 'CP-1'"),
        ([bay(connector=0)], "must be 1 or more"),
        ([bay(unit="kW")], "must be 'W' or 'A'"),
        ([bay(id_tag="x" * 21)], "1 to 20 letters"),
        ([dataclasses.replace(bay(), kind=AssetKind.BATTERY)], "is for an ev_charger only"),
    ],
    ids=str,
)
def test_what_no_charger_can_be_is_refused(assets: list[Asset], message: str) -> None:
    with pytest.raises(DeviceTableError, match=message):
        connect_site(assets, World(SystemClock(), Ear()))


def test_a_place_must_have_a_port() -> None:
    with pytest.raises(DeviceTableError, match="is not HOST:PORT"):
        host_and_port("localhost")
    assert host_and_port("[::1]:9000") == ("::1", 9000)


def test_a_restart_gives_no_id_again() -> None:
    before, after = TransactionIds(1_000_000.0), TransactionIds(1_000_001.0)
    old = [before() for _ in range(50)]
    assert len(set(old)) == 50
    assert after() > max(old)
    assert 0 < TransactionIds(1.8e9)() < 2**31
