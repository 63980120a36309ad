"""The older transport of MCP: the SDK's own client of it, at the door of a dispatcher."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import httpx2
import pytest
from mcp import ClientSession
from mcp.client import Client
from mcp.client.sse import sse_client

from pointsman.api.keys import Keys
from pointsman.api.mcp import sse
from pointsman.api.rest import server
from pointsman.operation_dispatcher import (
    DispatchEvent,
    EventType,
    Operation,
    OperationDispatcher,
    OperationDispatcherMCPServer,
)
from tests.protocols.run_bench import ENVIRONMENT
from tests.protocols.sunspec_bench import free_port
from tests.protocols.test_mcp import AGENT, OBSERVER, OPERATOR, called, read, refusal, requests

ROBOT = "robot-1"
SECONDS = 60
"""In which a test comes to its end."""
SERVE = """
from pointsman.operation_dispatcher import OperationDispatcher, OperationDispatcherMCPServer
door = OperationDispatcherMCPServer(OperationDispatcher("robot-1"), port=PORT)
door.run(transport="sse", mount_path="cell/")
"""


@pytest.fixture
def dispatcher() -> Iterator[OperationDispatcher]:
    with OperationDispatcher(ROBOT) as made:
        yield made


@asynccontextmanager
async def agent(port: int, path: str = "/sse", **headers: str) -> AsyncIterator[ClientSession]:
    url = f"http://127.0.0.1:{port}{path}"
    async with (
        sse_client(url, headers=headers, timeout=SECONDS) as (reading, writing),
        ClientSession(reading, writing, client_info=AGENT) as session,
    ):
        await session.initialize()
        yield session


def shows(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def test_an_agent_adds_approves_and_completes_an_operation() -> None:
    asked: asyncio.Queue[DispatchEvent] = asyncio.Queue()
    answers: asyncio.Queue[bool] = asyncio.Queue()

    async def on_request(event: DispatchEvent) -> bool:
        await asked.put(event)
        return await answers.get()

    with OperationDispatcher(ROBOT, on_request_callback=on_request) as dispatcher:
        door = OperationDispatcherMCPServer(dispatcher, port=0, allow_control=True)
        async with (
            asyncio.timeout(SECONDS),
            door.serving("sse") as port,
            agent(port) as session,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(dispatcher.run())
            added = await called(session, "operation_add", payload={"task": "weld"}, why="shift 1")
            id = added["operation"]["id"]
            assert (await asked.get()).event_type is EventType.OPERATION_START_REQUESTED
            [request] = await requests(session)
            yes = {"request_id": request["request_id"], "accepted": True, "why": "it is clear"}
            await called(session, "request_answer", **yes)
            ended = await called(session, "operation_complete", operation_id=id, why="done")
            assert ended["operation"]["outcome"] == "SUCCESS"
            told = (await called(session, "operation_events", operation_id=id))["events"]
            assert (told[0]["by"], told[0]["meta_data"]["why"]) == (AGENT.name, "shift 1")
            await called(session, "dispatcher_stop_runtime", why="the test is over")


async def test_without_leave_to_control_an_agent_can_only_look(
    dispatcher: OperationDispatcher,
) -> None:
    lift = dispatcher.add(Operation(resource_id=ROBOT))
    door = OperationDispatcherMCPServer(dispatcher, port=0)
    async with asyncio.timeout(SECONDS), door.serving("sse") as port, agent(port) as session:
        tools = (await session.list_tools()).tools
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
        assert not (await called(session, "dispatcher_get_state"))["is_running"]
        [queued] = (await read(session, "dispatcher://queue"))["operations"]
        assert queued["operation"]["id"] == str(lift.id)
        assert "operation_add" in await refusal(session, "operation_add", payload={}, why="x")
        async with Client(f"http://127.0.0.1:{port}/mcp") as modern:
            assert len((await modern.list_tools()).tools) == len(tools)


async def test_keys_hold_for_a_session_and_for_each_message(
    dispatcher: OperationDispatcher,
) -> None:
    keys = Keys([OPERATOR, OBSERVER])
    door = OperationDispatcherMCPServer(dispatcher, port=0, allow_control=True, keys=keys)
    async with asyncio.timeout(SECONDS), door.serving("sse") as port:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            assert (await http.get("/sse")).status_code == 401
            assert (await http.post("/messages/", json={})).status_code == 401
        async with agent(port, **shows(OBSERVER.key)) as session:
            assert "observer" in await refusal(session, "dispatcher_pause_runtime", why="let me")
        async with agent(port, **shows(OPERATOR.key)) as session:
            added = await called(session, "operation_add", payload={}, why="x")
            id = added["operation"]["id"]
            told = await called(session, "operation_events", operation_id=id)
            assert told["events"][0]["by"] == f"{OPERATOR.name}:{AGENT.name}"


async def test_nobody_speaks_in_the_session_of_another_key(
    dispatcher: OperationDispatcher,
) -> None:
    keys = Keys([OPERATOR, OBSERVER])
    door = OperationDispatcherMCPServer(dispatcher, port=0, keys=keys)
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    async with (
        asyncio.timeout(SECONDS),
        door.serving("sse") as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
        http.stream("GET", "/sse", headers=shows(OPERATOR.key)) as stream,
    ):
        async for line in stream.aiter_lines():
            if line.startswith("data: "):
                place = line.removeprefix("data: ")
                break
        for key, status in ((OBSERVER, 404), (OPERATOR, 202)):
            answer = await http.post(place, json=ping, headers=shows(key.key))
            assert answer.status_code == status


async def test_pages_of_another_origin_or_name_stay_outside(
    dispatcher: OperationDispatcher,
) -> None:
    door = OperationDispatcherMCPServer(dispatcher, port=0)
    async with (
        asyncio.timeout(SECONDS),
        door.serving("sse") as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        assert (await http.get("/sse", headers={"Host": "evil.example"})).status_code == 400
        evil = {"Origin": "http://evil.example"}
        assert (await http.post("/messages/", json={}, headers=evil)).status_code == 403
        headed = await http.head("/sse")
        assert (headed.status_code, headed.text) == (200, "")
        assert (await http.post("/sse", json={})).status_code == 405
        assert (await http.get("/dispatcher")).status_code == 200


async def test_there_are_so_many_sessions_at_a_time_and_no_more(
    dispatcher: OperationDispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "SESSIONS_MOST", 1)
    door = OperationDispatcherMCPServer(dispatcher, port=0)
    async with asyncio.timeout(SECONDS), door.serving("sse") as port:
        async with agent(port), httpx.AsyncClient() as http:
            refused = await http.get(f"http://127.0.0.1:{port}/sse")
            assert (refused.status_code, refused.json()["code"]) == (429, "overloaded")
        await once_it_is_free(port)


async def once_it_is_free(port: int) -> None:
    """The server hears a little later that an agent has gone."""
    while True:
        try:
            async with agent(port) as session:
                assert await session.list_tools()
                return
        except* httpx2.HTTPStatusError:
            await asyncio.sleep(0.01)


async def test_a_server_that_ends_waits_for_no_session(
    dispatcher: OperationDispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "GRACE_SECONDS", 10 * SECONDS)
    door = OperationDispatcherMCPServer(dispatcher, port=0)
    async with asyncio.timeout(SECONDS), httpx.AsyncClient(timeout=SECONDS) as http:
        async with door.serving("sse") as port:
            request = http.build_request("GET", f"http://127.0.0.1:{port}/sse")
            answer = await http.send(request, stream=True)
            lines = answer.aiter_lines()
            assert await anext(lines) == "event: endpoint"
        assert [line async for line in lines if line.startswith("event")] == []
        await answer.aclose()


async def test_a_program_runs_it_below_a_path_until_it_is_interrupted() -> None:
    port = free_port()
    code = SERVE.replace("PORT", str(port))
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stderr=PIPE, env=ENVIRONMENT
    )
    try:
        async with asyncio.timeout(SECONDS):
            await until_it_listens(port)
            async with agent(port, "/cell/sse") as session:
                assert not (await called(session, "dispatcher_get_state"))["is_running"]
                program.send_signal(signal.SIGINT)
                _, told = await program.communicate()
        assert told.decode().strip().splitlines()[-1] == "KeyboardInterrupt"
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()


async def until_it_listens(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


@pytest.mark.parametrize("path", ["http://elsewhere/", "/a cell", "/cell?x=1", "/{cell}", "/ü"])
def test_a_path_that_is_none_is_refused(dispatcher: OperationDispatcher, path: str) -> None:
    door = OperationDispatcherMCPServer(dispatcher)
    with pytest.raises(ValueError, match="a path such as /cell would work"):
        door.run("sse", path)


def test_a_transport_without_a_path_of_its_own_says_so(dispatcher: OperationDispatcher) -> None:
    door = OperationDispatcherMCPServer(dispatcher)
    for transport in ("stdio", "http", "streamable-http"):
        with pytest.raises(ValueError, match="it is for transport='sse' only"):
            door.run(transport, mount_path="/cell")
    with pytest.raises(ValueError, match="one of http, streamable-http, sse would work"):
        door.serving("stdio")  # type: ignore[arg-type]
