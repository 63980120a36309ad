"""A master's session with one vehicle, through an MQTT broker.

    order, instantActions --publish, QoS 0--> broker --> vehicle
    state (QoS 0), connection (QoS 1, retained) <-- broker <--

What is known of a vehicle is what it said on this very connection, since it was last online: after
any break it is asked anew, so nothing old is taken for the present. Nothing is queued to be sent
later: who cannot be told now is told again when it is heard, if it does not know by then.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import aiomqtt

from pointsman.devices import DeviceFailed
from pointsman.devices.vda5050.broker import Broker, Connection
from pointsman.devices.vda5050.messages import (
    STATE_REQUEST,
    InstantAction,
    Order,
    Vehicle,
    instant_message,
    order_message,
)
from pointsman.devices.vda5050.reports import (
    ONLINE,
    State,
    Unreadable,
    read_connection,
    read_state,
)
from pointsman.runtime.clock import Clock

BACKOFF_SECONDS: Final = 0.1
BACKOFF_SECONDS_MOST: Final = 5.0
TICK_SECONDS: Final = 1.0
QUIET_SECONDS: Final = 10.0
"""A vehicle that says nothing for so long is asked."""
NUDGED_SECONDS: Final = 0.2
"""Nobody else has it asked more often."""
SILENT_SECONDS: Final = 35.0
"""One that says nothing for so long is not heard of any more (6.10: a state comes every 30 s)."""

log = logging.getLogger(__name__)


class Session:
    def __init__(self, vehicle: Vehicle, broker: Broker, clock: Clock) -> None:
        self.vehicle = vehicle
        self.state: State | None = None
        """What it said last. None: nothing on this connection, or it is gone."""
        self.heard_at: datetime | None = None
        """When that was."""
        self.heard = 0
        """Counts its states."""
        self._newest: State | None = None
        """Of those since its connection was last spoken of: what was said before that, is late."""
        self._broker = broker
        self._clock = clock
        self._connection: Connection | None = None
        self._headers = {"order": 0, "instantActions": 0}
        self._asked_at: datetime | None = None
        self._requests = 0
        self._complained = ""

    async def run(self, changed: Callable[[], None]) -> None:
        """Keep the connection, until cancelled. Calls `changed` at whatever may matter."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch(changed))
            backoff_seconds = BACKOFF_SECONDS
            while True:
                try:
                    async with self._broker.connected(self._identifier()) as connection:
                        backoff_seconds = BACKOFF_SECONDS
                        await self._converse(connection, changed)
                except aiomqtt.MqttError as error:
                    self._complain(str(error))
                finally:
                    self._connection = self.state = self._newest = None
                changed()
                await asyncio.sleep(backoff_seconds)
                backoff_seconds = min(backoff_seconds * 2, BACKOFF_SECONDS_MOST)

    async def send_order(self, order: Order) -> None:
        """
        Raises:
            DeviceFailed: If there is no connection to the broker.
        """
        header_id, now = self._next("order"), self._clock.now()
        await self._publish("order", order_message(self.vehicle, order, header_id, now))

    async def send_actions(self, actions: Sequence[InstantAction]) -> None:
        """
        Raises:
            DeviceFailed: If there is no connection to the broker.
        """
        header_id, now = self._next("instantActions"), self._clock.now()
        message = instant_message(self.vehicle, actions, header_id, now)
        await self._publish("instantActions", message)

    async def ask_state(self) -> None:
        """Ask the vehicle how it is.

        Raises:
            DeviceFailed: If there is no connection to the broker.
        """
        self._asked_at = self._clock.now()
        self._requests += 1
        stamp = f"{self._asked_at:%Y%m%dT%H%M%S.%f}"
        await self.send_actions([InstantAction(f"{STATE_REQUEST}.{stamp}", STATE_REQUEST)])

    async def nudge(self) -> None:
        """Ask it, unless that was done a moment ago, or cannot be done now."""
        if self._asked_seconds() >= NUDGED_SECONDS:
            await self._ask_quietly()

    async def _converse(self, connection: Connection, changed: Callable[[], None]) -> None:
        topic = self.vehicle.topic
        await connection.subscribe([(topic("connection"), 1), (topic("state"), 0)])
        self._connection, self._complained = connection, ""
        log.info("%s: connected to the broker", self._name())
        await self._ask_quietly()
        async for message in connection.messages():
            data = message.payload
            if not isinstance(data, bytes):
                continue
            try:
                if message.topic.value == topic("connection"):
                    await self._take_connection(read_connection(data))
                elif not message.retain:  # A retained state is of long ago.
                    self._take_state(read_state(data))
            except Unreadable as odd:
                log.warning("%s: %s", self._name(), odd)
            changed()

    def _take_state(self, state: State) -> None:
        if self._newest is not None and state.is_before(self._newest):
            log.info("%s: state %d came late", self._name(), state.header_id)
            return
        self.state = self._newest = state
        self.heard_at = self._clock.now()
        self.heard += 1

    async def _take_connection(self, connection: str) -> None:
        self._newest = None
        if connection == ONLINE:
            await self._ask_quietly()
            return
        log.warning("%s: its connection is %s", self._name(), connection)
        self.state = None

    async def _watch(self, changed: Callable[[], None]) -> None:
        """Ask who is quiet, and give up who stays so."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if self._connection is None:
                continue
            if self.state is not None and self._seconds_since(self.heard_at) >= SILENT_SECONDS:
                log.warning("%s: silent for %g s", self._name(), SILENT_SECONDS)
                self.state = self._newest = None
                changed()
            quiet_seconds = min(self._seconds_since(self.heard_at), self._asked_seconds())
            if quiet_seconds >= QUIET_SECONDS:
                await self._ask_quietly()

    async def _ask_quietly(self) -> None:
        try:
            await self.ask_state()
        except DeviceFailed as failed:  # The connection is made anew, and it is asked again.
            log.info("%s: %s", self._name(), failed)

    def _asked_seconds(self) -> float:
        return self._seconds_since(self._asked_at)

    def _seconds_since(self, instant: datetime | None) -> float:
        return float("inf") if instant is None else self._clock.wall_seconds_since(instant)

    async def _publish(self, topic: str, message: bytes) -> None:
        connection = self._connection
        if connection is None:
            raise DeviceFailed(f"{self._name()}: there is no connection to the broker")
        try:
            await connection.publish(self.vehicle.topic(topic), message, qos=0)
        except (aiomqtt.MqttError, ValueError) as error:
            raise DeviceFailed(f"{self._name()}: {error}") from error

    def _next(self, topic: str) -> int:
        """Header ids are counted by topic (6.4)."""
        self._headers[topic] += 1
        return self._headers[topic]

    def _identifier(self) -> str:
        """One name a vehicle: who takes over from a master that hangs takes its connection too."""
        return f"pointsman-{self.vehicle.manufacturer}-{self.vehicle.serial_number}"

    def _name(self) -> str:
        return f"{self.vehicle.manufacturer}/{self.vehicle.serial_number}"

    def _complain(self, why: str) -> None:
        """Once for each reason, until it is over."""
        if why != self._complained:
            log.warning("%s: the broker at %s:%d: %s", self._name(), *self._where(), why)
            self._complained = why

    def _where(self) -> tuple[str, int]:
        return self._broker.host, self._broker.port
