"""One charger: what it says of itself, and the link that it is reached by.

    away --dials in--> silent --speaks | a second passes--> asked its unit --> ready --> away

A charger that boots is asked again. One that comes back without a boot is asked all the same.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from pointsman.core.assets import Asset
from pointsman.devices import DeviceFailed, World
from pointsman.devices.ocpp16.connector import LEAST_SECONDS, Connector
from pointsman.devices.ocpp16.link import Connection, Handler, Heard, Link, Payload
from pointsman.devices.ocpp16.messages import CONTROL, RATE_UNIT_KEY, Call, instant, rate_unit

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS: Final = 60
FIRST_WORD_SECONDS: Final = 1.0
"""How long a charger may be silent before it is asked first."""
QUESTION_SECONDS: Final = 10.0
FAST_PATIENCE_SECONDS: Final = 1.0
"""The most that a call may cost of the wall clock when the run's clock is faster."""
COMING_SECONDS: Final = 10.0
"""How long a command waits for a charger that is away."""
GIVEN_UP_SECONDS: Final = 60.0
"""How long after it went away nothing waits for it any more."""
_ACCEPTED: Final = {"status": "Accepted"}


class Charger:
    """A charge point, and a line to it for each of its connectors."""

    def __init__(
        self, id: str, assets: Iterable[Asset], world: World, new_transaction: Callable[[], int]
    ) -> None:
        self.id = id
        self.unit: str | None = None
        self.connectors = {
            connector.number: connector
            for connector in (Connector(a, self, world.clock, world.listener) for a in assets)
        }
        self._world = world
        self._new_transaction = new_transaction
        self._begun: dict[tuple[object, ...], int] = {}
        self._link: Link | None = None
        self._ready = asyncio.Event()
        self._news = asyncio.Event()
        self._ask_unit = True
        self._ask_meter: set[int] = set()
        self._away_since: float | None = None
        self._left = False
        plain: dict[str, Callable[[Payload], Payload]] = {
            "BootNotification": self._boot,
            "Heartbeat": self._heartbeat,
            "StatusNotification": self._status,
            "MeterValues": self._meter_values,
            "Authorize": self._authorize,
            "StartTransaction": self._start,
            "StopTransaction": self._stop,
            "DataTransfer": self._data_transfer,
            "FirmwareStatusNotification": self._noted,
            "DiagnosticsStatusNotification": self._noted,
        }
        self._handlers = {action: self._hearing(handle) for action, handle in plain.items()}

    async def serve(self, connection: Connection) -> None:
        """Speak with it until this connection ends. A later connection ends an earlier one."""
        link = Link(f"charger {self.id!r}", connection, self._handlers)
        if self._link is not None:
            logger.warning("charger %r dials in anew: its older connection is dropped", self.id)
            self._link.abandon()
        self._link = link
        self._ready.clear()
        self._news.clear()
        self._ask_unit = True
        try:
            async with asyncio.TaskGroup() as tasks:
                asking = tasks.create_task(self._ask(link))
                await link.run()
                asking.cancel()
        finally:
            if self._link is link:
                self._gone()

    def patience_seconds(self, timeout_seconds: float) -> float:
        fast = self._world.clock.speed > 1
        return min(timeout_seconds, FAST_PATIENCE_SECONDS) if fast else timeout_seconds

    async def reachable(self, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        if self._away_since is None:
            self._away_since = loop.time()
        if self._link is None:
            given_up = loop.time() > self._away_since + GIVEN_UP_SECONDS
            deadline = 0.0 if given_up else min(deadline, loop.time() + COMING_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await self._ready.wait()
        if not self._ready.is_set():
            state = "is not connected" if self._link is None else "is silent since it dialed in"
            raise DeviceFailed(f"charger {self.id!r} {state}")

    async def call(self, call: Call, deadline: float, late: Heard | None = None) -> Payload:
        if self._world.dry_run and call.action in CONTROL:
            raise DeviceFailed(f"{call.action} is never sent in a dry run", permanent=True)
        if self._link is None:
            raise DeviceFailed(f"charger {self.id!r} is not connected")
        left_seconds = deadline - asyncio.get_running_loop().time()
        return await self._link.call(call, max(left_seconds, LEAST_SECONDS), late=late)

    async def reached(self) -> None:
        """Wait until it is there, and has been asked what it takes."""
        await self._ready.wait()

    def leave(self) -> None:
        """Hang up, whatever is under way. That is no news of the charger."""
        self._left = True
        if self._link is not None:
            self._link.abandon()

    def _gone(self) -> None:
        self._link = None
        self._ready.clear()
        self._away_since = asyncio.get_running_loop().time()
        if self._left:
            return
        for connector in self.connectors.values():
            connector.lost()

    async def _ask(self, link: Link) -> None:
        """Ask what must be known, whenever there is news."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_WORD_SECONDS):
                await self._news.wait()
        while True:
            self._news.clear()
            if self._ask_unit:
                self._ask_unit = False
                await self._ask_who_it_is(link)
            while self._ask_meter:
                await self._trigger(link, "MeterValues", self._ask_meter.pop())
            await self._news.wait()

    async def _ask_who_it_is(self, link: Link) -> None:
        question = Call("GetConfiguration", {"key": [RATE_UNIT_KEY]})
        try:
            answer = await link.call(question, self.patience_seconds(QUESTION_SECONDS))
            self.unit = rate_unit(answer)
        except DeviceFailed as failed:
            logger.info("the unit of limits is not known: %s", failed)
        if link.open:
            self._ready.set()
        for number in self.connectors:
            await self._trigger(link, "StatusNotification", number)

    async def _trigger(self, link: Link, message: str, connector: int) -> None:
        trigger = Call("TriggerMessage", {"requestedMessage": message, "connectorId": connector})
        try:
            await link.call(trigger, self.patience_seconds(QUESTION_SECONDS))
        except DeviceFailed as failed:
            logger.info("no %s was triggered: %s", message, failed)

    def _hearing(self, handle: Callable[[Payload], Payload]) -> Handler:
        async def hear(payload: Payload, unique_id: str) -> Payload:  # noqa: ARG001 - a Handler
            if not self._ready.is_set():
                self._news.set()
            return handle(payload)

        return hear

    def _boot(self, _payload: Payload) -> Payload:
        self._ask_unit = True
        self._news.set()
        return {**self._heartbeat(_payload), **_ACCEPTED, "interval": HEARTBEAT_SECONDS}

    def _heartbeat(self, _payload: Payload) -> Payload:
        return {"currentTime": instant(self._world.clock.now())}

    def _status(self, payload: Payload) -> Payload:
        connector = self.connectors.get(payload["connectorId"])
        if connector is not None:
            connector.status(payload)
            if connector.session_running and connector.transaction_id is None:
                self._ask_meter.add(connector.number)
                self._news.set()
        return {}

    def _meter_values(self, payload: Payload) -> Payload:
        connector = self.connectors.get(payload["connectorId"])
        if connector is not None:
            connector.metered(payload)
        return {}

    def _authorize(self, _payload: Payload) -> Payload:
        return {"idTagInfo": _ACCEPTED}

    def _start(self, payload: Payload) -> Payload:
        # A charger that did not hear our answer says the same again, and gets the same id.
        keys = "connectorId", "idTag", "timestamp", "meterStart"
        asked = tuple(payload[key] for key in keys)
        transaction_id = self._begun.get(asked) or self._new_transaction()
        self._begun = {k: v for k, v in self._begun.items() if k[0] != asked[0]}
        self._begun[asked] = transaction_id
        connector = self.connectors.get(payload["connectorId"])
        if connector is not None:
            connector.started(transaction_id)
        return {"transactionId": transaction_id, "idTagInfo": _ACCEPTED}

    def _stop(self, payload: Payload) -> Payload:
        for connector in self.connectors.values():
            if connector.transaction_id == payload["transactionId"]:
                connector.stopped(payload)
        return {"idTagInfo": _ACCEPTED}

    def _data_transfer(self, _payload: Payload) -> Payload:
        return {"status": "UnknownVendorId"}

    def _noted(self, _payload: Payload) -> Payload:
        return {}
