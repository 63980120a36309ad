"""The coordinator's adapters against equipment: chargers and batteries on real sockets."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from pointsman.coordinator import (
    AdapterRegistry,
    Command,
    CommandStatus,
    CommandType,
    DispatchEngine,
    ModbusAdapter,
    OCPPAdapter,
)
from pointsman.core.assets import Asset, AssetKind
from pointsman.devices import DeviceFailed
from pointsman.runtime.clock import SystemClock
from tests.protocols.ocpp_peers import library_charger
from tests.protocols.sunspec_bench import battery, free_port, simulated
from tests.unit.library.coordination import until

BAY = "CP-1"


def told(asset_id: str, power_kw: float = 6.6, **also: Any) -> Command:  # noqa: ANN401
    now = SystemClock().now()
    return Command(
        asset_id,
        also.pop("command_type", CommandType.SET_CHARGE_RATE),
        also.pop("parameters", {"power_kw": power_kw}),
        now,
        expires_at=now + timedelta(hours=1),
        **also,
    )


def engine_of(adapter: OCPPAdapter | ModbusAdapter, asset_id: str) -> DispatchEngine:
    registry = AdapterRegistry()
    registry.register(asset_id, adapter)
    return DispatchEngine(adapter_registry=registry)


# Payloads, offline


def test_a_charge_rate_is_a_charging_profile_in_watts() -> None:
    [call] = OCPPAdapter("ocpp_site_1").build_payload(told("bay", 7.4))["calls"]
    assert call["action"] == "SetChargingProfile"
    profile = call["payload"]["csChargingProfiles"]
    [period] = profile["chargingSchedule"]["chargingSchedulePeriod"]
    assert (profile["chargingSchedule"]["chargingRateUnit"], period["limit"]) == ("W", 7400.0)


@pytest.mark.parametrize(
    ("command_type", "parameters", "action"),
    [
        (CommandType.START_CHARGING, {}, "RemoteStartTransaction"),
        (CommandType.CHANGE_AVAILABILITY, {"available": False}, "ChangeAvailability"),
        (CommandType.SET_CHARGE_RATE, {"power_kw": 0.0}, "SetChargingProfile"),
    ],
)
def test_each_command_has_its_call(
    command_type: CommandType, parameters: dict[str, Any], action: str
) -> None:
    adapter = OCPPAdapter("ocpp_site_1", charge_points={"bay": ("CP-7", 2)})
    command = told("bay", command_type=command_type, parameters=parameters)
    [call] = adapter.build_payload(command)["calls"]
    assert (call["action"], call["payload"]["connectorId"]) == (action, 2)


def test_a_charger_cannot_discharge() -> None:
    command = told("bay", command_type=CommandType.SET_DISCHARGE_RATE)
    with pytest.raises(DeviceFailed, match="NotSupported"):
        OCPPAdapter("ocpp_site_1").build_payload(command)


def test_a_charge_rate_is_writes_of_registers() -> None:
    known = Asset("batt", AssetKind.BATTERY, max_charge_kw=30.0, max_discharge_kw=30.0)
    adapter = ModbusAdapter("modbus_1", unit=3, assets=[known])
    payload = adapter.build_payload(told("batt", 5.0))
    assert payload["unit"] == 3
    points = [point for write in payload["writes"] for point in write["points"]]
    assert {"WSet", "WSetEna", "WSetRvrtTms"} <= set(points)
    assert points[-1] == "WSetEna", "armed last"


# Over the wire


@dataclass
class Charging:
    """A charger that another library drives, on a thread of its own."""

    charger: Any
    loop: asyncio.AbstractEventLoop

    def report(self, status: str) -> None:
        asyncio.run_coroutine_threadsafe(self.charger.report(status), self.loop).result(10)

    @property
    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        found: list[tuple[str, dict[str, Any]]] = self.charger.tape.calls()
        return found


@contextmanager
def charger_at(adapter: OCPPAdapter) -> Iterator[Charging]:
    ready, stop = threading.Event(), threading.Event()
    found: list[Charging] = []

    async def live() -> None:
        async with library_charger(adapter, BAY) as charger:  # type: ignore[arg-type]
            found.append(Charging(charger, asyncio.get_running_loop()))
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(live()))
    thread.start()
    try:
        assert ready.wait(10)
        yield found[0]
    finally:
        stop.set()
        thread.join()


def test_a_charger_that_dials_in_takes_the_rate_of_a_blocking_caller() -> None:
    adapter = OCPPAdapter("ocpp_site_1", listen="127.0.0.1:0")
    with engine_of(adapter, BAY) as engine, charger_at(adapter) as charging:
        command = told(BAY)
        assert engine.dispatch_command(command)
        calls = [payload for action, payload in charging.calls if action == "SetChargingProfile"]
    assert (command.status, command.applied_kw) == (CommandStatus.COMPLETED, 6.6)
    assert len(calls) == 1


async def test_the_loop_drives_a_charger_and_hears_its_state() -> None:
    adapter = OCPPAdapter("ocpp_site_1", listen="127.0.0.1:0")
    engine = engine_of(adapter, BAY)
    async with asyncio.TaskGroup() as tasks, engine:
        running = tasks.create_task(engine.run())
        with charger_at(adapter) as charging:
            await asyncio.to_thread(charging.report, "Charging")
            await until(lambda: engine.asset_state(BAY) == "CHARGING")
            command = engine.submit(told(BAY))
            await until(lambda: command.status is CommandStatus.COMPLETED)
        running.cancel()


def test_a_charger_that_is_not_there_is_a_failure_that_says_so() -> None:
    adapter = OCPPAdapter("ocpp_site_1", listen="127.0.0.1:0")
    with engine_of(adapter, BAY) as engine:
        command = told(BAY, timeout_seconds=0.2)
        engine.dispatch_command(command)
    assert command.status is CommandStatus.PENDING
    assert BAY in str(command.error)


@pytest.mark.parametrize("adapter", [OCPPAdapter("ocpp_1"), ModbusAdapter("modbus_1")])
def test_an_adapter_that_is_not_open_says_so(adapter: OCPPAdapter | ModbusAdapter) -> None:
    engine = DispatchEngine()
    command = told("bay")
    engine.dispatch_command(command, adapter)
    engine.close()
    assert f"{adapter.adapter_id} is not open" in str(command.error)


def test_a_port_in_use_is_told_when_the_adapter_is_opened() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(OSError, match="cannot listen"):
            OCPPAdapter("ocpp_1", listen=listen, charge_points={"bay": BAY}).open()


def test_an_asset_that_was_registered_too_late_is_named() -> None:
    with OCPPAdapter("ocpp_1", listen="127.0.0.1:0", charge_points={"bay": BAY}) as adapter:
        engine = DispatchEngine()
        command = told("other")
        engine.dispatch_command(command, adapter)
        engine.close()
    assert (command.status, "'bay', and not 'other'" in str(command.error)) == ("FAILED", True)


def test_a_battery_takes_the_rate_and_may_be_asked_for_it() -> None:
    port = free_port()
    with simulated(battery("batt", port=port)) as elsewhere:
        adapter = ModbusAdapter("modbus_1", "127.0.0.1", port)
        with engine_of(adapter, "batt") as engine:
            command = told("batt", 5.0)
            assert engine.dispatch_command(command)
            assert command.status is CommandStatus.COMPLETED
            assert asyncio.run(adapter.confirm(command)) is True
            assert asyncio.run(adapter.confirm(told("batt", 9.0))) is False
        assert elsewhere.power_kw("batt") == pytest.approx(5.0, abs=0.1)


def test_an_adapter_can_be_opened_again() -> None:
    adapter = OCPPAdapter("ocpp_1", listen="127.0.0.1:0", charge_points={"bay": BAY})
    for _ in range(2):
        with adapter:
            adapter.open()
            assert not adapter.address.endswith(":0")
