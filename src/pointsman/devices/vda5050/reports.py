"""What a vehicle says by VDA 5050 2.x, and what that means for one order. Pure.

    bytes --read_state--> State --shown_of--> Shown

Only what a master needs is read. What is missing, but for the order, it has nothing to say of.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec

from pointsman.devices.machines import Deed, Shown, Stage
from pointsman.devices.vda5050.messages import (
    INSTANT,
    START_PAUSE,
    STOP_PAUSE,
    Order,
    Place,
)

ONLINE: Final = "ONLINE"
FINISHED: Final = "FINISHED"
FAILED: Final = "FAILED"
FATAL: Final = "FATAL"
OVER: Final = (FINISHED, FAILED)
AUTOMATIC: Final = "AUTOMATIC"
OBEYED: Final = {START_PAUSE: Deed.PAUSE, STOP_PAUSE: Deed.RESUME}
NOTE_LENGTH_MOST: Final = 500
"""Of what people read, in characters."""


class Unreadable(ValueError):
    """Not what VDA 5050 says that a vehicle says. One line."""


class Read(msgspec.Struct, rename="camel"):
    """Field names are in camel case on the wire."""


class Reference(Read):
    reference_key: str = ""
    reference_value: Any = ""


class VehicleError(Read):
    error_type: str = ""
    error_level: str = "WARNING"
    error_description: str | None = None
    error_hint: str | None = None
    error_references: list[Reference] | None = None

    @property
    def line(self) -> str:
        """For people."""
        parts = (self.error_type, self.error_description, self.error_hint)
        return ": ".join(part for part in parts if part)

    def names(self, key: str) -> set[str]:
        """What it says that it is about."""
        references = self.error_references or ()
        return {str(one.reference_value) for one in references if one.reference_key == key}


class ActionState(Read):
    action_id: str
    action_status: str
    action_type: str | None = None
    result_description: str | None = None


class NodeState(Read):
    node_id: str
    sequence_id: int


class EdgeState(Read):
    edge_id: str
    sequence_id: int


class Position(Read):
    x: float = 0.0
    y: float = 0.0
    map_id: str = ""
    position_initialized: bool = True


class Safety(Read):
    e_stop: str = "NONE"
    field_violation: bool = False


class State(Read):
    """Of VDA 5050, 6.10, as much as a master needs."""

    order_id: str
    header_id: int = 0
    timestamp: str = ""
    last_node_id: str = ""
    last_node_sequence_id: int = 0
    node_states: list[NodeState] = msgspec.field(default_factory=list)
    edge_states: list[EdgeState] = msgspec.field(default_factory=list)
    action_states: list[ActionState] = msgspec.field(default_factory=list)
    errors: list[VehicleError] = msgspec.field(default_factory=list)
    paused: bool | None = None
    operating_mode: str = AUTOMATIC
    safety_state: Safety = msgspec.field(default_factory=Safety)
    agv_position: Position | None = None

    def is_before(self, other: "State") -> bool:
        """Whether it was said earlier. Who starts anew counts from the start, at a later time."""
        if self.header_id >= other.header_id:
            return False
        try:
            return datetime.fromisoformat(self.timestamp) < datetime.fromisoformat(other.timestamp)
        except (ValueError, TypeError):
            return False

    @property
    def place(self) -> Place:
        at = self.agv_position
        if at is None or not at.position_initialized:
            return Place(self.last_node_id)
        return Place(self.last_node_id, {"x": at.x, "y": at.y, "mapId": at.map_id})

    @property
    def holds_order(self) -> bool:
        """Whether its way or an action of its is not over (6.6.2: it takes no other order)."""
        if self.node_states or self.edge_states:
            return True
        live = (one for one in self.action_states if one.action_status not in OVER)
        return any(one.action_type not in INSTANT for one in live)

    def status_of(self, action_id: str) -> str | None:
        """How far an action is. None: it does not say."""
        for one in self.action_states:
            if one.action_id == action_id:
                return one.action_status
        return None

    @property
    def is_paused(self) -> bool:
        """A vehicle need not say so (6.10): then it is as it was told last."""
        return self.obeyed(done=True) == START_PAUSE if self.paused is None else self.paused

    def obeyed(self, *, done: bool = False) -> str | None:
        """Which startPause or stopPause of ours, for whichever order, it took (or has `done`) last.

        Ours end with when they were asked for. None: it shows none.
        """
        said = ((one.action_id, one.action_status) for one in self.action_states)
        taken = (id for id, how in said if how == FINISHED or not (done or how == FAILED))
        ours = [(stamp, type) for type, stamp in map(_parts, taken) if type in OBEYED]
        return max(ours)[1] if ours else None


class Connection(Read):
    connection_state: str


def read_state(data: bytes) -> State:
    """
    Raises:
        Unreadable: If it is none.
    """
    try:
        return msgspec.json.decode(data, type=State)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable(f"not a state: {error}") from error


def read_connection(data: bytes) -> str:
    """ONLINE, OFFLINE or CONNECTIONBROKEN.

    Raises:
        Unreadable: If it is none.
    """
    try:
        return msgspec.json.decode(data, type=Connection).connection_state
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable(f"not a connection: {error}") from error


def shown_of(
    state: State,
    order: Order,
    cancel_id: str,
    heard_at: datetime,
    older: Collection[VehicleError] = (),
) -> Shown:
    """What a vehicle is at, as to one order. `cancel_id` is that of the action which cancels it.

    `older` errors were there before the order, and so have nothing to do with it.
    A cancellation that runs was taken: whoever asks for it again would have it refused.
    """
    ours, cancel = state.order_id == order.id, state.status_of(cancel_id)
    at = Shown(Stage.RUNNING, heard_at, _fraction(state, order) if ours else 0.0, _note(state))
    if ours and _is_complete(state, order):
        return replace(at, stage=Stage.COMPLETED, result=_results(state, order))
    if cancel is not None:
        goes_on = cancel not in OVER or (cancel == FAILED and ours and state.holds_order)
        return replace(at, stage=Stage.LETTING_GO if goes_on else Stage.LET_GO)
    if not ours:
        return _elsewhere(state, order, at)
    if broken := next(_broken(state, order, older), None):
        error, code = broken
        stage = Stage.BROKEN if state.holds_order else Stage.FAILED
        return replace(at, stage=stage, error=error[:NOTE_LENGTH_MOST], error_code=code)
    if not state.holds_order:
        return replace(at, stage=Stage.LET_GO, error="the vehicle gave its order up by itself")
    obeyed = OBEYED.get(state.obeyed() or "")
    return replace(at, stage=Stage.PAUSED if state.is_paused else Stage.RUNNING, obeyed=obeyed)


def _parts(action_id: str) -> tuple[str, str]:
    """Type and time of an instant action of ours. Of others, anything."""
    rest, _, stamp = action_id.rpartition(".")
    return rest.rpartition(".")[2], stamp


def _elsewhere(state: State, order: Order, at: Shown) -> Shown:
    """It does not have the order: it refused it, or never heard of it."""
    for error in state.errors:
        if order.id in error.names("orderId"):
            line = f"the vehicle refused the order: {error.line}"[:NOTE_LENGTH_MOST]
            return replace(at, stage=Stage.FAILED, error=line, error_code=error.error_type)
    return replace(at, stage=Stage.BUSY if state.holds_order else Stage.NOTHING)


def _is_complete(state: State, order: Order) -> bool:
    """All was passed and done. A way that was cleared is not one that was driven."""
    if state.node_states or state.edge_states or not order.nodes:
        return False
    if any(state.status_of(id) != FINISHED for id in order.action_ids):
        return False
    last = order.nodes[-1]
    if state.last_node_id != last["nodeId"]:
        return False
    return len(order.nodes) == 1 or state.last_node_sequence_id == last["sequenceId"]


def _broken(
    state: State, order: Order, older: Collection[VehicleError]
) -> Iterator[tuple[str, str]]:
    """Why it will not get to its end, and a word for programs."""
    for error in state.errors:
        if error.error_level == FATAL and error not in older and _is_about(error, order):
            yield error.line, error.error_type
    for one in state.action_states:
        if one.action_status == FAILED and one.action_id in order.action_ids:
            why = f": {one.result_description}" if one.result_description else ""
            yield f"action {one.action_type or one.action_id} failed{why}", "actionError"


def _is_about(error: VehicleError, order: Order) -> bool:
    """Whether it names a part of the order, or nothing. Those of older orders may stay for long."""
    ours = {
        "orderId": {order.id},
        "actionId": order.action_ids,
        "nodeId": {node["nodeId"] for node in order.nodes[1:] or order.nodes},
        "edgeId": {edge["edgeId"] for edge in order.edges},
    }
    named = [(error.names(key), ids) for key, ids in ours.items()]
    return not any(names for names, _ in named) or any(names & ids for names, ids in named)


def _fraction(state: State, order: Order) -> float:
    """Which part of its nodes and actions it has behind it."""
    ahead = len(state.node_states)
    ahead += sum(state.status_of(id) not in OVER for id in order.action_ids)
    return max(order.steps - ahead, 0) / order.steps if order.steps else 0.0


def _results(state: State, order: Order) -> dict[str, str] | None:
    """What its actions brought, by their ids."""
    results = {
        one.action_id: one.result_description
        for one in state.action_states
        if one.action_id in order.action_ids and one.result_description
    }
    return results or None


def _note(state: State) -> str:
    """What people want to know of a vehicle that is on its way."""
    parts = [f"at {state.last_node_id}"] if state.last_node_id else []
    if state.is_paused:
        parts.append("paused")
    if state.operating_mode != AUTOMATIC:
        parts.append(f"in mode {state.operating_mode}")
    if state.safety_state.e_stop != "NONE":
        parts.append(f"emergency stop {state.safety_state.e_stop}")
    if state.safety_state.field_violation:
        parts.append("protective field violated")
    parts += [error.line for error in state.errors]
    return "; ".join(parts)[:NOTE_LENGTH_MOST]
