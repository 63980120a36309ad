"""What strange and broken chargers do to a run: nothing to anybody else."""

import asyncio
import json
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from pointsman.runtime.clock import SystemClock
from tests.protocols.run_bench import BAY, Scene
from tests.protocols.run_peers import Dropping, carried_out, charge_at
from tests.protocols.sunspec_bench import free_port

NONSENSE = ["[2, {}, [[[", "[3]"]
GARBAGE = bytes(range(256)) * 64
KNOWN = {"COMPLETED", "EXPIRED", "SUPERSEDED"}


async def dial_unknown(port: int, refused: list[int]) -> None:
    """A charger that no site knows, again and again."""
    while True:
        try:
            url = f"ws://127.0.0.1:{port}/NOBODY"
            async with connect(url, subprotocols=[Subprotocol("ocpp1.6")], proxy=None):
                raise AssertionError("it was let in")
        except InvalidStatus as no:
            refused.append(no.response.status_code)
        except OSError:
            pass
        await asyncio.sleep(0.2)


async def send_garbage(port: int) -> None:
    """Bytes that are no request, and a caller that says nothing at all."""
    while True:
        try:
            _, silent = await asyncio.open_connection("127.0.0.1", port)
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(GARBAGE)
            await asyncio.sleep(0.2)
            writer.close()
            silent.close()
        except OSError:
            await asyncio.sleep(0.2)


async def test_unknown_broken_and_rude_chargers_harm_no_other(tmp_path: Path) -> None:
    scene, port = Scene(tmp_path), free_port()
    bays = [
        BAY.replace('"bay"', f'"bay-{n}"')
        + f'device = {{ protocol = "ocpp1.6", charge_point = "CP-{n}" }}\n'
        for n in (1, 2)
    ]
    scene.site(*bays)
    kw = [6.0, 9.0, 7.0, 10.0, 5.0]
    start = SystemClock().now() + timedelta(seconds=3)
    scene.plan({f"bay-{n}_setpoint_kw": kw for n in (1, 2)}, start=start, seconds=1.0)
    refused: list[int] = []
    drops = list(NONSENSE)
    async with asyncio.TaskGroup() as tasks:
        peers = [
            tasks.create_task(charge_at(port, "CP-1")),
            tasks.create_task(charge_at(port, "CP-2", partial(Dropping, drops=drops))),
            tasks.create_task(dial_unknown(port, refused)),
            tasks.create_task(send_garbage(port)),
        ]
        ended = await carried_out(scene, ocpp=port)
        for peer in peers:
            peer.cancel()
    assert ended.status == 0, ended.error
    assets = json.loads(ended.out)["assets"]
    assert assets["bay-1"]["commands"] == {"COMPLETED": len(kw) + 1}
    assert assets["bay-1"]["acknowledged_charge_kwh"] == pytest.approx(sum(kw) / 3600, rel=0.1)
    assert set(assets["bay-2"]["commands"]) <= KNOWN
    assert assets["bay-2"]["commands"]["COMPLETED"] >= 1
    assert drops == [], "it hung up twice"
    assert set(refused) == {404}
