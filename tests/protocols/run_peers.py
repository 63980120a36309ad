"""Chargers for tests of whole runs, and `pointsman run` beside them."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from ocpp.routing import on
from ocpp.v16 import call, call_result
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from tests.protocols.ocpp_peers import LibraryCharger, Tape
from tests.protocols.run_bench import ENVIRONMENT, Ended, Scene

REDIAL_SECONDS = 0.1
Make = Callable[[str, ClientConnection], LibraryCharger]


def library_charger(id: str, connection: ClientConnection) -> LibraryCharger:
    return LibraryCharger(id, Tape(connection))


class Dropping(LibraryCharger):
    """Talks nonsense and hangs up in the middle of the first calls."""

    def __init__(self, id: str, connection: ClientConnection, drops: list[str]) -> None:
        super().__init__(id, Tape(connection))
        self._line = connection
        self._drops = drops

    @on("SetChargingProfile")  # type: ignore[untyped-decorator]
    async def on_set_charging_profile(self, **_: object) -> object:
        if self._drops:
            await self._line.send(self._drops.pop())
            self._line.transport.abort()
        return call_result.SetChargingProfile("Accepted")


async def charge_at(port: int, id: str, make: Make = library_charger) -> None:
    """A charger with a car, as the `ocpp` library makes it. It dials in again and again."""
    logging.getLogger("ocpp").setLevel(logging.CRITICAL)
    while True:
        with suppress(OSError, WebSocketException, EOFError, TimeoutError):
            async with connect(
                f"ws://127.0.0.1:{port}/{id}",
                subprotocols=[Subprotocol("ocpp1.6")],
                proxy=None,
                close_timeout=1,
            ) as connection:
                await _live(make(id, connection))
        await asyncio.sleep(REDIAL_SECONDS)


async def _live(charger: LibraryCharger) -> None:
    """Boot, plug in, charge, and answer until the line is gone."""
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(charger.start())
            boot = call.BootNotification(charge_point_model="any", charge_point_vendor="other")
            await charger.call(boot, suppress=False)
            await charger.report("Preparing")
            await charger.start_transaction()
            await charger.report("Charging")
    except* (OSError, WebSocketException, TimeoutError):
        pass  # Whoever was spoken to has gone.


async def carried_out(scene: Scene, *flags: str, ocpp: int) -> Ended:
    """The plan, carried out in real time by the command line."""
    words = scene.words("--ocpp", f"127.0.0.1:{ocpp}", "--json", *flags, speed=1.0)
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=scene.folder,
        env=ENVIRONMENT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            out, error = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return Ended(process.returncode or 0, out.decode(), error.decode())
