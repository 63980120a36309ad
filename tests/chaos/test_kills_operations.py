"""A server that is killed under load over REST, judged by its journal and by what it answered."""

import asyncio
import json
import random
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from pointsman.operations.model import ACTIVE, Phase
from tests.protocols.serve_bench import Served, called, served
from tests.seeds import KILLS

ROBOTS: Final = ("robot-1", "robot-2", "robot-3")
SITE: Final = '[site]\nid = "hall"\n' + "".join(
    f'[[resource]]\nid = "{id}"\ncooldown_seconds = 0.1\nretries = 1\nbackoff_seconds = 0.1\n'
    for id in ROBOTS
)
ALIVE_SECONDS: Final = (0.2, 1.5)
AGAIN_SECONDS: Final = 0.01
YES: Final = 0.85
"""How probable a yes is; and that what runs ends well."""


@dataclass
class Book:
    """What the server had answered, and what it was told."""

    added: dict[str, str] = field(default_factory=dict)
    """The resource of each operation that it said was added."""
    approved: set[str] = field(default_factory=set)
    """The requests that somebody said yes to, whether or not that was answered."""


@pytest.mark.timeout(3600)
async def test_whenever_it_is_killed_nothing_acknowledged_is_lost_and_nothing_starts_unasked(
    tmp_path: Path,
) -> None:
    dice, book = random.Random(KILLS), Book()
    (tmp_path / "site.toml").write_text(SITE)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        where = f"127.0.0.1:{free.getsockname()[1]}"
    async with loaded(f"http://{where}", book):
        for _ in range(KILLS):
            async with alive(tmp_path, where) as server:
                before = len(book.added)
                await asyncio.sleep(dice.uniform(*ALIVE_SECONDS))
                server.kill()
                assert len(book.added) > before, "nothing was asked of it in this life"
        async with alive(tmp_path, where):
            await asyncio.sleep(ALIVE_SECONDS[1])
    status, out, error = called(tmp_path, "log", "--data", "data", "--json")
    assert (status, error) == (0, "")
    facts = [
        fact for line in out.splitlines() if "operation" in (fact := json.loads(line))["value"]
    ]
    check_none_is_lost(facts, book)
    check_one_at_a_time(facts)
    check_each_start_was_approved(facts, book)


def check_none_is_lost(facts: list[dict[str, Any]], book: Book) -> None:
    added = {id_of(fact): fact["entity"] for fact in facts if fact["fact"] == "Added"}
    for id, resource_id in book.added.items():
        assert added.get(id) == f"operations/hall/{resource_id}", f"{id} was lost"


def check_one_at_a_time(facts: list[dict[str, Any]]) -> None:
    active: defaultdict[str, set[str]] = defaultdict(set)
    for fact in facts:
        of_resource = active[fact["entity"]]
        of_resource.discard(id_of(fact))
        if Phase(fact["value"]["operation"]["phase"]) in ACTIVE:
            of_resource.add(id_of(fact))
        assert len(of_resource) <= 1, fact


def check_each_start_was_approved(facts: list[dict[str, Any]], book: Book) -> None:
    started = [fact["value"]["operation"] for fact in facts if fact["fact"] == "Started"]
    requests = [f"{operation['id']}.{operation['requests']}" for operation in started]
    assert len(requests) > KILLS
    assert len(set(requests)) == len(requests), "one yes started something twice"
    assert set(requests) <= book.approved


def id_of(fact: dict[str, Any]) -> str:
    id: str = fact["value"]["operation"]["id"]
    return id


@asynccontextmanager
async def alive(folder: Path, where: str) -> AsyncIterator[Served]:
    life = served(folder, "--site", "site.toml", POINTSMAN_HTTP=where)
    server = await asyncio.to_thread(life.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(life.__exit__, None, None, None)


@asynccontextmanager
async def loaded(url: str, book: Book) -> AsyncIterator[None]:
    """Somebody adds, approves and carries out operations meanwhile, on all resources."""
    async with asyncio.TaskGroup() as tasks:
        loads = [
            tasks.create_task(again_and_again(url, part, resource_id, book))
            for resource_id in ROBOTS
            for part in (add, add, approve, carry_out)
        ]
        yield
        for load in loads:
            load.cancel()


async def again_and_again(url: str, part: Any, resource_id: str, book: Book) -> None:  # noqa: ANN401
    dice = random.Random(resource_id)
    async with httpx.AsyncClient(base_url=f"{url}/resources/{resource_id}", timeout=10) as http:
        while True:
            try:
                await part(http, dice, resource_id, book)
            except httpx.TransportError:
                await asyncio.sleep(AGAIN_SECONDS)


async def add(http: httpx.AsyncClient, dice: random.Random, resource_id: str, book: Book) -> None:
    work = [{"payload": {"n": dice.random()}, "priority": dice.randrange(9)} for _ in range(3)]
    answer = await http.post("/operations/add", json=work)
    if answer.status_code != 503:  # It is on its way out.
        assert answer.status_code == 201, answer.text
        book.added |= dict.fromkeys((one["operation"]["id"] for one in answer.json()), resource_id)
    await asyncio.sleep(AGAIN_SECONDS)


async def approve(http: httpx.AsyncClient, dice: random.Random, _: str, book: Book) -> None:
    for request in of_list(await http.get("/requests")):
        accepted = dice.random() < YES
        if accepted:
            book.approved.add(request["request_id"])
        body = {"accepted": accepted}
        answer = await http.post(f"/requests/{request['request_id']}/answer", json=body)
        assert answer.status_code in (200, 409, 503), answer.text
    await asyncio.sleep(AGAIN_SECONDS)


async def carry_out(http: httpx.AsyncClient, dice: random.Random, _: str, __: Book) -> None:
    for item in of_list(await http.get("/operations", params={"state": "RUNNING", "limit": 1})):
        id, is_well = item["operation"]["id"], dice.random() < YES
        verb, body = ("complete", {}) if is_well else ("fail", {"reason": "it slipped"})
        answer = await http.post(f"/operations/{id}/{verb}", json=body)
        assert answer.status_code in (200, 409, 503), answer.text
    await asyncio.sleep(AGAIN_SECONDS)


def of_list(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    assert answer.status_code in (200, 503), answer.text
    yield from answer.json() if answer.status_code == 200 else ()
