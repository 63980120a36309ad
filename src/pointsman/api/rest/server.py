"""The server of the REST door: where it listens, with what, and how it ends.

    async with serve_rest(operations, address, keys=keys, tls=tls, clock=clock) as port:
        ...

It takes no signals: whoever serves decides when it ends. Then requests have a moment to come to
their end, and streams end at once, so that their readers come back to whoever serves next.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from typing import Final, TypeAlias

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from pointsman.api.keys import Keys, check_exposure
from pointsman.api.listening import CannotListen, Tls, check_files
from pointsman.api.operations import Operations
from pointsman.api.rest.app import create_app
from pointsman.api.rest.entrance import OURS, Entrance
from pointsman.api.rest.errors import Problem, response_of
from pointsman.api.rest.pages import OPEN
from pointsman.api.rest.streams import Streams
from pointsman.config import Address
from pointsman.runtime.clock import Clock

GRACE_SECONDS: Final = 2
"""How long requests have to come to their end once the server stops."""
WAITING_MOST: Final = 1_024
"""Connections that nobody has taken yet."""

Beside: TypeAlias = Callable[[ASGIApp], AbstractAsyncContextManager[ASGIApp]]


@asynccontextmanager
async def serve_rest(
    operations: Operations,
    address: Address,
    *,
    keys: Keys | None,
    tls: Tls | None,
    clock: Clock,
    microgrids: Mapping[str, int | None] | None = None,
    streams: Streams | None = None,
    beside: Beside = nullcontext,
) -> AsyncIterator[int]:
    """Serve until left, and give the port that it listens on.

    `microgrids` are those of each resource's site: a key is for some of them, or for all. `beside`
    puts another door around the application, behind the same entrance.

    Raises:
        Exposed: If anybody could come in, as there are no keys and it is no loopback address.
        CannotListen: If it cannot listen there, or the certificate is of no use.
    """
    check_exposure(address, keyed=keys is not None)
    streams = streams or Streams()
    app = create_app(operations, clock, keys=keys, microgrids=microgrids, streams=streams)
    who = app.state.house.guard.who
    with _listening(address) as listener:
        async with beside(app) as inner:
            entrance = Entrance(inner, who, only_local=keys is None, open_to_all=OPEN)
            server = _Server(_config(entrance, tls))
            async with asyncio.TaskGroup() as tasks:
                serving = tasks.create_task(server.serve([listener]))
                await server.is_started.wait()
                try:
                    yield listener.getsockname()[1]
                finally:
                    streams.stop()
                    server.should_exit = True
                    await asyncio.wait([serving])  # Its end is bounded, also if we are cancelled.


class _Server(uvicorn.Server):
    """Says when it has started, and leaves signals to others."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_started = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_started.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Protocol(H11Protocol):
    """Refuses what is no HTTP in the one shape, too."""

    def send_400_response(self, msg: str) -> None:
        answer = response_of(
            Problem(400, "invalid_http", f"{msg[:1].lower()}{msg[1:].rstrip('.')}")
        )
        headers = [*answer.raw_headers, OURS, (b"connection", b"close")]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def _config(app: ASGIApp, tls: Tls | None) -> uvicorn.Config:
    if tls is not None:
        check_files(tls)
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
        ssl_ca_certs=str(tls.client_ca) if tls and tls.client_ca else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if tls and tls.client_ca else ssl.CERT_NONE,
    )
    config.load()
    return config


@contextmanager
def _listening(address: Address) -> Iterator[socket.socket]:
    try:
        found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
        family, kind, protocol, _, place = found
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _cannot(address, error) from error
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(place)
            listener.listen(WAITING_MOST)
        except OSError as error:
            raise _cannot(address, error) from error
        yield listener


def _cannot(address: Address, error: OSError) -> CannotListen:
    return CannotListen(f"cannot listen for REST on {address}: {error.strerror or error}")
