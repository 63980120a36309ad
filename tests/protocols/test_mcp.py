"""The MCP door as agents see it: the SDK's own client, over HTTP, at the REST server."""

import asyncio
import json
import re
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import httpx
import httpx2
import pytest
from mcp import Client, ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolResult,
    Implementation,
    TextContent,
    TextResourceContents,
)

from pointsman.api.mcp.doors import Away
from pointsman.api.mcp.mounting import PATH, mounted
from pointsman.api.mcp.offering import Offer
from pointsman.api.mcp.server import mcp_server
from pointsman.config import Address, Key, Role
from tests.protocols.rest_bench import ANY_PORT, ASKING, Server, Serving, server, stranger
from tests.protocols.run_bench import ENVIRONMENT

OPERATOR = Key("planner", "k-operator-0123456789", Role.OPERATOR, None)
OBSERVER = Key("guest", "k-observer-0123456789", Role.OBSERVER, None)
Json: TypeAlias = dict[str, Any]
AGENT = Implementation(name="scheduler", version="1")
ENDS_SECONDS: Final = 20


@asynccontextmanager
async def served(
    folder: Path,
    *,
    control: bool = True,
    **how: Any,  # noqa: ANN401  As Serving takes.
) -> AsyncIterator[Server]:
    beside = partial(mounted, offer=Offer(allow_control=control))
    async with server(Serving(folder, policy=ASKING, beside=beside, **how)) as one:
        yield one


@asynccontextmanager
async def agent(one: Server, key: Key | None = None) -> AsyncIterator[ClientSession]:
    headers = {"Authorization": f"Bearer {key.key}"} if key else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=10) as http,
        streamable_http_client(f"{one.url}{PATH}", http_client=http) as (reading, writing),
        ClientSession(reading, writing, client_info=AGENT) as session,
    ):
        await session.initialize()
        yield session


async def called(session: ClientSession, tool: str, **arguments: object) -> Json:
    result = await session.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    assert not result.is_error, said(result)
    found: Json | None = result.structured_content
    assert found is not None
    return found


async def refusal(session: ClientSession, tool: str, **arguments: object) -> str:
    result = await session.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    assert result.is_error
    return said(result)


def said(result: CallToolResult) -> str:
    [content] = result.content
    assert isinstance(content, TextContent)
    return content.text


async def read(session: ClientSession, uri: str) -> Json:
    result = await session.read_resource(uri)
    [content] = result.contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "application/json"
    found: Json = json.loads(content.text)
    return found


async def test_an_agent_adds_approves_and_completes_an_operation(tmp_path: Path) -> None:
    async with served(tmp_path) as one, agent(one) as session:
        added = await called(session, "operation_add", payload={"task": "weld"}, why="shift 1")
        id = added["operation"]["id"]
        [request] = await requests(session)
        assert (request["kind"], request["operation_id"]) == ("START", id)
        await called(
            session,
            "request_answer",
            request_id=request["request_id"],
            accepted=True,
            why="the cell is clear",
        )
        listed = await called(session, "operation_list")
        assert [one["operation"]["state"] for one in listed["operations"]] == ["RUNNING"]
        ended = await called(
            session, "operation_complete", operation_id=id, result={"welds": 3}, why="done"
        )
        assert ended["operation"]["outcome"] == "SUCCESS"
        detail = await called(session, "operation_get", operation_id=id)
        assert detail["result"] == {"welds": 3}


async def requests(session: ClientSession) -> list[dict[str, Any]]:
    found = (await called(session, "request_list"))["requests"]
    assert isinstance(found, list)
    return found


async def test_each_change_tells_who_asked_and_what_for(tmp_path: Path) -> None:
    async with served(tmp_path, keys=[OPERATOR]) as one, agent(one, OPERATOR) as session:
        why = "Frühschicht, Linie 2: 50 % mehr"
        added = await called(session, "operation_add", payload={}, why=why)
        told = await called(session, "operation_events", operation_id=added["operation"]["id"])
        event = next(e for e in told["events"] if e["event_type"] == "operation_added")
        assert event["by"] == "planner:scheduler"
        assert event["meta_data"]["why"] == why


async def test_an_agent_goes_on_with_a_server_that_was_restarted(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as tasks:
        life = tasks.create_task(lives(tmp_path, up := asyncio.Queue[Server]()))
        one = await up.get()
        async with agent(one) as session:
            id = await new(session)
            life.cancel()
            await asyncio.wait([life])
            where = Address("127.0.0.1", one.port)
            life = tasks.create_task(lives(tmp_path, up, address=where))
            await up.get()
            assert (await called(session, "operation_get", operation_id=id))["phase"] == "QUEUED"
            told = await called(session, "operation_events", operation_id=await new(session))
            assert told["events"][0]["by"] == AGENT.name
        life.cancel()


async def lives(folder: Path, up: asyncio.Queue[Server], address: Address = ANY_PORT) -> None:
    async with served(folder, address=address) as one:
        await up.put(one)
        await asyncio.Event().wait()


async def test_without_leave_to_control_an_agent_can_only_look(tmp_path: Path) -> None:
    async with served(tmp_path, control=False) as one, agent(one) as session:
        tools = (await session.list_tools()).tools
        assert all(t.annotations and t.annotations.read_only_hint for t in tools)
        assert {"dispatcher_get_state", "operation_why", "request_list"} <= {t.name for t in tools}
        assert "operation_add" in await refusal(session, "operation_add", payload={}, why="x")
        assert (await called(session, "operation_list"))["operations"] == []


async def test_tools_that_change_something_say_so_and_want_a_reason(tmp_path: Path) -> None:
    async with served(tmp_path) as one, agent(one) as session:
        changing = [
            tool
            for tool in (await session.list_tools()).tools
            if not (tool.annotations and tool.annotations.read_only_hint)
        ]
        assert len(changing) > 15
        for tool in changing:
            assert "why" in tool.input_schema["properties"], tool.name
            assert tool.description
        assert "why" in await refusal(session, "operation_add", payload={})
        paused = await called(session, "dispatcher_pause_runtime")
        assert (paused["message"], paused["state"]["is_paused"]) == ("dispatcher paused", True)
        assert not (await called(session, "dispatcher_resume_runtime"))["state"]["is_paused"]
        told = (await called(session, "dispatcher_get_history", limit=None))["events"]
        assert [event["meta_data"]["why"] for event in told[-2:]] == ["not said"] * 2
        assert (await called(session, "operation_list"))["operations"] == []


async def test_an_observers_key_lets_an_agent_look_only(tmp_path: Path) -> None:
    async with served(tmp_path, keys=[OPERATOR, OBSERVER]) as one, agent(one, OBSERVER) as session:
        assert len((await called(session, "resource_list"))["resources"]) == 1
        words = await refusal(session, "dispatcher_pause_runtime", why="let me")
        assert "observer" in words
        assert not (await called(session, "dispatcher_get_state"))["is_paused"]


async def test_without_a_key_nobody_comes_in_where_there_are_keys(tmp_path: Path) -> None:
    async with served(tmp_path, keys=[OPERATOR]) as one, httpx.AsyncClient() as http:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        answer = await http.post(f"{one.url}{PATH}", json=body)
        assert answer.status_code == 401


async def test_a_page_of_another_origin_cannot_call_a_tool(tmp_path: Path) -> None:
    async with served(tmp_path) as one, httpx.AsyncClient() as http:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
            answer = await http.post(f"{one.url}{PATH}", json=body, headers=headers)
            assert answer.status_code in (400, 403)


async def test_another_verb_is_refused_as_everywhere(tmp_path: Path) -> None:
    async with served(tmp_path) as one, httpx.AsyncClient() as http:
        answer = await http.get(f"{one.url}{PATH}")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        said = answer.json()
        assert (said["code"], said["error"]) == ("method_not_allowed", said["message"])


@pytest.mark.parametrize("told", [b"<html>", b"[]"])
async def test_another_program_at_that_address_is_told_in_words(told: bytes) -> None:
    async with stranger(told) as url, httpx2.AsyncClient(base_url=url) as http:
        async with Client(mcp_server(Away(http), Offer())) as client:
            words = said(await client.call_tool("resource_list", {}))
        assert f"{url}/resources is no server of pointsman" in words


async def test_a_late_or_strange_answer_is_refused_in_the_doors_words(tmp_path: Path) -> None:
    async with served(tmp_path) as one, agent(one) as session:
        added = await called(session, "operation_add", payload={}, why="x")
        id = added["operation"]["id"]
        [request] = await requests(session)
        answer = {"request_id": request["request_id"], "accepted": True, "why": "go"}
        await called(session, "request_answer", **answer)
        assert "request_closed" in await refusal(session, "request_answer", **answer)
        words = await refusal(session, "operation_resume", operation_id=id, why="x")
        assert "RUNNING" in words
        gone = {"operation_id": "00000000-0000-4000-8000-000000000000", "why": "x"}
        assert "operation_not_found" in await refusal(session, "operation_cancel", **gone)


async def test_every_tool_of_an_author_and_of_an_executor_acts(tmp_path: Path) -> None:
    async with served(tmp_path) as one, agent(one) as session:
        await called(session, "dispatcher_pause_runtime", why="inspection")
        id = await new(session, job_id="order-7", priority=3)
        other = await new(session, job_id="order-7", after=[id])
        for tool, state in (("operation_hold", True), ("operation_release", False)):
            await called(session, tool, operation_id=id, why="x")
            detail = await called(session, "operation_get", operation_id=id)
            assert detail["held"] is state
        await called(session, "operation_update", operation_id=id, changes={"priority": 9}, why="x")
        assert (await called(session, "operation_get", operation_id=id))["operation"][
            "priority"
        ] == 9
        await called(session, "job_hold", job_id="order-7", why="x")
        causes = await called(session, "operation_why", operation_id=other)
        found = {one["cause"] for one in causes["blocked_by"]}
        assert {"resource_paused", "job_held", "dependency"} <= found
        await called(session, "job_release", job_id="order-7", why="x")
        [job] = (await called(session, "job_list"))["jobs"]
        assert (job["job_id"], job["held"]) == ("order-7", False)
        await called(session, "dispatcher_resume_runtime", why="x")
        [request] = await requests(session)
        yes = {"request_id": request["request_id"], "accepted": True, "why": "x"}
        await called(session, "request_answer", **yes)
        await called(session, "operation_progress", operation_id=id, fraction=0.5)
        alive = await called(session, "operation_heartbeat", operation_id=id)
        assert alive["operation"]["state"] == "RUNNING"
        failed = await called(
            session, "operation_fail", operation_id=id, why="the gripper is jammed", error_code="E7"
        )
        assert failed["operation"]["outcome"] == "FAILURE"
        cancelled = await called(session, "job_cancel", job_id="order-7", why="no more")
        assert cancelled["operations"].get("QUEUED", 0) == 0
        await called(session, "dispatcher_stop_runtime", why="x")
        assert not (await called(session, "dispatcher_get_state"))["is_running"]
        await called(session, "dispatcher_start_runtime", why="x")
        assert (await called(session, "dispatcher_get_state"))["is_running"]


async def new(session: ClientSession, **work: object) -> str:
    added = await called(session, "operation_add", payload={}, why="x", **work)
    return str(added["operation"]["id"])


async def test_adding_twice_with_one_key_is_adding_once(tmp_path: Path) -> None:
    async with served(tmp_path) as one, agent(one) as session:
        work = {"payload": {"a": 1}, "why": "x", "idempotency_key": "order-1"}
        first, second = [await called(session, "operation_add", **work) for _ in range(2)]
        assert first["operation"]["id"] == second["operation"]["id"]
        assert len((await called(session, "operation_list"))["operations"]) == 1


async def test_an_argument_that_no_tool_has_is_refused_and_nothing_acts(tmp_path: Path) -> None:
    async with served(tmp_path) as one, agent(one) as session:
        words = await refusal(session, "operation_add", payload={}, why="x", priorty=9)
        assert "'priorty' is no argument of operation_add" in words
        assert "priority" in words
        assert (await called(session, "operation_list"))["operations"] == []
        assert "sate" in await refusal(session, "operation_list", sate="RUNNING")
        words = await refusal(session, "resource_list", resource_id="robot-1")
        assert words == "'resource_id' is no argument of resource_list; it has none"
        for odd in ({"idempotency_key": "schlüssel"}, {"idempotency_key": " "}, {"why": " "}):
            asked = {"payload": {}, "why": "x", **odd}
            assert next(iter(odd)) in await refusal(session, "operation_add", **asked)


async def test_the_documented_resources_and_prompts_are_there(tmp_path: Path) -> None:
    async with served(tmp_path) as one, agent(one) as session:
        id = await new(session)
        assert (await read(session, "dispatcher://state"))["is_running"]
        [queued] = (await read(session, "dispatcher://queue"))["operations"]
        assert queued["operation"]["id"] == id
        assert (await read(session, "dispatcher://history/10"))["operations"]
        assert len((await read(session, "dispatcher://events/1"))["events"]) == 1
        at = f"dispatcher://operations/session/{id}"
        assert (await read(session, at))["operation"]["id"] == id
        assert (await read(session, f"{at}/events"))["events"]
        assert await resources_of(session) >= {"dispatcher://state", "dispatcher://queue"}
        prompt = await session.get_prompt("dispatcher_introduction_prompt")
        assert [message.role for message in prompt.messages] == ["user"]
        await called(session, "operation_hold", operation_id=id, why="tea")
        for every in (False, True):
            history = await called(session, "dispatcher_get_history", limit=5, every=every)
            assert history["operations"]
            told = {event["event_type"] for event in history["events"]}
            assert ("operation_held" in told) is every


@pytest.mark.parametrize("uri", ["dispatcher://history/0", "dispatcher://operations/session/none"])
async def test_a_resource_that_is_none_is_an_error(tmp_path: Path, uri: str) -> None:
    async with served(tmp_path) as one, agent(one) as session:
        with pytest.raises(MCPError):
            await session.read_resource(uri)


async def test_a_tool_finds_the_resource_that_it_is_told(tmp_path: Path) -> None:
    homes = {"robot-1": "hall", "robot-2": "hall"}
    async with served(tmp_path, resources=homes) as one, agent(one) as session:
        added = await called(session, "operation_add", payload={}, why="x", resource_id="robot-2")
        assert added["operation"]["resource_id"] == "robot-2"
        found = (await called(session, "operation_list", resource_id="robot-1"))["operations"]
        assert found == []
        words = await refusal(session, "operation_list", resource_id="robot-3")
        assert "robot-3" in words


async def resources_of(session: ClientSession) -> set[str]:
    listed: Sequence[Any] = (await session.list_resources()).resources
    return {str(one.uri) for one in listed}


async def test_the_docs_name_all_tools_and_no_others(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "agents.md").read_text()
    tables = "".join(line for line in text.splitlines() if line.startswith("| `"))
    told = set(re.findall(r"`((?:resource|dispatcher|operation|request|job)_[a-z_]+)`", tables))
    async with served(tmp_path) as one, agent(one) as session:
        assert told == {tool.name for tool in (await session.list_tools()).tools}
        prompts = (await session.list_prompts()).prompts
        templates = (await session.list_resource_templates()).resource_templates
        uris = {*await resources_of(session), *(one.uri_template for one in templates)}
        for word in (*(prompt.name for prompt in prompts), *uris):
            assert f"`{word}`" in text


async def test_a_prompt_that_is_not_asked_for_rightly_is_no_error_of_ours(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(tmp_path) as one, agent(one) as session:
        for name, line in (("why_is_it_not_starting", "operation_id"), ("hello", "hello")):
            with pytest.raises(MCPError, match=line) as caught:
                await session.get_prompt(name)
            assert caught.value.code == INVALID_PARAMS
    assert caplog.records == []


async def test_a_program_that_an_agent_starts_speaks_for_a_server(tmp_path: Path) -> None:
    async with served(tmp_path) as one:
        words = ["-m", "pointsman.cli", "mcp", "--url", one.url, "--allow-control"]
        program = StdioServerParameters(command=sys.executable, args=words, env=ENVIRONMENT)
        async with (
            stdio_client(program) as (reading, writing),
            ClientSession(reading, writing, client_info=AGENT) as session,
        ):
            await session.initialize()
            added = await called(session, "operation_add", payload={}, why=" x ")
            id = added["operation"]["id"]
            told = await called(session, "operation_events", operation_id=id)
            assert told["events"][0]["by"] == AGENT.name


async def test_a_program_whose_server_is_away_says_so_in_each_tool() -> None:
    words = ["-m", "pointsman.cli", "mcp", "--url", "http://127.0.0.1:1"]
    program = StdioServerParameters(command=sys.executable, args=words, env=ENVIRONMENT)
    async with (
        stdio_client(program) as (reading, writing),
        ClientSession(reading, writing, client_info=AGENT) as session,
    ):
        await session.initialize()
        assert "does not answer" in await refusal(session, "resource_list")


@pytest.mark.parametrize(("sign", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
async def test_a_signal_ends_a_program_whose_agent_says_nothing(
    sign: signal.Signals, status: int
) -> None:
    words = ["-m", "pointsman.cli", "mcp", "--url", "http://127.0.0.1:1"]
    program = await asyncio.create_subprocess_exec(
        sys.executable, *words, env=ENVIRONMENT, stdin=PIPE, stdout=PIPE
    )
    try:
        assert program.stdin
        assert program.stdout
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        program.stdin.write(json.dumps(ping).encode() + b"\n")
        await program.stdin.drain()
        assert json.loads(await program.stdout.readline())["id"] == 1
        program.send_signal(sign)
        async with asyncio.timeout(ENDS_SECONDS):
            assert await program.wait() == status
    finally:
        with suppress(ProcessLookupError):
            program.kill()
        await program.wait()
