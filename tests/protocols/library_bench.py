"""A server for the library of dispatches to talk to: in this process, or in one that can die."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any, TypeVar

from frequenz.channels import Receiver
from frequenz.client.dispatch.types import TargetIds

from pointsman.app.serving import Doors, Serving, serve
from pointsman.config import Address, Settings
from pointsman.dispatch import Client, Dispatch, Dispatcher
from pointsman.runtime.clock import SystemClock

MICROGRID = 1
ANY_PORT = Address("127.0.0.1", 0)
MessageT = TypeVar("MessageT")


class SetClock(SystemClock):
    """The time of day, until somebody sets it."""

    def __init__(self) -> None:
        self.by = timedelta()

    def now(self) -> datetime:
        return super().now() + self.by


@asynccontextmanager
async def serving(folder: Path, address: Address = ANY_PORT) -> AsyncIterator[str]:
    """Serve until left. Gives the URL."""
    listening: asyncio.Future[Doors] = asyncio.get_running_loop().create_future()
    settings = Settings(data=folder / "data", grpc=address, http=ANY_PORT)
    async with asyncio.TaskGroup() as tasks:
        server = tasks.create_task(serve(Serving(settings), listening.set_result))
        await until(lambda: listening.done() or server.done())
        if server.done():
            await server
        try:
            yield listening.result().grpc_url
        finally:
            server.cancel()


@contextmanager
def server_process(folder: Path, port: int) -> Iterator[Popen[str]]:
    """A server in a process of its own, which may be killed."""
    command = [sys.executable, "-m", "tests.protocols.library_bench", str(folder), str(port)]
    with Popen(command, stdout=PIPE, text=True, env=os.environ | _paths()) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("grpc://")
            yield process
        finally:
            process.kill()


@contextmanager
def reader_process(folder: Path, url: str) -> Iterator[Popen[str]]:
    """A program that follows dispatches with a journal, which may be killed."""
    command = [sys.executable, "-m", "tests.protocols.library_reader", str(folder), url]
    with Popen(command, stdout=PIPE, text=True, env=os.environ | _paths()) as process:
        try:
            yield process
        finally:
            process.kill()


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def dispatching(url: str, **options: Any) -> AsyncIterator[Dispatcher]:  # noqa: ANN401
    """A dispatcher that has listed all there is."""
    async with Dispatcher(microgrid_id=MICROGRID, server_url=url, **options) as dispatcher:
        yield dispatcher


async def create(client: Client, type_: str = "T", **fields: Any) -> Dispatch:  # noqa: ANN401
    """A dispatch that starts at once and lasts an hour, unless said otherwise."""
    given: dict[str, Any] = {
        "start_time": "NOW",
        "duration": timedelta(hours=1),
        "target": TargetIds(1, 2),
        **fields,
    }
    return await client.create(MICROGRID, type_, **given)


async def next_of(receiver: Receiver[MessageT], seconds: float = 5) -> MessageT:
    async with asyncio.timeout(seconds):
        return await receiver.receive()


async def nothing_of(receiver: Receiver[Any], seconds: float = 0.3) -> None:
    """Nothing comes, for a while."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            raise AssertionError(f"there is {await receiver.receive()}")


async def until(true: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  Whatever is waited for rings no bell.
            await asyncio.sleep(0.01)


def soon(seconds: float = 1.2) -> datetime:
    """A whole second that is about so far off."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)  # noqa: TID251


def _paths() -> dict[str, str]:
    root = Path(__file__).parents[2]
    return {"PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}


async def _main(folder: Path, port: int) -> None:
    async with serving(folder, Address("127.0.0.1", port)) as url:
        print(url, flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), int(sys.argv[2])))
