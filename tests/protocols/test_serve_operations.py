"""`pointsman serve` with resources, as a process: over REST, with executors, killed and ended."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.protocols.serve_bench import Served, called, served

SOON_SECONDS = 15.0
SITE = """
[site]
id = "mill"

[[resource]]
id = "press"

[[resource]]
id = "robot"
approve = "always"
device = { protocol = "simulated", duration_seconds = 0.05 }

[[resource]]
id = "crane"
approve = "always"
heartbeat_seconds = 4
"""


@contextmanager
def mill(folder: Path) -> Iterator[tuple[Served, str]]:
    """A server, and the URL of its REST door."""
    path = folder / "site.toml"
    path.write_text(SITE)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with served(folder, "--site", str(path), POINTSMAN_HTTP=address) as server:
        yield server, f"http://{address}"


@asynccontextmanager
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        asyncio.timeout(SOON_SECONDS),
        httpx.AsyncClient(base_url=url, timeout=SOON_SECONDS) as http,
    ):
        yield http


async def get(http: httpx.AsyncClient, path: str, **query: Any) -> Any:  # noqa: ANN401
    response = await http.get(path, params=query)
    assert response.status_code == 200, response.text
    return response.json()


async def added(http: httpx.AsyncClient, at: str = "", **said: Any) -> str:  # noqa: ANN401
    response = await http.post(f"{at}/operations/add", json=[{"payload": {}, **said}])
    assert response.status_code == 201, response.text
    [item] = response.json()
    id: str = item["operation"]["id"]
    return id


async def history(http: httpx.AsyncClient, at: str = "") -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = (await get(http, f"{at}/operations/history", limit=1_000))[
        "events"
    ]
    return events


async def test_what_was_answered_is_there_after_a_kill_with_its_history(tmp_path: Path) -> None:
    with mill(tmp_path) as (server, url):
        async with client(url) as http:
            ids = [await added(http, priority=n) for n in range(5)]
            before = await history(http)
            assert len(before) >= 6, "it was started, and five were added"
        server.kill()
    with mill(tmp_path) as (_, url):
        async with client(url) as http:
            after = await history(http)
            assert after[: len(before)] == before
            told = {event["operation_id"] for event in after}
            assert set(ids) <= told
            queued = [item["operation"]["id"] for item in await get(http, "/operations")]
            assert sorted(queued) == sorted(ids)


async def test_a_simulated_resource_works_through_its_queue(tmp_path: Path) -> None:
    with mill(tmp_path) as (_, url):
        async with client(url) as http:
            ids = [await added(http, "/resources/robot") for _ in range(3)]
            done: list[str] = []
            while len(done) < len(ids):
                events = await history(http, "/resources/robot")
                ended = [one for one in events if one["event_type"] == "operation_completed"]
                done = [one["operation_id"] for one in ended]
                await asyncio.sleep(0.05)
            assert done == ids


async def test_nobody_is_lost_because_the_server_was_away(tmp_path: Path) -> None:
    with mill(tmp_path) as (server, url):
        async with client(url) as http:
            id = await added(http, "/resources/crane")
        server.kill()
    await asyncio.sleep(3.5)  # And it takes a while to begin.
    with mill(tmp_path) as (_, url):
        async with client(url) as http:
            alive = await http.post(f"/resources/crane/operations/{id}/heartbeat")
            assert alive.status_code == 200, alive.text
            item = await get(http, f"/resources/crane/operations/{id}")
            assert item["operation"]["state"] == "RUNNING"


def test_a_server_ends_cleanly_while_an_executor_is_at_work(tmp_path: Path) -> None:
    async def begin(url: str) -> None:
        async with client(url) as http:
            for _ in range(20):
                await added(http, "/resources/robot")

    with mill(tmp_path) as (server, url):
        asyncio.run(begin(url))
        assert server.end() == (128 + signal.SIGTERM, "pointsman: terminated\n")


def test_a_mistake_in_a_resource_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(SITE.replace("simulated", "simulted"))
    status, out, error = called(tmp_path, "serve", "--grpc", "127.0.0.1:0", "--site", str(path))
    assert (status, out, error.count("\n")) == (1, "", 1), error
    assert "resource 'robot': device protocol 'simulted' is not known" in error
