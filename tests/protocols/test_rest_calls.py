"""The calls of the REST door over a real socket, each as it is documented."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from pointsman.operations.policy import Policy
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
    body = refused(
        await http.post(f"/operations/{id}/cancel"), 409, "operation_cancellation_denied"
    )
    assert body["details"] == {"state": "CANCELLED", "allowed": []}


@pytest.mark.parametrize("finished_kept", [0, 10], ids=["from the record", "known by heart"])
async def test_what_has_ended_is_refused_in_the_same_words_however_long_ago(
    tmp_path: Path, finished_kept: int
) -> None:
    policy = Policy(ask=False, finished_kept=finished_kept)
    async with served(tmp_path, policy=policy) as http:
        ids = [await added(http) for _ in range(3)]
        for id in ids:
            await running(http, id)
            assert (await http.post(f"/operations/{id}/complete")).status_code == 200
        for verb, code in (
            ("cancel", "operation_cancellation_denied"),
            ("pause", "operation_not_running"),
            ("resume", "operation_not_paused"),
            ("update", "operation_update_failed"),
            ("complete", "operation_not_active"),
        ):
            body = refused(await http.post(f"/operations/{ids[0]}/{verb}", json={}), 409, code)
            assert body["details"] == {"state": "COMPLETED", "allowed": []}


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


async def test_pausing_and_resuming_the_dispatcher_leaves_what_runs_alone(
    http: httpx.AsyncClient,
) -> None:
    id = await added(http)
    await running(http, id)
    for verb, status, message, paused in (
        ("pause", 200, "dispatcher paused", True),
        ("resume", 200, "dispatcher resumed", False),
    ):
        said = await http.post(f"/dispatcher/{verb}")
        assert (said.status_code, said.json()["message"]) == (status, message)
        assert said.json()["state"]["is_paused"] is paused
        assert (await http.get("/operations/current")).json()["operation"]["state"] == "RUNNING"
        refused(
            await http.post(f"/dispatcher/{verb}"),
            409,
            "already_paused" if paused else "not_paused",
        )


async def test_a_dispatcher_that_is_stopped_says_so_and_starts_nothing(
    http: httpx.AsyncClient,
) -> None:
    stopped = await http.post("/dispatcher/stop")
    assert stopped.status_code == 202
    state = stopped.json()["state"]
    assert (state["is_running"], state["runtime_thread_alive"]) == (False, False)
    assert (state["running_since"], state["uptime_seconds"]) == (None, None)
    refused(await http.post("/dispatcher/stop"), 409, "not_running")
    id = await added(http)
    assert (await http.get(f"/operations/{id}/detail")).json()["phase"] == "QUEUED"
    started = await http.post("/dispatcher/start")
    assert (started.status_code, started.json()["state"]["is_running"]) == (202, True)
    refused(await http.post("/dispatcher/start"), 409, "already_running")
    await running(http, id)


async def test_a_queue_is_listed_whole_unless_pages_are_asked_for(http: httpx.AsyncClient) -> None:
    current = await added(http)
    await running(http, current)
    for _ in range(2):
        work = [{"payload": {"n": n}} for n in range(600)]
        assert (await http.post("/operations/add", json=work)).status_code == 201
    response = await http.get("/operations")
    assert "link" not in response.headers
    first, *queue = response.json()
    assert (first["operation"]["id"], first["is_current_operation"]) == (current, True)
    assert [one["operation"]["payload"]["n"] for one in queue] == [*range(600), *range(600)]
    assert queue[0] == (await http.get(f"/operations/{queue[0]['operation']['id']}")).json()


async def test_the_queue_is_listed_in_its_order_page_by_page(http: httpx.AsyncClient) -> None:
    first = await added(http)
    await running(http, first)
    ids = [await added(http, priority=n % 3, job_id=f"job {n % 2}") for n in range(7)]
    right = [first, *sorted(ids, key=lambda one: (-(ids.index(one) % 3), ids.index(one)))]
    assert [one["operation"]["id"] for one in (await http.get("/operations")).json()] == right
    found, url = [], "/operations?limit=3"
    while url:
        page = await http.get(url)
        found += [one["operation"]["id"] for one in page.json()]
        url = str(page.url.join(page.links["next"]["url"])) if "next" in page.links else ""
    assert found == right
    of_job = (await http.get("/operations", params={"job_id": "job 1"})).json()
    assert {one["operation"]["job_id"] for one in of_job} == {"job 1"}
    assert len(of_job) == 3
    queued = (await http.get("/operations?state=QUEUED")).json()
    assert [one["operation"]["id"] for one in queued] == right[1:]
    assert [o["operation"]["id"] for o in (await http.get("/operations?state=RUNNING")).json()] == [
        first
    ]


async def test_what_has_ended_is_listed_by_its_state_the_last_one_first(
    http: httpx.AsyncClient,
) -> None:
    ends = {"complete": "COMPLETED", "fail": "FAILED", "cancel": "CANCELLED"}
    ended: dict[str, list[str]] = {state: [] for state in ends.values()}
    for verb, state in [*ends.items(), *ends.items(), *ends.items()]:
        id = await added(http)
        await running(http, id)
        body = {"reason": "the gripper is jammed"} if verb == "fail" else None
        response = await http.post(f"/operations/{id}/{verb}", json=body)
        assert response.json()["operation"]["state"] == state
        ended[state].insert(0, id)
    for state, ids in ended.items():
        listed = (await http.get("/operations", params={"state": state})).json()
        assert [one["operation"]["id"] for one in listed] == ids
        page = await http.get("/operations", params={"state": state, "limit": 2})
        rest = await http.get(str(page.url.join(page.links["next"]["url"])))
        both = [one["operation"]["id"] for one in (*page.json(), *rest.json())]
        assert both == ids
    assert (await http.get("/operations")).json() == []


async def test_an_operation_is_paused_resumed_and_reported_on(http: httpx.AsyncClient) -> None:
    id = await added(http)
    await running(http, id)
    paused = (
        await http.post(f"/operations/{id}/pause", json={"meta_data": {"why": "lunch"}})
    ).json()
    assert (paused["operation"]["state"], paused["is_current_operation"]) == ("PAUSED", True)
    refused(await http.get("/operations/current"), 404, "no_running_operation")
    body = refused(await http.post(f"/operations/{id}/pause"), 409, "operation_not_running")
    assert body["details"]["state"] == "PAUSED"
    assert "resume" in body["details"]["allowed"]
    resumed = (await http.post(f"/operations/{id}/resume")).json()
    assert resumed["operation"]["state"] == "RUNNING"
    refused(await http.post(f"/operations/{id}/resume"), 409, "operation_not_paused")
    await http.post(f"/operations/{id}/progress", json={"fraction": 0.5, "note": "half way"})
    assert (await http.post(f"/operations/{id}/heartbeat")).status_code == 200
    detail = (await http.get(f"/operations/{id}/detail")).json()
    assert detail["progress"]["fraction"] == 0.5
    assert detail["progress"]["note"] == "half way"
    failed = await http.post(
        f"/operations/{id}/fail", json={"reason": "TIMEOUT", "error_code": "E42"}
    )
    operation = failed.json()["operation"]
    assert (operation["state"], operation["termination_reason"]) == ("FAILED", "TIMEOUT")
    assert (await http.get(f"/operations/{id}/detail")).json()["error_code"] == "E42"
    for verb, said in (("complete", None), ("heartbeat", None), ("progress", {"fraction": 1})):
        response = await http.post(f"/operations/{id}/{verb}", json=said)
        refused(response, 409, "operation_not_active")


async def test_a_line_for_people_says_why_it_failed(http: httpx.AsyncClient) -> None:
    id = await added(http)
    await running(http, id)
    late = await http.post(f"/operations/{id}/complete", json={"attempt": 2})
    refused(late, 409, "attempt_over")
    line = "the gripper is jammed"
    failed = await http.post(f"/operations/{id}/fail", json={"reason": line, "attempt": 1})
    assert failed.json()["operation"]["termination_reason"] == "EXTERNAL_ERROR"
    assert (await http.get(f"/operations/{id}/detail")).json()["error"] == line


async def test_detail_says_what_keeps_an_operation_back(http: httpx.AsyncClient) -> None:
    first = await added(http)
    await running(http, first)
    then = "2999-01-01T00:00:00Z"
    depends = [{"depends_on_operation_id": first, "dependency_type": "FINISH_TO_START"}]
    id = await added(http, release_date=then, dependencies=depends)
    said = (await http.get(f"/operations/{id}/detail")).json()
    causes = {block["cause"]: block for block in said["blocked_by"]}
    assert set(causes) == {"resource_busy", "not_released", "dependency"}
    assert causes["not_released"]["until"] == then
    assert causes["dependency"]["operation_id"] == first
    assert (said["phase"], said["revision"], said["progress"]) == ("QUEUED", 1, None)
    [dependency] = said["operation"]["dependencies"]
    assert dependency["depends_on_operation_id"] == first


async def test_what_waits_is_updated_and_held_and_released(http: httpx.AsyncClient) -> None:
    await running(http, await added(http))
    id = await added(http, planned_duration=1000)
    changed = await http.post(
        f"/operations/{id}/update",
        json={"priority": 7, "planned_duration": 2000, "due_date": "2999-01-01T00:00:00"},
    )
    operation = changed.json()["operation"]
    assert (operation["priority"], operation["planned_duration"]) == (7, 2000)
    assert operation["due_date"] == "2999-01-01T00:00:00Z"
    [_, update] = (await http.get(f"/operations/{id}/events")).json()
    assert update["event_type"] == "operation_updated"
    changes = {one["field"]: (one["old_value"], one["new_value"]) for one in update["changes"]}
    assert changes == {
        "priority": (0, 7),
        "planned_duration": (1000, 2000),
        "due_date": (None, "2999-01-01T00:00:00Z"),
    }
    nothing = await http.post(f"/operations/{id}/update", json={"planned_duration": None})
    assert nothing.json()["operation"]["planned_duration"] is None
    for verb, held in (("hold", True), ("release", False)):
        assert (await http.post(f"/operations/{id}/{verb}")).status_code == 200
        assert (await http.get(f"/operations/{id}/detail")).json()["held"] is held


async def test_an_update_is_for_the_revision_that_was_read(http: httpx.AsyncClient) -> None:
    await running(http, await added(http))
    id = await added(http)
    at = f"/operations/{id}/update"
    etag = (await http.get(f"/operations/{id}/detail")).headers["etag"]
    assert etag == '"1"'
    first = await http.post(at, json={"priority": 1}, headers={"If-Match": etag})
    assert first.status_code == 200
    late = await http.post(at, json={"priority": 2}, headers={"If-Match": etag})
    refused(late, 412, "operation_revised")
    assert (await http.get(f"/operations/{id}")).json() == first.json()
    odd = await http.post(at, json={"priority": 2}, headers={"If-Match": "*"})
    refused(odd, 400, "invalid_if_match")
    assert (await http.post(at, json={"priority": 2}, headers={"If-Match": "2"})).is_success


async def test_jobs_are_held_released_and_cancelled_together(http: httpx.AsyncClient) -> None:
    job = "pallets / lane 4"
    at = f"/jobs/{job.replace(' ', '%20').replace('/', '%2F')}"
    ids = [await added(http, job_id=job) for _ in range(3)]
    await running(http, ids[0])
    [state] = (await http.get("/jobs")).json()
    assert state == {"job_id": job, "held": False, "operations": {"RUNNING": 1, "QUEUED": 2}}
    assert (await http.get(at)).json() == state
    assert (await http.post(f"{at}/hold")).json()["held"] is True
    assert (await http.post(f"{at}/release")).json()["held"] is False
    cancelled = (await http.post(f"{at}/cancel")).json()
    assert (cancelled["operations"], cancelled["requests"]) == ({"CANCELLED": 3}, [])
    for verb, path in (("GET", ""), ("POST", "/hold"), ("POST", "/cancel")):
        refused(await http.request(verb, f"/jobs/nobody{path}"), 404, "job_not_found")


async def test_history_tells_a_window_of_events_oldest_first(http: httpx.AsyncClient) -> None:
    id = await added(http)
    await running(http, id)
    await http.post(f"/operations/{id}/complete")
    history = (await http.get("/operations/history")).json()
    assert set(history) == {"resource_id", "window", "events", "operations", "created_at"}
    types = [event["event_type"] for event in history["events"]]
    assert types == [
        "operation_dispatcher_started",
        "operation_added",
        "operation_start_requested",
        "operation_started",
        "operation_completed",
    ]
    assert [operation["id"] for operation in history["operations"]] == [id]
    seqs = [event["seq"] for event in history["events"]]
    assert seqs == sorted(set(seqs))
    assert set(history["events"][0]) == {
        "id", "resource_id", "operation_id", "event_type", "changes", "meta_data", "created_at",
        "seq", "by",
    }  # fmt: skip
    last = (await http.get("/operations/history?limit=2&resolve_operations=no")).json()
    assert [event["seq"] for event in last["events"]] == seqs[-2:]
    assert last["operations"] is None
    before = (await http.get(f"/operations/history?limit=2&before={seqs[-2]}")).json()
    assert [event["seq"] for event in before["events"]] == seqs[1:3]
    after = (await http.get(f"/operations/history?limit=2&after={seqs[0]}")).json()
    assert [event["seq"] for event in after["events"]] == seqs[1:3]
    at = history["events"][1]["created_at"]
    window = (await http.get("/operations/history", params={"from_time": at})).json()
    assert [event["seq"] for event in window["events"]] == seqs[1:]
    assert window["window"] == {"start": at, "end": None}


async def test_a_naive_time_is_meant_in_utc(http: httpx.AsyncClient) -> None:
    at = {"from_time": "2026-01-01T00:00:00", "to_time": "2026-01-02"}
    response = await http.get("/operations/history", params=at)
    assert response.status_code == 200
    assert response.json()["window"] == {
        "start": "2026-01-01T00:00:00Z",
        "end": "2026-01-02T00:00:00Z",
    }


async def test_an_offset_in_a_url_may_come_with_a_bare_plus(http: httpx.AsyncClient) -> None:
    response = await http.get("/operations/history?from_time=2026-01-01T02:00:00.5+02:00")
    assert response.json()["window"]["start"] == "2026-01-01T00:00:00.500000Z"
    response = await http.get("/operations/history?from_time=2026-01-01+02:00")
    assert response.json()["window"]["start"] == "2026-01-01T02:00:00Z"


async def test_each_resource_has_every_call_and_the_first_one_is_at_the_root(
    tmp_path: Path,
) -> None:
    resources = {"robot-1": "hall", "robot 2/b": "yard"}
    async with served(tmp_path, resources=resources) as http:
        at = "/resources/robot%202%2Fb"
        id = await added(http, at=at)
        await running(http, id, at=at)
        assert (await http.get(f"{at}/operations/current")).json()["operation"]["id"] == id
        events = (await http.get(f"{at}/operations/{id}/events")).json()
        assert [event["event_type"] for event in events][-1] == "operation_started"
        refused(await http.get(f"/operations/{id}"), 404, "operation_not_found")
        root, first = await http.get("/dispatcher"), await http.get("/resources/robot-1/dispatcher")
        assert root.json()["resource_id"] == first.json()["resource_id"] == "robot-1"
        states = (await http.get("/resources")).json()
        assert [(one["resource_id"], one["current_operation_id"]) for one in states] == [
            ("robot-1", None),
            ("robot 2/b", id),
        ]
        refused(await http.get("/resources/robot-3/dispatcher"), 404, "resource_not_found")
        # A client whose variable is empty does not mean the first one.
        refused(await http.post("/resources//dispatcher/stop"), 404, "resource_not_found")


async def test_what_failed_too_often_is_listed_as_failed_and_tried_again(tmp_path: Path) -> None:
    policy = Policy(ask=False, retries=1, backoff=timedelta())
    async with served(tmp_path, policy=policy) as http:
        id = await added(http)
        for _ in range(2):
            await running(http, id)
            await http.post(f"/operations/{id}/fail", json={"reason": "jammed"})
        detail = (await http.get(f"/operations/{id}/detail")).json()
        assert (detail["phase"], detail["operation"]["retry_count"]) == ("QUARANTINED", 1)
        [listed] = (await http.get("/operations?state=FAILED")).json()
        assert listed["operation"]["id"] == id
        assert (await http.post(f"/operations/{id}/retry")).status_code == 200
        await running(http, id)
        refused(await http.post(f"/operations/{id}/retry"), 409, "operation_not_quarantined")


async def test_without_resources_there_is_nothing_to_ask(tmp_path: Path) -> None:
    async with served(tmp_path, resources={}) as http:
        assert (await http.get("/resources")).json() == []
        refused(await http.get("/operations"), 404, "no_resources")
