"""The library with a hundred thousand dispatches: loading, memory, idling, and how late a start is.

The server has a process of its own. It answers from memory, so that the library alone is measured.
"""

import asyncio
import gc
import os
import resource
import sys
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from statistics import quantiles
from subprocess import PIPE, Popen
from time import perf_counter, process_time
from typing import Any, Final

import grpc.aio
from frequenz.api.common.v1alpha8.pagination.pagination_info_pb2 import PaginationInfo
from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2
from frequenz.api.dispatch.v1 import dispatch_pb2_grpc

from benchmarks.table import Row, at_most, show, spread
from pointsman.dispatch import Dispatcher
from pointsman.dispatch_api.messages import pb_of
from pointsman.dispatches.components import Target
from pointsman.dispatches.model import Dispatch, DispatchData, Frequency, Rule
from pointsman.runtime.clock import SystemClock

DISPATCHES: Final = 100_000
MICROGRID: Final = 1
STARTS: Final = 40
"""Among them, each alone in its second. How it is with several in one, bench_starts tells."""
STARTS_SECONDS: Final = 40
IDLE_SECONDS: Final = 10
RUNS: Final = 3
LOADED_SECONDS: Final = 45
"""From the server's beginning on, until the first of the starts."""


def dispatches(now: datetime) -> Iterator[Dispatch]:
    """Daily ones that start later today, and at the end those whose starts are measured."""
    yesterday = now - timedelta(days=1)
    for n in range(DISPATCHES - STARTS):
        start = yesterday + timedelta(seconds=7_200 + n % 70_000)
        yield _dispatch(n + 1, start, now)
    for n in range(STARTS):
        step = timedelta(seconds=STARTS_SECONDS / STARTS * n)
        start = yesterday + timedelta(seconds=LOADED_SECONDS) + step
        yield _dispatch(DISPATCHES - STARTS + n + 1, start.replace(microsecond=0), now)


def _dispatch(id: int, start: datetime, now: datetime) -> Dispatch:
    written = now - timedelta(days=2)
    data = DispatchData(
        f"TYPE_{id % 10}",
        start,
        Target(ids=(id % 1_000 + 1,)),
        900,
        payload={"power_kw": float(id % 100)},
        recurrence=Rule(Frequency.DAILY),
    )
    return Dispatch(id, MICROGRID, data, written, written)


async def serve() -> None:
    now = SystemClock().now().replace(microsecond=0)
    rows = [pb_of(one) for one in dispatches(now)]

    async def listed(request: pb2.ListMicrogridDispatchesRequest, _: object) -> object:
        if request.filter.dispatch_ids:
            return pb2.ListMicrogridDispatchesResponse()
        start = int(request.pagination_params.page_token or 0)
        page = rows[start : start + 1_000]
        token = str(start + 1_000) if start + 1_000 < len(rows) else None
        info = PaginationInfo(total_items=len(rows), next_page_token=token)
        return pb2.ListMicrogridDispatchesResponse(dispatches=page, pagination_info=info)

    async def streamed(_: object, context: Any) -> AsyncIterator[object]:  # noqa: ANN401
        await context.send_initial_metadata(())
        await asyncio.Event().wait()
        yield pb2.StreamMicrogridDispatchesResponse()

    servicer = type("Servicer", (dispatch_pb2_grpc.MicrogridDispatchServiceServicer,), {})()
    servicer.ListMicrogridDispatches, servicer.StreamMicrogridDispatches = listed, streamed
    server = grpc.aio.server()
    dispatch_pb2_grpc.add_MicrogridDispatchServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, now.isoformat(), flush=True)
    await server.wait_for_termination()


@contextmanager
def server_process() -> Iterator[str]:
    """A server in a process of its own. Gives its URL."""
    root = Path(__file__).parents[1]
    paths = {"PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
    command = [sys.executable, "-m", "benchmarks.bench_library", "serve"]
    with Popen(command, stdout=PIPE, text=True, env=os.environ | paths) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().split()[0]
            yield f"grpc://127.0.0.1:{port}?ssl=false"
        finally:
            process.kill()


@asynccontextmanager
async def loaded(url: str) -> AsyncIterator[Dispatcher]:
    dispatcher = Dispatcher(microgrid_id=MICROGRID, server_url=url)
    async with dispatcher:
        yield dispatcher


async def _measure(url: str) -> dict[str, float]:
    clock, late_ms, found = SystemClock(), list[float](), dict[str, float]()
    gc.collect()
    memory, began = _resident_bytes(), perf_counter()
    async with loaded(url) as dispatcher:
        found["load"] = perf_counter() - began
        runs = dispatcher.running_status_change.new_receiver()
        gc.collect()
        found["memory"] = (_resident_bytes() - memory) / DISPATCHES / 1_000
        began, cpu = perf_counter(), process_time()
        await asyncio.sleep(IDLE_SECONDS)
        found["idle"] = 100 * (process_time() - cpu) / (perf_counter() - began)
        async with asyncio.timeout(LOADED_SECONDS + STARTS_SECONDS + 10):
            bare = asyncio.ensure_future(_bare_timers())
            while len(late_ms) < STARTS:
                run = await runs.receive()
                if run.change is not None and int(run.id) > DISPATCHES - STARTS:
                    late = clock.wall_seconds_since(run.change.run_start)
                    late_ms.append(1_000 * late)
            found["bare"] = await bare
    found["late"] = quantiles(late_ms, n=100)[98]
    found["late p50"] = quantiles(late_ms, n=100)[49]
    return found


async def _bare_timers() -> float:
    """How late a timer of the event loop is by itself at p99, in milliseconds, beside all that."""
    loop, late_ms = asyncio.get_running_loop(), list[float]()
    for _ in range(STARTS):
        due = loop.time() + 0.77
        await asyncio.sleep(due - loop.time())
        late_ms.append(1_000 * (loop.time() - due))
    return quantiles(late_ms, n=100)[98]


async def _traced(url: str) -> float:
    """Kilobytes that Python holds for each, as it counts them."""
    tracemalloc.start()
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    async with loaded(url):
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / DISPATCHES / 1_000


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _in_a_process() -> dict[str, float]:
    """Measured in a process that has measured nothing else before."""
    root = Path(__file__).parents[1]
    paths = {"PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
    with server_process() as url:
        command = [sys.executable, "-m", "benchmarks.bench_library", "measure", url]
        with Popen(command, stdout=PIPE, text=True, env=os.environ | paths) as process:
            assert process.stdout is not None
            figures = process.stdout.readline().split()
    return {
        name.replace("_", " "): float(value)
        for name, value in (figure.split("=") for figure in figures)
    }


def rows() -> Iterator[Row]:
    found = [_in_a_process() for _ in range(RUNS)]
    what = f"the library, {DISPATCHES:,} recurring dispatches"
    yield at_most(f"{what}: loaded from a server", [one["load"] for one in found], 10, " s")
    yield at_most(
        "the same: memory of the process, each", [one["memory"] for one in found], 3, " kB"
    )
    yield at_most("the same: processor when idle", [one["idle"] for one in found], 1, " %")
    late = [one["late"] for one in found]
    yield at_most("a start among them, due to received: p99", late, 5, " ms")
    yield Row("the same: p50", spread([one["late p50"] for one in found], unit=" ms"))
    bare = spread([one["bare"] for one in found], unit=" ms")
    yield Row("a timer of the event loop alone, meanwhile: p99", bare)


def _main(words: list[str]) -> None:
    match words:
        case ["serve"]:
            asyncio.run(serve())
        case ["measure", url]:
            figures = asyncio.run(_measure(url))
            print(*(f"{name.replace(' ', '_')}={value}" for name, value in figures.items()))
        case ["trace", url]:
            print(asyncio.run(_traced(url)))
        case _:
            show(rows())


if __name__ == "__main__":
    _main(sys.argv[1:])
