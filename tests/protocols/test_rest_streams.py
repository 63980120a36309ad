"""Events over REST as they happen: framed, numbered, and without a gap for whoever comes back."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from pointsman.config.keys import Key, Role
from tests.protocols.dispatch_bench import free_address
from tests.protocols.rest_bench import (
    ASKING,
    SOON_SECONDS,
    Frame,
    Serving,
    added,
    asked,
    client,
    frames,
    refused,
    running,
    served,
    server,
)


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with served(tmp_path) as http:
        yield http


@asynccontextmanager
async def stream(
    http: httpx.AsyncClient, path: str = "/events", **headers: str
) -> AsyncIterator[AsyncIterator[Frame]]:
    async with (
        asyncio.timeout(SOON_SECONDS),
        http.stream("GET", path, headers=headers) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-cache"
        async with aclosing(frames(response)) as found:
            yield found


async def taken(frames: AsyncIterator[Frame], count: int) -> list[Frame]:
    return [await anext(frames) for _ in range(count)]


async def last_seq(http: httpx.AsyncClient, at: str = "") -> int:
    history = (await http.get(f"{at}/operations/history?limit=1&every=1")).json()
    seq: int = history["events"][-1]["seq"]
    return seq


async def test_each_event_comes_as_it_happens_under_its_number(http: httpx.AsyncClient) -> None:
    async with stream(http) as events:
        id = await added(http, payload={"note": "two\nlines <b>\u2028"})
        told = await taken(events, 3)
        assert [frame.event for frame in told] == [
            "operation_added",
            "operation_start_requested",
            "operation_started",
        ]
        history = (await http.get("/operations/history?limit=3")).json()
        assert [frame.data for frame in told] == history["events"]
        assert [frame.id for frame in told] == [frame.data["seq"] for frame in told]
        assert {frame.data["operation_id"] for frame in told} == {id}


def look_in(port: int | None) -> None:
    """Ask for a long stream, and reset the connection as soon as it comes."""
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall(b"GET /events?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while b"data:" not in peer.recv(10_000):
            pass
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def test_who_leaves_in_the_middle_is_not_told_the_rest(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        response = await http.post("/operations/add", json=[{"payload": {}}] * 600)
        assert response.status_code == 201
    await last_seq(http)
    await asyncio.to_thread(look_in, http.base_url.port)
    await last_seq(http)
    assert not [one for one in caplog.records if "socket.send()" in one.getMessage()]


async def test_every_documented_event_is_told_by_its_name(tmp_path: Path) -> None:
    async with served(tmp_path, policy=ASKING) as http, stream(http, "/events?after=0") as events:
        seen = await everything_happens(http)
        told = {(await anext(events)).event}
        while told != seen:
            told.add((await anext(events)).event)
    names = "started stopped paused resumed"
    dispatcher = {f"operation_dispatcher_{name}" for name in names.split()}
    kinds = [f"operation_{kind}" for kind in ("start", "cancel", "pause", "resume")]
    requests = {f"{kind}_{how}" for kind in kinds for how in ("requested", "denied")}
    names = "added updated started completed failed paused resumed cancelled"
    assert told == dispatcher | requests | {f"operation_{name}" for name in names.split()}


async def everything_happens(http: httpx.AsyncClient) -> set[str]:
    """Each documented event, at least once. Returns those that history has."""

    async def answer(kind: str, *, accepted: bool) -> None:
        request = await asked(http, kind)
        path = f"/requests/{request['request_id']}/answer"
        assert (await http.post(path, json={"accepted": accepted})).status_code == 200

    id = await added(http)
    await answer("START", accepted=False)
    await answer("START", accepted=True)
    for verb in ("pause", "resume", "cancel"):
        for accepted in (False, True) if verb != "cancel" else (False,):
            await http.post(f"/operations/{id}/{verb}")
            await answer(verb.upper(), accepted=accepted)
    await http.post(f"/operations/{id}/complete")
    failed = await added(http)
    await answer("START", accepted=True)
    await http.post(f"/operations/{failed}/fail", json={"reason": "jammed"})
    for verb in ("pause", "resume", "stop", "start", "pause"):
        assert (await http.post(f"/dispatcher/{verb}")).is_success
    cancelled = await added(http)
    await http.post(f"/operations/{cancelled}/update", json={"priority": 3})
    await http.post(f"/operations/{cancelled}/cancel")
    await answer("CANCEL", accepted=True)
    history = (await http.get("/operations/history?limit=1000")).json()
    return {event["event_type"] for event in history["events"]}


async def test_whoever_comes_back_gets_what_they_missed_and_nothing_twice(
    http: httpx.AsyncClient,
) -> None:
    await added(http)
    async with stream(http, "/events?after=0") as events:
        first = await taken(events, 4)
    last = first[-1].id
    for _ in range(5):
        await added(http)
    headers = {"Last-Event-ID": str(last)}
    async with stream(http, "/events?after=0", **headers) as again:
        missed = await taken(again, 5)
        id = await added(http)
        live = await anext(again)
    assert [frame.event for frame in missed] == ["operation_added"] * 5
    assert (live.event, live.data["operation_id"]) == ("operation_added", id)
    numbers = [frame.id for frame in (*first, *missed, live)]
    assert numbers == sorted(set(numbers))


async def test_a_stream_goes_on_after_a_restart_of_the_server(tmp_path: Path) -> None:
    serving = Serving(tmp_path, address=free_address())
    async with server(serving) as one, client(one) as http:
        await running(http, await added(http))
        async with stream(http) as events:
            await added(http)
            last = await anext(events)
    async with server(serving) as one, client(one) as http:
        id = await added(http)
        async with stream(http, **{"Last-Event-ID": str(last.id)}) as events:
            frame = await anext(events)
            assert (frame.event, frame.data["operation_id"]) == ("operation_added", id)
        async with stream(http, f"/events?after={last.id - 1}") as events:
            again = await anext(events)
            assert again == last


async def test_whoever_comes_back_from_another_journal_is_told_so(http: httpx.AsyncClient) -> None:
    await added(http)
    async with stream(http, "/events?after=0") as events:
        last = (await anext(events)).id
    for ahead in ({"params": {"after": last + 100}}, {"headers": {"Last-Event-ID": "4711"}}):
        answer = await http.get("/events", **ahead)
        assert (answer.status_code, answer.json()["code"]) == (400, "unknown_seq")
        assert answer.json()["details"]["field"] in str(ahead).lower()
        assert "is the latest: it is of another journal" in answer.json()["message"]


async def test_a_stream_ends_with_its_server(tmp_path: Path) -> None:
    async with asyncio.timeout(SOON_SECONDS), AsyncExitStack() as leaving:
        async with server(Serving(tmp_path)) as one:
            http = await leaving.enter_async_context(client(one))
            response = await leaving.enter_async_context(http.stream("GET", "/events"))
            parts = response.aiter_bytes()
            assert await anext(parts) == b"retry: 1000\n\n"
        assert [part async for part in parts] == []


async def test_while_nothing_happens_a_comment_says_that_we_are_still_there(
    tmp_path: Path,
) -> None:
    async with served(tmp_path, keep_alive_seconds=0.02) as http:
        async with asyncio.timeout(SOON_SECONDS), http.stream("GET", "/events") as response:
            read = b""
            async for part in response.aiter_bytes():
                read += part
                if read.count(b"\n\n") >= 3:
                    break
        assert read.startswith(b"retry: 1000\n\n: still here\n\n: still here\n\n")


async def test_who_leaves_is_not_kept(tmp_path: Path) -> None:
    async with server(Serving(tmp_path)) as one, client(one) as http:
        async with stream(http) as events:
            await added(http)
            await anext(events)
        assert (await http.head("/events")).headers["content-type"].startswith("text/event-stream")
        async with asyncio.timeout(SOON_SECONDS):
            while one.operations._broadcast._listening:  # noqa: ASYNC110, SLF001
                await asyncio.sleep(0.005)


async def test_events_that_are_not_documented_come_to_those_who_ask(
    http: httpx.AsyncClient,
) -> None:
    id = await added(http, release_date="2999-01-01")
    start = await last_seq(http)
    for path, right in (
        (f"/events?after={start}", ["operation_updated"]),
        (f"/events?after={start}&every=true", ["operation_held", "operation_updated"]),
    ):
        if start == await last_seq(http):
            await http.post(f"/operations/{id}/hold")
            await http.post(f"/operations/{id}/update", json={"priority": 1})
        async with stream(http, path) as events:
            assert [frame.event for frame in await taken(events, len(right))] == right


async def test_a_stream_tells_of_one_resource_or_of_all_that_its_key_is_for(
    tmp_path: Path,
) -> None:
    keys = (
        Key("all", "sees all", Role.OPERATOR, None),
        Key("one", "sees one", Role.OBSERVER, frozenset({7})),
    )
    resources, microgrids = {"robot-1": "hall", "robot-2": "yard"}, {"robot-1": 7, "robot-2": 8}
    async with server(
        Serving(tmp_path, resources=resources, microgrids=microgrids, keys=keys)
    ) as one:
        every, some = ({"Authorization": f"Bearer {key.key}"} for key in keys)
        async with client(one, headers=every) as http, client(one, headers=some) as observer:
            start = await last_seq(http, "/resources/robot-2")
            paused = {"release_date": "2999-01-01"}
            there = await added(http, at="/resources/robot-2", **paused)
            here = await added(http, **paused)
            at_all = f"/events?all_resources=1&after={start}"
            async with stream(http, at_all) as events:
                told = [frame.data["operation_id"] for frame in await taken(events, 2)]
                assert told == [there, here]
            async with stream(http, f"/resources/robot-2/events?after={start}") as events:
                assert (await anext(events)).data["operation_id"] == there
            async with stream(observer, at_all) as events:
                assert (await anext(events)).data["operation_id"] == here
            refused(await observer.get("/resources/robot-2/events"), 404, "resource_not_found")
