"""Who gets in over REST: keys, signatures, rights, TLS, and pages of other origins."""

import asyncio
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Final

import httpx
import pytest

from pointsman.api.keys import Exposed, signature
from pointsman.api.listening import CannotListen, Tls
from pointsman.config import Address, Key, Role
from pointsman.config.keys import NAME_MOST
from tests.protocols.rest_bench import Server, Serving, added, client, refused, server
from tests.protocols.test_dispatch_guard import Certificates

KEYS: Final = (
    Key("planner", "plan", Role.OPERATOR, None),
    Key("signer", "sign", Role.ADMIN, None, "between us"),
    Key("watcher", "watch", Role.OBSERVER, frozenset({7})),
    Key("stranger", "far away", Role.ADMIN, frozenset({9})),
    Key('机 "a:b" \\ é'.ljust(NAME_MOST, "."), "long", Role.ADMIN, None),
)
PLANNER: Final = {"Authorization": "Bearer plan"}
WATCHER: Final = {"key": "watch"}


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Server]:
    resources, microgrids = {"robot-1": "hall", "robot-2": "yard"}, {"robot-1": 7}
    async with server(
        Serving(tmp_path, keys=KEYS, resources=resources, microgrids=microgrids)
    ) as one:
        yield one


@pytest.fixture
async def http(guarded: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with client(guarded) as http:
        yield http


def signed(what: str, nonce: str) -> dict[str, str]:
    ts = str(int(datetime.now(UTC).timestamp()))  # noqa: TID251
    sig = signature("between us", "sign", ts, nonce, what)
    return {"key": "sign", "ts": ts, "nonce": nonce, "sig": sig}


async def test_every_path_asks_for_a_key_but_for_the_description(http: httpx.AsyncClient) -> None:
    for path in ("/resources", "/operations", "/events", "/dispatcher", "/nowhere", "/docs/x"):
        for headers in ({}, {"key": "plam"}, {"Authorization": "Basic cGxhbg=="}):
            response = await http.get(path, headers=headers)
            refused(response, 401, "unauthenticated")
            assert response.headers["www-authenticate"] == 'Bearer realm="pointsman"'
    refused(await http.post("/operations/add", content=b"[" * 9), 401, "unauthenticated")
    for path in ("/docs", "/openapi.json"):
        assert (await http.get(path)).status_code == 200
    for headers in (PLANNER, {"authorization": "bearer  plan"}, {"Key": "plan"}):
        assert (await http.get("/resources", headers=headers)).status_code == 200


async def test_a_key_with_a_secret_signs_each_request_once(http: httpx.AsyncClient) -> None:
    refused(await http.get("/dispatcher", headers={"key": "sign"}), 401, "unauthenticated")
    fresh = signed("GET /dispatcher", "1")
    assert (await http.get("/dispatcher", headers=fresh)).status_code == 200
    refused(await http.get("/dispatcher", headers=fresh), 401, "unauthenticated")
    other = signed("GET /dispatcher", "2")
    refused(await http.post("/dispatcher/stop", headers=other), 401, "unauthenticated")
    assert (await http.get("/dispatcher", headers=signed("GET /dispatcher", "3"))).json()[
        "is_running"
    ]


async def test_an_observer_looks_on_and_changes_nothing(http: httpx.AsyncClient) -> None:
    id = await added_by_planner(http)
    assert (await http.get(f"/operations/{id}", headers=WATCHER)).status_code == 200
    for path in ("/operations/add", f"/operations/{id}/cancel", "/dispatcher/stop", "/jobs/x/hold"):
        refused(await http.post(path, headers=WATCHER, json=None), 403, "forbidden")
    assert (await http.get("/dispatcher", headers=PLANNER)).json()["is_running"]


async def added_by_planner(http: httpx.AsyncClient, **headers: str) -> str:
    response = await http.post(
        "/operations/add", json=[{"payload": {}}], headers={**PLANNER, **headers}
    )
    id: str = response.json()[0]["operation"]["id"]
    return id


async def test_who_has_no_right_to_a_resource_learns_nothing_of_it(
    http: httpx.AsyncClient,
) -> None:
    seen = (await http.get("/resources", headers=WATCHER)).json()
    assert [one["resource_id"] for one in seen] == ["robot-1"]
    hidden = await http.get("/resources/robot-2/dispatcher", headers=WATCHER)
    nothing = await http.get("/resources/robot-9/dispatcher", headers=WATCHER)
    assert (
        refused(hidden, 404, "resource_not_found")["error"].replace("-2", "-9")
        == (refused(nothing, 404, "resource_not_found")["error"])
    )
    stranger = {"key": "far away"}
    assert (await http.get("/resources", headers=stranger)).json() == []
    for path in ("/dispatcher", "/operations", "/resources/robot-1/events"):
        refused(await http.get(path, headers=stranger), 404, "resource_not_found")


async def test_each_change_carries_who_and_why(http: httpx.AsyncClient) -> None:
    id = await added_by_planner(http)
    said = {"meta_data": {"why": "the lane is blocked"}}
    at = f"/operations/{id}/cancel"
    alice = {**PLANNER, "X-Actor": "alice"}
    assert (await http.post(at, json=said, headers=alice)).status_code == 200
    events = (await http.get(f"/operations/{id}/events", headers=PLANNER)).json()
    first, last = events[0], events[-1]
    assert (first["event_type"], first["by"]) == ("operation_added", "planner")
    assert (last["event_type"], last["by"]) == ("operation_cancelled", "planner:alice")
    assert last["meta_data"]["why"] == "the lane is blocked"
    longest = {"key": "long", "X-Actor": "x" * 100}
    added = await http.post("/operations/add", json=[{"payload": {}}], headers=longest)
    assert added.status_code == 201, added.text
    odd = {**PLANNER, "X-Actor": "x" * 101}
    refused(await http.post(at, headers=odd), 400, "invalid_x_actor")


async def test_a_page_of_another_origin_may_not_change_anything(tmp_path: Path) -> None:
    async with server(Serving(tmp_path)) as one, client(one) as http:
        for headers in (
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:1"},
            {"Sec-Fetch-Site": "cross-site"},
        ):
            refused(await http.post("/dispatcher/stop", headers=headers), 403, "wrong_origin")
        for host in ("evil.example", "127.0.0.1.evil.example", f"evil.example:{one.port}", "", "["):
            response = await http.get("/dispatcher", headers={"Host": host})
            refused(response, 400, "wrong_host")
        own = {"Origin": one.url, "Sec-Fetch-Site": "same-origin"}
        assert (await http.post("/dispatcher/pause", headers=own)).status_code == 200
        for host in ("localhost", f"LOCALHOST:{one.port}", f"[::1]:{one.port}", "127.0.0.1"):
            assert (await http.get("/dispatcher", headers={"Host": host})).status_code == 200
        assert (await http.get("/dispatcher")).json()["is_running"]


async def cannot(serving: Serving) -> Exception:
    """Why a server cannot begin."""
    with pytest.raises(BaseExceptionGroup) as caught:
        async with server(serving):
            pass
    [error] = caught.value.exceptions
    assert isinstance(error, Exception)
    return error


async def test_it_takes_no_signals(tmp_path: Path) -> None:
    taken = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    async with server(Serving(tmp_path)):
        assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == taken


async def test_without_keys_nobody_from_elsewhere_can_reach_it(tmp_path: Path) -> None:
    error = await cannot(Serving(tmp_path, address=Address("0.0.0.0", 0)))  # noqa: S104
    assert isinstance(error, Exposed)


async def test_a_port_that_is_taken_and_a_host_that_is_none_are_said_in_one_line(
    guarded: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    taken = Address("127.0.0.1", guarded.port)
    error = await cannot(Serving(folder, address=taken))
    assert isinstance(error, CannotListen)
    assert str(error) == f"cannot listen for REST on {taken}: Address already in use"
    nowhere = Address("no.such.host.invalid", 0)
    error = await cannot(Serving(folder, address=nowhere, keys=KEYS))
    assert isinstance(error, CannotListen)
    assert str(error).startswith("cannot listen for REST on no.such.host.invalid:0: ")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


async def test_it_speaks_tls_and_lets_in_those_with_a_certificate_where_one_is_asked_for(
    tmp_path: Path, certificates: Certificates
) -> None:
    key, own = certificates.server.with_suffix(".key"), certificates.client
    tls = Tls(certificates.server, key, client_ca=certificates.authority)
    async with server(Serving(tmp_path, tls=tls)) as one:
        trusting = ssl.create_default_context(cafile=certificates.authority)
        assert not await answered(one.port, None)
        assert not await answered(one.port, trusting)
        trusting.load_cert_chain(own, own.with_suffix(".key"))
        assert await answered(one.port, trusting)


async def answered(port: int, context: ssl.SSLContext | None) -> bool:
    """Whether anything is, with these certificates or in the open."""

    def get() -> bool:
        at = ("127.0.0.1", port)
        http = HTTPSConnection(*at, context=context) if context else HTTPConnection(*at)
        try:
            http.request("GET", "/dispatcher")
            return http.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            http.close()

    return await asyncio.to_thread(get)


async def test_a_certificate_that_is_of_no_use_is_said_in_one_line(
    tmp_path: Path, certificates: Certificates
) -> None:
    tls = Tls(certificates.server, certificates.client.with_suffix(".key"))
    error = await cannot(Serving(tmp_path, tls=tls))
    assert isinstance(error, CannotListen)
    assert "cannot be used" in str(error)


async def test_what_was_answered_while_the_server_ends_is_there_afterwards(
    tmp_path: Path,
) -> None:
    async with AsyncExitStack() as leaving:
        async with server(Serving(tmp_path)) as one:
            http = await leaving.enter_async_context(client(one))
            adding = [asyncio.ensure_future(added(http)) for _ in range(20)]
            await asyncio.wait(adding, return_when=asyncio.FIRST_COMPLETED)
        answers = await asyncio.gather(*adding, return_exceptions=True)
    ids = {answer for answer in answers if isinstance(answer, str)}
    assert ids
    async with server(Serving(tmp_path)) as one, client(one) as http:
        listed = {o["operation"]["id"] for o in (await http.get("/operations")).json()}
    assert ids <= listed
