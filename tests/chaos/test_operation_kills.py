"""A server that is killed again and again under load over REST, judged by what it has journaled."""

import asyncio
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias
from uuid import UUID

import httpx
import pytest

from tests.protocols.serve_bench import Served, served
from tests.seeds import KILLS

Event: TypeAlias = dict[str, Any]
WRITERS: Final = {"press": 1, "robot": 2, "lathe": 2}
"""How many add to each resource."""
SITE: Final = """
[site]
id = "mill"

[[resource]]
id = "press"
answer_within_seconds = 2
cooldown_seconds = 0.1

[[resource]]
id = "robot"
approve = "always"

[[resource]]
id = "lathe"
approve = "always"
device = { protocol = "simulated", duration_seconds = 0.02 }
"""
TIMES: Final = KILLS if KILLS > 10 else 3
"""How often it is killed. Most of a short life it is only beginning."""
ALIVE_SECONDS: Final = (0.1, 1.5)
DRAIN_SECONDS: Final = 120.0
AGAIN_SECONDS: Final = 0.02
STARTS: Final = {"operation_starting", "operation_started"}
ENDS: Final = {"operation_completed", "operation_failed", "operation_cancelled"}


@dataclass
class Load:
    """Programs that ask until they are answered, whoever serves by then."""

    http: httpx.AsyncClient
    dice: random.Random
    acknowledged: set[str] = field(default_factory=set)
    approved: set[str] = field(default_factory=set)
    """Requests that somebody has said yes to, whether or not they heard that it counts."""
    stopping: bool = False

    async def call(self, path: str, body: object = None, **headers: str) -> Any:  # noqa: ANN401
        """What is answered. None: it was refused, as others were quicker."""
        method = "GET" if body is None else "POST"
        while True:
            try:
                response = await self.http.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            if response.status_code in (404, 409):
                return None
            if response.status_code in (429, 503):
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            assert response.status_code in (200, 201), response.text
            return response.json()

    async def add(self, at: str) -> None:
        """One after the other, each until it is acknowledged, and once however often asked."""
        while not self.stopping:
            key = str(UUID(int=self.dice.getrandbits(128)))
            body = [{"payload": {"key": key}, "priority": self.dice.randrange(10)}]
            [status] = await self.call(f"{at}/operations/add", body, **{"Idempotency-Key": key})
            self.acknowledged.add(status["operation"]["id"])
            await asyncio.sleep(self.dice.uniform(0, 0.1))

    async def answer(self, at: str) -> None:
        """Mostly yes."""
        while True:
            for request in await self.call(f"{at}/requests"):
                accepted = self.dice.random() < 0.8
                if accepted:
                    self.approved.add(request["request_id"])
                await self.call(
                    f"{at}/requests/{request['request_id']}/answer", {"accepted": accepted}
                )
            await asyncio.sleep(AGAIN_SECONDS)

    async def work(self, at: str) -> None:
        """Complete what runs."""
        while True:
            if status := await self.call(f"{at}/operations/current"):
                await self.call(f"{at}/operations/{status['operation']['id']}/complete", {})
            else:
                await asyncio.sleep(AGAIN_SECONDS)

    async def drained(self) -> None:
        """Once nothing is queued any more."""
        for resource in WRITERS:
            path = f"/resources/{resource}/operations"
            while await self.call(path):  # noqa: ASYNC110  Another process rings no bells.
                await asyncio.sleep(AGAIN_SECONDS)

    async def events(self, resource: str) -> list[Event]:
        found: list[Event] = []
        while True:
            after = found[-1]["seq"] if found else 0
            path = f"/resources/{resource}/operations/history?limit=1000&every=true&after={after}"
            page = (await self.call(path))["events"]
            if not page:
                return found
            found += page


@dataclass(frozen=True)
class Scene:
    folder: Path
    site: Path
    address: str

    @asynccontextmanager
    async def life(self) -> AsyncIterator[Served]:
        """A server on the same data and the same port as the one before."""
        flags = ("--site", str(self.site))
        context = served(self.folder, *flags, POINTSMAN_HTTP=self.address)
        server = await asyncio.to_thread(context.__enter__)
        try:
            yield server
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)


@pytest.mark.timeout(3600)
async def test_whenever_it_is_killed_nothing_is_lost_and_nothing_starts_unapproved(
    tmp_path: Path,
) -> None:
    dice, site = random.Random(TIMES), tmp_path / "site.toml"
    site.write_text(SITE)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        scene = Scene(tmp_path, site, f"127.0.0.1:{free.getsockname()[1]}")
    async with httpx.AsyncClient(base_url=f"http://{scene.address}", timeout=10) as http:
        load = Load(http, dice)
        async with asyncio.TaskGroup() as tasks:
            at = [f"/resources/{resource}" for resource in WRITERS]
            writers = [f"/resources/{one}" for one, many in WRITERS.items() for _ in range(many)]
            adding = [tasks.create_task(load.add(one)) for one in writers]
            serving = [tasks.create_task(load.answer(at[0]))]
            serving += [tasks.create_task(load.work(one)) for one in at[:2]]
            for _ in range(TIMES):
                async with scene.life() as server:
                    await asyncio.sleep(dice.uniform(*ALIVE_SECONDS))
                    server.kill()
            async with scene.life(), asyncio.timeout(DRAIN_SECONDS):
                load.stopping = True
                await asyncio.wait(adding)
                await load.drained()
                told = {resource: await load.events(resource) for resource in WRITERS}
                for task in serving:
                    task.cancel()
    check_none_is_lost(load, told)
    for events in told.values():
        check_one_at_a_time(events)
    check_all_starts_are_approved(load, told["press"])


def check_none_is_lost(load: Load, told: Mapping[str, Sequence[Event]]) -> None:
    events = [event for one in told.values() for event in one]
    added = [event for event in events if event["event_type"] == "operation_added"]
    ended = {event["operation_id"] for event in events if event["event_type"] in ENDS}
    ids = Counter(event["operation_id"] for event in added)
    assert len(load.acknowledged) > TIMES, "there was no load to speak of"
    assert load.acknowledged <= ids.keys()
    assert load.acknowledged <= ended, "each came to its end"
    assert set(ids.values()) == {1}, "what was asked for twice was added once"
    seqs = [event["seq"] for event in events]
    assert len(set(seqs)) == len(seqs)


def check_one_at_a_time(events: Sequence[Event]) -> None:
    active: str | None = None
    for event in events:
        id = event["operation_id"]
        if event["event_type"] in STARTS:
            assert active in (None, id), f"{id} started while {active} went on"
            active = id
        elif event["event_type"] in ENDS and id == active:
            active = None
    assert active is None


def check_all_starts_are_approved(load: Load, events: Sequence[Event]) -> None:
    """Each by a request of its own, that somebody has said yes to."""
    requests: Counter[str] = Counter()
    asked: dict[str, str] = {}
    for event in events:
        id = event["operation_id"]
        match event["event_type"]:
            case "operation_start_requested":
                requests[id] += 1
                asked[id] = f"{id}.{requests[id]}"
            case "operation_start_denied" | "operation_request_withdrawn":
                del asked[id]
            case "operation_started":
                request = asked.pop(id)
                assert request in load.approved
                assert event["meta_data"]["request_decision"]["accepted"] is True
