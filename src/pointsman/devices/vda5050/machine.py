"""The machine that a vehicle is to its executor: an operation is an order.

    START   order, again only if the vehicle shows that it does not know it
    PAUSE   startPause      RESUME  stopPause      CANCEL  cancelOrder

What was sent has an id that follows from the operation, so that after a restart it is found again
among what the vehicle shows. A cancelOrder that the vehicle shows is never sent again.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from pointsman.devices import DeviceFailed
from pointsman.devices.machines import SILENT, Deed, Shown, Stage
from pointsman.devices.protocols import DeviceTableError
from pointsman.devices.vda5050.broker import Broker
from pointsman.devices.vda5050.messages import (
    CANCEL_ORDER,
    INTERFACE,
    START_PAUSE,
    STOP_PAUSE,
    VERSION,
    InstantAction,
    Order,
    PayloadError,
    Vehicle,
    order_id_of,
    order_of,
)
from pointsman.devices.vda5050.reports import VehicleError, shown_of
from pointsman.devices.vda5050.session import Session
from pointsman.operations.model import Operation
from pointsman.runtime.clock import Clock

AGAIN_SECONDS: Final = 3.0
"""What a vehicle does not show so long after it was sent, it is asked for, and then sent again."""
STUCK_SECONDS: Final = 10.0
"""So long a vehicle that cannot go on may take to let go of its order."""
IDENTITY: Final = ("manufacturer", "serial_number", "interface", "version")
PORT_MOST: Final = 65_535
DEEDS: Final = {Deed.PAUSE: START_PAUSE, Deed.RESUME: STOP_PAUSE, Deed.CANCEL: CANCEL_ORDER}


class VehicleMachine:
    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._order = Order("")
        """The one that was last sent, or that would be."""
        self._sent: dict[str, tuple[datetime, int]] = {}
        """Of that order and its instant actions: when they were sent, after how many states."""
        self._older: Sequence[VehicleError] = ()
        """Errors that the vehicle had when that order was first sent."""
        self._broken: Shown | None = None
        """Why that order failed, while the vehicle is still to let go of it."""

    async def run(self, changed: Callable[[], None]) -> None:
        await self._session.run(changed)

    def shows(self, operation: Operation) -> Shown:
        state, heard_at = self._session.state, self._session.heard_at
        if state is None or heard_at is None:
            return SILENT
        order = self._order_of(operation)
        shown = shown_of(state, order, _action_id(operation, CANCEL_ORDER), heard_at, self._older)
        if shown.stage is Stage.NOTHING and order.id in self._sent:
            return replace(shown, stage=Stage.TOLD)
        if shown.stage in (Stage.BROKEN, Stage.RUNNING, Stage.PAUSED):
            self._broken = shown if shown.stage is Stage.BROKEN else None
        broken = self._broken
        if broken and (shown.stage is Stage.LET_GO or self._is_stuck(operation)):
            return replace(
                shown, stage=Stage.FAILED, error=broken.error, error_code=broken.error_code
            )
        return shown

    async def ask(self) -> None:
        await self._session.nudge()

    async def do(self, operation: Operation, deed: Deed) -> None:
        if deed is Deed.START:
            await self._start(operation)
            return
        action = InstantAction(_action_id(operation, DEEDS[deed]), DEEDS[deed])
        state = self._session.state
        known = state is not None and state.status_of(action.id) is not None
        if not known and await self._may_send(action.id):
            await self._session.send_actions([action])
            self._note_sent(action.id)

    async def _start(self, operation: Operation) -> None:
        order, state = self._order_of(operation), self._session.state
        if state is None or not await self._may_send(order.id):
            return
        try:
            order = order_of(order.id, operation.work.payload, state.place)
        except PayloadError as error:
            raise DeviceFailed(str(error), permanent=True) from error
        if (
            state.is_paused and state.obeyed() == START_PAUSE
        ):  # An earlier operation was cancelled while it was paused.
            stop = InstantAction(_action_id(operation, STOP_PAUSE), STOP_PAUSE)
            await self._session.send_actions([stop])
        await self._session.send_order(order)
        if order.id not in self._sent:
            self._older = state.errors
        self._order = order
        self._note_sent(order.id)

    def _order_of(self, operation: Operation) -> Order:
        """As it was sent; by whom it is not known, as it would be sent now."""
        id = order_id_of(operation.id, operation.attempt)
        if self._order.id == id:
            return self._order
        self._sent.clear()
        self._older, self._broken = (), None
        state = self._session.state
        if state is None:
            return Order(id)
        try:
            self._order = order_of(id, operation.work.payload, state.place)
        except PayloadError:
            self._order = Order(id)
        return self._order

    async def _may_send(self, id: str) -> bool:
        """Not while it may still be on its way: only what a newer state does not show is lost."""
        sent = self._sent.get(id)
        if sent is None:
            return True
        at, heard = sent
        if self._clock.wall_seconds_since(at) < AGAIN_SECONDS:
            return False
        if self._session.heard == heard:
            await self._session.ask_state()
            return False
        return True

    def _note_sent(self, id: str) -> None:
        self._sent[id] = (self._clock.now(), self._session.heard)

    def _is_stuck(self, operation: Operation) -> bool:
        sent = self._sent.get(_action_id(operation, CANCEL_ORDER))
        return sent is not None and self._clock.wall_seconds_since(sent[0]) >= STUCK_SECONDS


def machine_of(resource_id: str, device: Mapping[str, Any], clock: Clock) -> VehicleMachine:
    """The vehicle of a resource, as its `device` table says.

    Raises:
        DeviceTableError: If that says what cannot be.
    """
    where = f"resource {resource_id!r}: device"
    session = Session(vehicle_of(where, device), broker_of(where, device), clock)
    return VehicleMachine(session, clock)


def vehicle_of(where: str, device: Mapping[str, Any]) -> Vehicle:
    """The vehicle that a `device` table names.

    Raises:
        DeviceTableError: If there can be no topics of that name.
    """
    named = {"interface": INTERFACE, "version": VERSION, **device}
    said = {key: named[key] for key in IDENTITY}
    for key, value in said.items():
        if not value.isprintable() or not value or set(value) & set("/+#"):
            raise DeviceTableError(
                f"{where} key {key!r} is {value!r}: a printable text without '/', '+' and '#'"
                " would do"
            )
    if not re.fullmatch(r"2(\.[0-9]+)+", said["version"]):
        raise DeviceTableError(
            f"{where} key 'version' is {said['version']!r}: 2.0.0 or 2.1.0 would do"
        )
    return Vehicle(**said)


def broker_of(where: str, device: Mapping[str, Any]) -> Broker:
    """The broker that a `device` table names.

    Raises:
        DeviceTableError: If that is not HOST:PORT.
    """
    address = device.get("broker", "127.0.0.1:1883")
    host, colon, port = address.rpartition(":")
    if not host or not colon or not port.isdecimal() or not 0 < int(port) <= PORT_MOST:
        raise DeviceTableError(f"{where} key 'broker' is {address!r}: HOST:PORT would do")
    return Broker(
        host.strip("[]"),
        int(port),
        device.get("username"),
        device.get("password"),
        tls=device.get("tls", False),
    )


def _action_id(operation: Operation, type: str) -> str:
    """The same whenever it is asked for again in this phase, as after a restart."""
    order_id = order_id_of(operation.id, operation.attempt)
    if type == CANCEL_ORDER:
        return f"{order_id}.{type}"
    since = operation.phase_since or operation.changed_at
    return f"{order_id}.{type}.{since:%Y%m%dT%H%M%S%f}"
