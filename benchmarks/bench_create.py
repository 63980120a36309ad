"""What creating a dispatch costs, against a bare gRPC server that only echoes the message."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

import grpc
from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2
from tests.protocols.dispatch_bench import Serving, server

from benchmarks.table import Row, at_least, show, spread
from pointsman.api.grpc.service import SERVICE
from pointsman.dispatch_api.messages import pb_data
from pointsman.dispatches.components import Category, ComponentKind, Target
from pointsman.dispatches.model import DispatchData

CALLERS: Final = 50
WARM_SECONDS: Final = 1.0
SECONDS: Final = 3.0
ROUNDS: Final = 3
METHOD: Final = f"/{SERVICE}/CreateMicrogridDispatch"


def request() -> bytes:
    start = datetime(2100, 1, 1, tzinfo=UTC) + timedelta(minutes=5)
    target = Target(kinds=(ComponentKind(Category.BATTERY),))
    data = DispatchData("charge", start, target, 900, payload={"power_kw": 5.0, "why": "cheap"})
    return pb2.CreateMicrogridDispatchRequest(
        microgrid_id=7, dispatch_data=pb_data(data), start_immediately=False
    ).SerializeToString()


async def load(port: int) -> float:
    """Calls a second that this process gets answered, with so many waiting at any time."""
    message, count = request(), 0

    async def call_again_and_again(create: Any) -> None:  # noqa: ANN401
        nonlocal count
        while True:
            await create(message)
            count += 1

    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        create: Any = channel.unary_unary(METHOD)
        async with asyncio.TaskGroup() as tasks:
            callers = [tasks.create_task(call_again_and_again(create)) for _ in range(CALLERS)]
            await asyncio.sleep(WARM_SECONDS)
            before, start = count, perf_counter()
            await asyncio.sleep(SECONDS)
            rate = (count - before) / (perf_counter() - start)
            for caller in callers:
                caller.cancel()
    return rate


@asynccontextmanager
async def echoing() -> AsyncIterator[int]:
    """The port of a server that does nothing but answer."""

    async def echo(message: bytes, context: Any) -> bytes:  # noqa: ANN401, ARG001
        return message

    echoes: Any = grpc.unary_unary_rpc_method_handler(echo)
    handlers = {METHOD.rpartition("/")[2]: echoes}
    bare = grpc.aio.server(handlers=[grpc.method_handlers_generic_handler(SERVICE, handlers)])
    port = bare.add_insecure_port("127.0.0.1:0")
    await bare.start()
    try:
        yield port
    finally:
        await bare.stop(None)


async def loaded(port: int) -> float:
    """What a process of its own measures."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.bench_create", str(port), stdout=subprocess.PIPE
    )
    told, _ = await process.communicate()
    return float(json.loads(told))


async def measured() -> tuple[list[float], list[float]]:
    """Calls a second of ours and of the bare one, turn by turn."""
    ours, bare = [], []
    for _ in range(ROUNDS):
        async with echoing() as port:
            bare.append(await loaded(port))
        with TemporaryDirectory(prefix="pointsman-bench-") as folder:
            async with server(Serving(Path(folder))) as served:
                ours.append(await loaded(served.port))
    return ours, bare


def rows() -> Iterator[Row]:
    ours, bare = asyncio.run(measured())
    yield Row(f"echo, {CALLERS} callers at once, calls/s", spread(bare, ",.0f"))
    yield Row(f"create, durable, {CALLERS} callers at once, calls/s", spread(ours, ",.0f"))
    ratios = [mine / its for mine, its in zip(ours, bare, strict=True)]
    yield at_least("create against echo", ratios, 1 / 3, " times", ",.2f")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(asyncio.run(load(int(sys.argv[1])))))
    else:
        show(rows())
