"""What the tests of the REST door stand on: a server in this process, and a client of it."""

import asyncio
import json
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from pointsman.api.keys import Keys
from pointsman.api.listening import Tls
from pointsman.api.operations import Operations, operation_projections
from pointsman.api.rest.server import Beside, serve_rest
from pointsman.api.rest.streams import Streams
from pointsman.config import Address, Key
from pointsman.journal.sqlite import SqliteJournal
from pointsman.operations import OPERATIONS
from pointsman.operations.intents import Configure, StartResource
from pointsman.operations.policy import Policy
from pointsman.runtime.clock import Clock, SystemClock
from pointsman.runtime.engine import Engine
from pointsman.runtime.record import RecordKeeper

SOON_SECONDS: Final = 10.0
ANY_PORT: Final = Address("127.0.0.1", 0)
NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""In the place of one that reads all certificates of this machine first."""
AT_ONCE: Final = Policy(ask=False)
ASKING: Final = Policy(ask=True)


@dataclass(frozen=True)
class Serving:
    """How a server is to be."""

    folder: Path
    policy: Policy = AT_ONCE
    resources: Mapping[str, str] = field(default_factory=lambda: {"robot-1": "hall"})
    """The site of each resource."""
    microgrids: Mapping[str, int | None] = field(default_factory=dict)
    address: Address = ANY_PORT
    keys: Sequence[Key] = ()
    tls: Tls | None = None
    clock: Clock = SystemClock()  # noqa: RUF009  It has no state.
    keep_alive_seconds: float = 15.0
    beside: Beside = nullcontext
    """Another door at the same address."""


@dataclass(frozen=True)
class Server:
    port: int
    operations: Operations
    engine: Engine

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def operating(serving: Serving) -> AsyncIterator[tuple[Operations, Engine]]:
    """Operations on a journal and a record, each resource started once, until left."""
    path, record = serving.folder / "journal.db", serving.folder / "record.db"
    is_new = not path.exists()
    journal = SqliteJournal(path)
    engine = Engine([OPERATIONS], journal, serving.clock)
    keeper = RecordKeeper(journal, record, projections=operation_projections(journal))
    try:
        async with asyncio.TaskGroup() as tasks:
            with closing(
                Operations(engine, journal, keeper, record, serving.resources)
            ) as operations:
                operations.load(path)
                lives = [tasks.create_task(one.run()) for one in (engine, keeper, operations)]
                await engine.ready()
                for id in serving.resources if is_new else ():
                    await operations.ask(id, Configure(policy=serving.policy))
                    await operations.ask(id, StartResource())
                yield operations, engine
            for life in lives:
                life.cancel()
    finally:
        await journal.close()


@asynccontextmanager
async def server(serving: Serving) -> AsyncIterator[Server]:
    """A server on its journal and its record, until left."""
    async with (
        operating(serving) as (operations, engine),
        serve_rest(
            operations,
            serving.address,
            keys=Keys(serving.keys) if serving.keys else None,
            tls=serving.tls,
            clock=serving.clock,
            microgrids=serving.microgrids,
            streams=Streams(keep_alive_seconds=serving.keep_alive_seconds),
            beside=serving.beside,
        ) as port,
    ):
        yield Server(port, operations, engine)


@asynccontextmanager
async def served(folder: Path, **how: Any) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ANN401
    """A client of a server of its own."""
    async with server(Serving(folder, **how)) as one, client(one) as http:
        yield http


@asynccontextmanager
async def client(one: Server, **how: Any) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ANN401
    how = {"base_url": one.url, "timeout": SOON_SECONDS, "verify": NO_TLS, **how}
    async with httpx.AsyncClient(**how) as http:
        yield http


async def added(http: httpx.AsyncClient, *, at: str = "", **work: Any) -> str:  # noqa: ANN401
    """The id of an operation of which only what matters to a test is said."""
    response = await http.post(f"{at}/operations/add", json=[{"payload": {}, **work}])
    assert response.status_code == 201, response.text
    [status] = response.json()
    id: str = status["operation"]["id"]
    return id


async def until(http: httpx.AsyncClient, path: str, holds: Callable[[Any], bool]) -> Any:  # noqa: ANN401
    """What is answered, once that is as it should be."""
    async with asyncio.timeout(SOON_SECONDS):
        while True:
            response = await http.get(path)
            if response.status_code == 200 and holds(response.json()):
                return response.json()
            await asyncio.sleep(0.005)


async def running(http: httpx.AsyncClient, id: str, *, at: str = "") -> dict[str, Any]:
    """An operation, once it runs."""
    path = f"{at}/operations/{id}/detail"
    found: dict[str, Any] = await until(http, path, lambda said: said["phase"] == "RUNNING")
    return found


async def asked(http: httpx.AsyncClient, kind: str) -> dict[str, Any]:
    """The request of this kind that waits for an answer, once there is one."""
    requests = await until(
        http, "/requests", lambda said: kind in [request["kind"] for request in said]
    )
    return next(request for request in requests if request["kind"] == kind)


def refused(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The body of a refusal, in the one shape that they have."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body: dict[str, Any] = response.json()
    assert set(body) - {"details"} == {"error", "message", "code"}
    assert body["error"] == body["message"]
    assert body["error"]
    assert "\n" not in body["error"]
    assert body["code"] == code, body
    return body


@dataclass(frozen=True)
class Frame:
    """One event of a stream, as it came."""

    id: int
    event: str
    data: dict[str, Any]


async def frames(response: httpx.Response) -> AsyncGenerator[Frame, None]:
    """The events of a stream, judged byte by byte, without its comments."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            assert name in ("id", "event", "data", "retry"), line
            fields[name] = value
        elif "data" in fields:
            yield Frame(int(fields["id"]), fields["event"], json.loads(fields["data"]))
            fields = {}


@asynccontextmanager
async def stranger(told: bytes) -> AsyncIterator[str]:
    """Some other program at an address, which tells everybody the same; and its URL."""

    async def tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(body[1]) if body else 0)  # Or the network says it is cut off.
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + told)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(tell, *ANY_PORT) as listening:
        host, port = listening.sockets[0].getsockname()
        yield f"http://{host}:{port}"
