"""Many at once over REST: nothing that was accepted is lost, and no error is ours."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from pointsman.api.rest import streams
from tests.protocols.dispatch_bench import free_address
from tests.protocols.rest_bench import (
    Serving,
    added,
    client,
    refused,
    running,
    served,
    server,
    until,
)

WRITERS, ROUNDS, EACH = 16, 4, 20
ACKNOWLEDGED_SECONDS = 0.035
"""What a caller's network may take to acknowledge what it got is more."""


async def test_sixteen_writers_lose_nothing_while_it_is_stopped_and_started(
    tmp_path: Path,
) -> None:
    statuses: Counter[int] = Counter()
    accepted: list[str] = []

    async def write(http: httpx.AsyncClient, number: int) -> None:
        for n in range(ROUNDS):
            work = [{"payload": {"by": number, "n": n, "i": i}} for i in range(EACH)]
            response = await http.post("/operations/add", json=work)
            statuses[response.status_code] += 1
            if response.status_code == 201:
                accepted.extend(status["operation"]["id"] for status in response.json())

    async def steer(http: httpx.AsyncClient) -> None:
        for verb in ("stop", "start", "stop", "start", "stop"):
            statuses[(await http.post(f"/dispatcher/{verb}")).status_code] += 1
            await asyncio.sleep(0.01)

    async with server(Serving(tmp_path)) as one, client(one) as http:
        await asyncio.gather(steer(http), *(write(http, number) for number in range(WRITERS)))
        assert statuses == {201: WRITERS * ROUNDS, 202: 5}
        assert (await http.get("/dispatcher")).json()["is_running"] is False
    async with server(Serving(tmp_path)) as one, client(one) as http:
        found = [id async for id in listed(http)]
    assert len(accepted) == WRITERS * ROUNDS * EACH
    assert sorted(found) == sorted(accepted)


async def test_writers_who_ask_again_over_a_restart_lose_nothing_and_add_nothing_twice(
    tmp_path: Path,
) -> None:
    serving = Serving(tmp_path, address=free_address())
    answered = 0

    async def write(http: httpx.AsyncClient, number: int) -> list[str]:
        nonlocal answered
        ids: list[str] = []
        for n in range(ROUNDS):
            work = [{"payload": {"by": number, "n": n}, "release_date": "2999-01-01"}] * 5
            headers = {"Idempotency-Key": f"{number}/{n}"}
            response = await until_answered(http, work, headers)
            ids += [status["operation"]["id"] for status in response.json()]
            answered += 1
        return ids

    async with asyncio.timeout(60), httpx.AsyncClient(base_url=f"http://{serving.address}") as http:
        async with server(serving):
            writing = [asyncio.ensure_future(write(http, number)) for number in range(WRITERS)]
            while answered < WRITERS:  # noqa: ASYNC110  They are in the midst of it.
                await asyncio.sleep(0.005)
        async with server(serving):
            written = [id for ids in await asyncio.gather(*writing) for id in ids]
            found = [id async for id in listed(http)]
    assert len(written) == WRITERS * ROUNDS * 5
    assert sorted(found) == sorted(written)


async def until_answered(
    http: httpx.AsyncClient, work: object, headers: dict[str, str]
) -> httpx.Response:
    while True:
        try:
            response = await http.post("/operations/add", json=work, headers=headers)
        except httpx.TransportError:
            await asyncio.sleep(0.02)
            continue
        if response.status_code == 201:
            return response
        assert response.status_code in (429, 503), response.text
        await asyncio.sleep(0.02)


async def listed(http: httpx.AsyncClient) -> AsyncIterator[str]:
    url: str | None = "/operations"
    while url:
        page = await http.get(url)
        for status in page.json():
            yield status["operation"]["id"]
        url = str(page.url.join(page.links["next"]["url"])) if "next" in page.links else None


async def test_of_many_executors_that_report_at_once_one_ends_it(tmp_path: Path) -> None:
    async with served(tmp_path) as http:
        id = await added(http)
        await running(http, id)
        calls = (
            http.post(f"/operations/{id}/{verb}", json=body)
            for verb, body in (("complete", None), ("fail", {"reason": "x"}), ("cancel", None))
            for _ in range(4)
        )
        answers = await asyncio.gather(*calls)
        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 11}
        [state] = [a.json()["operation"]["state"] for a in answers if a.status_code == 200]
        events = (await http.get(f"/operations/{id}/events")).json()
        ends = [event["event_type"] for event in events[3:]]
        assert ends[-1] == f"operation_{state.lower()}"
        assert (await http.get(f"/operations/{id}")).json()["operation"]["state"] == state


async def test_streams_beyond_what_is_bearable_are_asked_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "STREAMS_MOST", 2)
    async with served(tmp_path) as http:
        async with http.stream("GET", "/events"), http.stream("GET", "/events"):
            await until_refused(http)
        await until(http, "/dispatcher", lambda state: state["is_running"])


async def until_refused(http: httpx.AsyncClient) -> None:
    """A stream counts once its first bytes have left."""
    async with asyncio.timeout(10):
        while True:
            async with http.stream("GET", "/events") as third:
                if third.status_code == 429:
                    await third.aread()
                    refused(third, 429, "overloaded")
                    assert third.headers["retry-after"] == "1"
                    return
            await asyncio.sleep(0.01)


async def test_a_kept_connection_is_answered_without_waiting_for_the_callers_network(
    tmp_path: Path,
) -> None:
    async with server(Serving(tmp_path)) as one, client(one) as http:
        took = []
        for _ in range(10):
            began = time.perf_counter()
            await http.get("/dispatcher")
            took.append(time.perf_counter() - began)
    assert min(took[2:]) < ACKNOWLEDGED_SECONDS, "its second half waited to be asked for"
