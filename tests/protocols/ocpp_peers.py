"""Peers for tests of OCPP 1.6: a central system that runs, and chargers of several makes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from pointsman.core.assets import Asset, AssetKind
from pointsman.core.values import replace
from pointsman.devices import Sample, World
from pointsman.devices.ocpp16.messages import CONTROL
from pointsman.devices.ocpp16.session import CentralSystem
from pointsman.runtime.clock import Clock, SystemClock
from pointsman.schedules.model import Command, CommandType, Policy

SOON_SECONDS = 10.0


@dataclass
class Ear:
    """Keeps all that devices report."""

    samples: list[tuple[str, Sample]] = field(default_factory=list)
    changes: list[tuple[str, str, str]] = field(default_factory=list)
    late: list[tuple[str, int, bool]] = field(default_factory=list)

    def sampled(self, asset_id: str, sample: Sample) -> None:
        self.samples.append((asset_id, sample))

    def changed(self, asset_id: str, state: str, reason: str = "") -> None:
        self.changes.append((asset_id, state, reason))

    def answered_late(self, command_id: str, attempt: int, success: bool) -> None:
        self.late.append((command_id, attempt, success))

    def states(self, asset_id: str) -> list[str]:
        return [state for id, state, _ in self.changes if id == asset_id]


def bay(id: str = "bay", charge_point: str = "CP-1", **device: object) -> Asset:
    table = {"protocol": "ocpp1.6", "charge_point": charge_point, **device}
    return Asset(id, AssetKind.EV_CHARGER, table, rating_kw=22.0)


def rate(asset_id: str = "bay", kw: float | None = 6.6, **changes: Any) -> Command:  # noqa: ANN401
    """A command that is due now, and ends in an hour."""
    start = SystemClock().now()
    command = Command(
        "cmd_1",
        asset_id,
        CommandType.SET_CHARGE_RATE,
        start,
        start + timedelta(hours=1),
        power_kw=kw,
        policy=Policy(timeout_seconds=SOON_SECONDS),
    )
    return replace(command, **changes)


@asynccontextmanager
async def central_system(
    *assets: Asset,
    clock: Clock | None = None,
    ear: Ear | None = None,
    dry_run: bool = False,
    address: str = "127.0.0.1:0",
) -> AsyncIterator[CentralSystem]:
    """One that listens on loopback, on a free port unless told which, and ends with the block."""
    world = World(clock or SystemClock(), ear or Ear(), ocpp=address, dry_run=dry_run)
    central = CentralSystem(assets, world)
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(central.run())
        await central.listening()
        yield central
        running.cancel()


def dial(central: CentralSystem, charge_point: str = "CP-1") -> connect:
    """A bare connection of a charger: to be entered, or awaited and left to its fate."""
    return connect(
        f"ws://{central.address}/{charge_point}",
        subprotocols=[Subprotocol("ocpp1.6")],
        proxy=None,
        close_timeout=1,
    )


class Tape:
    """A connection that keeps every byte that came."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.heard: list[str] = []

    async def recv(self) -> str:
        message = str(await self._connection.recv())
        self.heard.append(message)
        return message

    async def send(self, message: str) -> None:
        await self._connection.send(message)

    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        """The calls among it: action and payload."""
        frames = [json.loads(message) for message in self.heard]
        return [(frame[2], frame[3]) for frame in frames if frame[0] == 2]


class LibraryCharger(ChargePoint):  # type: ignore[misc]
    """A charger as the `ocpp` library's users write one, in nothing like our own code."""

    unit = "Current,Power"
    status = "Accepted"
    answer_after_seconds = 0.0

    def __init__(self, id: str, tape: Tape) -> None:
        super().__init__(id, tape, response_timeout=SOON_SECONDS)
        self.tape = tape

    async def _slowly(self) -> str:
        await asyncio.sleep(self.answer_after_seconds)
        return self.status

    @on("SetChargingProfile")  # type: ignore[untyped-decorator]
    async def on_set_charging_profile(self, **_: object) -> object:
        return call_result.SetChargingProfile(await self._slowly())

    @on("ClearChargingProfile")  # type: ignore[untyped-decorator]
    async def on_clear_charging_profile(self, **_: object) -> object:
        return call_result.ClearChargingProfile("Unknown")

    @on("RemoteStartTransaction")  # type: ignore[untyped-decorator]
    async def on_remote_start_transaction(self, **_: object) -> object:
        return call_result.RemoteStartTransaction(await self._slowly())

    @on("RemoteStopTransaction")  # type: ignore[untyped-decorator]
    async def on_remote_stop_transaction(self, **_: object) -> object:
        return call_result.RemoteStopTransaction(await self._slowly())

    @on("ChangeAvailability")  # type: ignore[untyped-decorator]
    async def on_change_availability(self, **_: object) -> object:
        return call_result.ChangeAvailability(await self._slowly())

    @on("DataTransfer")  # type: ignore[untyped-decorator]
    async def on_data_transfer(self, **_: object) -> object:
        return call_result.DataTransfer(await self._slowly())

    @on("GetCompositeSchedule")  # type: ignore[untyped-decorator]
    async def on_get_composite_schedule(
        self, connector_id: int, charging_rate_unit: str, **_: object
    ) -> object:
        period = {"start_period": 0, "limit": 6600.0}
        schedule = {
            "charging_rate_unit": charging_rate_unit,
            "charging_schedule_period": [period],
        }
        return call_result.GetCompositeSchedule(
            "Accepted", connector_id=connector_id, charging_schedule=schedule
        )

    @on("GetConfiguration")  # type: ignore[untyped-decorator]
    async def on_get_configuration(self, key: list[str], **_: object) -> object:
        entry = {"key": key[0], "readonly": True, "value": self.unit}
        return call_result.GetConfiguration(configuration_key=[entry])

    @on("TriggerMessage")  # type: ignore[untyped-decorator]
    async def on_trigger_message(self, **_: object) -> object:
        return call_result.TriggerMessage("NotImplemented")

    async def report(self, status: str, connector: int = 1) -> None:
        await self.call(call.StatusNotification(connector, "NoError", status), suppress=False)

    async def start_transaction(self, connector: int = 1) -> int:
        answer = await self.call(
            call.StartTransaction(connector, "tag", 1_000, SystemClock().now().isoformat()),
            suppress=False,
        )
        return int(answer.transaction_id)


@asynccontextmanager
async def library_charger(
    central: CentralSystem, id: str = "CP-1", setup: Callable[[LibraryCharger], None] | None = None
) -> AsyncIterator[LibraryCharger]:
    """One that has booted."""
    async with dial(central, id) as connection:
        charger = LibraryCharger(id, Tape(connection))
        if setup is not None:
            setup(charger)
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(charger.start())
            boot = call.BootNotification(charge_point_model="any", charge_point_vendor="other")
            await charger.call(boot, suppress=False)
            yield charger
            serving.cancel()


def control_calls(charger: LibraryCharger) -> list[tuple[str, dict[str, object]]]:
    return [(action, payload) for action, payload in charger.tape.calls() if action in CONTROL]


async def until(happened: Callable[[], object], what: str) -> None:
    """Wait for it, and say what did not happen."""
    try:
        async with asyncio.timeout(SOON_SECONDS):
            while not happened():  # noqa: ASYNC110 - what happens is a fact, not an event
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"not in {SOON_SECONDS:g} s: {what}") from None
