"""A simulated vehicle on an MQTT broker: for demonstrations and tests without a robot."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

import aiomqtt
import msgspec

from pointsman.devices.protocols import DeviceTableError
from pointsman.devices.simulated.world import Log
from pointsman.devices.vda5050.broker import Broker, Connection
from pointsman.devices.vda5050.driving import Driving, Pace
from pointsman.devices.vda5050.machine import broker_of, vehicle_of
from pointsman.devices.vda5050.messages import (
    Json,
    Vehicle,
    connection_message,
    encoded,
    state_message,
)
from pointsman.runtime.clock import Clock, rest_seconds

STATE_SECONDS: Final = 10.0
"""It says how it is at least so often (6.10: within 30 s)."""
RECONNECT_SECONDS: Final = 0.5
SECONDS_MOST: Final = 86_400.0
PACE: Final = ("node_seconds", "action_seconds", "brake_seconds")

log = logging.getLogger(__name__)


class SimulatedVehicle:
    """Speaks the vehicle's side. What it is at goes on while the broker is away."""

    def __init__(
        self,
        vehicle: Vehicle,
        broker: Broker,
        clock: Clock,
        driving: Driving | None = None,
        *,
        heard: Callable[[str, Json], None] | None = None,
    ) -> None:
        """`heard` is told the topic's last level and the content of all that arrives."""
        self.driving = driving or Driving()
        self._vehicle = vehicle
        self._broker = broker
        self._clock = clock
        self._heard = heard
        self._news = asyncio.Event()
        self._headers = 0
        self._shown = b""

    async def run(self) -> None:
        """Be on the broker, until cancelled. If it is away, come back."""
        while True:
            try:
                async with self._broker.connected(self._identifier(), self._will()) as connection:
                    await self._live(connection)
            except aiomqtt.MqttError as error:
                log.info("%s: %s", self._identifier(), error)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _live(self, connection: Connection) -> None:
        topic = self._vehicle.topic
        await connection.subscribe([(topic("order"), 0), (topic("instantActions"), 0)])
        await connection.publish(
            topic("connection"), self._connection("ONLINE"), qos=1, retain=True
        )
        self._shown = b""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(connection))
                tasks.create_task(self._tell(connection))
        except* aiomqtt.MqttError as lost:
            raise aiomqtt.MqttError(str(lost.exceptions[0])) from lost

    async def _listen(self, connection: Connection) -> None:
        async for message in connection.messages():
            try:
                said = msgspec.json.decode(message.payload, type=dict[str, Any])
                now = self._clock.now()
                if self._heard:
                    self._heard(message.topic.value.rpartition("/")[2], said)
                if message.topic.value == self._vehicle.topic("order"):
                    self.driving.take_order(said, now)
                else:
                    self.driving.take_actions(said["actions"], now)
                    self._shown = b""
            except (msgspec.DecodeError, KeyError, TypeError, ValueError) as odd:
                log.warning("%s: cannot be read: %r", self._identifier(), odd)
            self._news.set()

    async def _tell(self, connection: Connection) -> None:
        """At each change, whenever it is asked, and now and then."""
        while True:
            self._news.clear()
            self.driving.move(self._clock.now())
            shows = self.driving.shows()
            if encoded(shows) != self._shown:
                data = state_message(self._vehicle, shows, self._next(), self._clock.now())
                await connection.publish(self._vehicle.topic("state"), data, qos=0)
                self._shown = encoded(shows)
            event = self.driving.next_event()
            rest = min(rest_seconds(self._clock, event), STATE_SECONDS) if event else STATE_SECONDS
            try:
                async with asyncio.timeout(rest):
                    await self._news.wait()
            except TimeoutError:
                self._shown = b"" if rest == STATE_SECONDS else self._shown

    def _will(self) -> aiomqtt.Will:
        """What the broker says of it if it is gone without a word."""
        broken = self._connection("CONNECTIONBROKEN")
        return aiomqtt.Will(self._vehicle.topic("connection"), broken, qos=1, retain=True)

    def _connection(self, state: str) -> bytes:
        return connection_message(self._vehicle, state, self._next(), self._clock.now())

    def _next(self) -> int:
        self._headers += 1
        return self._headers

    def _identifier(self) -> str:
        return f"vehicle-{self._vehicle.manufacturer}-{self._vehicle.serial_number}"


def simulation_of(
    resource_id: str, device: Mapping[str, Any], clock: Clock, log: Log
) -> SimulatedVehicle:
    """The simulated vehicle behind a resource.

    Raises:
        DeviceTableError: If its `device` table says what cannot be.
    """

    def heard(topic: str, said: Json) -> None:
        log(resource_id, topic, said=said)

    where = f"resource {resource_id!r}: device"
    pace = {key: device[key] for key in PACE if key in device}
    for key, seconds in pace.items():
        if not 0 <= seconds <= SECONDS_MOST:
            raise DeviceTableError(
                f"{where} key {key!r} is {seconds!r}: 0 to {SECONDS_MOST:g} would do"
            )
    driving = Driving(pace=Pace(**pace))
    vehicle, broker = vehicle_of(where, device), broker_of(where, device)
    return SimulatedVehicle(vehicle, broker, clock, driving, heard=heard)
