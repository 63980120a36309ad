"""Asking twice over REST is asking once, with a key, at once or after a restart."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pointsman.operations.policy import Policy
from tests.protocols.rest_bench import (
    ASKING,
    Serving,
    added,
    asked,
    client,
    refused,
    running,
    served,
    server,
)

TWO: list[dict[str, Any]] = [{"payload": {"n": 1}, "priority": 2}, {"payload": {"n": 2}}]


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with served(tmp_path) as http:
        yield http


def key(text: str) -> dict[str, str]:
    return {"Idempotency-Key": text}


async def add(http: httpx.AsyncClient, work: object, text: str) -> httpx.Response:
    return await http.post("/operations/add", json=work, headers=key(text))


async def test_what_is_added_twice_with_one_key_is_there_once(tmp_path: Path) -> None:
    policy = Policy(ask=False, finished_kept=1)
    async with server(Serving(tmp_path, policy)) as one, client(one) as http:
        first = await add(http, TWO, "a")
        assert first.status_code == 201
        assert "idempotent-replayed" not in first.headers
        ids = [status["operation"]["id"] for status in first.json()]
        changed = await http.post(f"/operations/{ids[1]}/update", json={"priority": 1})
        assert changed.status_code == 200
        for id in ids:
            await running(http, id)
            await http.post(f"/operations/{id}/complete")
        for _ in range(3):  # By now, the first ones are known to the record only.
            id = await added(http)
            await running(http, id)
            await http.post(f"/operations/{id}/complete")
        again = await add(http, TWO, "a")
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["idempotent-replayed"] == "true"
    async with server(Serving(tmp_path, policy)) as one, client(one) as http:
        assert (await add(http, TWO, "a")).json() == first.json()
        assert (await http.get("/operations")).json() == []


async def test_the_same_key_for_something_else_is_refused(http: httpx.AsyncClient) -> None:
    await add(http, TWO, "a")
    for other in (TWO[:1], [*TWO, TWO[0]], TWO[::-1]):
        refused(await add(http, other, "a"), 409, "idempotency_key_reused")
    assert len((await http.get("/operations")).json()) == 2
    same = await http.post(
        "/operations/add",
        content=b'[{"priority":2,"payload":{"n":1}}, {"payload":{"n":2}}]',
        headers={**key("a"), "Content-Type": "application/json"},
    )
    assert same.status_code == 201
    other_actor = {**key("a"), "X-Actor": "bob"}
    assert (await http.post("/operations/add", json=TWO, headers=other_actor)).status_code == 201
    assert len((await http.get("/operations")).json()) == 4
    for odd in ("", "x" * 201):
        refused(await add(http, TWO, odd), 400, "invalid_idempotency_key")


async def test_what_is_asked_at_once_with_one_key_is_done_once(http: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(add(http, TWO, "a") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert len((await http.get("/operations")).json()) == 2


async def test_a_report_that_comes_again_is_answered_as_before(http: httpx.AsyncClient) -> None:
    id = await added(http)
    await running(http, id)
    for verb, body, code in (
        ("pause", None, "operation_not_running"),
        ("resume", None, "operation_not_paused"),
        ("complete", {"result": 5}, "operation_not_active"),
    ):
        at = f"/operations/{id}/{verb}"
        first = await http.post(at, json=body, headers=key(verb))
        assert first.status_code == 200
        for again in await asyncio.gather(
            *(http.post(at, json=body, headers=key(verb)) for _ in range(3))
        ):
            assert (again.status_code, again.json()) == (200, first.json())
        refused(await http.post(at, json=body), 409, code)
        refused(await http.post(at, json=body, headers=key("new")), 409, code)
    other = await http.post(f"/operations/{id}/complete", headers=key("complete"))
    refused(other, 409, "idempotency_key_reused")


async def test_a_request_that_is_asked_for_again_is_the_same_one(tmp_path: Path) -> None:
    async with served(tmp_path, policy=ASKING) as http:
        id = await added(http)
        request = await asked(http, "START")
        at = f"/requests/{request['request_id']}/answer"
        yes = await http.post(at, json={"accepted": True}, headers=key("yes"))
        again = await http.post(at, json={"accepted": True}, headers=key("yes"))
        assert (again.status_code, again.json()) == (200, yes.json())
        cancel = await http.post(f"/operations/{id}/cancel", headers=key("no more"))
        assert cancel.status_code == 202
        number = cancel.json()["request"]["request_id"]
        await http.post(f"/requests/{number}/answer", json={"accepted": True})
        again = await http.post(f"/operations/{id}/cancel", headers=key("no more"))
        assert (again.status_code, again.json()) == (202, cancel.json())


async def test_steering_that_comes_again_steers_once(http: httpx.AsyncClient) -> None:
    for verb in ("stop", "start", "pause", "resume"):
        at = f"/dispatcher/{verb}"
        first = await http.post(at, headers=key(verb))
        again = await http.post(at, headers=key(verb))
        assert (again.status_code, again.json()["message"]) == (
            first.status_code,
            first.json()["message"],
        )
    types = [one["event_type"] for one in (await history(http))["events"]]
    assert len(types) == 5


async def history(http: httpx.AsyncClient) -> dict[str, Any]:
    told: dict[str, Any] = (await http.get("/operations/history")).json()
    return told


async def test_what_was_refused_is_judged_anew(http: httpx.AsyncClient) -> None:
    refused(await http.post("/dispatcher/start", headers=key("a")), 409, "already_running")
    await http.post("/dispatcher/stop")
    assert (await http.post("/dispatcher/start", headers=key("a"))).status_code == 202
