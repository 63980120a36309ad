"""The air between a master and a vehicle, in virtual time: slow, and now and then it breaks.

What is said on one connection arrives in order. When a connection breaks, all that was on its way
is lost, in both directions, and nobody hears the other for a while.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from pointsman.devices import DeviceFailed
from pointsman.devices.vda5050.broker import Broker
from pointsman.devices.vda5050.driving import Driving
from pointsman.devices.vda5050.messages import (
    InstantAction,
    Order,
    Vehicle,
    encoded,
    instant_message,
    order_message,
)
from pointsman.devices.vda5050.reports import read_state
from pointsman.devices.vda5050.session import Session
from pointsman.runtime.clock import LoopClock

DELAY_SECONDS = 2.0
"""The most that a message takes."""
TICK_SECONDS = 0.25
STATE_SECONDS = 5.0
VEHICLE = Vehicle("acme", "v1")


@dataclass
class Air:
    """One vehicle, and whoever speaks to it."""

    clock: LoopClock
    dice: random.Random
    driving: Driving
    breaks: float = 0.0
    """The chance that it breaks, in a tick."""
    taken: list[str] = field(default_factory=list)
    """All orders that the vehicle took, in order."""
    session: "AirSession | None" = None
    _there: deque[tuple[datetime, str, dict[str, Any]]] = field(default_factory=deque)
    _back: deque[tuple[datetime, bytes]] = field(default_factory=deque)
    _broken: int = 0
    """Ticks until it is whole again."""

    def send(self, topic: str, message: bytes) -> None:
        """
        Raises:
            DeviceFailed: If there is no connection.
        """
        if self._broken:
            raise DeviceFailed("there is no connection")
        self._there.append((self._arrival(self._there), topic, msgspec.json.decode(message)))

    async def run(self) -> None:
        """Let messages arrive, until cancelled."""
        shown, said_at = b"", self.clock.now()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = self.clock.now()
            self._break()
            while self._there and self._there[0][0] <= now:
                _, topic, message = self._there.popleft()
                self._arrive(topic, message, now)
                shown = b"" if topic == "instantActions" else shown
            self.driving.move(now)
            shows = encoded(self.driving.shows())
            overdue = (now - said_at).total_seconds() >= STATE_SECONDS
            if (shows != shown or overdue) and not self._broken:
                shown, said_at = shows, now
                self._back.append((self._arrival(self._back), shows))
            while self._back and self._back[0][0] <= now:
                _, state = self._back.popleft()
                if self.session:
                    self.session.hear(state)

    def _arrive(self, topic: str, message: dict[str, Any], now: datetime) -> None:
        if topic == "instantActions":
            self.driving.take_actions(message["actions"], now)
            return
        starts = self.driving.starts
        self.driving.take_order(message, now)
        if self.driving.starts > starts:
            self.taken.append(message["orderId"])

    def _arrival(self, queue: Sequence[tuple[Any, ...]]) -> datetime:
        """After all that was sent before."""
        takes = self.dice.random() * DELAY_SECONDS
        at = datetime.fromtimestamp(self.clock.now().timestamp() + takes, self.clock.now().tzinfo)
        return max(at, queue[-1][0]) if queue else at

    def _break(self) -> None:
        if self._broken:
            self._broken -= 1
        elif self.dice.random() < self.breaks:
            self._broken = self.dice.randrange(1, 40)
            self._there.clear()
            self._back.clear()
            if self.session:
                self.session.break_off()


class AirSession(Session):
    """A session through the air, and not through a broker."""

    def __init__(self, air: Air) -> None:
        super().__init__(VEHICLE, Broker(), air.clock)
        self._air = air
        self._rings: Callable[[], None] = lambda: None

    async def run(self, changed: Callable[[], None]) -> None:
        self._rings = changed
        self._air.session = self
        await asyncio.Event().wait()

    async def send_order(self, order: Order) -> None:
        self._air.send("order", order_message(VEHICLE, order, 1, self._air.clock.now()))

    async def send_actions(self, actions: Sequence[InstantAction]) -> None:
        message = instant_message(VEHICLE, actions, 1, self._air.clock.now())
        self._air.send("instantActions", message)

    def hear(self, state: bytes) -> None:
        self._take_state(read_state(state))
        self._rings()

    def break_off(self) -> None:
        self.state = None
        self._rings()
