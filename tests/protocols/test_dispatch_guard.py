"""Who gets in: keys, signatures, rights and TLS, with the real client at the other end."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2
from frequenz.api.dispatch.v1.dispatch_pb2_grpc import MicrogridDispatchServiceStub
from frequenz.client.common.microgrid import MicrogridId
from frequenz.client.dispatch.types import Dispatch
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from pointsman.api.grpc.service import SERVICE
from pointsman.api.keys import Exposed, signature
from pointsman.api.listening import CannotListen, Tls
from pointsman.config import Address, Key, Role
from tests.protocols.dispatch_bench import (
    ANY_PORT,
    MICROGRID,
    SOON_SECONDS,
    Server,
    Serving,
    client,
    created,
    free_address,
    listed,
    server,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
MINE: Final = frozenset({int(MICROGRID)})
KEYS: Final = (
    Key("planner", "plan", Role.OPERATOR, None),
    Key("signer", "sign", Role.ADMIN, MINE, "between us"),
    Key("watcher", "watch", Role.OBSERVER, MINE),
)
ELSEWHERE: Final = MicrogridId(8)
UNAUTHENTICATED, PERMISSION_DENIED = (
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
)
CALLS: Final[dict[str, Any]] = {
    "CreateMicrogridDispatch": pb2.CreateMicrogridDispatchRequest,
    "UpdateMicrogridDispatch": pb2.UpdateMicrogridDispatchRequest,
    "GetMicrogridDispatch": pb2.GetMicrogridDispatchRequest,
    "DeleteMicrogridDispatch": pb2.DeleteMicrogridDispatchRequest,
    "ListMicrogridDispatches": pb2.ListMicrogridDispatchesRequest,
    "StreamMicrogridDispatches": pb2.StreamMicrogridDispatchesRequest,
}


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Server]:
    async with server(Serving(tmp_path, keys=KEYS)) as served:
        yield served


async def status(
    port: int, method: str, metadata: dict[str, str], microgrid: MicrogridId = MICROGRID
) -> tuple[grpc.StatusCode, str]:
    """How a call ends, of whatever shape it is."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = getattr(MicrogridDispatchServiceStub(channel), method)(
            CALLS[method](microgrid_id=int(microgrid)), metadata=tuple(metadata.items())
        )
        async with asyncio.timeout(SOON_SECONDS):
            return await call.code(), await call.details()


def signed(method: str, nonce: str, *, seconds: int = 0, by: str = "between us") -> dict[str, str]:
    now = datetime.now(UTC) + timedelta(seconds=seconds)  # noqa: TID251
    ts = str(int(now.timestamp()))
    sig = signature(by, "sign", ts, nonce, method)
    return {"key": "sign", "ts": ts, "nonce": nonce, "sig": sig}


@pytest.mark.parametrize("method", CALLS)
async def test_each_call_asks_for_a_key_and_its_signature(guarded: Server, method: str) -> None:
    for metadata, said in (
        ({}, "key is missing"),
        ({"key": "plam"}, "key is not known"),
        ({"key": "sign"}, "must sign its calls"),
        (signed(method, "1") | {"sig": ""}, "must sign its calls"),
        (signed(method, "2", by="between you"), "sig does not fit"),
        (signed("SomethingElse", "3"), "sig does not fit"),
        (signed(method, "4", seconds=-400), "ts is more than 300 s"),
        (signed(method, "5", seconds=400), "ts is more than 300 s"),
    ):
        code, details = await status(guarded.port, method, metadata)
        assert (code, said in details) == (UNAUTHENTICATED, True), details
    code, details = await status(guarded.port, method, signed(method, "6"), ELSEWHERE)
    assert (code, details) == (PERMISSION_DENIED, "this key has no right to microgrid 8")
    code, details = await status(guarded.port, method, signed(method, "6"))
    assert (code, details) == (
        UNAUTHENTICATED,
        "nonce was used before: draw a new one for each call",
    )


async def test_an_observer_looks_on_and_changes_nothing(guarded: Server) -> None:
    async with (
        client(guarded.url, auth_key="plan") as planner,
        client(guarded.url, auth_key="watch") as watcher,
    ):
        events = watcher.stream(MICROGRID)
        await asyncio.sleep(0.2)
        dispatch = await created(planner)
        async with asyncio.timeout(SOON_SECONDS):
            assert (await events.receive()).dispatch == dispatch
        assert await watcher.get(microgrid_id=MICROGRID, dispatch_id=dispatch.id) == dispatch
        named: dict[str, Any] = {"microgrid_id": MICROGRID, "dispatch_id": dispatch.id}
        for call in (
            created(watcher),
            watcher.update(**named, new_fields={"active": False}),
            watcher.delete(**named),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert caught.value.code() is PERMISSION_DENIED
            assert caught.value.details() == "this key may not change anything: it is an observer's"
        assert await listed(watcher) == [dispatch]


async def test_the_real_client_signs_all_that_it_asks(guarded: Server) -> None:
    secret = {"auth_key": "sign", "sign_secret": "between us"}
    async with client(guarded.url, **secret) as signer:
        events = signer.stream(MICROGRID)
        await asyncio.sleep(0.2)
        dispatch = await created(signer)
        async with asyncio.timeout(SOON_SECONDS):
            assert (await events.receive()).dispatch == dispatch
        await signer.delete(microgrid_id=MICROGRID, dispatch_id=dispatch.id)
        assert await listed(signer) == []


async def test_who_has_no_right_to_a_microgrid_learns_nothing_of_it(guarded: Server) -> None:
    async with (
        client(guarded.url, auth_key="plan") as planner,
        client(guarded.url, auth_key="watch") as watcher,
    ):
        dispatch = await created(planner, microgrid_id=ELSEWHERE)
        for id in (dispatch.id, type(dispatch.id)(999)):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await watcher.get(microgrid_id=ELSEWHERE, dispatch_id=id)
            assert caught.value.code() is PERMISSION_DENIED


async def services(port: int, metadata: tuple[tuple[str, str], ...] = ()) -> set[str]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = ServerReflectionStub(channel)  # type: ignore[arg-type]
        call = stub.ServerReflectionInfo(metadata=metadata)
        await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        response = await call.read()
        await call.done_writing()
        return {service.name for service in response.list_services_response.service}


async def test_reflection_shows_what_there_is(tmp_path: Path) -> None:
    async with server(Serving(tmp_path)) as served:
        assert {SERVICE, "grpc.health.v1.Health"} <= await services(served.port)


async def test_reflection_asks_for_a_key_where_there_are_any(guarded: Server) -> None:
    assert SERVICE in await services(guarded.port, (("key", "watch"),))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await services(guarded.port)
    assert caught.value.code() is UNAUTHENTICATED


async def test_whether_it_is_healthy_is_told_to_everybody(guarded: Server) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{guarded.port}") as channel:
        stub: Any = HealthStub(channel)
        for name in ("", SERVICE):
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_server_that_stops_is_not_healthy_any_more(tmp_path: Path) -> None:
    address = free_address()
    async with grpc.aio.insecure_channel(str(address)) as channel:
        async with server(Serving(tmp_path, address)):
            request = health_pb2.HealthCheckRequest(service=SERVICE)
            stub: Any = HealthStub(channel)
            watch = stub.Watch(request)
            first = await watch.read()
            assert first.status == health_pb2.HealthCheckResponse.SERVING
            later = asyncio.ensure_future(watch.read())
            await asyncio.sleep(0.05)
        assert (await later).status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_without_keys_nobody_from_elsewhere_can_reach_it(tmp_path: Path) -> None:
    with pytest.raises(BaseExceptionGroup) as caught:
        async with server(Serving(tmp_path, Address("0.0.0.0", 0))):  # noqa: S104
            pass
    [error] = caught.value.exceptions
    assert isinstance(error, Exposed)


async def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    async with server(Serving(tmp_path / "one")) as served:
        with pytest.raises(BaseExceptionGroup) as caught:
            async with server(Serving(tmp_path / "other", Address("127.0.0.1", served.port))):
                pass
    [error] = caught.value.exceptions
    assert isinstance(error, CannotListen)
    at = f"127.0.0.1:{served.port}"
    assert str(error) == f"cannot listen for gRPC on {at}: Address already in use"


class Certificates:
    """An authority of our own, and what it has signed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = self._made("authority", "-x509", "-subj", "/CN=authority")
        self.server = self._signed("server", "subjectAltName=IP:127.0.0.1,DNS:localhost")
        self.client = self._signed("client", "subjectAltName=DNS:planner")

    def _made(self, name: str, *how: str) -> Path:
        path = self.folder / f"{name}.pem"
        self._openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-keyout", f"{name}.key", "-out", path.name,
            "-addext", "keyUsage=digitalSignature,keyCertSign", *how,
        )  # fmt: skip
        return path

    def _signed(self, name: str, extension: str) -> Path:
        return self._made(
            name, "-x509", "-subj", f"/CN={name}", "-addext", extension,
            "-CA", "authority.pem", "-CAkey", "authority.key",
        )  # fmt: skip

    def _openssl(self, *command: str) -> None:
        subprocess.run(["openssl", *command], cwd=self.folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


async def test_the_real_client_speaks_tls_with_us(
    tmp_path: Path, certificates: Certificates
) -> None:
    tls = Tls(certificates.server, certificates.server.with_suffix(".key"))
    async with server(Serving(tmp_path, tls=tls)) as served:
        trusting = f"ssl=true&ssl_root_certificates_path={certificates.authority}"
        async with client(f"grpc://127.0.0.1:{served.port}?{trusting}") as api:
            dispatch = await created(api)
            assert await listed(api) == [dispatch]
        async with client(f"grpc://127.0.0.1:{served.port}") as distrustful:
            await refused(distrustful)
        async with client(served.url) as in_the_open:
            await refused(in_the_open)


async def test_only_those_with_a_certificate_get_in_where_one_is_asked_for(
    tmp_path: Path, certificates: Certificates
) -> None:
    key = certificates.server.with_suffix(".key")
    tls = Tls(certificates.server, key, client_ca=certificates.authority)
    async with server(Serving(tmp_path, tls=tls)) as served:
        url = f"grpc://127.0.0.1:{served.port}?ssl_root_certificates_path={certificates.authority}"
        own = certificates.client
        showing = (
            f"&ssl_certificate_chain_path={own}&ssl_private_key_path={own.with_suffix('.key')}"
        )
        async with client(url + showing) as api:
            assert isinstance(await created(api), Dispatch)
        async with client(url) as nobody:
            await refused(nobody)


async def refused(api: Any) -> None:  # noqa: ANN401  Any client.
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await listed(api)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_certificate_that_is_of_no_use_is_said_in_one_line(
    tmp_path: Path, certificates: Certificates
) -> None:
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("")
    key = certificates.server.with_suffix(".key")
    for tls, said in (
        (Tls(tmp_path / "none.pem", key), "No such file or directory"),
        (Tls(nothing, key), "cannot be used"),
        (Tls(certificates.server, certificates.client.with_suffix(".key")), "cannot be used"),
        (Tls(certificates.server, key, client_ca=nothing), "nothing.pem cannot be used"),
    ):
        with pytest.raises(BaseExceptionGroup) as caught:
            async with server(Serving(tmp_path, ANY_PORT, tls=tls)):
                pass
        [error] = caught.value.exceptions
        assert isinstance(error, CannotListen)
        assert said in str(error)
        assert "\n" not in str(error)
