"""A vehicle of somebody else's make: the SDK's own vehicle, on a real broker.

What the SDK leaves to the maker of a vehicle is here: wheels that take their time and stand still
while it is paused, and a connection that is made anew when the broker was away.
"""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any, Final

import aiomqtt
from vda5050.client.agv.client import VehicleClient
from vda5050.client.agv.executor import OrderExecutor
from vda5050.config import VehicleConfig
from vda5050.model.common import Action
from vda5050.model.enums import ActionStatus, ConnectionState
from vda5050.model.instant_actions import InstantActions
from vda5050.model.order import Edge, Node, Order
from vda5050.ports.transport import Message, MessageHandler

from pointsman.runtime.cancelling import insist_on_cancellation

MAKER: Final = "acme"
STEP_SECONDS: Final = 0.02
RECONNECT_SECONDS: Final = 0.1


class Wire:
    """The SDK's port to a broker, with a connection that comes back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._handlers: dict[str, MessageHandler] = {}
        self._client: aiomqtt.Client | None = None
        self._will: Message | None = None
        self.received: list[str] = []
        """The last levels of the topics of all that arrived."""
        self.deaf_to: list[str] = []
        """The same, of messages that are lost on the way: each once."""
        self.in_reach = asyncio.Event()
        self.in_reach.set()
        self.connected: Callable[[], Coroutine[Any, Any, None]] | None = None

    async def connect(self, *, will: Message | None = None) -> None:
        self._will = will

    async def disconnect(self) -> None:
        self._client = None

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False
    ) -> None:
        if self._client is not None:
            await self._client.publish(topic, payload, qos=qos, retain=retain)
            insist_on_cancellation()

    async def subscribe(self, topic: str, handler: MessageHandler, *, qos: int = 0) -> None:
        assert qos == 0
        self._handlers[topic] = handler

    async def run(self) -> None:
        while True:
            await self.in_reach.wait()
            try:
                await self._converse()
            except aiomqtt.MqttError:
                insist_on_cancellation()
                await asyncio.sleep(RECONNECT_SECONDS)
            finally:
                self._client = None

    def cut(self) -> None:
        """The radio fails: the broker notices, and tells the will."""
        assert self._client is not None
        connection = self._client._client.socket()  # noqa: SLF001
        assert isinstance(connection, socket.socket)
        connection.shutdown(socket.SHUT_RDWR)

    async def _converse(self) -> None:
        said = self._will
        assert said is not None
        will = aiomqtt.Will(said.topic, said.payload, said.qos, said.retain)
        async with aiomqtt.Client("127.0.0.1", self._port, will=will) as client:
            for topic in self._handlers:
                await client.subscribe(topic)
            self._client = client
            if self.connected:
                await self.connected()
            insist_on_cancellation()
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                topic = message.topic.value.rpartition("/")[2]
                self.received.append(topic)
                if topic in self.deaf_to:
                    self.deaf_to.remove(topic)
                    continue
                await self._handlers[message.topic.value](message.topic.value, message.payload)


class Wheels(OrderExecutor):
    """Takes the seconds that an action says, and stands still while it is paused."""

    def __init__(self, client: VehicleClient) -> None:
        super().__init__(client.publisher, enforce_arrival=False)
        self._state = client.publisher

    async def run_action(
        self,
        action: Action,
        *,
        node: Node | None = None,  # noqa: ARG002  The shape of the SDK's.
        edge: Edge | None = None,  # noqa: ARG002
    ) -> None:
        said = {one.key: one.value for one in action.action_parameters or []}
        report = self._state.report_action
        report(action.action_id, ActionStatus.RUNNING, action_type=action.action_type)
        left = float(said.get("seconds", 0))
        while left > 0:
            await asyncio.sleep(STEP_SECONDS)
            if not self._state.paused:
                left -= STEP_SECONDS
        if said.get("fails"):
            report(action.action_id, ActionStatus.FAILED, result_description="it slipped")
            return
        report(action.action_id, ActionStatus.FINISHED, result_description=said.get("brings"))


class SdkVehicle:
    def __init__(self, port: int, serial_number: str = "v1") -> None:
        self.wire = Wire(port)
        config = VehicleConfig(manufacturer=MAKER, serial_number=serial_number, state_interval=1.0)
        self.client = VehicleClient(config, transport=self.wire)
        self.orders: list[Order] = []
        """All that it accepted."""
        self.actions: list[str] = []
        """The types of all instant actions that reached it, without questions."""
        self._driving: asyncio.Task[Any] | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self.client.on_order(self._take_order)
        self.client.on_instant_actions(self._take_actions)

    async def live(self) -> None:
        """Be on the broker, until cancelled. Then its will is told."""
        async with asyncio.TaskGroup() as self._tasks:
            await self.client.connect()
            self.client.update_position(x=0.0, y=0.0, theta=0.0, map_id="hall")
            if not self.client.publisher.last_node_id:
                self.client.mark_node_traversed("home", 0)
            self.wire.connected = self._greet
            try:
                await self.wire.run()
            finally:
                await self.client.publisher.stop()

    async def _greet(self) -> None:
        await self.client._publish_connection(ConnectionState.ONLINE)  # noqa: SLF001
        await self.client.publish_state()

    def _take_order(self, order: Order) -> None:
        self.orders.append(order)
        assert self._tasks is not None
        self._driving = self._tasks.create_task(Wheels(self.client).run(order))

    def _take_actions(self, message: InstantActions) -> None:
        types = [action.action_type for action in message.actions]
        self.actions += [type for type in types if not type.endswith("Request")]
        if "cancelOrder" in types and self._driving is not None:
            self._driving.cancel()
