"""What an operation is called on the outside."""

from pointsman.core.values import replace
from pointsman.operations.model import (
    ACTIVE,
    ENDED,
    OUTCOMES,
    STATES,
    UNCONFIRMED,
    Outcome,
    Phase,
    State,
)
from tests.unit.operations.given import Story


def test_every_phase_has_a_state_and_every_end_an_outcome() -> None:
    assert set(STATES) == set(Phase)
    assert set(STATES.values()) == set(State)
    assert {STATES[phase] for phase in ENDED} == set(OUTCOMES)
    assert len({"NONE", *OUTCOMES.values()}) == len(Outcome)


def test_what_an_executor_has_to_confirm_keeps_its_resource_busy() -> None:
    assert UNCONFIRMED < ACTIVE
    assert not ACTIVE & ENDED


def test_an_operation_knows_its_state_and_what_is_asked_about_it() -> None:
    story = Story()
    lift = story.add("lift")
    assert (lift.state, lift.outcome, lift.asks) == (State.QUEUED, Outcome.NONE, None)
    failed = replace(lift, phase=Phase.QUARANTINED)
    assert (failed.state, failed.outcome) == (State.FAILED, Outcome.FAILURE)
