"""What a vehicle is told, and when it is told again, by what it shows."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from pointsman.devices import DeviceFailed
from pointsman.devices.machines import Deed, Stage
from pointsman.devices.vda5050.broker import Broker
from pointsman.devices.vda5050.machine import VehicleMachine
from pointsman.devices.vda5050.messages import InstantAction, Order, Vehicle
from pointsman.devices.vda5050.reports import read_state
from pointsman.devices.vda5050.session import Session
from pointsman.operations.model import Operation, Phase
from tests.unit.operations.given import at, work


class Watch:
    """A clock that is set by hand."""

    speed = 1.0

    def __init__(self) -> None:
        self.time = at(8)

    def now(self) -> datetime:
        return self.time

    def held(self) -> AbstractContextManager[None]:
        return nullcontext()

    def stop_at(self, instant: datetime | None) -> None:
        assert instant is None

    def wall_seconds_since(self, instant: datetime) -> float:
        return (self.time - instant).total_seconds()


class Heard(Session):
    """Writes down what would be sent."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(Vehicle("acme", "v1"), Broker(), watch)
        self.sent: list[str] = []

    async def send_order(self, order: Order) -> None:
        self.sent.append(order.id)

    async def send_actions(self, actions: Sequence[InstantAction]) -> None:
        self.sent += [action.type for action in actions]


class Bench:
    """A machine, and a vehicle that shows what a test says that it shows."""

    def __init__(self) -> None:
        self.watch = Watch()
        self.session = Heard(self.watch)
        self.machine = VehicleMachine(self.session, self.watch)

    def shows(self, **state: Any) -> None:  # noqa: ANN401  Any field of a state.
        given = {"orderId": "", "lastNodeId": "home", **state}
        self.session._take_state(read_state(msgspec.json.encode(given)))  # noqa: SLF001

    def wait(self, seconds: float) -> None:
        self.watch.time += timedelta(seconds=seconds)

    def do(self, deed: Deed, phase: Phase) -> list[str]:
        """What is sent."""
        self.session.sent.clear()
        asyncio.run(self.machine.do(lift(phase), deed))
        return list(self.session.sent)

    def stage(self, phase: Phase) -> Stage:
        return self.machine.shows(lift(phase)).stage


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.shows()
    return bench


def lift(phase: Phase, payload: dict[str, Any] | None = None) -> Operation:
    told = work(payload={"goto": "ramp"} if payload is None else payload)
    return Operation("lift", 1, told, at(8), phase=phase, attempt=1, phase_since=at(8))


def taken(id: str, status: str = "FINISHED") -> dict[str, str]:
    return {"actionId": id, "actionType": "startPause", "actionStatus": status}


AHEAD = [{"nodeId": "ramp", "sequenceId": 2}]


def test_an_order_is_sent_again_only_if_a_newer_state_does_not_show_it(bench: Bench) -> None:
    assert bench.do(Deed.START, Phase.STARTING) == ["lift"]
    assert bench.stage(Phase.STARTING) is Stage.TOLD
    assert bench.do(Deed.START, Phase.STARTING) == []
    bench.wait(10)
    assert bench.do(Deed.START, Phase.STARTING) == ["stateRequest"]
    bench.shows()
    assert bench.do(Deed.START, Phase.STARTING) == ["lift"]


def test_what_was_sent_and_is_not_shown_yet_is_cancelled_and_not_taken_for_nothing(
    bench: Bench,
) -> None:
    bench.do(Deed.START, Phase.STARTING)
    assert bench.stage(Phase.CANCELLING) is Stage.TOLD
    assert bench.do(Deed.CANCEL, Phase.CANCELLING) == ["cancelOrder"]


@pytest.mark.parametrize(
    ("deed", "phase", "type"),
    [
        (Deed.PAUSE, Phase.PAUSING, "startPause"),
        (Deed.RESUME, Phase.RESUMING, "stopPause"),
        (Deed.CANCEL, Phase.CANCELLING, "cancelOrder"),
    ],
)
def test_an_instant_action_that_the_vehicle_shows_is_never_sent_again(
    bench: Bench, deed: Deed, phase: Phase, type: str
) -> None:
    bench.shows(orderId="lift", nodeStates=AHEAD)
    assert bench.do(deed, phase) == [type]
    id = next(id for id in bench.machine._sent if type in id)  # noqa: SLF001
    taken = {"actionId": id, "actionType": type, "actionStatus": "RUNNING"}
    for machine in (bench.machine, VehicleMachine(bench.session, bench.watch)):
        bench.machine = machine
        bench.wait(60)
        bench.shows(orderId="lift", nodeStates=AHEAD, actionStates=[taken])
        assert bench.do(deed, phase) == []


def test_an_instant_action_that_was_lost_is_sent_again(bench: Bench) -> None:
    bench.shows(orderId="lift", nodeStates=AHEAD)
    bench.do(Deed.PAUSE, Phase.PAUSING)
    bench.wait(60)
    bench.shows(orderId="lift", nodeStates=AHEAD)
    assert bench.do(Deed.PAUSE, Phase.PAUSING) == ["startPause"]


def test_what_a_vehicle_paused_itself_is_not_ours_to_resume(bench: Bench) -> None:
    bench.shows(paused=True)
    assert bench.do(Deed.START, Phase.STARTING) == ["lift"]


def test_a_pause_of_an_earlier_operation_ends_before_the_next_order(bench: Bench) -> None:
    bench.shows(paused=True, actionStates=[taken("old.startPause.20260101T070000000000")])
    assert bench.do(Deed.START, Phase.STARTING) == ["stopPause", "lift"]


def test_a_pause_by_hand_after_ours_is_not_ours(bench: Bench) -> None:
    ours = ["old.stopPause.20260101T070001000000", "old.startPause.20260101T070000000000"]
    bench.shows(paused=True, actionStates=[taken(id) for id in ours])
    assert bench.do(Deed.START, Phase.STARTING) == ["lift"]


def test_what_it_obeyed_is_what_was_asked_for_last(bench: Bench) -> None:
    ours = ["lift.startPause.20260101T070000000000", "lift.stopPause.20260101T070001000000"]
    states = [taken(id) for id in ours]
    bench.shows(orderId="lift", nodeStates=AHEAD, paused=True, actionStates=states[:1])
    assert bench.machine.shows(lift(Phase.RUNNING)).obeyed is Deed.PAUSE
    bench.shows(orderId="lift", nodeStates=AHEAD, actionStates=states)
    assert bench.machine.shows(lift(Phase.PAUSED)).obeyed is Deed.RESUME
    bench.shows(orderId="lift", nodeStates=AHEAD, actionStates=[taken("x"), taken("")])
    assert bench.machine.shows(lift(Phase.PAUSED)).obeyed is None


def test_a_vehicle_that_does_not_say_whether_it_is_paused_is_as_it_was_told(bench: Bench) -> None:
    def stage(*states: dict[str, str]) -> Stage:
        bench.shows(orderId="lift", nodeStates=AHEAD, actionStates=states)
        return bench.stage(Phase.RUNNING)

    pause, resume = "lift.startPause.20260101T070000000000", "lift.stopPause.20260101T070001000000"
    assert stage(taken(pause, "RUNNING")) is Stage.RUNNING
    assert stage(taken(pause, "FAILED")) is Stage.RUNNING
    assert stage(taken(pause)) is Stage.PAUSED
    assert stage(taken(pause), taken(resume, "RUNNING")) is Stage.PAUSED
    assert stage(taken(pause), taken(resume)) is Stage.RUNNING


def test_a_payload_of_which_no_order_can_be_made_is_refused_for_good(bench: Bench) -> None:
    with pytest.raises(DeviceFailed) as refused:
        asyncio.run(bench.machine.do(lift(Phase.STARTING, {}), Deed.START))
    assert refused.value.permanent
    assert bench.session.sent == []


def test_a_quiet_vehicle_is_asked_how_it_is_and_not_at_each_look(bench: Bench) -> None:
    bench.session.sent.clear()
    asyncio.run(bench.machine.ask())
    asyncio.run(bench.machine.ask())
    assert bench.session.sent == ["stateRequest"]
    bench.wait(1)
    asyncio.run(bench.machine.ask())
    assert bench.session.sent == ["stateRequest"] * 2


def test_a_vehicle_that_is_not_heard_is_told_nothing() -> None:
    bench = Bench()
    assert bench.stage(Phase.STARTING) is Stage.SILENT
    assert bench.do(Deed.START, Phase.STARTING) == []


def test_what_broke_is_told_once_it_was_let_go_or_does_not_let_go(bench: Bench) -> None:
    slipped = {"actionId": "lift.1", "actionType": "hook", "actionStatus": "FAILED"}
    stuck = {"errorType": "stuck", "errorLevel": "FATAL"}
    bench.do(Deed.START, Phase.STARTING)
    bench.shows(orderId="lift", nodeStates=AHEAD, actionStates=[slipped], errors=[stuck])
    assert bench.stage(Phase.RUNNING) is Stage.BROKEN
    assert bench.do(Deed.CANCEL, Phase.RUNNING) == ["cancelOrder"]
    bench.wait(9)
    assert bench.stage(Phase.RUNNING) is Stage.BROKEN
    bench.wait(1)
    failed = bench.machine.shows(lift(Phase.RUNNING))
    assert (failed.stage, failed.error_code) == (Stage.FAILED, "stuck")
    let_go = {"actionId": "lift.cancelOrder", "actionType": "x", "actionStatus": "FINISHED"}
    bench.shows(orderId="lift", actionStates=[slipped, let_go])
    freed = bench.machine.shows(lift(Phase.RUNNING))
    assert (freed.stage, freed.error_code) == (Stage.FAILED, "stuck")


def test_an_error_that_is_over_is_forgotten(bench: Bench) -> None:
    bench.do(Deed.START, Phase.STARTING)
    stuck = {"errorType": "stuck", "errorLevel": "FATAL"}
    bench.shows(orderId="lift", nodeStates=AHEAD, errors=[stuck])
    assert bench.stage(Phase.RUNNING) is Stage.BROKEN
    bench.shows(orderId="lift", nodeStates=AHEAD)
    assert bench.stage(Phase.RUNNING) is Stage.RUNNING
    bench.shows(orderId="lift")
    assert bench.machine.shows(lift(Phase.RUNNING)).error_code == ""


def test_errors_that_were_there_before_the_order_do_not_break_it(bench: Bench) -> None:
    stuck = {"errorType": "stuck", "errorLevel": "FATAL"}
    bench.shows(errors=[stuck])
    bench.do(Deed.START, Phase.STARTING)
    bench.shows(orderId="lift", nodeStates=AHEAD, errors=[stuck])
    assert bench.stage(Phase.RUNNING) is Stage.RUNNING
