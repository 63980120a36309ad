"""The simulated vehicle, without a broker: what it shows is as the standard's schema has it."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from vda5050.validation import default_validator

from pointsman.devices.vda5050.driving import Driving, Pace
from pointsman.devices.vda5050.messages import (
    CANCEL_ORDER,
    START_PAUSE,
    STOP_PAUSE,
    InstantAction,
    Place,
    Vehicle,
    instant_message,
    order_message,
    order_of,
    state_message,
)
from tests.unit.operations.given import at

VEHICLE = Vehicle("acme", "v1")


class Course:
    """A vehicle and its clock, from eight o'clock on."""

    def __init__(self, **pace: float) -> None:
        self.now = at(8)
        self.driving = Driving(pace=Pace(**{"node_seconds": 10, "action_seconds": 4} | pace))

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.driving.move(self.now)

    def order(self, id: str, *nodes: str, **action: object) -> None:
        named: list[Any] = [*nodes[:-1], {"nodeId": nodes[-1], "actions": [_action(action)]}]
        order = order_of(id, {"nodes": named}, Place())
        self.driving.take_order(_read(order_message(VEHICLE, order, 1, self.now)), self.now)

    def tell(self, type: str, id: str | None = None) -> None:
        actions = [InstantAction(id or type, type)]
        said = _read(instant_message(VEHICLE, actions, 1, self.now))
        self.driving.take_actions(said["actions"], self.now)

    def shows(self) -> dict[str, Any]:
        said = _read(state_message(VEHICLE, self.driving.shows(), 1, self.now))
        default_validator().validate("state", said)
        return said

    def statuses(self) -> dict[str, str]:
        return {one["actionId"]: one["actionStatus"] for one in self.shows()["actionStates"]}


def _action(parameters: dict[str, object]) -> dict[str, Any]:
    return {"actionType": "lift", "actionParameters": parameters}


def _read(data: bytes) -> dict[str, Any]:
    read: dict[str, Any] = msgspec.json.decode(data)
    return read


def left(course: Course) -> list[str]:
    return [node["nodeId"] for node in course.shows()["nodeStates"]]


def test_it_drives_from_node_to_node_and_acts_where_it_is_to() -> None:
    course = Course()
    course.order("a", "home", "b", "c")
    assert left(course) == ["b", "c"]
    course.wait(10)
    assert left(course) == ["c"]
    assert course.shows()["lastNodeId"] == "b"
    course.wait(10)
    assert course.statuses() == {"a.1": "RUNNING"}
    assert not course.shows()["driving"]
    course.wait(4)
    assert course.statuses() == {"a.1": "FINISHED"}
    assert course.driving.next_event() is None


def test_a_pause_keeps_what_is_left_of_the_way() -> None:
    course = Course()
    course.order("a", "home", "b")
    course.wait(6)
    course.tell(START_PAUSE)
    course.wait(1_000)
    assert left(course) == ["b"]
    assert course.shows()["paused"]
    course.tell(STOP_PAUSE)
    course.wait(3.9)
    assert left(course) == ["b"]
    course.wait(0.2)
    assert left(course) == []


def test_a_pause_is_shown_by_what_it_interrupts() -> None:
    course = Course()
    course.order("a", "home", seconds=30)
    course.wait(1)
    course.tell(START_PAUSE)
    assert course.driving.actions["a.1"]["actionStatus"] == "PAUSED"  # The schema forgot it.


def test_a_cancellation_takes_as_long_as_the_brakes() -> None:
    course = Course(brake_seconds=2)
    course.order("a", "home", "b")
    course.wait(1)
    course.tell(CANCEL_ORDER)
    assert course.statuses()[CANCEL_ORDER] == "RUNNING"
    assert left(course) == ["b"]
    course.wait(2)
    assert course.statuses() == {"a.1": "FAILED", CANCEL_ORDER: "FINISHED"}
    assert left(course) == []
    assert course.shows()["orderId"] == "a"


def test_where_nothing_is_to_be_cancelled_it_says_so() -> None:
    course = Course()
    course.tell(CANCEL_ORDER)
    assert course.statuses() == {CANCEL_ORDER: "FAILED"}
    assert course.shows()["errors"][0]["errorType"] == "noOrderToCancel"


def test_the_same_order_twice_is_one() -> None:
    course = Course()
    course.order("a", "home", "b")
    course.wait(12)
    course.order("a", "home", "b")
    course.wait(2)
    assert course.driving.starts == 1
    assert course.statuses() == {"a.1": "FINISHED"}
    course.order("a", "home", "b")
    assert course.driving.starts == 1


@pytest.mark.parametrize("nodes", [("b", "c"), ("home", "b")])
def test_what_it_cannot_do_is_refused_with_the_order_named(nodes: tuple[str, ...]) -> None:
    course = Course()
    if nodes[0] == "home":
        course.order("first", "home", "b")
    course.order("a", *nodes)
    [error] = course.shows()["errors"]
    assert error["errorType"] == "orderError"
    assert error["errorReferences"] == [{"referenceKey": "orderId", "referenceValue": "a"}]
    assert course.driving.order_id != "a"


def test_an_order_that_cannot_be_understood_changes_nothing() -> None:
    course = Course()
    with pytest.raises(ValueError, match="soon"):
        course.order("a", "home", seconds="soon")
    assert course.driving.starts == 0
    assert course.shows()["orderId"] == ""


def test_an_action_may_be_made_to_fail() -> None:
    course = Course()
    course.order("a", "home", seconds=1, fails=True)
    course.wait(1)
    assert course.statuses() == {"a.1": "FAILED"}


def test_an_instant_action_that_is_told_twice_is_done_once() -> None:
    course = Course()
    course.order("a", "home", "b")
    course.tell(START_PAUSE, "p1")
    course.tell(STOP_PAUSE, "p2")
    course.tell(START_PAUSE, "p1")
    assert not course.shows()["paused"]


def test_it_forgets_old_instant_actions() -> None:
    course = Course()
    for number in range(100):
        course.tell("stateRequest", f"s{number}")
    assert len(course.shows()["actionStates"]) == 20


def test_it_wakes_for_what_comes_next() -> None:
    course = Course()
    course.order("a", "home", "b")
    expected: datetime = course.now + timedelta(seconds=10)
    assert course.driving.next_event() == expected
