"""Vehicles that speak VDA 5050, over a real broker: the SDK's, which we did not write, and ours.

Whatever goes wrong on the way, no order is lost and none is carried out twice.
"""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import aiomqtt
import pytest

from pointsman.config import read_site
from pointsman.library.simulating import simulate
from pointsman.operations.intents import Cancel
from pointsman.operations.model import Phase, Reason
from tests.executor_contract import ExecutorContract, working
from tests.protocols.mosquitto import Mosquitto, mosquitto
from tests.protocols.vda5050_bench import OwnBench, SdkBench
from tests.protocols.vda5050_peers import MAKER


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


class TestSdkVehicle(ExecutorContract):
    @pytest.fixture
    def bench(self, broker: Mosquitto) -> SdkBench:
        return SdkBench(broker.port)


class TestOwnVehicle(ExecutorContract):
    @pytest.fixture
    def bench(self, broker: Mosquitto) -> OwnBench:
        return OwnBench(broker.port)


async def test_a_broker_that_is_killed_under_way_loses_nothing(broker: Mosquitto) -> None:
    bench = SdkBench(broker.port)
    async with working(bench) as (books, _):
        books.add("a", bench.payload(1.0))
        books.add("b", bench.payload(0.1))
        await books.until("a", Phase.RUNNING)
        broker.kill()
        await asyncio.sleep(0.5)
        broker.start()
        await books.until("b", Phase.COMPLETED)
        assert books.told("a") == ["Added", "Starting", "Started", "Completed"]
        assert [order.order_id for order in bench.vehicle.orders] == ["a", "b"]


async def test_what_is_asked_while_the_broker_is_away_is_done_when_it_is_back(
    broker: Mosquitto,
) -> None:
    bench = SdkBench(broker.port)
    async with working(bench) as (books, _):
        books.add("a", bench.payload(30))
        await books.until("a", Phase.RUNNING)
        broker.kill()
        books.say(Cancel("a"))
        books.add("b", bench.payload(0.1))
        await asyncio.sleep(0.5)
        assert books["a"].phase is Phase.CANCELLING
        broker.start()
        await books.until("a", Phase.CANCELLED)
        await books.until("b", Phase.COMPLETED)
        assert bench.vehicle.actions == ["cancelOrder"]
        assert bench.starts() == 2


async def test_an_order_that_is_lost_on_the_way_is_sent_again(broker: Mosquitto) -> None:
    bench = SdkBench(broker.port)
    bench.vehicle.wire.deaf_to = ["order"]
    async with working(bench) as (books, _):
        books.add("a", bench.payload(0.1))
        await books.until("a", Phase.COMPLETED)
        assert bench.vehicle.wire.received.count("order") == 2
        assert bench.starts() == 1


async def test_what_is_cancelled_before_it_arrived_never_starts(broker: Mosquitto) -> None:
    bench = SdkBench(broker.port)
    bench.vehicle.wire.deaf_to = ["order"]
    async with working(bench) as (books, _):
        books.add("a", bench.payload(30))
        await books.until("a", Phase.STARTING)
        async with asyncio.timeout(5):
            while "order" not in bench.vehicle.wire.received:  # noqa: ASYNC110  It rings no bell.
                await asyncio.sleep(0.01)
        books.say(Cancel("a"))
        await books.until("a", Phase.CANCELLED)
        books.add("b", bench.payload(0.1))
        await books.until("b", Phase.COMPLETED)
        assert [order.order_id for order in bench.vehicle.orders] == ["b"]


async def test_a_vehicle_that_disappears_is_lost_after_the_heartbeat(broker: Mosquitto) -> None:
    bench = SdkBench(broker.port)
    async with working(bench, heartbeat=timedelta(seconds=2)) as (books, _):
        books.add("a", bench.payload(30))
        await books.until("a", Phase.RUNNING)
        bench.vehicle.wire.in_reach.clear()
        bench.vehicle.wire.cut()
        failed = await books.until("a", Phase.FAILED)
        assert failed.ending is not None
        assert failed.ending.reason is Reason.EXTERNAL_ERROR
        assert books.resource.header.paused


async def test_a_vehicle_that_was_out_of_reach_for_a_while_goes_on(broker: Mosquitto) -> None:
    bench = SdkBench(broker.port)
    async with working(bench, heartbeat=timedelta(seconds=4)) as (books, _):
        books.add("a", bench.payload(0.5))
        await books.until("a", Phase.RUNNING)
        bench.vehicle.wire.in_reach.clear()
        bench.vehicle.wire.cut()
        await asyncio.sleep(1)
        assert books["a"].phase is Phase.RUNNING
        bench.vehicle.wire.in_reach.set()
        await books.until("a", Phase.COMPLETED)
        assert bench.starts() == 1


async def test_a_refusal_says_what_the_vehicle_says(broker: Mosquitto) -> None:
    bench = SdkBench(broker.port)
    async with working(bench) as (books, _):
        books.add("a", bench.impossible())
        failed = await books.until("a", Phase.FAILED)
        assert failed.ending is not None
        assert failed.ending.error_code == "orderError"
        assert "not trivially reachable" in failed.ending.error


async def test_an_action_that_fails_ends_its_operation_and_frees_the_vehicle(
    broker: Mosquitto,
) -> None:
    bench = SdkBench(broker.port)
    async with working(bench) as (books, _):
        payload = bench.payload(0.1, fails=True)
        payload["actions"].append({"actionType": "drop"})
        books.add("a", payload)
        failed = await books.until("a", Phase.FAILED)
        assert failed.ending is not None
        assert "slipped" in failed.ending.error or "wait" in failed.ending.error
        books.add("b", bench.payload(0.1))
        await books.until("b", Phase.COMPLETED)


async def test_what_an_action_brings_is_in_the_result(broker: Mosquitto) -> None:
    bench = SdkBench(broker.port)
    async with working(bench) as (books, _):
        books.add("a", bench.payload(0.1, brings="pallet 7"))
        done = await books.until("a", Phase.COMPLETED)
        assert done.ending is not None
        assert done.ending.result == {"a.1": "pallet 7"}


async def test_a_second_attempt_is_an_order_of_its_own(broker: Mosquitto) -> None:
    bench = SdkBench(broker.port)
    async with working(bench, retries=1, backoff=timedelta(milliseconds=50)) as (books, _):
        books.add("a", bench.payload(0.1, fails=True))
        await books.until("a", Phase.QUARANTINED)
        assert [order.order_id for order in bench.vehicle.orders] == ["a", "a.2"]


async def test_a_cancellation_that_takes_its_time_is_asked_for_once(broker: Mosquitto) -> None:
    bench = OwnBench(broker.port, brake_seconds=1.5)
    async with working(bench) as (books, lives):
        books.add("a", bench.payload(30))
        await books.until("a", Phase.RUNNING)
        books.say(Cancel("a"))
        await asyncio.sleep(0.4)
        await lives.end()
        lives.begin()
        await books.until("a", Phase.CANCELLED)
        sent = [one for one in bench.driving.instant.values() if one["actionType"] == "cancelOrder"]
        assert [one["actionStatus"] for one in sent] == ["FINISHED"]
        assert bench.driving.told["cancelOrder"] == 1


async def test_this_side_may_die_at_any_moment(broker: Mosquitto) -> None:
    bench = SdkBench(broker.port)
    async with working(bench) as (books, lives):
        ids = [f"op{n}" for n in range(4)]
        for id in ids:
            books.add(id, bench.payload(0.15))
        for moment in range(12):
            await asyncio.sleep(0.03 + 0.011 * moment)
            await lives.end()
            lives.begin()
        for id in ids:
            await books.until(id, Phase.COMPLETED)
        assert [order.order_id for order in bench.vehicle.orders] == ids


async def test_what_nobody_can_read_changes_nothing(broker: Mosquitto) -> None:
    bench = SdkBench(broker.port)
    async with working(bench) as (books, _):
        books.add("a", bench.payload(0.4))
        await books.until("a", Phase.RUNNING)
        async with aiomqtt.Client("127.0.0.1", broker.port) as stranger:
            for topic in ("state", "connection"):
                for rubbish in (b"", b"{", b"{}", b"[" * 100_000, b'{"orderId": 7}', b"\xff\x00"):
                    await stranger.publish(f"uagv/v2/{MAKER}/v1/{topic}", rubbish)
        await books.until("a", Phase.COMPLETED)


async def test_a_state_that_the_broker_kept_is_of_long_ago(broker: Mosquitto) -> None:
    done = {"actionId": "a.1", "actionType": "wait", "actionStatus": "FINISHED"}
    kept = {"orderId": "a", "lastNodeId": "n1", "actionStates": [done]}
    async with aiomqtt.Client("127.0.0.1", broker.port) as stranger:
        topic = f"uagv/v2/{MAKER}/v1/state"
        await stranger.publish(topic, json.dumps(kept), qos=1, retain=True)
    bench = SdkBench(broker.port)
    async with working(bench) as (books, _):
        books.add("a", bench.payload(0.2))
        await books.until("a", Phase.COMPLETED)
        assert bench.starts() == 1


class SimulatedSite(OwnBench):
    """A vehicle in the process of a site's simulators."""

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(port)
        site = folder / "site.toml"
        site.write_text(
            '[site]\nid = "hall"\ntimezone = "UTC"\n[[resource]]\nid = "agv-1"\n[resource.device]\n'
            f'protocol = "vda5050"\nmanufacturer = "{MAKER}"\nserial_number = "v1"\n'
            f'broker = "127.0.0.1:{port}"\nnode_seconds = 0.02\n'
        )
        self._site = read_site(site)
        self.log = folder / "log.jsonl"

    async def live(self) -> None:
        await simulate(self._site, log=self.log)


async def test_a_sites_simulators_drive_its_vehicles_and_write_down_what_they_hear(
    broker: Mosquitto, tmp_path: Path
) -> None:
    bench = SimulatedSite(broker.port, tmp_path)
    async with working(bench) as (books, _):
        books.add("a", bench.payload(0.1))
        await books.until("a", Phase.COMPLETED)
    entries = [json.loads(line) for line in bench.log.read_text().splitlines()]
    orders = [one["said"]["orderId"] for one in entries if one["event"] == "order"]
    assert orders == ["a"]
    assert {one["asset"] for one in entries} == {"agv-1"}
