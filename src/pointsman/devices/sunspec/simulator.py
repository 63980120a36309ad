"""Modbus TCP servers of simulated SunSpec devices, for trying plans and for tests.

    bytes --pymodbus--> request --log, fate--> unit --> answer, at once, late or never

It listens on loopback only. Several assets may share a host and port, each as a unit of its own.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any, Final

from pymodbus.constants import ExcCodes
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.server import ModbusTcpServer
from pymodbus.server.requesthandler import ServerRequestHandler
from pymodbus.simulator import DataType, SimData, SimDevice

from pointsman.core.assets import Asset
from pointsman.devices.protocols import DeviceTableError
from pointsman.devices.simulated.equipment import equipment_of
from pointsman.devices.simulated.faults import LUCKY, Fate, Faults, fate_of
from pointsman.devices.simulated.physics import Unsupported
from pointsman.devices.simulated.sessions import sessions_of
from pointsman.devices.simulated.world import SimulatedWorld, Simulation
from pointsman.devices.sunspec.address import Address, addresses
from pointsman.devices.sunspec.unit import Unit
from pointsman.runtime.clock import SystemClock

TICK_SECONDS: Final = 0.1
"""How late a revert timer may run out while nobody asks."""
_BASE: Final = 40000
_READS: Final = (3, 4)
_WRITES: Final = (6, 16)


class SimulatedDevice:
    """One unit, and what becomes of the requests to it."""

    def __init__(self, asset: Asset, address: Address, world: SimulatedWorld) -> None:
        sessions = sessions_of(asset, world.folder, world.asset_map)
        seed: int = asset.device.get("seed", 0)
        equipment = equipment_of(asset, sessions, seed, timezone=world.timezone)
        base = _BASE if address.base is None else address.base
        self.asset = asset
        self.unit = Unit(asset, equipment, base, address.model)
        self._world = world
        self._faults: Faults = world.faults_of(asset)
        self._seed = seed
        self._count = 0
        self._fate = LUCKY

    def pass_time(self) -> None:
        """Live up to the present."""
        self.unit.pass_time(self._now(), asyncio.get_running_loop().time())

    def fate_of(self, request: ModbusPDU) -> Fate:
        """What becomes of a request. A write has a number; a read only meets silence."""
        if request.function_code not in _WRITES:
            silent = self._faults.silent_at(self._now())
            return Fate(acts=False, answers=False) if silent else LUCKY
        self._count += 1
        return fate_of(self._faults, self._seed, self.asset.id, self._count - 1, self._now())

    async def answer(self, request: ModbusPDU, server: "_Server", fate: Fate) -> ModbusPDU:
        """Do what is asked, as far as fate lets it."""
        if fate.refused:
            return ExceptionResponse(request.function_code, ExcCodes.DEVICE_BUSY)
        self._fate = fate
        return await request.datastore_update(server.context, request.dev_id)  # type: ignore[arg-type]

    def log(self, request: ModbusPDU, fate: Fate) -> None:
        """Tell what was received, whatever becomes of it."""
        function, image = request.function_code, self.unit.image
        writes = function in _WRITES
        said: dict[str, Any] = {"points": {}} if writes else {"models": []}
        if function in _WRITES:
            said["values"] = list(request.registers)
            count = len(request.registers)
            said["points"] = _said(self.unit, request.address, request.registers)
        else:
            count = said["count"] = request.count
            said["models"] = image.models(request.address, count)
        self._world.log(
            self.asset.id,
            "write" if writes else "read" if function in _READS else "request",
            wall=SystemClock().now().isoformat(),
            unit=request.dev_id,
            function=function,
            address=request.address,
            acted=fate.acts,
            answered=fate.answers,
            **said,
        )

    async def action(
        self,
        function: int,
        _start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """What pymodbus calls before it reads or writes registers of this unit."""
        if function not in _READS + _WRITES:
            return ExcCodes.ILLEGAL_FUNCTION
        self.pass_time()
        refusal = None
        if values:
            refusal = self._write(address, [int(value) for value in values])
            self.pass_time()
        registers[: len(self.unit.image.registers)] = self.unit.image.registers
        del count
        return refusal

    def _write(self, address: int, values: Sequence[int]) -> ExcCodes | None:
        image = self.unit.image
        touched: dict[int, set[str]] = {}
        for found in image.touched(address, len(values)):
            if not found.point.writable:
                return ExcCodes.ILLEGAL_ADDRESS
            if not found.whole or not image.block(found.model).has(found.point.name):
                return ExcCodes.ILLEGAL_VALUE
            touched.setdefault(found.model, set()).add(found.point.name)
        if not touched:
            return ExcCodes.ILLEGAL_ADDRESS
        before = list(image.registers)
        image.write(address, values)
        try:
            wall = asyncio.get_running_loop().time()
            self.unit.react(touched, self._fate, self._now(), wall)
        except Unsupported:
            image.registers[:] = before
            return ExcCodes.ILLEGAL_VALUE
        return None

    def _now(self) -> datetime:
        return self._world.clock.now()


class _Server(ModbusTcpServer):
    """pymodbus' server, which hands requests over instead of answering them itself."""

    def __init__(self, where: tuple[str, int], devices: Mapping[int, SimulatedDevice]) -> None:
        super().__init__([_registers(id, device) for id, device in devices.items()], address=where)
        self.where = where
        self.devices = devices
        self.requests: asyncio.Queue[tuple[_Handler, ModbusPDU]] = asyncio.Queue()

    def callback_new_connection(self) -> ServerRequestHandler:
        return _Handler(self, None, None, None)  # type: ignore[no-untyped-call]

    async def serve(self) -> None:
        """Answer requests, each in its own time, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._serve(*await self.requests.get()))

    async def _serve(self, handler: "_Handler", request: ModbusPDU) -> None:
        device = self.devices.get(request.dev_id)
        if device is None:
            code = ExcCodes.GATEWAY_NO_RESPONSE
            handler.reply(request, ExceptionResponse(request.function_code, code))
            return
        fate = device.fate_of(request)
        device.log(request, fate)
        if fate.acts or fate.refused:
            answer = await device.answer(request, self, fate)
            await asyncio.sleep(fate.delay_seconds)
            if fate.answers:
                handler.reply(request, answer)


class _Handler(ServerRequestHandler):
    """One connection. A request is taken as it comes in, before another one can replace it."""

    def handle_later(self) -> None:
        if self.last_pdu is not None:
            self.server.requests.put_nowait((self, self.last_pdu))

    def reply(self, request: ModbusPDU, answer: ModbusPDU) -> None:
        """Send an answer, if there is still somebody to hear it."""
        if self.transport:
            answer.transaction_id, answer.dev_id = request.transaction_id, request.dev_id
            self.pdu_send(answer)


class SunSpecSimulation:
    """All simulated SunSpec devices of a site."""

    def __init__(self, assets: Sequence[Asset], world: SimulatedWorld) -> None:
        where = addresses(assets)
        self.devices: Mapping[str, SimulatedDevice] = MappingProxyType(
            {asset.id: SimulatedDevice(asset, where[asset.id], world) for asset in assets}
        )
        self.listening = asyncio.Event()
        """Set when all servers can be dialled."""
        self._servers: dict[tuple[str, int], dict[int, SimulatedDevice]] = {}
        for asset_id, address in where.items():
            _require_loopback(asset_id, address.host)
            units = self._servers.setdefault((address.host, address.port), {})
            units[address.unit] = self.devices[asset_id]

    async def run(self) -> None:
        """Serve, until cancelled.

        Raises:
            OSError: If a port cannot be listened on.
        """
        servers = [_Server(where, devices) for where, devices in self._servers.items()]
        try:
            for server in servers:
                if not await server.listen():
                    host, port = server.where
                    raise OSError(f"cannot listen on {host}:{port}: is it in use?")
            async with asyncio.TaskGroup() as group:
                for server in servers:
                    group.create_task(server.serve())
                self.listening.set()
                while True:
                    for device in self.devices.values():
                        device.pass_time()
                    await asyncio.sleep(TICK_SECONDS)
        finally:
            for server in servers:
                await server.shutdown()  # type: ignore[no-untyped-call]


def simulate(assets: Sequence[Asset], world: SimulatedWorld) -> Simulation:
    """The simulators of a site's SunSpec devices.

    Raises:
        DeviceTableError: If a `device` table says what cannot be, or an address is not loopback.
    """
    return SunSpecSimulation(assets, world)


def _require_loopback(asset_id: str, host: str) -> None:
    try:
        safe = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        safe = False
    if not safe:
        raise DeviceTableError(
            f"asset {asset_id!r}: a simulator listens on loopback only, such as 127.0.0.1,"
            f" not on {host!r}"
        )


def _registers(id: int, device: SimulatedDevice) -> SimDevice:
    image = device.unit.image
    data = SimData(image.base, values=list(image.registers), datatype=DataType.REGISTERS)
    return SimDevice(id, simdata=[data], action=device.action)


def _said(unit: Unit, address: int, values: Sequence[int]) -> dict[str, float | None]:
    """What written registers would mean, by MODEL.POINT."""
    image = unit.image
    before = list(image.registers)
    start = address - image.base
    if not 0 <= start <= len(before) - len(values):
        return {}
    image.write(address, values)
    try:
        return {
            f"{found.model}.{found.point.name}": image.block(found.model).value(found.point.name)
            for found in image.touched(address, len(values))
        }
    finally:
        image.registers[:] = before
