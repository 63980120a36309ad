"""What is done next, by what is wanted and what the machine shows."""

from datetime import timedelta
from typing import Any

import pytest

from pointsman.core.values import replace
from pointsman.devices.machines import (
    SILENT,
    Deed,
    Shown,
    Stage,
    is_quiet,
    next_step,
    sign_of_life,
)
from pointsman.operations.intents import Complete, Confirm, Fail, Heartbeat, ReportProgress
from pointsman.operations.model import ACTIVE, Operation, Phase, Progress
from tests.unit.operations.given import at, work

HEARTBEAT = timedelta(seconds=40)


def operation(phase: Phase, **also: Any) -> Operation:  # noqa: ANN401  Any field.
    return Operation("lift", 1, work(), at(8), phase=phase, attempt=2, phase_since=at(8), **also)


def step(phase: Phase, stage: Stage) -> object:
    """The deed, or the kind of intent."""
    taken = next_step(operation(phase), Shown(stage, at(8)))
    return taken if taken is None or isinstance(taken, Deed) else type(taken)


@pytest.mark.parametrize(
    ("phase", "stage", "expected"),
    [
        (Phase.STARTING, Stage.NOTHING, Deed.START),
        (Phase.STARTING, Stage.TOLD, Deed.START),
        (Phase.STARTING, Stage.BUSY, None),
        (Phase.STARTING, Stage.RUNNING, Confirm),
        (Phase.STARTING, Stage.PAUSED, Confirm),
        (Phase.STARTING, Stage.COMPLETED, Complete),
        (Phase.STARTING, Stage.LET_GO, Fail),
        (Phase.RUNNING, Stage.RUNNING, None),
        (Phase.RUNNING, Stage.PAUSED, None),
        (Phase.RUNNING, Stage.LETTING_GO, None),
        (Phase.RUNNING, Stage.LET_GO, Fail),
        (Phase.PAUSING, Stage.RUNNING, Deed.PAUSE),
        (Phase.PAUSING, Stage.PAUSED, Confirm),
        (Phase.PAUSED, Stage.PAUSED, None),
        (Phase.PAUSED, Stage.RUNNING, None),
        (Phase.RESUMING, Stage.PAUSED, Deed.RESUME),
        (Phase.RESUMING, Stage.RUNNING, Confirm),
        (Phase.CANCELLING, Stage.TOLD, Deed.CANCEL),
        (Phase.CANCELLING, Stage.RUNNING, Deed.CANCEL),
        (Phase.CANCELLING, Stage.PAUSED, Deed.CANCEL),
        (Phase.CANCELLING, Stage.LETTING_GO, None),
        (Phase.CANCELLING, Stage.LET_GO, Confirm),
        (Phase.CANCELLING, Stage.NOTHING, Confirm),
        (Phase.CANCELLING, Stage.BUSY, Confirm),
    ],
)
def test_a_step_brings_the_books_and_the_machine_together(
    phase: Phase, stage: Stage, expected: object
) -> None:
    assert step(phase, stage) is expected


@pytest.mark.parametrize("phase", sorted(ACTIVE - {Phase.STARTING}))
@pytest.mark.parametrize("stage", Stage)
def test_what_has_started_is_never_started_again(phase: Phase, stage: Stage) -> None:
    assert step(phase, stage) is not Deed.START


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("phase", sorted(set(Phase) - ACTIVE))
def test_nothing_is_done_about_what_does_not_go_on(phase: Phase, stage: Stage) -> None:
    assert step(phase, stage) is None


@pytest.mark.parametrize("phase", Phase)
def test_nothing_is_done_while_nobody_can_tell(phase: Phase) -> None:
    assert step(phase, Stage.SILENT) is None
    assert sign_of_life(operation(phase), SILENT, HEARTBEAT, at(9)) is None


@pytest.mark.parametrize("phase", sorted(ACTIVE))
def test_what_completed_or_failed_has_done_so_whatever_was_wanted(phase: Phase) -> None:
    assert step(phase, Stage.COMPLETED) is Complete
    assert step(phase, Stage.FAILED) is Fail


@pytest.mark.parametrize("phase", [Phase.RUNNING, Phase.PAUSED, Phase.PAUSING, Phase.RESUMING])
@pytest.mark.parametrize("stage", [Stage.NOTHING, Stage.BUSY, Stage.TOLD])
def test_what_ran_and_is_not_known_any_more_has_failed(phase: Phase, stage: Stage) -> None:
    assert step(phase, stage) is Fail


def test_what_obeys_too_late_is_told_what_counts_now() -> None:
    paused, runs = Shown(Stage.PAUSED, obeyed=Deed.PAUSE), Shown(Stage.RUNNING, obeyed=Deed.RESUME)
    assert next_step(operation(Phase.RUNNING), paused) is Deed.RESUME
    assert next_step(operation(Phase.PAUSED), runs) is Deed.PAUSE
    assert next_step(operation(Phase.RUNNING), runs) is None
    assert next_step(operation(Phase.PAUSED), paused) is None


def test_reports_name_the_attempt_and_the_phase_that_they_are_about() -> None:
    confirm = next_step(operation(Phase.PAUSING), Shown(Stage.PAUSED))
    assert isinstance(confirm, Confirm)
    assert (confirm.attempt, confirm.phase) == (2, Phase.PAUSING)


def test_news_of_the_way_are_told_once() -> None:
    running = operation(Phase.RUNNING)
    shown = Shown(Stage.RUNNING, at(8), 0.5, "at the lift")
    told = sign_of_life(running, shown, None, at(8))
    assert isinstance(told, ReportProgress)
    assert (told.fraction, told.note, told.attempt) == (0.5, "at the lift", 2)
    known = replace(running, progress=Progress(at(8), 0.5, "at the lift"))
    assert sign_of_life(known, shown, None, at(9)) is None


def test_signs_of_life_are_given_in_time_and_only_if_there_was_one() -> None:
    running = operation(Phase.RUNNING, heard_at=at(8))
    heard = Shown(Stage.RUNNING, at(8, 0, 9))
    assert sign_of_life(running, heard, HEARTBEAT, at(8, 0, 9)) is None
    assert isinstance(sign_of_life(running, heard, HEARTBEAT, at(8, 0, 10)), Heartbeat)
    unheard = Shown(Stage.RUNNING, at(8))
    assert sign_of_life(running, unheard, HEARTBEAT, at(8, 0, 30)) is None
    assert sign_of_life(running, heard, None, at(9)) is None


def test_what_was_heard_before_the_clock_was_set_back_is_no_sign_of_life() -> None:
    running, shown = operation(Phase.RUNNING, heard_at=at(8)), Shown(Stage.RUNNING, at(9))
    assert sign_of_life(running, shown, HEARTBEAT, at(8, 0, 30)) is None
    assert is_quiet(shown, HEARTBEAT, at(8, 0, 30)), "so it is asked"
