"""What a program chooses of the MCP door, for a server of ours or one of its own."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from mcp.client import Client
from mcp.server.mcpserver import MCPServer
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult

from pointsman.api.mcp.choosing import CHANGING, LOOKING
from pointsman.api.mcp.readables import PROMPTS, URIS
from pointsman.operation_dispatcher import (
    Operation,
    OperationDispatcher,
    OperationDispatcherMCPServer,
    OperationDispatcherMCPUtility,
)
from tests.protocols.test_mcp import AGENT, said

ROBOT = "robot-1"
STATE = "dispatcher://state"
HISTORY = "dispatcher://history/{limit}"
INTRODUCTION = "dispatcher_introduction_prompt"


@pytest.fixture
def dispatcher() -> Iterator[OperationDispatcher]:
    with OperationDispatcher(ROBOT) as made:
        yield made


@pytest.fixture
def mine() -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("hall")

    @server.tool()
    def open_door() -> str:
        """A tool of the program's own."""
        return "open"

    return server


async def found(server: MCPServer[Any]) -> tuple[set[str], set[str], set[str]]:
    """Names of tools, URIs of resources, names of prompts, as an agent sees them."""
    async with Client(server) as agent:
        tools = (await agent.list_tools()).tools
        resources = (await agent.list_resources()).resources
        templates = (await agent.list_resource_templates()).resource_templates
        prompts = (await agent.list_prompts()).prompts
    uris = {str(one.uri) for one in resources} | {one.uri_template for one in templates}
    return {one.name for one in tools}, uris, {one.name for one in prompts}


async def told(agent: Client, tool: str, **arguments: object) -> dict[str, Any]:
    result = await agent.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    assert not result.is_error, said(result)
    content: dict[str, Any] | None = result.structured_content
    assert content is not None
    return content


async def test_without_a_choice_there_is_all(dispatcher: OperationDispatcher) -> None:
    looking = OperationDispatcherMCPServer(dispatcher)
    assert await found(looking.create_server()) == (set(LOOKING), set(URIS), set(PROMPTS))
    acting = OperationDispatcherMCPServer(dispatcher, allow_control=True)
    assert (await found(acting.create_server()))[0] == {*LOOKING, *CHANGING}


async def test_what_is_chosen_is_there_and_nothing_else(dispatcher: OperationDispatcher) -> None:
    chosen: dict[str, Any] = {
        "tools": ["operation_add", "dispatcher_get_state"],
        "resources": (STATE, HISTORY),
        "prompts": set(),
    }
    door = OperationDispatcherMCPServer(dispatcher, allow_control=True, **chosen)
    names = {*chosen["tools"]}, {*chosen["resources"]}, set[str]()
    assert await found(door.create_server()) == names
    async with Client(door.create_server()) as agent:
        result = await agent.call_tool("operation_list", {})
        assert isinstance(result, CallToolResult)
        assert result.is_error
        assert "operation_list" in said(result)
        with pytest.raises(MCPError):
            await agent.read_resource("dispatcher://queue")


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"tools": ["operation_ad"]}, "tools has 'operation_ad': one of resource_list, "),
        ({"tools": "operation_list"}, "tools is 'operation_list': a list of names, or None"),
        ({"tools": ["operation_add"]}, "changes something: allow_control=True would work"),
        ({"resources": ["dispatcher://history/5"]}, "resources has 'dispatcher://history/5': "),
        ({"prompts": ["hello"]}, f"prompts has 'hello': one of {INTRODUCTION}, "),
    ],
)
async def test_what_there_is_not_is_refused_at_once(
    dispatcher: OperationDispatcher, mine: MCPServer[Any], chosen: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match="would work") as refused:
        OperationDispatcherMCPServer(dispatcher, **chosen)
    assert words in str(refused.value)
    with pytest.raises(ValueError, match="would work") as refused:
        OperationDispatcherMCPUtility(dispatcher).register(mine, **chosen)
    assert words in str(refused.value)
    assert await found(mine) == ({"open_door"}, set(), set())


async def test_a_server_of_ones_own_gets_what_is_chosen(
    dispatcher: OperationDispatcher, mine: MCPServer[Any]
) -> None:
    lift = dispatcher.add(Operation(resource_id=ROBOT))
    utility = OperationDispatcherMCPUtility(dispatcher)
    utility.register(mine, ["operation_list"], [STATE], [])
    utility.register(mine, ["operation_why"], [], [INTRODUCTION])
    tools = {"open_door", "operation_list", "operation_why"}
    assert await found(mine) == (tools, {STATE}, {INTRODUCTION})
    async with Client(mine) as agent:
        [queued] = (await told(agent, "operation_list"))["operations"]
        assert queued["operation"]["id"] == str(lift.id)
        assert (await agent.read_resource(STATE)).contents
        assert (await agent.get_prompt(INTRODUCTION)).messages
        assert await told(agent, "open_door") == {"result": "open"}


async def test_on_a_server_of_ones_own_agents_change_nothing_without_leave(
    dispatcher: OperationDispatcher, mine: MCPServer[Any]
) -> None:
    OperationDispatcherMCPUtility(dispatcher).register(mine)
    names = {"open_door", *LOOKING}
    assert await found(mine) == (names, set(URIS), set(PROMPTS))


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_on_a_server_of_ones_own_each_change_tells_who_and_what_for(
    dispatcher: OperationDispatcher, mine: MCPServer[Any], mode: str
) -> None:
    OperationDispatcherMCPUtility(dispatcher, allow_control=True).register(mine)
    async with Client(mine, client_info=AGENT, mode=mode) as agent:
        added = await told(agent, "operation_add", payload={"task": "weld"}, why="shift 1")
        id = added["operation"]["id"]
        events = (await told(agent, "operation_events", operation_id=id))["events"]
        assert (events[0]["by"], events[0]["meta_data"]["why"]) == (AGENT.name, "shift 1")
        without = await agent.call_tool("operation_cancel", {"operation_id": id})
        assert isinstance(without, CallToolResult)
        assert without.is_error
        assert "why" in said(without)
    assert [str(one.id) for one in dispatcher.get_queue()] == [id]


async def test_what_a_server_of_ones_own_knows_of_its_callers_is_its_own(
    dispatcher: OperationDispatcher, mine: MCPServer[Any]
) -> None:
    """There, a key in a request's state is not one of ours."""
    OperationDispatcherMCPUtility(dispatcher, allow_control=True).register(mine)
    app = mine.streamable_http_app(stateless_http=True, json_response=True)

    async def keyed(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        await app({**scope, "state": {"key": "not ours"}}, receive, send)

    call = {"name": "operation_add", "arguments": {"payload": {}, "why": "x"}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    headers = {"Accept": "application/json, text/event-stream"}
    async with (
        mine.session_manager.run(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(keyed), base_url="http://127.0.0.1:8000"
        ) as http,
    ):
        answer = await http.post("/mcp", json=message, headers=headers)
    assert not answer.json()["result"]["isError"]
    assert len(dispatcher.get_queue()) == 1


def test_a_server_of_another_make_is_refused(dispatcher: OperationDispatcher) -> None:
    with pytest.raises(TypeError, match=r"mcp is a builtins\.object: an mcp\.server\.mcpserver"):
        OperationDispatcherMCPUtility(dispatcher).register(object())  # type: ignore[arg-type]


@pytest.mark.parametrize("json_response", [True, False])
async def test_an_answer_is_json_or_a_stream(
    dispatcher: OperationDispatcher,
    json_response: bool,
) -> None:
    door = OperationDispatcherMCPServer(dispatcher, port=0, json_response=json_response)
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    headers = {"Accept": "application/json, text/event-stream"}
    async with door.serving() as port, httpx.AsyncClient(headers=headers) as http:
        answer = await http.post(f"http://127.0.0.1:{port}/mcp", json=body)
        kind = "application/json" if json_response else "text/event-stream"
        assert answer.headers["content-type"].startswith(kind)
        async with Client(f"http://127.0.0.1:{port}/mcp") as agent:
            assert not (await told(agent, "dispatcher_get_state"))["is_running"]
