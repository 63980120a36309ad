"""The server of the Dispatch API: where it listens, with what, and how it ends.

    async with serve_grpc(dispatches, updates, address, keys=keys, tls=tls, clock=clock) as port:
        ...

Beside the service it offers reflection, which asks for a key where there are keys, and health,
which never does. When it ends, all streams are told so; no stream ever ends as if all were said.
"""

import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import grpc
from grpc.aio import Server
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from pointsman.api.dispatches import Dispatches
from pointsman.api.grpc.guarding import Guard, Guarded
from pointsman.api.grpc.service import SERVICE, DispatchService
from pointsman.api.keys import Keys, check_exposure
from pointsman.api.listening import CannotListen, Tls, check_files
from pointsman.api.updates import Updates
from pointsman.config import Address
from pointsman.runtime.clock import Clock

GRACE_SECONDS: Final = 2.0
"""How long calls have to come to their end once the server stops."""
CALLS_MOST: Final = 10_000
"""At a time, streams too."""
REQUEST_BYTES: Final = 1_000_000

OPTIONS: Final = (
    ("grpc.so_reuseport", 0),  # Else two servers could share a port.
    ("grpc.max_receive_message_length", REQUEST_BYTES),
    # Clients ask every minute whether we are still there, also while nothing is said.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 500),
    ("grpc.http2.max_ping_strikes", 0),
    # And so do we, that nobody stays who is gone.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.ping_timeout_ms", 20_000),  # Of the two, what counts on a silent wire.
    ("grpc.http2.max_pings_without_data", 0),
)


@asynccontextmanager
async def serve_grpc(
    dispatches: Dispatches,
    updates: Updates[bytes],
    address: Address,
    *,
    keys: Keys | None,
    tls: Tls | None,
    clock: Clock,
    options: Mapping[str, int] | None = None,
) -> AsyncIterator[int]:
    """Serve until left, and give the port that it listens on. `updates` are shaped by `told`.

    `options` are those of gRPC, in the place of ours.

    Raises:
        Exposed: If anybody could come in, as there are no keys and it is no loopback address.
        CannotListen: If it cannot listen there, or the certificate is of no use.
    """
    check_exposure(address, keyed=keys is not None)
    guard = Guard(keys, clock)
    service, healthy = DispatchService(dispatches, updates, guard), health.aio.HealthServicer()
    server = grpc.aio.server(
        handlers=(service, Guarded(_reflection(), guard)),
        options=tuple((dict(OPTIONS) | dict(options or {})).items()),
        maximum_concurrent_rpcs=CALLS_MOST,
    )
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    port = _listen(server, address, tls)
    await healthy.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
    await server.start()
    try:
        yield port
    finally:
        await healthy.enter_graceful_shutdown()
        service.stop()
        await server.stop(GRACE_SECONDS)


class _Collected:
    """Stands in for a server, to get at the handlers that a library would add to one."""

    def __init__(self) -> None:
        self.handlers: list[grpc.GenericRpcHandler] = []

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        self.handlers += handlers

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """The same once more, for servers that look methods up beforehand."""


def _reflection() -> grpc.GenericRpcHandler:
    names = (SERVICE, reflection.SERVICE_NAME, health.SERVICE_NAME)
    collected = _Collected()
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(  # type: ignore[no-untyped-call]
        reflection.aio.ReflectionServicer(names), collected
    )
    return collected.handlers[0]


def _listen(server: Server, address: Address, tls: Tls | None) -> int:
    try:
        if tls is None:
            port = server.add_insecure_port(str(address))
        else:
            port = server.add_secure_port(str(address), _credentials(tls))
    except RuntimeError as error:
        raise CannotListen(f"cannot listen for gRPC on {address}: {_why_not(address)}") from error
    return port


def _why_not(address: Address) -> str:
    try:
        family, kind, _, _, place = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.bind(place)
    except OSError as error:
        return error.strerror or str(error)
    return "gRPC does not say why"


def _credentials(tls: Tls) -> grpc.ServerCredentials:
    check_files(tls)
    chain, key = tls.certificate.read_bytes(), tls.key.read_bytes()
    if tls.client_ca is None:
        return grpc.ssl_server_credentials([(key, chain)])
    return grpc.ssl_server_credentials(
        [(key, chain)], tls.client_ca.read_bytes(), require_client_auth=True
    )
