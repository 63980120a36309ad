"""What is said to a vehicle: orders of payloads, as the standard's own schemas have them."""

from datetime import timedelta, timezone
from typing import Any

import msgspec
import pytest
from vda5050.validation import default_validator

from pointsman.devices.vda5050.messages import (
    CANCEL_ORDER,
    STATE_REQUEST,
    InstantAction,
    Order,
    PayloadError,
    Place,
    Vehicle,
    connection_message,
    instant_message,
    order_id_of,
    order_message,
    order_of,
)
from tests.unit.operations.given import at

VEHICLE = Vehicle("acme", "v1")
HOME = Place("home", {"x": 1.0, "y": 2.0, "mapId": "hall"})
NOWHERE = Place(position={"x": 1.0, "y": 2.0, "mapId": "hall"})
"""It has not been at a node yet."""
LIFT: dict[str, Any] = {"actionType": "lift"}


def message(order: Order) -> dict[str, Any]:
    """The order as it goes over the wire, which the standard's schema allows."""
    said: dict[str, Any] = msgspec.json.decode(order_message(VEHICLE, order, 7, at(12)))
    default_validator().validate("order", said)
    return said


def ids(order: Order) -> list[str]:
    return [node["nodeId"] for node in order.nodes]


def test_topics_name_the_interface_the_major_version_and_the_vehicle() -> None:
    assert VEHICLE.topic("order") == "uagv/v2/acme/v1/order"


def test_the_first_attempt_has_the_id_of_the_operation_and_later_ones_their_own() -> None:
    assert [order_id_of("lift", n) for n in (1, 2, 3)] == ["lift", "lift.2", "lift.3"]


def test_goto_is_a_way_from_where_it_is() -> None:
    order = order_of("op", {"goto": "ramp", "actions": [LIFT]}, HOME)
    said = message(order)
    assert ids(order) == ["home", "ramp"]
    assert [node["sequenceId"] for node in said["nodes"]] == [0, 2]
    [edge] = said["edges"]
    assert (edge["startNodeId"], edge["endNodeId"], edge["sequenceId"]) == ("home", "ramp", 1)
    assert said["nodes"][0]["nodePosition"]["mapId"] == "hall"
    assert said["nodes"][1]["actions"] == [
        {
            "actionId": "op.1",
            "actionType": "lift",
            "blockingType": "HARD",
            "actionParameters": [],
        }
    ]


@pytest.mark.parametrize(
    ("payload", "place", "nodes"),
    [
        ({"goto": "home"}, HOME, ["home"]),
        ({"goto": "ramp"}, Place(), ["ramp"]),
        ({"goto": "ramp"}, NOWHERE, ["op.start", "ramp"]),
        ({"actions": [LIFT]}, NOWHERE, ["op.start"]),
        ({"actions": [LIFT]}, HOME, ["home"]),
        ({"nodes": ["a", "b", "c"]}, HOME, ["a", "b", "c"]),
        ({"nodes": [{"nodeId": "a"}], "edges": []}, HOME, ["a"]),
    ],
)
def test_ways_are_as_short_as_they_can_be(
    payload: dict[str, Any], place: Place, nodes: list[str]
) -> None:
    order = order_of("op", payload, place)
    assert ids(order) == nodes
    message(order)


@pytest.mark.parametrize("payload", [{"goto": "ramp"}, {"nodes": ["home", "ramp"]}])
def test_a_way_begins_at_a_place_that_the_vehicle_is_at(payload: dict[str, Any]) -> None:
    first = message(order_of("op", payload, HOME))["nodes"][0]
    assert first["nodePosition"] == {**HOME.position, "allowedDeviationXY": 0.5}
    there = {"x": 5, "y": 5, "mapId": "hall"}
    said = {"nodes": [{"nodeId": "home", "nodePosition": there}, "ramp"]}
    assert message(order_of("op", said, HOME))["nodes"][0]["nodePosition"] == there
    elsewhere = message(order_of("op", {"nodes": ["far", "ramp"]}, HOME))
    assert "nodePosition" not in elsewhere["nodes"][0]


def test_nodes_and_edges_are_taken_as_they_are_said() -> None:
    drop = {"actionType": "drop", "actionId": "d", "actionParameters": [{"key": "k", "value": 1}]}
    payload = {
        "nodes": ["a", {"nodeId": "b", "nodePosition": {"x": 0, "y": 1, "mapId": "m"}}],
        "edges": [{"edgeId": "e", "maxSpeed": 0.5, "actions": [{**drop, "blockingType": "NONE"}]}],
        "zoneSetId": "z",
    }
    said = message(order_of("op", payload, HOME))
    assert said["edges"][0]["maxSpeed"] == 0.5
    assert said["edges"][0]["edgeId"] == "e"
    assert said["edges"][0]["actions"][0]["blockingType"] == "NONE"
    assert said["edges"][0]["actions"][0]["actionId"] == "d"
    assert said["zoneSetId"] == "z"


def test_parameters_may_be_an_object() -> None:
    lift = {**LIFT, "actionParameters": {"height": 0.4, "side": "left"}}
    [action] = message(order_of("op", {"actions": [lift]}, HOME))["nodes"][0]["actions"]
    assert action["actionParameters"] == [
        {"key": "height", "value": 0.4},
        {"key": "side", "value": "left"},
    ]


def test_actions_are_counted_through_the_order() -> None:
    payload = {
        "nodes": [{"nodeId": "a", "actions": [LIFT, LIFT]}, {"nodeId": "b", "actions": [LIFT]}]
    }
    order = order_of("op", payload, HOME)
    assert order.action_ids == {"op.1", "op.2", "op.3"}
    assert order.steps == 5


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        ({}, "none of nodes, goto and actions"),
        ({"goto": 5}, "goto = 5"),
        ({"goto": ""}, "goto = ''"),
        ({"goto": "a", "nodes": ["b"]}, "say one of both"),
        ({"nodes": []}, "0 nodes"),
        ({"nodes": "a"}, "a list would do"),
        ({"nodes": [{"id": "a"}]}, "no nodeId"),
        ({"nodes": [7]}, "no nodeId"),
        ({"nodes": ["a", "b"], "edges": []}, "2 nodes and 0 edges"),
        ({"nodes": ["a", "b"], "edges": ["e"]}, "not a JSON object"),
        ({"nodes": [{"nodeId": "a", "released": False}]}, "nobody would release it"),
        ({"actions": "lift"}, "actions = 'lift'"),
        ({"actions": [{"type": "lift"}]}, "no actionType"),
        ({"actions": [{**LIFT, "blockingType": "hard"}]}, "NONE, SOFT, HARD"),
        ({"actions": [{**LIFT, "actionId": 3}]}, "a text would do"),
        ({"actions": [{**LIFT, "actionId": "x"}, {**LIFT, "actionId": "x"}]}, "one actionId"),
        ({"actions": [{"actionType": ""}]}, "makes no order: .*actions.0..actionType"),
        ({"actions": [{**LIFT, "actionParameters": 5}]}, "got `int` - at .*actionParameters"),
        ({"actions": [{**LIFT, "actionParameters": [{"value": 1}]}]}, "field `key`"),
        ({"nodes": [""]}, "nodes.0..nodeId"),
        ({"nodes": [{"nodeId": "a", "sequenceId": "0"}]}, "nodes.0..sequenceId"),
        ({"nodes": [{"nodeId": "a", "nodePosition": {"x": 1, "y": 2}}]}, "field `mapId`"),
        ({"nodes": ["a", "b"], "edges": [{"edgeId": 7}]}, "edges.0..edgeId"),
        ({"nodes": ["a", "b"], "edges": [{"endNodeId": "c"}]}, "from 'a' to 'c', between"),
        ({"nodes": ["a", {"nodeId": "b", "sequenceId": 0}]}, "rising ones would do"),
        ({"goto": "a", "zoneSetId": 7}, "zoneSetId"),
    ],
)
def test_what_is_no_order_is_refused_in_a_line(payload: dict[str, Any], complaint: str) -> None:
    with pytest.raises(PayloadError, match=complaint) as refused:
        order_of("op", payload, HOME)
    assert "\n" not in str(refused.value)


def test_actions_alone_need_a_vehicle_that_says_where_it_is() -> None:
    with pytest.raises(PayloadError, match="add goto, or nodes"):
        order_of("op", {"actions": [LIFT]}, Place())


def test_instants_go_out_in_utc_with_a_count_and_the_name_of_the_vehicle() -> None:
    abroad = at(12).astimezone(timezone(timedelta(hours=2)))
    actions = [InstantAction("op.cancelOrder", CANCEL_ORDER), InstantAction("s", STATE_REQUEST)]
    said = msgspec.json.decode(instant_message(VEHICLE, actions, 9, abroad))
    default_validator().validate("instantActions", said)
    assert said["timestamp"] == "2026-01-01T12:00:00.000Z"
    assert said["headerId"] == 9
    assert (said["manufacturer"], said["serialNumber"]) == ("acme", "v1")
    assert [action["blockingType"] for action in said["actions"]] == ["HARD", "NONE"]


def test_what_a_vehicle_says_of_its_connection_is_as_the_standard_has_it() -> None:
    said = msgspec.json.decode(connection_message(VEHICLE, "CONNECTIONBROKEN", 1, at(12)))
    default_validator().validate("connection", said)
