"""How soon one change of a dispatch is with all of 500 subscribers."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

import grpc
from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2
from tests.protocols.dispatch_bench import Serving, server

from benchmarks.bench_create import METHOD, request
from benchmarks.table import Row, at_most, show
from pointsman.api.grpc.service import SERVICE

SUBSCRIBERS: Final = 500
CHANNELS: Final = 25
"""Connections that they come over."""
CHANGES: Final = 20
PAUSE_SECONDS: Final = 0.2
ROUNDS: Final = 3
STREAM: Final = f"/{SERVICE}/StreamMicrogridDispatches"


async def load(port: int) -> list[float]:
    """Milliseconds from asking for a change to hearing of it, for each change and subscriber."""
    stream = pb2.StreamMicrogridDispatchesRequest(microgrid_id=7).SerializeToString()
    took_ms: list[float] = []
    async with AsyncExitStack() as stack:
        # A number of its own makes a channel a connection of its own.
        channels: list[Any] = [
            await stack.enter_async_context(
                grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=[("number", n)])
            )
            for n in range(CHANNELS)
        ]
        calls: list[Any] = [
            channels[n % CHANNELS].unary_stream(STREAM)(stream) for n in range(SUBSCRIBERS)
        ]
        await asyncio.gather(*(call.initial_metadata() for call in calls))
        create = channels[0].unary_unary(METHOD)
        for _ in range(CHANGES):
            await asyncio.sleep(PAUSE_SECONDS)
            start = perf_counter()
            changed = create(request())
            await asyncio.gather(*(heard(call, start, took_ms) for call in calls))
            await changed
        for call in calls:
            call.cancel()
    return took_ms


async def heard(call: Any, start: float, took_ms: list[float]) -> None:  # noqa: ANN401
    assert await call.read() is not grpc.aio.EOF
    took_ms.append((perf_counter() - start) * 1000)


async def loaded() -> float:
    """The 99th percentile, as a process of its own measures it."""
    with TemporaryDirectory(prefix="pointsman-bench-") as folder:
        async with server(Serving(Path(folder))) as served:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "benchmarks.bench_stream",
                str(served.port),
                stdout=subprocess.PIPE,
            )
            told, _ = await process.communicate()
    took_ms: list[float] = json.loads(told)
    return quantiles(took_ms, n=100)[98]


def rows() -> Iterator[Row]:
    p99_ms = [asyncio.run(loaded()) for _ in range(ROUNDS)]
    yield at_most(f"one change to {SUBSCRIBERS} subscribers, p99", p99_ms, 100, " ms", ",.1f")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(asyncio.run(load(int(sys.argv[1])))))
    else:
        show(rows())
