"""What the tests of SunSpec stand on: loopback servers, a counting proxy, peers that misbehave."""

import asyncio
import socket
import struct
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices import Sample, World
from pointsman.devices.simulated.world import SimulatedWorld
from pointsman.devices.sunspec.session import SunSpecFleet
from pointsman.devices.sunspec.simulator import SunSpecSimulation
from pointsman.runtime.clock import SystemClock
from pointsman.schedules.model import Command, CommandType, Policy

START_SECONDS = 10.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def battery(id: str = "battery", **device: Any) -> Asset:  # noqa: ANN401 - as a site file has it
    device = {"protocol": "sunspec", "host": "127.0.0.1", "simulated": True, **device}
    device.setdefault("port", free_port())
    return Asset(
        id,
        AssetKind.BATTERY,
        device,
        max_charge_kw=30.0,
        max_discharge_kw=30.0,
        capacity_kwh=100.0,
    )


@dataclass
class Ears:
    """A listener that keeps what it hears."""

    samples: list[tuple[str, Sample]] = field(default_factory=list)
    states: list[tuple[str, str, str]] = field(default_factory=list)

    def sampled(self, asset_id: str, sample: Sample) -> None:
        self.samples.append((asset_id, sample))

    def changed(self, asset_id: str, state: str, reason: str = "") -> None:
        self.states.append((asset_id, state, reason))

    def answered_late(self, command_id: str, attempt: int, success: bool) -> None:
        raise AssertionError(f"over Modbus nothing answers late: {command_id, attempt, success}")

    async def until(self, heard: Callable[[], bool]) -> None:
        """Wait until something was heard. Whoever calls sets the limit."""
        while not heard():  # noqa: ASYNC110 - calls to a listener never wait, so nothing wakes us
            await asyncio.sleep(0.02)


def fleet_of(*assets: Asset, ears: Ears | None = None, **world: Any) -> SunSpecFleet:  # noqa: ANN401
    return SunSpecFleet(assets, World(SystemClock(), ears or Ears(), **world))


@dataclass
class Line:
    """One line of a simulator's log."""

    asset_id: str
    event: str
    said: dict[str, Any]

    @property
    def points(self) -> dict[str, float]:
        points: dict[str, float] = self.said.get("points", {})
        return points


@dataclass
class Elsewhere:
    """Simulated devices in a thread of their own, with a loop of their own."""

    simulation: SunSpecSimulation
    loop: asyncio.AbstractEventLoop
    lines: list[Line]

    def power_kw(self, asset_id: str = "battery") -> float:
        """What the equipment does now, asked of itself."""

        async def ask() -> float:
            device = self.simulation.devices[asset_id]
            device.pass_time()
            return device.unit.equipment.power_kw

        return asyncio.run_coroutine_threadsafe(ask(), self.loop).result(START_SECONDS)

    def written(self) -> list[dict[str, float]]:
        """The points of each write that came, in their order."""
        return [line.points for line in self.lines if line.event == "write"]


@contextmanager
def simulated(*assets: Asset, **world: Any) -> Iterator[Elsewhere]:  # noqa: ANN401
    """Run the simulators of assets until the block ends."""
    ready: list[Elsewhere] = []
    started, failed = threading.Event(), list[BaseException]()
    stop: list[Callable[[], object]] = []

    async def serve() -> None:
        lines: list[Line] = []

        def log(asset_id: str, event: str, **said: object) -> None:
            lines.append(Line(asset_id, event, said))

        simulation = SunSpecSimulation(assets, SimulatedWorld(SystemClock(), log, **world))
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(simulation.run())
            stop.append(lambda: loop.call_soon_threadsafe(task.cancel))
            await simulation.listening.wait()
            ready.append(Elsewhere(simulation, loop, lines))
            started.set()

    def live() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            failed.append(error)
        started.set()

    thread = threading.Thread(target=live)
    thread.start()
    try:
        assert started.wait(START_SECONDS), "the simulators did not start"
        assert ready, failed
        yield ready[0]
    finally:
        for call in stop:
            call()
        thread.join(START_SECONDS)
    assert not failed, failed


@dataclass
class Wire:
    """What went over a proxy, from the client's side."""

    port: int = 0
    functions: Counter[int] = field(default_factory=Counter)
    connections: int = 0


@asynccontextmanager
async def counted(port: int) -> AsyncIterator[Wire]:
    """A proxy before a server, which counts the requests that pass by their function."""
    wire = Wire()

    async def relay(near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        wire.connections += 1
        far_in, far_out = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_count(near_in, far_out, wire.functions))
                group.create_task(_count(far_in, near_out, Counter()))
        finally:
            far_out.close()
            near_out.close()

    async with served(relay) as wire.port:
        yield wire


async def _count(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, functions: Counter[int]
) -> None:
    try:
        while True:
            header = await source.readexactly(6)
            body = await source.readexactly(int.from_bytes(header[4:6], "big"))
            functions[body[1]] += 1
            sink.write(header + body)
            await sink.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        sink.close()


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@asynccontextmanager
async def served(talk: Talk) -> AsyncIterator[int]:
    """A server on a free loopback port, which is what it gives."""
    writers: list[asyncio.StreamWriter] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            await talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await asyncio.sleep(0.05)


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    header: bytes
    unit: int
    function: int
    address: int
    count: int

    def answer(self, registers: Sequence[int]) -> bytes:
        """An honest frame with these registers."""
        data = struct.pack(f">{len(registers)}H", *registers)
        body = bytes([self.unit, self.function, len(data)]) + data
        return self.header[:4] + len(body).to_bytes(2, "big") + body


async def asked(reader: asyncio.StreamReader) -> Asked:
    header = await reader.readexactly(6)
    body = await reader.readexactly(int.from_bytes(header[4:6], "big"))
    address, count = struct.unpack(">HH", body[2:6])
    return Asked(header, body[0], body[1], address, count)


def seconds_from(instant: datetime) -> float:
    return (SystemClock().now() - instant).total_seconds()


def bench_kw(power_kw: float) -> Any:  # noqa: ANN401 - pytest.approx has no name for its type
    return pytest.approx(power_kw, abs=0.05)


def command(asset: Asset, type: CommandType, **said: Any) -> Command:  # noqa: ANN401
    said.setdefault("policy", Policy(timeout_seconds=10))
    return Command("cmd_1", asset.id, type, SystemClock().now(), **said)
