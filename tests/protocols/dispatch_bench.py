"""What the tests of the Dispatch API stand on: a server in this process, and real clients of it."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

logging.getLogger("frequenz.core.id").setLevel(logging.ERROR)  # Of a prefix registered twice.

from frequenz.client.common.microgrid import MicrogridId  # noqa: E402
from frequenz.client.dispatch import DispatchApiClient  # noqa: E402
from frequenz.client.dispatch.types import BatteryType, Dispatch, TargetCategories  # noqa: E402

from pointsman.api.dispatches import Dispatches, dispatch_projections  # noqa: E402
from pointsman.api.grpc.server import serve_grpc  # noqa: E402
from pointsman.api.grpc.service import told  # noqa: E402
from pointsman.api.keys import Keys  # noqa: E402
from pointsman.api.listening import Tls  # noqa: E402
from pointsman.api.updates import WAITING_LIMIT, Updates  # noqa: E402
from pointsman.config import Address, Key  # noqa: E402
from pointsman.dispatches import DISPATCHES, IDS  # noqa: E402
from pointsman.journal.sqlite import SqliteJournal  # noqa: E402
from pointsman.runtime.clock import Clock, SystemClock  # noqa: E402
from pointsman.runtime.engine import Engine  # noqa: E402
from pointsman.runtime.follow import follow  # noqa: E402
from pointsman.runtime.record import RecordKeeper  # noqa: E402

SOON_SECONDS: Final = 10.0
MICROGRID: Final = MicrogridId(7)
TARGET: Final = TargetCategories(BatteryType.LI_ION)
ANY_PORT: Final = Address("127.0.0.1", 0)


@dataclass(frozen=True)
class Serving:
    """How a server is to be."""

    folder: Path
    address: Address = ANY_PORT
    keys: Sequence[Key] = ()
    tls: Tls | None = None
    clock: Clock = SystemClock()  # noqa: RUF009  It has no state.
    options: Mapping[str, int] | None = None
    waiting_limit: int = WAITING_LIMIT


@dataclass(frozen=True)
class Server:
    port: int
    dispatches: Dispatches

    @property
    def url(self) -> str:
        return f"grpc://127.0.0.1:{self.port}?ssl=false"


@asynccontextmanager
async def server(serving: Serving) -> AsyncIterator[Server]:
    """A server on its journal and its record, until left."""
    path, record = serving.folder / "journal.db", serving.folder / "record.db"
    journal = SqliteJournal(path)
    engine = Engine([DISPATCHES, IDS], journal, serving.clock)
    keeper = RecordKeeper(journal, record, projections=dispatch_projections())
    happenings = follow(journal, [DISPATCHES], await journal.end())
    updates = Updates(happenings, told, limit=serving.waiting_limit)
    try:
        async with asyncio.TaskGroup() as tasks:
            lives = [tasks.create_task(one.run()) for one in (engine, keeper, updates)]
            await engine.ready()
            with closing(Dispatches(engine, journal, keeper, record)) as dispatches:
                async with serve_grpc(
                    dispatches,
                    updates,
                    serving.address,
                    keys=Keys(serving.keys) if serving.keys else None,
                    tls=serving.tls,
                    clock=serving.clock,
                    options=serving.options,
                ) as port:
                    yield Server(port, dispatches)
            for life in lives:
                life.cancel()
    finally:
        await journal.close()


class Restarted:
    """A server that can go away and come back, at the same port and with the same journal."""

    def __init__(self, serving: Serving) -> None:
        self.serving = replace(serving, address=free_address())
        self._stack = AsyncExitStack()

    @property
    def url(self) -> str:
        return f"grpc://{self.serving.address}?ssl=false"

    async def start(self) -> None:
        await self._stack.enter_async_context(server(self.serving))

    async def stop(self) -> None:
        await self._stack.aclose()


@asynccontextmanager
async def restartable(folder: Path, **also: Any) -> AsyncIterator[Restarted]:  # noqa: ANN401
    served = Restarted(Serving(folder, **also))
    await served.start()
    try:
        yield served
    finally:
        await served.stop()


def free_address() -> Address:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Address("127.0.0.1", probe.getsockname()[1])


@asynccontextmanager
async def client(url: str, **also: Any) -> AsyncIterator[DispatchApiClient]:  # noqa: ANN401
    given: dict[str, Any] = {"auth_key": "anything", **also}
    async with DispatchApiClient(server_url=url, **given) as connected:
        yield connected


def soon(seconds: float = 60) -> datetime:
    """An instant to come, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)  # noqa: TID251


async def created(client: DispatchApiClient, **also: Any) -> Dispatch:  # noqa: ANN401
    """A dispatch of which only what matters to a test is said."""
    given: dict[str, Any] = {
        "microgrid_id": MICROGRID,
        "type": "charge",
        "start_time": soon(),
        "duration": timedelta(minutes=15),
        "target": TARGET,
        **also,
    }
    return await client.create(**given)


async def listed(client: DispatchApiClient, **filters: Any) -> list[Dispatch]:  # noqa: ANN401
    """All pages of a list, as one."""
    pages = client.list(MICROGRID, **filters)
    return [dispatch async for page in pages for dispatch in page]
