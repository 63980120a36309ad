"""What an executor confirms is what it was asked for, and nothing else."""

from pointsman.operations.facts import Cancelled, Paused
from pointsman.operations.intents import Cancel, Confirm, Pause
from pointsman.operations.model import Phase
from tests.unit.operations.given import Story


def running() -> Story:
    story = Story(ask=False, confirms=True)
    story.add("lift")
    story.wake()
    story.ask(Confirm("lift"))
    return story


def test_a_confirmation_that_names_its_phase_counts_in_that_phase() -> None:
    story = running()
    story.ask(Pause("lift"))
    [paused] = story.ask(Confirm("lift", phase=Phase.PAUSING))
    assert isinstance(paused, Paused)


def test_a_late_confirmation_of_a_pause_is_not_taken_for_one_of_letting_go() -> None:
    story = running()
    story.ask(Pause("lift"))
    story.ask(Cancel("lift"))
    assert story.ask(Confirm("lift", phase=Phase.PAUSING)) == []
    assert story["lift"].phase is Phase.CANCELLING
    [cancelled] = story.ask(Confirm("lift", phase=Phase.CANCELLING))
    assert isinstance(cancelled, Cancelled)
