"""What the REST door refuses: in one shape, with a line that helps, and nothing has changed."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from pointsman.config import SERVED_BY
from pointsman.operations.checks import PAYLOAD_BYTES, PRIORITY_MOST
from tests.protocols.rest_bench import (
    SOON_SECONDS,
    Server,
    Serving,
    added,
    client,
    refused,
    running,
    server,
)

JSON: Final = {"Content-Type": "application/json"}


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Server]:
    async with server(Serving(tmp_path)) as one:
        yield one


@pytest.fixture
async def http(one: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with client(one) as http:
        yield http


async def nothing_was_added(http: httpx.AsyncClient) -> None:
    assert (await http.get("/operations")).json() == []
    events = (await http.get("/operations/history?every=1")).json()["events"]
    assert [event for event in events if event["operation_id"] is not None] == []


FINE: Final[dict[str, Any]] = {"payload": {}}
ODD_BODIES: Final[tuple[tuple[object, str, dict[str, Any] | None], ...]] = (
    ({}, "invalid_operations", None),
    ("lift", "invalid_operations", None),
    (None, "invalid_operations", None),
    ([], "missing_operations", None),
    ([FINE] * 901, "invalid_operations", None),
    ([FINE, "lift"], "invalid_operations", {"index": 1}),
    ([{}], "missing_payload", {"index": 0, "field": "payload"}),
    ([FINE, {"payload": "lift"}], "invalid_payload", {"index": 1, "field": "payload"}),
    ([{"payload": None}], "invalid_payload", {"index": 0, "field": "payload"}),
)
ODD_FIELDS: Final[dict[str, tuple[object, ...]]] = {
    "priorty": (1,),
    "id": ("lift",),
    "state": ("RUNNING",),
    "priority": ("5", True, 1.5, None, PRIORITY_MOST + 1, 10**400),
    "planned_duration": (0, -1, "1000", 10**30),
    "release_date": ("soon", 5, "", "2026-01-01T25:00", "0001-01-01T00:00:00+14:00"),
    "job_id": ("", 5, "x" * 257),
    "dependencies": ({}, ["lift"], [{}], [{"depends_on_operation_id": "a b"}]),
}
NOBODY: Final = "00000000-0000-4000-8000-000000000000"
ODD_WORK: Final[tuple[dict[str, object], ...]] = (
    {"release_date": "2026-01-02", "due_date": "2026-01-01"},
    {"payload": {"big": 2**63}},
    {"payload": {"long": "x" * PAYLOAD_BYTES}},
    {"payload": {"half": "\ud800"}},
)


async def test_each_field_that_does_not_fit_is_named_and_nothing_is_added(
    http: httpx.AsyncClient,
) -> None:
    of_fields = (
        ([{**FINE, field: value}], "invalid_operation", {"index": 0, "field": field})
        for field, values in ODD_FIELDS.items()
        for value in values
    )
    second = {"index": 1}
    of_work = (([FINE, {**FINE, **work}], "invalid_operation", second) for work in ODD_WORK)
    deep = ([FINE, {"payload": {"deep": nested(60)}}], "invalid_operation", second)
    orphan = {**FINE, "dependencies": [{"depends_on_operation_id": NOBODY}]}
    alone = ([FINE, orphan], "operation_rejected", second)
    named = {"index": 0, "field": "resource_id"}
    other = ([{**FINE, "resource_id": "robot-1"}], "resource_id_not_allowed", named)
    for body, code, details in (*ODD_BODIES, *of_fields, *of_work, deep, alone, other):
        content = json.dumps(body).encode()
        response = await http.post("/operations/add", content=content, headers=JSON)
        assert refused(response, 400, code).get("details") == details, (body, response.text)
    await nothing_was_added(http)
    await running(http, await added(http))


def nested(levels: int) -> object:
    value: object = "deep"
    for _ in range(levels):
        value = [value]
    return value


BROKEN: Final = (
    (b'[{"payload": {}}', 400, "invalid_json"),
    (b'[{"payload": {}}] ]', 400, "invalid_json"),
    (b"[{'payload': {}}]", 400, "invalid_json"),
    (b'[{"payload": {}, "payload": {"a": 1}}]', 400, "invalid_json"),
    (b'[{"payload": {"a": NaN}}]', 400, "invalid_json"),
    (b'[{"payload": {"a": -Infinity}}]', 400, "invalid_json"),
    (b'[{"payload": {"a": 1e999}}]', 400, "invalid_operation"),
    (b'[{"payload": {}, "priority": ' + b"9" * 5_000 + b"}]", 400, "invalid_json"),
    (b"[" * 100_000, 400, "invalid_json"),
    (b'{"a":' * 100_000, 400, "invalid_json"),
    (b"\xff\xfe[]", 400, "invalid_json"),
    (b"\x00", 400, "invalid_json"),
    (b" ", 400, "invalid_json"),
    (b"", 400, "invalid_operations"),
    (b'[{"payload": {"a": "' + b"x" * 1_000_000 + b'"}}]', 413, "too_long"),
    (b" " * 10_000_000, 413, "too_long"),
)


async def test_what_is_no_json_or_too_much_of_it_adds_nothing(http: httpx.AsyncClient) -> None:
    for body, status, code in BROKEN:
        response = await http.post("/operations/add", content=body, headers=JSON)
        refused(response, status, code)
    await nothing_was_added(http)


async def test_a_broken_cancel_body_cancels_nothing(http: httpx.AsyncClient) -> None:
    id = await added(http)
    await running(http, id)
    for body, code in (
        (b"{", "invalid_json"),
        (b'{"termination_reason": "USER_REQUEST",}', "invalid_json"),
        (b"[]", "invalid_request_body"),
        (b'"now"', "invalid_request_body"),
        (b'{"reason": "USER_REQUEST"}', "invalid_request_body"),
        (b'{"termination_reason": "BORED"}', "invalid_termination_reason"),
        (b'{"termination_reason": "NONE"}', "invalid_termination_reason"),
        (b'{"meta_data": 5}', "invalid_meta_data"),
        (b'{"meta_data": {"a": "' + b"x" * 40_000 + b'"}}', "invalid_meta_data"),
        (b'{"meta_data": {"half": "\\ud800"}}', "invalid_meta_data"),
    ):
        response = await http.post(f"/operations/{id}/cancel", content=body, headers=JSON)
        said = refused(response, 400, code)
        if code == "invalid_termination_reason":
            assert "USER_REQUEST" in said["details"]["valid_termination_reasons"]
    assert (await http.get("/operations/current")).json()["operation"]["id"] == id


async def test_a_body_of_another_kind_is_refused(http: httpx.AsyncClient) -> None:
    id = await added(http)
    await running(http, id)
    at = f"/operations/{id}/cancel"
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""):
        response = await http.post(at, content=b"{}", headers={"Content-Type": kind})
        refused(response, 415, "unsupported_media_type")
    latin = {"Content-Type": "application/json; charset=latin-1"}
    refused(await http.post(at, content=b"{}", headers=latin), 415, "unsupported_media_type")
    packed = {**JSON, "Content-Encoding": "gzip"}
    refused(await http.post(at, content=b"{}", headers=packed), 415, "unsupported_encoding")
    utf8 = {"Content-Type": "Application/JSON; charset=UTF-8"}
    assert (await http.post(at, content=b"{}", headers=utf8)).status_code == 200


async def test_an_illegal_update_is_refused_by_its_field_and_changes_nothing(
    http: httpx.AsyncClient,
) -> None:
    id = await added(http)
    await running(http, id)
    waits = await added(http)
    for body, field in (
        ({"state": "COMPLETED"}, "state"),
        ({"outcome": "SUCCESS"}, "outcome"),
        ({"finish_time": "2026-01-01"}, "finish_time"),
        ({"retry_count": 3}, "retry_count"),
        ({"priorty": 3}, "priorty"),
        ({"priority": None}, "priority"),
        ({"payload": []}, "payload"),
    ):
        response = await http.post(f"/operations/{waits}/update", json=body)
        assert refused(response, 400, "invalid_updates")["details"]["field"] == field
    both = {"release_date": "2026-01-02", "due_date": "2026-01-01"}
    refused(await http.post(f"/operations/{waits}/update", json=both), 400, "invalid_updates")
    itself = {"dependencies": [{"depends_on_operation_id": waits}]}
    refused(await http.post(f"/operations/{waits}/update", json=itself), 400, "invalid_updates")
    assert (await http.get(f"/operations/{waits}/detail")).json()["revision"] == 1
    runs = await http.post(f"/operations/{id}/update", json={"priority": 1})
    said = refused(runs, 409, "operation_update_failed")
    assert said["details"]["state"] == "RUNNING"
    await http.post(f"/operations/{id}/complete")
    over = await http.post(f"/operations/{id}/update", json={"priority": 1})
    refused(over, 409, "operation_update_failed")


async def test_ids_that_are_none_and_ids_of_nothing_are_told_apart(
    http: httpx.AsyncClient,
) -> None:
    for id in ("a%00b", "a.b", "a%20b", "%F0%9F%A4%96", "x" * 129, "lift", f"{NOBODY}%0A", "%FF"):
        refused(await http.post(f"/operations/{id}/cancel"), 400, "invalid_operation_id")
    verbs = ("cancel", "pause", "resume", "complete", "heartbeat", "hold", "release", "retry")
    posts = (("POST", f"/{verb}") for verb in verbs)
    for verb, path in (("GET", ""), ("GET", "/detail"), ("GET", "/events"), *posts):
        odd = await http.request(verb, f"/operations/lift{path}")
        refused(odd, 400, "invalid_operation_id")
        unknown = await http.request(verb, f"/operations/{NOBODY}{path}")
        refused(unknown, 404, "operation_not_found")


async def test_queries_that_make_no_sense_are_named(http: httpx.AsyncClient) -> None:
    for query, code in (
        ("/operations?state=queued", "invalid_state"),
        ("/operations?sate=QUEUED", "unknown_parameter"),
        ("/operations?state=QUEUED&state=RUNNING", "repeated_parameter"),
        ("/operations?limit=0", "invalid_limit"),
        ("/operations?after=a.b", "invalid_after"),
        (f"/operations?state=FAILED&after={NOBODY}", "invalid_after"),
        ("/operations?state=QUEUED&before=7", "invalid_before"),
        ("/operations/history?limit=0", "invalid_limit"),
        ("/operations/history?limit=1001", "invalid_limit"),
        ("/operations/history?limit=ten", "invalid_limit"),
        ("/operations/history?from_time=yesterday", "invalid_from_time"),
        ("/operations/history?to_time=2026-13-01", "invalid_to_time"),
        ("/operations/history?from_time=2026-01-02&to_time=2026-01-01", "invalid_time_range"),
        ("/operations/history?resolve_operations=maybe", "invalid_resolve_operations"),
        ("/operations/history?before=-1", "invalid_before"),
        ("/operations/history?after=99999999999999999999", "invalid_after"),
        ("/events?after=last", "invalid_after"),
        ("/dispatcher?verbose=1", "unknown_parameter"),
    ):
        said = refused(await http.get(query), 400, code)
        assert said["details"]["field"] in query
        if code == "invalid_state":
            assert said["details"]["valid_states"] == [
                "QUEUED", "RUNNING", "PAUSED", "COMPLETED", "FAILED", "CANCELLED",
            ]  # fmt: skip
    refused(await http.get("/events", headers={"Last-Event-ID": "x"}), 400, "invalid_last_event_id")
    refused(await http.get(f"/operations?after={NOBODY}"), 404, "operation_not_found")


async def test_paths_and_verbs_that_are_not_there_are_refused_in_the_same_shape(
    http: httpx.AsyncClient,
) -> None:
    for path in ("/", "/operation", "/operations/", "/operations/x/y", "/docs/x", "/../etc"):
        refused(await http.get(path), 404, "unknown_path")
    refused(await http.get("/resources/robot-1/resources"), 404, "unknown_path")
    for verb, path, allow in (
        ("POST", "/operations", "GET, HEAD, OPTIONS"),
        ("DELETE", "/operations/lift", "GET, HEAD, OPTIONS"),
        ("GET", "/operations/lift/cancel", "OPTIONS, POST"),
        ("GET", "/operations/add", "OPTIONS, POST"),
        ("DELETE", "/resources/robot-1/operations/add", "OPTIONS, POST"),
        ("PUT", "/dispatcher/start", "OPTIONS, POST"),
        ("PATCH", "/resources/robot-1/dispatcher", "GET, HEAD, OPTIONS"),
    ):
        response = await http.request(verb, path)
        refused(response, 405, "method_not_allowed")
        assert response.headers["allow"] == allow
        options = await http.options(path)
        assert (options.status_code, options.content) == (204, b"")
        assert options.headers["allow"] == allow
        assert not [name for name in options.headers if name.startswith("access-control")]
    refused(await http.options("/nowhere"), 404, "unknown_path")


async def test_a_head_is_a_get_without_its_body(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    for path in ("/operations", "/dispatcher", "/operations/nobody", "/events", "/openapi.json"):
        async with http.stream("HEAD", path) as head, http.stream("GET", path) as get:
            assert head.status_code == get.status_code
            assert head.headers["content-type"] == get.headers["content-type"]
            assert await head.aread() == b""
    assert [record for record in caplog.records if record.exc_info] == []


async def raw(one: Server, *parts: bytes, close: bool = True) -> bytes:
    """What is answered to bytes that no client would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        if close:
            writer.write_eof()
        async with asyncio.timeout(SOON_SECONDS):
            return await reader.read()
    finally:
        writer.close()


async def test_what_is_no_http_harms_nobody(one: Server, http: httpx.AsyncClient) -> None:
    host = b"Host: localhost\r\n"
    for parts in (
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",),
        (b"\r\n\r\n",),
        (b"GET\r\n\r\n",),
        (b"GET /operations HTTP/9.9\r\n" + host + b"\r\n",),
        (b"GET /operations HTTP/1.1\r\n" + b"X: " + b"x" * 100_000 + b"\r\n\r\n",),
        (b"POST /dispatcher/stop HTTP/1.1\r\n" + host + b"Content-Length: -1\r\n\r\n",),
        (b"POST /dispatcher/stop HTTP/1.1\r\n" + host + b"Content-Length: 9\r\n\r\n{",),
        (
            b"POST /dispatcher/stop HTTP/1.1\r\n" + host,
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        ),
        (b"POST /dispatcher/stop HTTP/1.1\r\n" + host + b"Content-Length: 2",),
    ):
        answer = await raw(one, *parts)
        assert b" 500 " not in answer.split(b"\r\n")[0]
        assert b" 20" not in answer.split(b"\r\n")[0]
    state = (await http.get("/dispatcher")).json()
    assert state["is_running"] is True


async def test_what_is_no_http_is_refused_in_the_same_shape(one: Server) -> None:
    answer = await raw(one, "GET /jobs/Tür HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/json" in head
    assert f"\r\n{SERVED_BY}: ".encode() in head
    said = json.loads(body)
    assert (said["error"], said["code"]) == (said["message"], "invalid_http")


async def test_a_path_that_is_not_there_is_shown_as_it_was_asked_for(
    http: httpx.AsyncClient,
) -> None:
    said = refused(await http.get("/dispatchers%0A"), 404, "unknown_path")
    assert r"/dispatchers\n" in said["message"]


async def test_a_long_body_is_refused_before_all_of_it_has_come(one: Server) -> None:
    head = b"POST /operations/add HTTP/1.1\r\nHost: localhost\r\n"
    waits = b"Expect: 100-continue\r\nContent-Length: 10000000000\r\n\r\n"
    answer = await raw(one, head + waits, close=False)
    assert b" 413 " in answer.split(b"\r\n")[0]
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    chunks = (b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 16, b"0\r\n\r\n")
    answer = await raw(one, head, *chunks, close=False)
    assert b" 413 " in answer.split(b"\r\n")[0]


async def test_an_error_of_ours_is_told_in_the_same_shape_and_written_down_once(
    one: Server,
    http: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(resource_id: str) -> None:
        raise ZeroDivisionError(f"of {resource_id}")

    monkeypatch.setattr(one.operations, "look", broken)
    body = refused(await http.get("/dispatcher"), 500, "internal_error")
    assert body["error"] == "GET /dispatcher failed for a reason that is in this server's log"
    [logged] = [record for record in caplog.records if record.exc_info]
    assert logged.exc_info
    assert logged.exc_info[0] is ZeroDivisionError


async def test_what_is_too_much_to_be_written_at_once_is_refused(
    one: Server, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def too_long(resource_id: str, intent: object) -> None:  # noqa: ARG001
        raise ValueError("the record of 'lift' is longer than 1000000 bytes")

    monkeypatch.setattr(one.operations, "ask", too_long)
    response = await http.post("/operations/add", json=[FINE])
    assert "longer than" in refused(response, 400, "too_much_at_once")["error"]
