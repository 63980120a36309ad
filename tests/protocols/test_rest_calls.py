"""The calls of the REST door over a real socket, each as it is documented."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.protocols.rest_bench import added, refused, running, served, until

FIELDS = {
    "id",
    "job_id",
    "payload",
    "resource_id",
    "priority",
    "release_date",
    "planned_duration",
    "due_date",
    "dependencies",
    "state",
    "outcome",
    "termination_reason",
    "retry_count",
    "start_time",
    "finish_time",
    "created_at",
}


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with served(tmp_path) as http:
        yield http


async def test_what_is_added_runs_and_is_completed(http: httpx.AsyncClient) -> None:
    response = await http.post(
        "/operations/add", json=[{"payload": {"task": "pickup"}, "planned_duration": 1500}]
    )
    assert response.status_code == 201
    [status] = response.json()
    assert set(status) == {"operation", "is_current_operation"}
    assert set(status["operation"]) == FIELDS
    assert status["operation"]["payload"] == {"task": "pickup"}
    assert status["operation"]["planned_duration"] == 1500
    id = status["operation"]["id"]
    await running(http, id)
    current = (await http.get("/operations/current")).json()
    assert (current["operation"]["id"], current["is_current_operation"]) == (id, True)
    assert (await http.get("/operations")).json() == [current]
    done = (await http.post(f"/operations/{id}/complete", json={"result": {"parts": 2}})).json()
    assert (done["operation"]["state"], done["operation"]["outcome"]) == ("COMPLETED", "SUCCESS")
    assert done["is_current_operation"] is False
    assert (await http.get(f"/operations/{id}")).json() == done
    refused(await http.get("/operations/current"), 404, "no_running_operation")
    assert (await http.get("/operations")).json() == []
    assert (await http.get("/operations?state=COMPLETED")).json() == [done]


async def test_a_queued_operation_is_cancelled_at_its_authors_request(
    http: httpx.AsyncClient,
) -> None:
    await running(http, await added(http))
    id = await added(http)
    response = await http.post(f"/operations/{id}/cancel")
    assert response.status_code == 200
    operation = response.json()["operation"]
    assert (operation["state"], operation["outcome"]) == ("CANCELLED", "CANCELLED")
    assert operation["termination_reason"] == "USER_REQUEST"
    body = refused(await http.post(f"/operations/{id}/cancel"), 409, "operation_ended")
    assert body["details"] == {"state": "CANCELLED", "allowed": []}


async def test_the_dispatcher_says_how_it_is(http: httpx.AsyncClient) -> None:
    state = (await http.get("/dispatcher")).json()
    assert set(state) == {
        "resource_id",
        "is_running",
        "is_paused",
        "queue_size",
        "current_operation",
        "running_since",
        "uptime_seconds",
        "runtime_thread_alive",
        "runtime_last_error",
    }
    assert (state["resource_id"], state["is_running"], state["is_paused"]) == (
        "robot-1",
        True,
        False,
    )
    assert state["runtime_thread_alive"] is True
    assert state["uptime_seconds"] >= 0
    id = await added(http)
    await added(http)
    state = await until(http, "/dispatcher", lambda said: said["current_operation"] is not None)
    assert (state["current_operation"]["id"], state["queue_size"]) == (id, 1)
