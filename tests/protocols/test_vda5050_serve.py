"""A server that is killed while a vehicle is under way, and the vehicle does not notice."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.protocols.library_bench import free_port
from tests.protocols.mosquitto import mosquitto
from tests.protocols.serve_bench import served
from tests.protocols.vda5050_peers import MAKER, SdkVehicle

SITE = """
[site]
id = "hall"
timezone = "Europe/Berlin"

[[resource]]
id = "agv-1"
approve = "always"

[resource.device]
protocol = "vda5050"
manufacturer = "{maker}"
serial_number = "v1"
broker = "{broker}"
"""
PATIENCE_SECONDS = 20.0


@asynccontextmanager
async def living(vehicle: SdkVehicle) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        life = tasks.create_task(vehicle.live())
        yield
        life.cancel()


async def state_of(client: httpx.AsyncClient, id: str) -> str:
    answer = await client.get(f"/operations/{id}")
    answer.raise_for_status()
    state: str = answer.json()["operation"]["state"]
    return state


async def until(client: httpx.AsyncClient, id: str, state: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while (met := await state_of(client, id)) != state:
        assert time.monotonic() < give_up_at, f"it is {met}, not {state}"
        await asyncio.sleep(0.05)


async def add(client: httpx.AsyncClient, node: str, seconds: float) -> str:
    wait = {"actionType": "wait", "actionParameters": {"seconds": seconds}}
    payload: dict[str, Any] = {"goto": node, "actions": [wait]}
    answer = await client.post("/operations/add", json=[{"payload": payload}])
    assert answer.status_code == 201, answer.text
    id: str = answer.json()[0]["operation"]["id"]
    return id


async def test_a_server_that_is_killed_under_way_takes_up_what_goes_on(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        site = tmp_path / "site.toml"
        site.write_text(SITE.format(maker=MAKER, broker=f"127.0.0.1:{broker.port}"))
        vehicle, port = SdkVehicle(broker.port), free_port()
        flags = ["--site", "site.toml", "--http", f"127.0.0.1:{port}"]
        url = f"http://127.0.0.1:{port}"
        async with living(vehicle), httpx.AsyncClient(base_url=url) as client:
            with served(tmp_path, *flags) as server:
                first = await add(client, "a", 1)
                second = await add(client, "b", 0.1)
                await until(client, first, "RUNNING")
                server.kill()
            with served(tmp_path, *flags):
                await until(client, first, "COMPLETED")
                await until(client, second, "COMPLETED")
        assert [order.order_id for order in vehicle.orders] == [first, second]
        assert vehicle.actions == []
