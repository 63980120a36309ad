"""What the site file may say of a vehicle."""

from typing import Any

import pytest

from pointsman.devices.executors import check_executor, executor_for, policy_for, simulation_for
from pointsman.devices.protocols import DeviceTableError
from pointsman.devices.vda5050.machine import broker_of, machine_of, vehicle_of
from pointsman.operations.policy import Policy
from pointsman.runtime.clock import SystemClock
from tests.executor_books import Books

TABLE: dict[str, Any] = {"protocol": "vda5050", "manufacturer": "acme", "serial_number": "v1"}


def test_a_table_that_names_the_vehicle_is_enough() -> None:
    clock = SystemClock()
    assert executor_for("agv", TABLE, Books(clock), clock) is not None
    assert simulation_for("agv", TABLE, clock) is not None
    policy = policy_for(check_executor("agv", TABLE), Policy())
    assert policy.confirms
    assert policy.heartbeat is not None


def test_there_is_no_wire_behind_the_others() -> None:
    assert simulation_for("robot", {"protocol": "simulated"}, SystemClock()) is None
    assert simulation_for("robot", {"protocol": "external"}, SystemClock()) is None


def test_a_broker_is_host_and_port() -> None:
    broker = broker_of("here", {"broker": "[::1]:8883", "username": "u", "tls": True})
    assert (broker.host, broker.port, broker.username, broker.tls) == ("::1", 8883, "u", True)
    assert broker_of("here", {}).port == 1883


@pytest.mark.parametrize("broker", ["", "host", "host:", ":1883", "host:port", "host:0", "h:65536"])
def test_what_is_no_broker_is_refused(broker: str) -> None:
    with pytest.raises(DeviceTableError, match=r"'agv'.*HOST:PORT would do"):
        machine_of("agv", {**TABLE, "broker": broker}, SystemClock())


@pytest.mark.parametrize("key", ["manufacturer", "serial_number"])
@pytest.mark.parametrize("value", ["", "a/b", "+", "#", "a\0b", "a\n"])
def test_what_is_no_level_of_a_topic_is_refused(key: str, value: str) -> None:
    with pytest.raises(DeviceTableError, match=f"{key!r} is"):
        vehicle_of("here", {**TABLE, key: value})


@pytest.mark.parametrize("version", ["1.1.0", "2", "2.x"])
def test_only_version_2_is_spoken(version: str) -> None:
    with pytest.raises(DeviceTableError, match=r"2\.1\.0 would do"):
        vehicle_of("here", {**TABLE, "version": version})


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_no_simulated_vehicle_goes_back_in_time(seconds: float) -> None:
    with pytest.raises(DeviceTableError, match=r"'agv': device key 'node_seconds' is .* would do"):
        simulation_for("agv", {**TABLE, "node_seconds": seconds}, SystemClock())


def test_a_table_without_the_name_of_the_vehicle_is_refused() -> None:
    with pytest.raises(DeviceTableError, match="lacks the key 'serial_number'"):
        check_executor("agv", {"protocol": "vda5050", "manufacturer": "acme"})
