"""What is said to a vehicle by VDA 5050 2.x, as values and bytes. Pure.

    {nodes, edges} | {goto, actions} | {actions} --order_of--> Order --order_message--> bytes
    startPause, stopPause, cancelOrder, stateRequest ---------- instant_message ------> bytes

An operation's order has the operation's id, and from its second attempt on the attempt's number
too: a vehicle ignores an order that it has had already.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import msgspec

from pointsman.devices.vda5050.schema import fault_of

VERSION: Final = "2.1.0"
INTERFACE: Final = "uagv"
BLOCKING: Final = ("NONE", "SOFT", "HARD")
START_PAUSE: Final = "startPause"
STOP_PAUSE: Final = "stopPause"
CANCEL_ORDER: Final = "cancelOrder"
STATE_REQUEST: Final = "stateRequest"
FACTSHEET_REQUEST: Final = "factsheetRequest"
INSTANT: Final = (START_PAUSE, STOP_PAUSE, CANCEL_ORDER, STATE_REQUEST, FACTSHEET_REQUEST)
NEAR_METRES: Final = 0.5
"""How far a vehicle may be from where it says that it is, when it sets off."""

Json: TypeAlias = Mapping[str, Any]


class PayloadError(ValueError):
    """A payload of which no order can be made. One line."""


@dataclass(frozen=True, slots=True)
class Vehicle:
    """Which one it is: the levels of its topics, and the header of its messages."""

    manufacturer: str
    serial_number: str
    interface: str = INTERFACE
    version: str = VERSION

    def topic(self, name: str) -> str:
        """One of order, instantActions, state, connection, factsheet (VDA 5050, 6.3)."""
        major = self.version.partition(".")[0]
        return f"{self.interface}/v{major}/{self.manufacturer}/{self.serial_number}/{name}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a vehicle says that it is."""

    node_id: str = ""
    position: Json = field(default_factory=dict)
    """x, y and mapId. Empty: it does not say."""

    @property
    def near(self) -> Json:
        """Of a node where it is: a vehicle only sets off from a node that it is at (6.6.1)."""
        if not self.position:
            return {}
        return {"nodePosition": {**self.position, "allowedDeviationXY": NEAR_METRES}}


@dataclass(frozen=True, slots=True)
class Order:
    id: str
    nodes: tuple[Json, ...] = ()
    edges: tuple[Json, ...] = ()
    zone_set_id: str | None = None

    @property
    def action_ids(self) -> frozenset[str]:
        return frozenset(action["actionId"] for action in self._actions())

    @property
    def steps(self) -> int:
        """All nodes and actions."""
        return len(self.nodes) + sum(1 for _ in self._actions())

    def _actions(self) -> Iterator[Json]:
        for part in (*self.nodes, *self.edges):
            yield from part["actions"]


@dataclass(frozen=True, slots=True)
class InstantAction:
    id: str
    type: str


def order_id_of(operation_id: str, attempt: int) -> str:
    """The id of the order that an attempt of an operation is."""
    return operation_id if attempt <= 1 else f"{operation_id}.{attempt}"


def order_of(order_id: str, payload: Json, place: Place) -> Order:
    """The order that a payload asks for, for a vehicle that is at `place`.

    `nodes` are as in an order, or only their ids; `edges`, and whatever of theirs is missing, are
    made. `goto` means from where it is to that node, and `actions` alone, where it is.

    Raises:
        PayloadError: If there is none.
    """
    if "nodes" in payload:
        nodes = _list(payload, "nodes")
        given = _list(payload, "edges") if "edges" in payload else [{} for _ in nodes[1:]]
        if "goto" in payload or "actions" in payload:
            raise PayloadError("its payload has nodes, and goto or actions too: say one of both")
    else:
        nodes = _way(order_id, payload, place)
        given = [{} for _ in nodes[1:]]
    if not nodes or len(given) != len(nodes) - 1:
        raise PayloadError(
            f"its payload has {len(nodes)} nodes and {len(given)} edges:"
            " one node or more would do, with an edge between each two"
        )
    named = [_named(node, number) for number, node in enumerate(nodes)]
    if named[0]["nodeId"] == place.node_id:
        named[0] = {**place.near, **named[0]}
    edges = [_edge(edge, 2 * n + 1, *named[n : n + 2]) for n, edge in enumerate(given)]
    order = _with_actions(Order(order_id, tuple(named), tuple(edges), payload.get("zoneSetId")))
    said = {"nodes": order.nodes, "edges": order.edges, "zoneSetId": order.zone_set_id}
    if fault := fault_of(said):
        raise PayloadError(f"its payload makes no order: {fault}")
    return order


def order_message(vehicle: Vehicle, order: Order, header_id: int, at: datetime) -> bytes:
    """The order as a whole, never as an update of itself."""
    zones = {} if order.zone_set_id is None else {"zoneSetId": order.zone_set_id}
    said: dict[str, Any] = {
        "orderId": order.id,
        "orderUpdateId": 0,
        "nodes": order.nodes,
        "edges": order.edges,
    }
    return encoded(_header(vehicle, header_id, at) | said | zones)


def instant_message(
    vehicle: Vehicle, actions: Sequence[InstantAction], header_id: int, at: datetime
) -> bytes:
    asks = (STATE_REQUEST, FACTSHEET_REQUEST)
    said: list[Json] = [
        {
            "actionId": action.id,
            "actionType": action.type,
            "blockingType": "NONE" if action.type in asks else "HARD",
            "actionParameters": [],
        }
        for action in actions
    ]
    return encoded(_header(vehicle, header_id, at) | {"actions": said})


def connection_message(vehicle: Vehicle, state: str, header_id: int, at: datetime) -> bytes:
    """What a vehicle says of its connection: ONLINE, OFFLINE, or CONNECTIONBROKEN as its will."""
    return encoded(_header(vehicle, header_id, at) | {"connectionState": state})


def state_message(vehicle: Vehicle, state: Json, header_id: int, at: datetime) -> bytes:
    """What a vehicle says of itself."""
    return encoded({**_header(vehicle, header_id, at), **state})


def encoded(message: Json) -> bytes:
    return msgspec.json.encode(message)


def _header(vehicle: Vehicle, header_id: int, at: datetime) -> dict[str, Any]:
    instant = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "headerId": header_id,
        "timestamp": instant,
        "version": vehicle.version,
        "manufacturer": vehicle.manufacturer,
        "serialNumber": vehicle.serial_number,
    }


def _way(order_id: str, payload: Json, place: Place) -> list[Any]:
    """From where the vehicle is to where it is to be."""
    goto, actions = payload.get("goto"), payload.get("actions", [])
    if goto is None and not actions:
        raise PayloadError("its payload has none of nodes, goto and actions: one of them would do")
    if goto is None and place == Place():
        raise PayloadError(
            "its payload has actions alone, and the vehicle does not say where it is:"
            " add goto, or nodes"
        )
    if goto is not None and (not isinstance(goto, str) or not goto):
        raise PayloadError(f"its payload has goto = {goto!r}: the id of a node would do")
    here = {"nodeId": place.node_id or f"{order_id}.start", **place.near}
    if goto in (None, place.node_id):
        return [here | {"actions": actions}]
    target = {"nodeId": goto, "actions": actions}
    return [target] if place == Place() else [here, target]


def _named(node: object, number: int) -> Json:
    node = {"nodeId": node} if isinstance(node, str) else node
    if not isinstance(node, Mapping) or not isinstance(node.get("nodeId"), str):
        raise PayloadError(f"node {number} of its payload has no nodeId: {node!r}")
    return _part(node, f"node {node['nodeId']!r}", {"sequenceId": 2 * number})


def _edge(edge: object, number: int, start: Json, end: Json) -> Json:
    if not isinstance(edge, Mapping):
        raise PayloadError(f"edge {number // 2} of its payload is not a JSON object: {edge!r}")
    ends = {"startNodeId": start["nodeId"], "endNodeId": end["nodeId"]}
    own = {"edgeId": f"{number}.{ends['startNodeId']}-{ends['endNodeId']}", "sequenceId": number}
    return _part(edge, f"edge {edge.get('edgeId', number // 2)!r}", own | ends)


def _part(given: Json, name: str, own: Json) -> Json:
    part = {**own, "released": True, "actions": [], **given}
    if part["released"] is not True:
        raise PayloadError(f"{name} of its payload is not released, and nobody would release it")
    return part


def _with_actions(order: Order) -> Order:
    """Each action with its id, counted through the order."""
    count = 0

    def filled(part: Json) -> Json:
        nonlocal count
        actions = []
        for action in _list(part, "actions"):
            count += 1
            actions.append(_action(action, f"{order.id}.{count}"))
        return {**part, "actions": actions}

    nodes = tuple(filled(node) for node in order.nodes)
    order = replace(order, nodes=nodes, edges=tuple(filled(edge) for edge in order.edges))
    if len(order.action_ids) < count:
        raise PayloadError("its payload has two actions with one actionId")
    return order


def _action(action: object, id: str) -> Json:
    if not isinstance(action, Mapping) or not isinstance(action.get("actionType"), str):
        raise PayloadError(f"an action of its payload has no actionType: {action!r}")
    full = {"actionId": id, "blockingType": "HARD", "actionParameters": [], **action}
    if full["blockingType"] not in BLOCKING or not isinstance(full["actionId"], str):
        raise PayloadError(
            f"action {full['actionType']!r} of its payload has blockingType"
            f" {full['blockingType']!r} and actionId {full['actionId']!r}:"
            f" one of {', '.join(BLOCKING)} and a text would do"
        )
    parameters = full["actionParameters"]
    if isinstance(parameters, Mapping):
        full["actionParameters"] = [{"key": k, "value": v} for k, v in parameters.items()]
    return full


def _list(payload: Json, key: str) -> list[Any]:
    value = payload.get(key)
    if not isinstance(value, list | tuple):
        raise PayloadError(f"its payload has {key} = {value!r}: a list would do")
    return list(value)
