"""One Modbus TCP connection, shared by the units behind it: one request at a time.

    turn() --connected, alone--> read | write --> answer
                                          |--> no: Refused   silence, garbage: DeviceFailed

A request that was written and not answered may have acted, so its failure is doubtful. What
comes back is looked at before the library sees it, and garbage ends the connection at once: the
next turn makes a new one.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Final

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException
from pymodbus.pdu import ModbusPDU

from pointsman.devices import DeviceFailed
from pointsman.devices.sunspec.frames import frame_fault, refusal
from pointsman.devices.sunspec.layout import Read, Write
from pointsman.runtime.cancelling import insist_on_cancellation

# Its errors are told as ours; its own words for them hold all bytes of the last frames.
if (_log := logging.getLogger("pymodbus")).level == logging.NOTSET:
    _log.setLevel(logging.CRITICAL)


class Refused(DeviceFailed):
    """The device answered no, with a Modbus exception."""

    def __init__(self, why: str, code: int, *, permanent: bool, doubtful: bool) -> None:
        super().__init__(why, permanent=permanent, doubtful=doubtful)
        self.code = code


class Link:
    """A connection to HOST:PORT, made when it is first needed and again when it was lost."""

    def __init__(self, host: str, port: int, timeout_seconds: float, *, dry_run: bool) -> None:
        self.address: Final = f"{host}:{port}"
        self.generation = 0
        """How often it has connected. What was learnt of a device may differ in the next."""
        self._host, self._port = host, port
        self._timeout_seconds = timeout_seconds
        self._dry_run = dry_run
        self._client: AsyncModbusTcpClient | None = None
        self._alone = asyncio.Lock()
        self._waiting = False

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Have the connection for oneself, for requests that belong together.

        Raises:
            DeviceFailed: If nobody answers there. Nothing was sent then.
        """
        async with self._alone:
            await self._connected()
            yield

    async def read(self, unit: int, what: Read) -> tuple[int, ...]:
        """Ask for holding registers, within a turn.

        Raises:
            DeviceFailed: If it answered no, or not what was asked, or not at all.
        """
        client = self._ready()
        asked = f"unit {unit} at {self.address}: {what.count} registers from {what.address}"
        answer = await self._answer(
            client.read_holding_registers(what.address, count=what.count, device_id=unit), asked
        )
        if len(answer.registers) != what.count:
            client.close()
            raise DeviceFailed(f"{asked}: {len(answer.registers)} came back")
        return tuple(answer.registers)

    async def write(self, unit: int, what: Write) -> None:
        """Set holding registers, within a turn.

        Raises:
            DeviceFailed: If it answered no, or not at all, or this is a dry run.
        """
        asked = f"unit {unit} at {self.address}: write {', '.join(what.points)}"
        if self._dry_run:
            raise DeviceFailed(f"{asked}: nothing is written in a dry run", permanent=True)
        request = self._ready().write_registers(what.address, list(what.registers), device_id=unit)
        await self._answer(request, asked, doubtful=True)

    def close(self) -> None:
        """Let the connection go. The next turn makes a new one."""
        if self._client is not None:
            self._client.close()

    async def _connected(self) -> None:
        if self._client is None:
            self._client = AsyncModbusTcpClient(
                self._host,
                port=self._port,
                timeout=self._timeout_seconds,
                retries=0,
                reconnect_delay=0,
                trace_packet=self._inspect,
                trace_connect=self._connection_changed,
            )
            # Else it drops what is too long, and never shows it to us.
            self._client.ctx.max_buffer_size = 1 << 20
        if not self._client.connected:
            connected = await self._client.connect()
            insist_on_cancellation()
            if not connected:
                raise DeviceFailed(f"{self.address} cannot be reached over TCP")
            self.generation += 1

    def _ready(self) -> AsyncModbusTcpClient:
        if self._client is None or not self._client.connected:
            raise DeviceFailed(f"{self.address} has closed the connection")
        return self._client

    async def _answer(
        self, request: Awaitable[ModbusPDU], asked: str, *, doubtful: bool = False
    ) -> ModbusPDU:
        self._waiting = True
        try:
            answer = await request
            insist_on_cancellation()
        except ConnectionException as error:
            raise DeviceFailed(f"{asked}: {error.string}", doubtful=doubtful) from error
        except ModbusException as error:
            raise DeviceFailed(
                f"{asked}: no answer within {self._timeout_seconds:g} s", doubtful=doubtful
            ) from error
        finally:
            self._waiting = False
        if answer.isError():
            word, permanent, unsure = refusal(answer.exception_code)
            raise Refused(
                f"{asked}: refused, {word}",
                answer.exception_code,
                permanent=permanent,
                doubtful=doubtful and unsure,
            )
        return answer

    def _inspect(self, sending: bool, data: bytes) -> bytes:
        """Keep from the library what would make it fail."""
        if sending or not (fault := frame_fault(data)):
            return data
        self._give_up(f"answered with garbage: {fault}")
        self.close()
        return b""

    def _connection_changed(self, connected: bool) -> None:
        """The library would wait on for an answer on a connection that is gone."""
        if not connected:
            self._give_up("the connection was closed before an answer came")

    def _give_up(self, why: str) -> None:
        if self._client is not None and self._waiting:
            answer = self._client.ctx.response_future
            if not answer.done():
                answer.set_exception(ConnectionException(why))
