"""A site's devices as a process of their own."""

import asyncio
import json
import socket
from contextlib import closing
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient

from pointsman.config import Site, read_site
from pointsman.devices.protocols import DeviceTableError
from pointsman.devices.simulated.faults import FaultsError
from pointsman.library.simulating import simulate

TEXT = """\
[site]
id = "home"
timezone = "UTC"

[[asset]]
id = "battery"
kind = "battery"
max_charge_kw = 5.0
max_discharge_kw = 5.0
capacity_kwh = 10.0
"""


@pytest.fixture
def port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


def site_of(folder: Path, device: str = "") -> Site:
    path = folder / "site.toml"
    path.write_text(f"{TEXT}{device}\n")
    return read_site(path)


def sunspec(port: int) -> str:
    return f'device = {{ protocol = "sunspec", host = "127.0.0.1", port = {port} }}'


async def test_it_speaks_and_writes_down_what_it_hears(tmp_path: Path, port: int) -> None:
    log = tmp_path / "log.jsonl"
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(simulate(site_of(tmp_path, sunspec(port)), log=log))
        with closing(AsyncModbusTcpClient("127.0.0.1", port=port)) as client:
            while not await client.connect():  # noqa: ASYNC110  It is not there at once.
                await asyncio.sleep(0.05)
            answer = await client.read_holding_registers(40_000, count=2)
            assert bytes.fromhex("".join(f"{r:04x}" for r in answer.registers)) == b"SunS"
        running.cancel()
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert entries
    assert all(entry["wall"] and entry["asset"] and entry["event"] for entry in entries)


async def test_devices_that_live_in_the_run_need_no_process(tmp_path: Path) -> None:
    with pytest.raises(DeviceTableError, match="nothing to simulate in a process of its own"):
        await simulate(site_of(tmp_path))


async def test_a_port_in_use_is_said_as_itself(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        site = site_of(tmp_path, sunspec(taken.getsockname()[1]))
        async with asyncio.timeout(20):
            with pytest.raises(OSError, match="in use"):
                await simulate(site)


async def test_faults_that_cannot_be_are_refused_first(tmp_path: Path, port: int) -> None:
    faults = tmp_path / "faults.toml"
    faults.write_text('["*"]\ndrop = 2.0\n')
    with pytest.raises(FaultsError, match="a share from 0 to 1"):
        await simulate(site_of(tmp_path, sunspec(port)), faults=faults)


async def test_a_log_that_cannot_be_written_is_refused_first(tmp_path: Path, port: int) -> None:
    with pytest.raises(OSError, match="no/such"):
        await simulate(site_of(tmp_path, sunspec(port)), log=Path("no/such/log.jsonl"))
