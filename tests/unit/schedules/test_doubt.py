"""Where nobody knows how a try ended, and where two plans meet."""

from pointsman.core.entity import Wake
from pointsman.schedules.facts import Dispatched, Superseded, TimedOut
from pointsman.schedules.intents import Dispatch, Submit
from pointsman.schedules.lifecycle import decide
from pointsman.schedules.model import Policy
from pointsman.schedules.rows import command_of
from tests.unit.schedules.given import (
    ask,
    at,
    carried_out,
    hand_made,
    kinds,
    no,
    only,
    plan,
    sent,
    simple,
    timeline,
)


def test_a_doubt_stays_until_somebody_has_read_back() -> None:
    """A refusal of the second try tells nothing of what became of the first."""
    site = simple()
    sent(site, at(8))
    ask(site, Wake(), at(8, 0, 30))
    second = sent(site, at(8, 1))
    again = only(ask(site, no(second, error="busy"), at(8, 1)))
    assert again.progress.doubtful


def test_what_timed_out_stays_in_doubt_so_that_somebody_looks() -> None:
    site = simple({3: 1.0})
    ask(site, Submit(hand_made(policy=Policy(max_retries=0))), at(8))
    sent(site, at(8))
    [fact] = ask(site, Wake(), at(8, 0, 30))
    assert isinstance(fact, TimedOut)
    assert fact.command.progress.doubtful


def test_a_row_of_an_old_plan_is_not_dispatched_by_hand_once_a_newer_one_speaks() -> None:
    site = simple()
    row = command_of(plan(), timeline(plan(), {0: 22.0, 3: 0.0}), 0)
    newer = plan("newer", start=at(9), activated_at=at(8), created_at=at(8))
    carried_out(timeline(newer, {0: 5.0}), plan=newer, site=site)
    assert kinds(decide(site, Dispatch(row), at(8, 59))) == [Dispatched]
    assert kinds(decide(site, Dispatch(row), at(9))) == [Superseded]
