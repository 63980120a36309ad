"""What a vehicle's state means for an order."""

from typing import Any

import msgspec
import pytest

from pointsman.devices.machines import Shown, Stage
from pointsman.devices.vda5050.messages import Place, order_of
from pointsman.devices.vda5050.reports import (
    State,
    Unreadable,
    read_connection,
    read_state,
    shown_of,
)
from tests.unit.operations.given import at

PAYLOAD = {"goto": "ramp", "actions": [{"actionType": "lift"}, {"actionType": "drop"}]}
ORDER = order_of("op", PAYLOAD, Place("home"))
CANCEL = "op.cancelOrder"
AHEAD = [{"nodeId": "ramp", "sequenceId": 2, "released": True}]


def action(id: str, status: str, type: str = "lift", **also: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"actionId": id, "actionType": type, "actionStatus": status, **also}


LIFTED, DROPPED = action("op.1", "FINISHED"), action("op.2", "FINISHED", "drop")
WAITING = [action("op.1", "WAITING"), action("op.2", "WAITING", "drop")]
THERE: dict[str, Any] = {"lastNodeId": "ramp", "lastNodeSequenceId": 2}


def error(kind: str, level: str = "WARNING", **about: str) -> dict[str, Any]:
    references = [{"referenceKey": k, "referenceValue": v} for k, v in about.items()]
    return {"errorType": kind, "errorLevel": level, "errorReferences": references}


def shown(*, older: bool = False, **state: Any) -> Shown:  # noqa: ANN401  Any field of a state.
    given = {"orderId": "op", "lastNodeId": "home", **state}
    read = read_state(msgspec.json.encode(given))
    return shown_of(read, ORDER, CANCEL, at(8), read.errors if older else ())


def under_way(**also: Any) -> Shown:  # noqa: ANN401
    return shown(nodeStates=AHEAD, actionStates=WAITING, **also)


def test_what_is_under_way_runs() -> None:
    assert under_way().stage is Stage.RUNNING
    assert under_way(paused=True).stage is Stage.PAUSED


def test_it_is_as_far_as_the_part_of_nodes_and_actions_behind_it() -> None:
    assert under_way().fraction == 0.25
    assert shown(**THERE, actionStates=[LIFTED, WAITING[1]]).fraction == 0.75


def test_it_is_complete_when_all_was_passed_and_done() -> None:
    assert shown(**THERE, actionStates=[LIFTED, DROPPED]).stage is Stage.COMPLETED
    assert shown(**THERE, actionStates=[LIFTED]).stage is not Stage.COMPLETED


def test_what_its_actions_brought_is_the_result() -> None:
    read = action("op.1", "FINISHED", resultDescription="pallet 7")
    assert shown(**THERE, actionStates=[read, DROPPED]).result == {"op.1": "pallet 7"}
    assert shown(**THERE, actionStates=[LIFTED, DROPPED]).result is None


def test_a_way_that_was_cleared_is_not_one_that_was_driven() -> None:
    cleared = shown(actionStates=[LIFTED, DROPPED])
    assert cleared.stage is Stage.LET_GO
    assert "gave its order up" in cleared.error


def test_an_order_that_it_does_not_have_is_nothing_to_it() -> None:
    assert shown(orderId="").stage is Stage.NOTHING
    assert shown(orderId="old", actionStates=[LIFTED]).stage is Stage.NOTHING
    assert shown(orderId="old", nodeStates=AHEAD).stage is Stage.BUSY
    assert shown(orderId="old", actionStates=[action("x", "RUNNING")]).stage is Stage.BUSY
    asking = action("s", "RUNNING", "stateRequest")
    assert shown(orderId="old", actionStates=[asking]).stage is Stage.NOTHING


def test_an_order_that_it_refuses_has_failed_with_its_words() -> None:
    refusal = error("orderError", orderId="op") | {"errorDescription": "no way there"}
    refused = shown(orderId="", errors=[refusal])
    assert refused.stage is Stage.FAILED
    assert refused.error_code == "orderError"
    assert "no way there" in refused.error
    assert shown(orderId="", errors=[error("orderError", orderId="old")]).stage is Stage.NOTHING


@pytest.mark.parametrize("status", ["WAITING", "INITIALIZING", "RUNNING", "PAUSED"])
def test_a_cancellation_that_goes_on_is_waited_for(status: str) -> None:
    asked = [*WAITING, action(CANCEL, status, "cancelOrder")]
    assert shown(nodeStates=AHEAD, actionStates=asked).stage is Stage.LETTING_GO


def test_a_cancellation_that_is_over_has_let_go_unless_the_order_goes_on() -> None:
    failed = [action("op.1", "FAILED"), action(CANCEL, "FINISHED", "cancelOrder")]
    assert shown(actionStates=failed).stage is Stage.LET_GO
    none = [action(CANCEL, "FAILED", "cancelOrder")]
    assert shown(orderId="", actionStates=none).stage is Stage.LET_GO
    refused = [*WAITING, *none]
    assert shown(nodeStates=AHEAD, actionStates=refused).stage is Stage.LETTING_GO


def test_what_was_complete_before_it_could_be_cancelled_is_complete() -> None:
    late = [LIFTED, DROPPED, action(CANCEL, "FAILED", "cancelOrder")]
    assert shown(**THERE, actionStates=late).stage is Stage.COMPLETED


def test_an_action_that_failed_breaks_the_order() -> None:
    slipped = action("op.1", "FAILED", resultDescription="it slipped")
    broken = shown(**THERE, actionStates=[slipped, WAITING[1]])
    assert (broken.stage, broken.error_code) == (Stage.BROKEN, "actionError")
    assert broken.error == "action lift failed: it slipped"
    over = [slipped, action("op.2", "FAILED", "drop")]
    assert shown(**THERE, actionStates=over).stage is Stage.FAILED


@pytest.mark.parametrize(
    ("about", "stage"),
    [
        ({}, Stage.BROKEN),
        ({"orderId": "op"}, Stage.BROKEN),
        ({"actionId": "op.2"}, Stage.BROKEN),
        ({"nodeId": "ramp"}, Stage.BROKEN),
        ({"orderId": "old"}, Stage.RUNNING),
        ({"actionId": "old.1"}, Stage.RUNNING),
        ({"nodeId": "home"}, Stage.RUNNING),
    ],
)
def test_a_fatal_error_breaks_the_order_that_it_is_about(
    about: dict[str, str], stage: Stage
) -> None:
    assert under_way(errors=[error("stuck", "FATAL", **about)]).stage is stage
    assert under_way(errors=[error("slow", **about)]).stage is Stage.RUNNING


def test_a_fatal_error_that_was_there_before_the_order_is_not_its() -> None:
    assert under_way(errors=[error("stuck", "FATAL")], older=True).stage is Stage.RUNNING


def test_people_are_told_where_it_is_and_what_is_odd() -> None:
    odd = under_way(
        operatingMode="MANUAL",
        safetyState={"eStop": "REMOTE", "fieldViolation": True},
        errors=[error("lowBattery")],
    )
    assert odd.note == (
        "at home; in mode MANUAL; emergency stop REMOTE; protective field violated; lowBattery"
    )
    assert len(under_way(errors=[error("x" * 5_000)]).note) == 500


def test_where_it_is_counts_only_if_it_knows() -> None:
    position = {"x": 1, "y": 2, "theta": 0, "mapId": "m", "positionInitialized": True}
    known = read_state(
        msgspec.json.encode({"orderId": "", "lastNodeId": "a", "agvPosition": position})
    )
    assert known.place == Place("a", {"x": 1.0, "y": 2.0, "mapId": "m"})
    lost = position | {"positionInitialized": False}
    unknown = read_state(
        msgspec.json.encode({"orderId": "", "lastNodeId": "a", "agvPosition": lost})
    )
    assert unknown.place == Place("a")


@pytest.mark.parametrize(
    "data", [b"", b"{", b"{}", b"[]", b'{"orderId": 7}', b"\xff", b'{"x":' + b"[" * 100_000]
)
def test_what_is_no_state_is_unreadable_and_harmless(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read_state(data)
    with pytest.raises(Unreadable):
        read_connection(data)


def test_a_state_is_late_if_it_has_a_smaller_count_and_an_earlier_time() -> None:
    def said(count: int, time: str) -> State:
        state = {"orderId": "", "headerId": count, "timestamp": time}
        return read_state(msgspec.json.encode(state))

    newest = said(5, "2026-01-01T08:00:00.5Z")
    assert said(4, "2026-01-01T08:00:00Z").is_before(newest)
    assert not said(5, "2026-01-01T08:00:00Z").is_before(newest)
    assert not said(1, "2026-01-01T08:00:09Z").is_before(newest), "it was started anew"
    assert not said(4, "never").is_before(newest)
    assert not said(4, "2026-01-01T08:00:00").is_before(newest)


def test_a_connection_is_read() -> None:
    assert read_connection(b'{"connectionState": "ONLINE", "more": 1}') == "ONLINE"
