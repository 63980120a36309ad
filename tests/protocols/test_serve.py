"""`pointsman serve` as a process: what was answered is kept, one process serves, runs are facts."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from frequenz.client.dispatch.types import Dispatch, TargetIds

from pointsman.config import HTTP, Address
from tests.protocols.dispatch_bench import MICROGRID, SOON_SECONDS
from tests.protocols.serve_bench import Served, called, served

SITE = """
[site]
id = "depot"
timezone = "Europe/Berlin"

[[asset]]
id = "battery"
kind = "battery"
max_charge_kw = 30.0
max_discharge_kw = 30.0
capacity_kwh = 120.0
device = { protocol = "simulated" }

[microgrid]
id = 7
components = { 101 = "battery" }
"""
KEYS = """
[[key]]
name = "planner"
key = "open"
role = "operator"
microgrids = [7]
"""
SECOND = timedelta(seconds=1)


async def create(server: Served, seconds: float = 60.0, key: str = "any") -> Dispatch:
    async with asyncio.timeout(SOON_SECONDS), server.client(key) as client:
        return await client.create(MICROGRID, "charge", "NOW", seconds * SECOND, TargetIds(101))


async def ids(server: Served) -> list[int]:
    async with asyncio.timeout(SOON_SECONDS), server.client() as client:
        return [int(one.id) async for page in client.list(MICROGRID) for one in page]


async def test_what_was_answered_is_there_after_a_kill(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        before = [int((await create(server)).id) for _ in range(3)]
        server.kill()
    with served(tmp_path) as server:
        assert await ids(server) == before[::-1]
        assert int((await create(server)).id) > max(before)


async def test_a_second_server_is_refused_and_may_take_over(tmp_path: Path) -> None:
    with served(tmp_path) as first:
        created = await create(first)
        words = ("serve", "--data", str(first.data), "--grpc", "127.0.0.1:0")
        status, out, error = called(tmp_path, *words)
        assert (status, out, error.count("\n")) == (1, "", 1)
        assert f"process {first.process.pid}" in error
        assert "--take-over" in error
        with served(tmp_path, "--take-over") as second:
            status, error = first.ended()
            assert (status, error.count("\n")) == (1, 1)
            assert "another process took over" in error
            assert await ids(second) == [int(created.id)]


async def test_a_server_that_is_ended_says_goodbye_and_never_that_all_is_said(
    tmp_path: Path,
) -> None:
    from frequenz.api.dispatch.v1.dispatch_pb2 import StreamMicrogridDispatchesRequest as Request

    with served(tmp_path) as server:
        async with asyncio.timeout(SOON_SECONDS), server.client("any") as client:
            call = client.stub.StreamMicrogridDispatches(Request(microgrid_id=7))
            await call.initial_metadata()
            ended = server.end()
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await call.read()
    assert refusal.value.code() is grpc.StatusCode.UNAVAILABLE
    assert ended == (143, "pointsman: terminated\n")


async def test_runs_of_a_claimed_microgrid_are_facts(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE)
    with served(tmp_path, "--site", "site.toml") as server:
        claimed = await create(server, seconds=1)
        async with server.client() as client:
            await client.create(type(MICROGRID)(8), "charge", "NOW", SECOND, TargetIds(1))
        told = await told_of(server, claimed, 2)
    assert told == ["STARTED", "STOPPED"]


async def test_a_run_goes_on_over_a_kill_and_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE)
    with served(tmp_path, "--site", "site.toml") as server:
        claimed = await create(server, seconds=4)
        assert await told_of(server, claimed, 1) == ["STARTED"]
        server.kill()
    with served(tmp_path, "--site", "site.toml") as server:
        assert await told_of(server, claimed, 2) == ["STARTED", "STOPPED"]


async def told_of(server: Served, dispatch: Dispatch, count: int) -> list[str]:
    """The changes of its runs, as the log tells them, once there are so many; nobody else's."""
    end = datetime.now(UTC) + SOON_SECONDS * SECOND  # noqa: TID251
    while True:
        _, out, _ = await asyncio.to_thread(
            called, server.data.parent, "log", "--data", str(server.data), "--json"
        )
        facts = [json.loads(line) for line in out.splitlines()]
        followed = [fact for fact in facts if fact["fact"] == "Announced"]
        changes = [fact["value"]["followed"]["waiting"][-1]["edge"] for fact in followed]
        if len(changes) >= count or datetime.now(UTC) > end:  # noqa: TID251
            about = {fact["value"]["followed"]["dispatch"]["id"] for fact in followed}
            assert about == {int(dispatch.id)}
            return changes


async def test_without_a_key_nobody_is_let_in_where_there_are_keys(tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text(KEYS)
    with served(tmp_path, POINTSMAN_KEYS="keys.toml") as server:
        assert (await create(server, key="open")).type == "charge"
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await create(server, key="other")
    assert refusal.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_door_that_is_not_there_yet_is_named(tmp_path: Path) -> None:
    with served(tmp_path, "--ocpp", "127.0.0.1:0") as server:
        _, error = server.end()
    assert "--ocpp is not served by this release" in error


def test_rest_is_left_out_where_somebody_else_has_its_port_and_nobody_needs_it(
    tmp_path: Path,
) -> None:
    with taken(HTTP), served(tmp_path, POINTSMAN_HTTP="") as server:
        _, error = server.end()
    assert f"cannot listen for REST on {HTTP}" in error


def test_rest_that_somebody_asked_for_is_not_left_out(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        words = ("serve", "--data", str(tmp_path / "data"), "--grpc", "127.0.0.1:0")
        status, out, error = called(tmp_path, *words, "--http", address)
    assert (status, out) == (1, "")
    assert f"cannot listen for REST on {address}" in error


def test_rest_is_not_left_out_where_a_site_has_resources(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text('[site]\nid = "hall"\n[[resource]]\nid = "robot-1"\n')
    words = ("serve", "--data", str(tmp_path / "data"), "--grpc", "127.0.0.1:0")
    with taken(HTTP):
        status, out, error = called(tmp_path, *words, "--site", str(site), POINTSMAN_HTTP="")
    assert (status, out) == (1, "")
    assert f"cannot listen for REST on {HTTP}" in error


@contextmanager
def taken(address: Address) -> Iterator[None]:
    """Somebody listens there: this test, unless somebody else does."""
    with ExitStack() as stack:
        with suppress(OSError):
            stack.enter_context(closing(socket.create_server(address)))
        yield


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--grpc", "0.0.0.0:0"), "can be reached from elsewhere, and there are no keys"),
        (("--grpc", "127.0.0.1"), "--grpc: '127.0.0.1' is no address"),
        (("--keys", "none.toml"), "none.toml"),
        (("--site", "none.toml"), "none.toml"),
        (("--site", "site.toml", "--site", "site.toml"), "site 'depot' was given already"),
        (("--tls-key", "key.pem"), "go together"),
        (("--tls-client-ca", "ca.pem"), "give a certificate"),
        (("--tls-key", "key.pem", "--tls-certificate", "no.pem"), "no.pem"),
        (("--data", "site.toml"), "site.toml"),
    ],
)
def test_what_cannot_be_served_is_one_line(
    tmp_path: Path, flags: tuple[str, ...], told: str
) -> None:
    (tmp_path / "site.toml").write_text(SITE)
    status, out, error = called(tmp_path, "serve", "--grpc", "127.0.0.1:0", *flags)
    assert status in {1, 2}
    assert (out, error.count("\n")) == ("", 1)
    assert told in error


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        status, out, error = called(tmp_path, "serve", "--grpc", address)
    assert (status, out) == (1, "")
    assert error == f"pointsman: cannot listen for gRPC on {address}: Address already in use\n"


def test_questions_about_plans_say_that_there_are_none(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(create(server))
        status, _, error = called(tmp_path, "status", "--data", str(server.data))
    assert status == 1
    assert "has no plan of any site yet" in error
