"""A dispatcher of a Python program, over real REST and MCP."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import urljoin

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from mcp.client import Client

from pointsman.config import SERVED_BY
from pointsman.operation_dispatcher import (
    DispatchEvent,
    EventType,
    ExecutionState,
    HistoryAnalyzer,
    Operation,
    OperationDispatcher,
    OperationDispatcherMCPServer,
    OperationDispatcherOpenAPI,
)

ROBOT = "robot-1"
JSON: Final = {"Content-Type": "application/json"}


def op() -> Operation:
    return Operation(resource_id=ROBOT)


def willing(event: DispatchEvent) -> bool:
    """Never lets anything be resumed."""
    return event.event_type is not EventType.OPERATION_RESUME_REQUESTED


@pytest.fixture
def dispatcher() -> Iterator[OperationDispatcher]:
    with OperationDispatcher(ROBOT, on_request_callback=willing) as made:
        yield made


class Asking:
    def __init__(self, port: int) -> None:
        self._port = port

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:  # noqa: ANN401
        connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        response = connection.getresponse()
        told = json.loads(response.read())
        connection.close()
        return response.status, told

    def events(self, count: int) -> list[dict[str, Any]]:
        """The first events of a stream, from the beginning on."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
        connection.request("GET", "/events?after=0")
        response = connection.getresponse()
        found: list[dict[str, Any]] = []
        while len(found) < count:
            line = response.readline().decode()
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
        connection.close()
        return found


def test_a_dispatcher_can_be_asked_over_rest(dispatcher: OperationDispatcher) -> None:
    lift, weld = dispatcher.add(op()), dispatcher.add(op())
    with OperationDispatcherOpenAPI(dispatcher, port=0) as door:
        with pytest.raises(RuntimeError, match="it serves already"):
            door.start()
        ask = Asking(door.port)
        assert ask("POST", "/dispatcher/start")[0] == 202
        assert ask("POST", "/dispatcher/start")[0] == 409
        deadline = time.monotonic() + 5
        while lift.state is not ExecutionState.RUNNING and time.monotonic() < deadline:
            time.sleep(0.01)
        status, told = ask("GET", "/operations/current")
        assert (status, told["operation"]["id"]) == (200, str(lift.id))
        status, told = ask("POST", f"/operations/{lift.id}/pause")
        assert (status, told["operation"]["state"]) == (200, "PAUSED")
        status, told = ask("POST", f"/operations/{lift.id}/resume")
        assert (status, told["code"]) == (409, "operation_resume_denied")
        assert ask("POST", f"/operations/{lift.id}/complete", {})[0] == 200
        assert lift.state is ExecutionState.COMPLETED
        status, told = ask("POST", "/operations/add", [{"payload": {"task": "weld"}}])
        assert status == 201
        assert str(dispatcher.get_queue()[-1].id) == told[0]["operation"]["id"]
        assert ask("GET", f"/operations/{weld.id}/detail")[0] == 200
        assert ask("GET", "/jobs")[0] == 200
        assert ask("GET", "/openapi.json")[1]["openapi"].startswith("3.1")
        assert ask("POST", "/dispatcher/stop")[0] == 202
        assert not dispatcher.is_running


async def test_as_a_part_of_another_application_it_refuses_what_it_refuses_alone(
    dispatcher: OperationDispatcher,
) -> None:
    async with mounted(dispatcher) as http:
        broken = '[{"payload": {}, "priority": 1, "priority": 2}]'
        for method, path, body, status, code in (
            ("DELETE", "/cell/operations", "", 405, "method_not_allowed"),
            ("GET", "/cell/nothing", "", 404, "unknown_path"),
            ("POST", "/cell/operations/add", broken, 400, "invalid_json"),
            ("POST", "/cell/operations/add", " " * 1_000_001, 413, "too_long"),
        ):
            answer = await http.request(method, path, content=body, headers=JSON)
            assert (answer.status_code, answer.json()["code"]) == (status, code), path
            assert answer.headers[SERVED_BY], "commands look for it"
        assert (await http.request("OPTIONS", "/cell/operations/add")).headers["allow"]
        assert (await http.head("/cell/operations")).status_code == 200
    assert dispatcher.get_operations() == []


async def test_as_a_part_of_another_application_its_page_is_its_own(
    dispatcher: OperationDispatcher,
) -> None:
    async with mounted(dispatcher) as http:
        page = (await http.get("/cell/docs")).text
        parts = re.findall(r"""(?:src=|href=|url: )["']([^"']+)["']""", page)
        assert len(parts) == 4
        for part in parts:
            place = urljoin("/cell/docs", part)
            assert place.startswith("/cell/")
            assert (await http.get(place)).status_code == 200, place


def mounted(dispatcher: OperationDispatcher) -> AsyncClient:
    """A client of an application that has the dispatcher's at `/cell`."""
    app = FastAPI()
    app.mount("/cell", OperationDispatcherOpenAPI(dispatcher).create_app())
    return AsyncClient(transport=ASGITransport(app), base_url="http://localhost")


def test_history_and_stream_tell_the_same_events_as_python(
    dispatcher: OperationDispatcher,
) -> None:
    lift = dispatcher.add(op())
    dispatcher.step()
    dispatcher.complete_operation(lift.id)
    ids = [str(event.id) for event in dispatcher.get_events()]
    with OperationDispatcherOpenAPI(dispatcher, port=0) as door:
        ask = Asking(door.port)
        status, history = ask("GET", "/operations/history?resolve_operations=true")
        assert (status, [event["id"] for event in history["events"]]) == (200, ids)
        assert HistoryAnalyzer(history).get_report().completed == 1
        assert [event["id"] for event in ask.events(len(ids))] == ids
        assert len(ask("GET", f"/operations/{lift.id}/events")[1]) == 4


async def test_a_run_ends_when_somebody_stops_it_over_rest(
    dispatcher: OperationDispatcher,
) -> None:
    async with (
        asyncio.timeout(10),
        OperationDispatcherOpenAPI(dispatcher, port=0).serving() as port,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(dispatcher.run())
        await asyncio.sleep(0.01)
        assert (await asyncio.to_thread(Asking(port), "POST", "/dispatcher/stop"))[0] == 202


async def test_agents_look_and_act_if_they_may(dispatcher: OperationDispatcher) -> None:
    lift = dispatcher.add(op())
    door = OperationDispatcherMCPServer(dispatcher, "cell", port=0, allow_control=True)
    async with (
        asyncio.timeout(10),
        door.serving() as port,
        Client(f"http://127.0.0.1:{port}/mcp") as client,
    ):
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert "operation_add" in names
        told = await client.call_tool("operation_why", {"operation_id": str(lift.id)})
        assert "the dispatcher is stopped" in str(told.content)
    looking = OperationDispatcherMCPServer(dispatcher).create_server()
    assert "operation_add" not in {tool.name for tool in await looking.list_tools()}
    with pytest.raises(ValueError, match="one of stdio, http, streamable-http, sse would"):
        OperationDispatcherMCPServer(dispatcher).run("pigeon")  # type: ignore[arg-type]
