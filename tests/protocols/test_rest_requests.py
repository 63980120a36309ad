"""The handshake over REST: what is asked, who answers, and what an answer is good for."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from pointsman.operations.policy import Policy
from tests.protocols.rest_bench import ASKING, added, asked, refused, running, served, until


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with served(tmp_path, policy=ASKING) as http:
        yield http


async def yes(http: httpx.AsyncClient, request_id: str) -> httpx.Response:
    return await http.post(f"/requests/{request_id}/answer", json={"accepted": True})


async def test_an_operation_starts_only_after_its_request_was_approved(
    http: httpx.AsyncClient,
) -> None:
    id = await added(http)
    request = await asked(http, "START")
    assert set(request) == {"request_id", "kind", "operation_id", "asked_at", "answer_by"}
    assert (request["request_id"], request["operation_id"]) == (f"{id}.1", id)
    detail = (await http.get(f"/operations/{id}/detail")).json()
    assert (detail["phase"], detail["request"]) == ("QUEUED", request)
    assert [block["cause"] for block in detail["blocked_by"]] == ["request_pending"]
    answer = await http.post(
        f"/requests/{id}.1/answer",
        json={"accepted": True, "reasoning": "the lane is clear", "data": {"lane": 4}},
    )
    assert answer.status_code == 200
    assert answer.json()["operation"]["state"] == "RUNNING"
    assert (await http.get("/requests")).json() == []
    started = (await http.get(f"/operations/{id}/events")).json()[-1]
    assert started["event_type"] == "operation_started"
    decision = {"accepted": True, "reasoning": "the lane is clear", "data": {"lane": 4}}
    assert started["meta_data"]["request_decision"] == decision


async def test_an_answer_for_one_operation_never_starts_another(http: httpx.AsyncClient) -> None:
    first = await added(http)
    await asked(http, "START")
    second = await added(http, priority=9)
    assert (await yes(http, f"{first}.1")).json()["operation"]["id"] == first
    refused(await yes(http, f"{second}.1"), 404, "request_not_found")
    assert (await http.get(f"/operations/{second}/detail")).json()["phase"] == "QUEUED"


async def test_five_approvals_at_once_start_once(http: httpx.AsyncClient) -> None:
    id = await added(http)
    await asked(http, "START")
    answers = await asyncio.gather(*(yes(http, f"{id}.1") for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "request_closed")
    types = [one["event_type"] for one in (await http.get(f"/operations/{id}/events")).json()]
    assert types.count("operation_started") == 1
    assert (await http.get(f"/operations/{id}/detail")).json()["attempt"] == 1


async def test_a_denied_start_is_told_with_its_reason_and_asked_anew(tmp_path: Path) -> None:
    policy = Policy(ask=True, cooldown=timedelta(milliseconds=50), pause_after_denials=5)
    async with served(tmp_path, policy=policy) as http:
        id = await added(http)
        await asked(http, "START")
        no = {"accepted": False, "reasoning": "the lane is blocked"}
        answer = await http.post(f"/requests/{id}.1/answer", json=no)
        assert (answer.status_code, answer.json()["operation"]["state"]) == (200, "QUEUED")
        events = (await http.get(f"/operations/{id}/events")).json()
        [denied] = [one for one in events if one["event_type"].endswith("_denied")]
        assert denied["event_type"] == "operation_start_denied"
        assert denied["meta_data"] == {
            "reasoning": "the lane is blocked",
            "retry_count": 1,
            "max_retries": 5,
            "cooldown_seconds": 0.05,
        }
        await until(http, "/requests", lambda said: [o["request_id"] for o in said] == [f"{id}.2"])
        refused(await yes(http, f"{id}.1"), 409, "request_closed")
        assert (await yes(http, f"{id}.2")).json()["operation"]["state"] == "RUNNING"


async def test_an_answer_that_comes_too_late_is_refused_and_changes_nothing(
    tmp_path: Path,
) -> None:
    policy = Policy(ask=True, answer_within=timedelta(milliseconds=1))
    async with served(tmp_path, policy=policy) as http:
        id = await added(http)
        await until(
            http,
            f"/operations/{id}/events",
            lambda said: "operation_start_denied" in [one["event_type"] for one in said],
        )
        refused(await yes(http, f"{id}.1"), 409, "request_closed")
        assert (await http.get(f"/operations/{id}/detail")).json()["attempt"] == 0


async def test_cancel_pause_and_resume_are_asked_for_first(http: httpx.AsyncClient) -> None:
    id = await added(http)
    await asked(http, "START")
    await yes(http, f"{id}.1")
    steps = {"pause": "PAUSED", "resume": "RUNNING", "cancel": "CANCELLED"}
    for number, (verb, state) in enumerate(steps.items(), start=2):
        response = await http.post(f"/operations/{id}/{verb}")
        assert response.status_code == 202
        request = response.json()["request"]
        assert (request["kind"], request["request_id"]) == (verb.upper(), f"{id}.{number}")
        assert (await http.get("/requests")).json() == [request]
        again = await http.post(f"/operations/{id}/{verb}")
        assert (again.status_code, again.json()) == (202, response.json())
        assert (await yes(http, request["request_id"])).json()["operation"]["state"] == state
    refused(await http.post(f"/operations/{id}/cancel"), 409, "operation_cancellation_denied")
    types = [one["event_type"] for one in (await http.get(f"/operations/{id}/events")).json()]
    assert types.count("operation_cancel_requested") == 1


async def test_a_denied_cancellation_leaves_all_as_it_is_and_may_be_asked_again_at_once(
    http: httpx.AsyncClient,
) -> None:
    id = await added(http)
    await asked(http, "START")
    await yes(http, f"{id}.1")
    for number in (2, 3, 4, 5, 6, 7):
        assert (await http.post(f"/operations/{id}/cancel")).status_code == 202
        no = await http.post(f"/requests/{id}.{number}/answer", json={"accepted": False})
        assert no.json()["operation"]["state"] == "RUNNING"
    state = (await http.get("/dispatcher")).json()
    assert (state["is_paused"], state["current_operation"]["id"]) == (False, id)
    types = [one["event_type"] for one in (await http.get(f"/operations/{id}/events")).json()]
    assert types.count("operation_cancel_denied") == 6


async def test_a_withdrawn_request_starts_nothing(http: httpx.AsyncClient) -> None:
    id = await added(http)
    await asked(http, "START")
    assert (await http.post("/dispatcher/stop")).status_code == 202
    refused(await yes(http, f"{id}.1"), 409, "request_closed")
    assert (await http.get("/requests")).json() == []
    assert (await http.get(f"/operations/{id}/detail")).json()["attempt"] == 0


async def test_a_job_is_cancelled_once_each_of_its_requests_is_answered(
    http: httpx.AsyncClient,
) -> None:
    ids = [await added(http, job_id="pallets") for _ in range(3)]
    await asked(http, "START")
    cancelled = (await http.post("/jobs/pallets/cancel")).json()
    assert {request["operation_id"] for request in cancelled["requests"]} == set(ids)
    for request in cancelled["requests"]:
        answer = await yes(http, request["request_id"])
        assert answer.json()["operation"]["state"] == "CANCELLED"
    assert (await http.get("/jobs/pallets")).json()["operations"] == {"CANCELLED": 3}


async def test_a_job_that_ended_before_its_approval_is_completed_with_it(
    http: httpx.AsyncClient,
) -> None:
    id = await added(http)
    await asked(http, "START")
    early = await http.post(f"/operations/{id}/complete", json={"result": "quick"})
    assert (early.status_code, early.json()["operation"]["state"]) == (200, "QUEUED")
    assert (await yes(http, f"{id}.1")).json()["operation"]["state"] == "COMPLETED"


async def test_requests_that_never_were_are_not_found(http: httpx.AsyncClient) -> None:
    await asked_nobody(http, "lift.1")
    id = await added(http)
    await asked(http, "START")
    never = (
        f"{id}.2",
        f"{id}.0",
        f"{id}.01",
        id,
        f"{id}.x",
        f"{id}.1.1",
        f"{id}.{'9' * 30}",
        ".1",
        "%00",
        "ü",
    )
    for odd in never:
        await asked_nobody(http, odd)
    assert await running_after(http, id)


async def asked_nobody(http: httpx.AsyncClient, request_id: str) -> None:
    refused(await yes(http, request_id), 404, "request_not_found")


async def running_after(http: httpx.AsyncClient, id: str) -> bool:
    """All those answers have not used up the right one."""
    await yes(http, f"{id}.1")
    return bool(await running(http, id))
