"""What a simulated vehicle does with what it is told by VDA 5050. Pure: time is handed in.

    order --> drive, act, drive, act, ... --> all passed
                | startPause: stands still    | cancelOrder: brakes, then knows no way any more

It drives from node to node and carries out actions one after the other, each for its time. An
action's parameter `seconds` says how long it takes, and `fails` that it fails in the end.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pointsman.devices.vda5050 import messages
from pointsman.devices.vda5050.messages import Json

INSTANT_KEPT: Final = 20
"""So many instant actions are shown after they are over."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast it is."""

    node_seconds: float = 2.0
    """From one node to the next."""
    action_seconds: float = 1.0
    """For an action that does not say it."""
    brake_seconds: float = 0.0
    """Until it has let go of an order."""


@dataclass(slots=True)
class Step:
    left: timedelta
    node: Json | None = None
    """The one that it drives to."""
    action: Json | None = None
    """The one that it carries out."""


@dataclass(slots=True)
class Driving:
    """The vehicle. Call `move` before it is looked at."""

    node_id: str = "home"
    """Where it is."""
    pace: Pace = field(default_factory=Pace)
    starts: int = 0
    """How many orders it took."""
    told: Counter[str] = field(default_factory=Counter)
    """How often which instant action reached it, again ones too."""
    order_id: str = ""
    sequence_id: int = 0
    paused: bool = False
    steps: list[Step] = field(default_factory=list)
    """What is ahead of it. It is at the first of them."""
    edges: list[Json] = field(default_factory=list)
    actions: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of the order: their states, by their ids."""
    instant: dict[str, dict[str, Any]] = field(default_factory=dict)
    errors: list[Json] = field(default_factory=list)
    since: datetime | None = None
    """It is at the first step since then. None: it stands still."""
    brakes_until: datetime | None = None

    # What it is told

    def take_order(self, order: Json, now: datetime) -> None:
        """Set off, unless it had this one already, or cannot."""
        self.move(now)
        if order.get("orderId") == self.order_id:
            return
        why = self._why_not(order)
        if why:
            self._complain("orderError", why, {"orderId": order.get("orderId")})
            return
        steps = list(self._steps(order))
        self.starts += 1
        self.order_id, self.errors, self.edges = order["orderId"], [], list(order["edges"])
        self.steps = steps
        actions = (step.action for step in steps if step.action is not None)
        self.actions = {one["actionId"]: _state_of(one, "WAITING") for one in actions}
        self._go(now)

    def take_actions(self, actions: Sequence[Json], now: datetime) -> None:
        """Do what is to be done at once. What it was told before it is not told again."""
        self.move(now)
        self.told.update(action["actionType"] for action in actions)
        for action in actions:
            if action["actionId"] not in self.instant:
                self._take_action(action, now)
        over = [id for id, state in self.instant.items() if state["actionStatus"] != "RUNNING"]
        for id in over[:-INSTANT_KEPT]:
            del self.instant[id]

    def _take_action(self, action: Json, now: datetime) -> None:
        status = "FINISHED"
        match action["actionType"]:
            case messages.START_PAUSE:
                self._stop(now)
                self.paused = True
            case messages.STOP_PAUSE:
                self.paused = False
                self._go(now)
            case messages.CANCEL_ORDER if self.steps or self.brakes_until:
                self._stop(now)
                self.brakes_until = now + timedelta(seconds=self.pace.brake_seconds)
                status = "RUNNING"
            case messages.CANCEL_ORDER:
                status = "FAILED"
                about = {"actionId": action["actionId"]}
                self._complain("noOrderToCancel", "there is no order", about)
            case kind if kind not in messages.INSTANT:
                status = "FAILED"
                self._complain("actionError", f"{kind} is not known here", {})
        self.instant[action["actionId"]] = _state_of(action, status)
        self.move(now)

    # What it does

    def move(self, now: datetime) -> None:
        """Let all happen that happens by now."""
        if self.brakes_until is not None and self.brakes_until <= now:
            self._let_go()
        while self.steps and self.since is not None and self.since + self.steps[0].left <= now:
            self.since += self.steps[0].left
            self._finish(self.steps.pop(0))
            self._begin()
        if not self.steps:
            self.since = None

    def next_event(self) -> datetime | None:
        """When it shows something new, if it is told nothing meanwhile."""
        if self.brakes_until is not None:
            return self.brakes_until
        return self.since + self.steps[0].left if self.since and self.steps else None

    def shows(self) -> Json:
        """Its state, as VDA 5050 has it, but for the header."""
        nodes = [step.node for step in self.steps if step.node is not None]
        return {
            "orderId": self.order_id,
            "orderUpdateId": 0,
            "lastNodeId": self.node_id,
            "lastNodeSequenceId": self.sequence_id,
            "nodeStates": [_part(node, "nodeId") for node in nodes],
            "edgeStates": [_part(edge, "edgeId") for edge in self.edges],
            "actionStates": [*self.actions.values(), *self.instant.values()],
            "driving": self.since is not None and self.steps[0].node is not None,
            "paused": self.paused,
            "errors": self.errors,
            "batteryState": {"batteryCharge": 80.0, "charging": False},
            "operatingMode": "AUTOMATIC",
            "safetyState": {"eStop": "NONE", "fieldViolation": False},
        }

    def _why_not(self, order: Json) -> str:
        nodes, edges = order.get("nodes"), order.get("edges")
        if not nodes or edges is None or len(edges) != len(nodes) - 1:
            return "it is no way from node to node"
        if self.steps or self.brakes_until:
            return f"order {self.order_id} is not over"
        if len(nodes) > 1 and nodes[0]["nodeId"] != self.node_id:
            return f"node {nodes[0]['nodeId']} cannot be reached from {self.node_id}"
        return ""

    def _steps(self, order: Json) -> Iterator[Step]:
        for number, node in enumerate(order["nodes"]):
            here = number == 0 and node["nodeId"] == self.node_id
            yield Step(timedelta(seconds=0 if here else self.pace.node_seconds), node=node)
            for part in (node, *order["edges"][number : number + 1]):
                for action in part["actions"]:
                    seconds = _parameters(action).get("seconds", self.pace.action_seconds)
                    yield Step(timedelta(seconds=max(float(seconds), 0)), action=action)

    def _go(self, now: datetime) -> None:
        if self.steps and not self.paused and self.since is None:
            self.since = now
            self._begin()
            self.move(now)

    def _begin(self) -> None:
        self._mark("RUNNING")

    def _stop(self, now: datetime) -> None:
        if self.since is not None and self.steps:
            self.steps[0].left -= now - self.since
            self.since = None
            self._mark("PAUSED")

    def _mark(self, status: str) -> None:
        action = self.steps[0].action if self.steps else None
        if action is not None:
            self.actions[action["actionId"]]["actionStatus"] = status

    def _finish(self, step: Step) -> None:
        if step.node is not None:
            self.node_id, self.sequence_id = step.node["nodeId"], step.node["sequenceId"]
            self.edges = [edge for edge in self.edges if edge["sequenceId"] > self.sequence_id]
        if step.action is not None:
            fails = bool(_parameters(step.action).get("fails"))
            state = self.actions[step.action["actionId"]]
            state["actionStatus"] = "FAILED" if fails else "FINISHED"
            state["resultDescription"] = "it was to fail" if fails else ""

    def _let_go(self) -> None:
        self.brakes_until, self.steps, self.edges = None, [], []
        for state in self.actions.values():
            if state["actionStatus"] != "FINISHED":
                state["actionStatus"] = "FAILED"
        for state in self.instant.values():
            if state["actionType"] == messages.CANCEL_ORDER and state["actionStatus"] == "RUNNING":
                state["actionStatus"] = "FINISHED"

    def _complain(self, kind: str, why: str, about: Mapping[str, object]) -> None:
        references = [{"referenceKey": k, "referenceValue": str(v)} for k, v in about.items()]
        error = {"errorType": kind, "errorLevel": "WARNING", "errorDescription": why}
        self.errors = [*self.errors[-9:], {**error, "errorReferences": references}]


def _parameters(action: Json) -> Json:
    return {one["key"]: one["value"] for one in action.get("actionParameters") or ()}


def _state_of(action: Json, status: str) -> dict[str, Any]:
    return {
        "actionId": action["actionId"],
        "actionType": action["actionType"],
        "actionStatus": status,
    }


def _part(part: Json, name: str) -> Json:
    return {name: part[name], "sequenceId": part["sequenceId"], "released": True}
