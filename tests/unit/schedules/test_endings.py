"""How commands end unsent, are replaced or cancelled; and what a restart makes of them."""

from dataclasses import replace

import pytest

from pointsman.core.entity import Rejected
from pointsman.schedules.facts import (
    Cancelled,
    Dispatched,
    Expired,
    Opened,
    Requeued,
    Superseded,
)
from pointsman.schedules.intents import (
    Cancel,
    Dispatch,
    Open,
    Submit,
    Sweep,
)
from pointsman.schedules.lifecycle import decide
from pointsman.schedules.model import (
    Mark,
    Run,
)
from pointsman.schedules.rows import command_of
from pointsman.schedules.site import Site
from tests.unit.schedules.given import (
    BAY,
    ask,
    at,
    hand_made,
    no,
    plan,
    simple,
    timeline,
    wake,
)
from tests.unit.schedules.test_lifecycle import kinds, sent


def test_after_an_outage_only_the_present_row_is_sent() -> None:
    site = simple({0: 22.0, 1: 11.0, 2: 5.0, 3: 0.0})
    facts = wake(site, at(10, 30))
    assert [f.command.power_kw for f in facts if isinstance(f, Dispatched)] == [5.0]
    assert len(facts) == 1, "rows that were over before they were said have no facts"


def test_a_try_that_failed_ends_when_the_next_row_is_due() -> None:
    site = simple({0: 22.0, 1: 11.0, 3: 0.0})
    ask(site, no(sent(site, at(8, 59, 59)), error="busy"), at(8, 59, 59))
    assert kinds(wake(site, at(9))) == [Expired, Dispatched]


def test_of_several_hand_made_setpoints_that_are_due_the_newest_is_sent() -> None:
    site = simple({3: 1.0})
    for n in (1, 2, 3):
        ask(site, Submit(hand_made(f"cmd_{n}", scheduled_at=at(8, n))), at(8))
    facts = wake(site, at(8, 5))
    ends = {f.command.id: f.command.progress for f in facts if isinstance(f, Superseded)}
    assert {id: p.superseded_by for id, p in ends.items()} == {"cmd_1": "cmd_3", "cmd_2": "cmd_3"}
    assert sent_ids(facts) == ["cmd_3"]


def sent_ids(facts: object) -> list[str]:
    assert isinstance(facts, list)
    return [fact.command.id for fact in facts if isinstance(fact, Dispatched)]


def test_sweeping_ends_what_is_over_and_sends_nothing() -> None:
    site = simple({3: 1.0})
    ask(site, Submit(hand_made(expires_at=at(8, 30))), at(8))
    assert kinds(ask(site, Sweep(), at(8, 30))) == [Expired]
    assert ask(site, Sweep(), at(11, 30)) == []


def test_a_command_whose_time_is_over_is_never_dispatched_by_hand_either() -> None:
    site = simple()
    row = command_of(plan(), timeline(plan(), {0: 22.0, 3: 0.0}), 0)
    assert kinds(ask(site, Dispatch(row), at(11))) == [Expired]
    with pytest.raises(Rejected, match="is EXPIRED: only a pending"):
        decide(site, Dispatch(row), at(11))


def test_a_second_command_to_a_busy_asset_must_wait() -> None:
    site = simple()
    first = sent(site, at(8))
    with pytest.raises(Rejected, match=f"must wait: {first.id} to bay-1 is DISPATCHED"):
        decide(site, Dispatch(hand_made()), at(8))


def test_a_pending_command_can_be_cancelled_and_a_sent_one_cannot() -> None:
    site = simple()
    ask(site, Submit(hand_made(scheduled_at=at(9))), at(8))
    assert kinds(ask(site, Cancel("cmd_by_hand", "changed my mind"), at(8))) == [Cancelled]
    assert ask(site, Cancel("cmd_by_hand"), at(8)) == []
    with pytest.raises(Rejected, match="is DISPATCHED: only a pending"):
        decide(site, Cancel(sent(site, at(9)).id), at(9))


def test_a_command_that_would_be_over_before_it_is_due_is_rejected() -> None:
    with pytest.raises(Rejected, match="over before it is due"):
        decide(simple(), Submit(hand_made(expires_at=at(8))), at(7))


# restarts


def test_what_an_earlier_run_sent_is_in_doubt_at_once_and_is_not_sent_blindly() -> None:
    site = simple()
    command = sent(site, at(8))
    assert kinds(ask(site, Open(Run(1, 1.0, dry_run=False, started_at=at(8))), at(8, 0, 1))) == [
        Opened
    ]
    facts = wake(site, at(8, 0, 1))
    assert kinds(facts) == [Requeued, Dispatched]
    again = facts[-1].command  # type: ignore[union-attr]
    assert (again.id, again.progress.attempt, again.progress.doubtful) == (command.id, 2, True)


def test_a_run_follows_another() -> None:
    site = simple()
    second = Run(2, 1.0, dry_run=False, started_at=at(8))
    ask(site, Open(second), at(8))
    assert ask(site, Open(second), at(8)) == []
    with pytest.raises(Rejected, match="run 1 does not follow run 2"):
        decide(site, Open(replace(second, number=1)), at(8))


def test_ids_are_lengthened_where_two_commands_would_share_one() -> None:
    morning = plan()
    row = command_of(morning, timeline(morning, {0: 1.0}), 0)
    longer = command_of(morning, timeline(morning, {0: 1.0}), 0, taken={row.id})
    assert longer.id.startswith(row.id)
    assert len(longer.id) == len(row.id) + 1


def test_a_rounded_value_says_so_and_what_was_asked_for() -> None:
    site = simple({0: 1.0}, marks={0: Mark.MINIMUM}, requested={0: 0.4})
    assert (sent(site, at(8)).reason, sent_kw(site)) == ("minimum", 0.4)


def sent_kw(site: Site) -> float | None:
    flying = site.desk(BAY).in_flight
    return flying.requested_kw if flying else None
