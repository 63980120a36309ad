"""The drawing in `lifecycle`, arrow by arrow, and what is no arrow."""

import pytest

from pointsman.core.entity import Rejected, Wake
from pointsman.core.values import replace
from pointsman.schedules.desk import in_force_kw
from pointsman.schedules.facts import (
    Acknowledged,
    Added,
    Cancelled,
    Completed,
    Dispatched,
    Expired,
    Measured,
    Opened,
    Requeued,
    StateChanged,
    Superseded,
)
from pointsman.schedules.intents import (
    Acknowledge,
    Cancel,
    Dispatch,
    Measure,
    Open,
    ReportState,
    Submit,
    Sweep,
)
from pointsman.schedules.lifecycle import decide, due, initial
from pointsman.schedules.model import (
    AssetState,
    Channel,
    CommandStatus,
    CommandType,
    Measurement,
    Run,
)
from pointsman.schedules.rows import command_of
from tests.unit.schedules.given import (
    BAY,
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
    wake,
    yes,
)

# pending -> dispatched


def test_a_row_is_sent_when_it_is_due_and_not_before() -> None:
    site = simple()
    assert decide(site, Wake(), at(7, 59, 59)) == []
    command = sent(site, at(8))
    assert (command.type, command.power_kw, command.scheduled_at) == (
        CommandType.SET_CHARGE_RATE,
        22.0,
        at(8),
    )
    assert command.expires_at == at(11), "the next command's time"
    assert command.progress.attempt == 1


def test_a_hand_made_command_is_sent_when_it_is_due() -> None:
    site = simple({3: 1.0})
    ask(site, Submit(hand_made(scheduled_at=at(9))), at(8))
    assert due(site) == at(9)
    assert sent(site, at(9)).id == "cmd_by_hand"


def test_one_command_at_a_time_is_sent_to_an_asset() -> None:
    site = simple()
    first = sent(site, at(8))
    ask(site, Submit(hand_made(type=CommandType.START_CHARGING, power_kw=None)), at(8))
    assert wake(site, at(8)) == []
    ask(site, yes(first), at(8))
    assert sent(site, at(8)).type is CommandType.START_CHARGING


def test_less_power_is_sent_before_more_so_that_a_shared_limit_holds() -> None:
    morning = plan(assets=("bay-1", "bay-2", "bay-3"))
    rows = {"bay-1": {0: 5.0, 1: 9.0}, "bay-2": {0: 5.0, 1: 2.0}, "bay-3": {0: -5.0, 1: -8.0}}
    site = carried_out(*[timeline(morning, r, a) for a, r in rows.items()], plan=morning)
    for fact in wake(site, at(8)):
        assert isinstance(fact, Dispatched)
        ask(site, yes(fact.command), at(8))
    order = [f.command.asset_id for f in wake(site, at(9)) if isinstance(f, Dispatched)]
    assert order == ["bay-2", "bay-3", "bay-1"]


def test_equals_go_as_the_table_has_them() -> None:
    morning = plan(assets=("zebra", "apple"))
    rows = [timeline(morning, {0: 5.0}, asset) for asset in morning.assets]
    site = carried_out(*rows, plan=morning)
    sends = [f.command.asset_id for f in wake(site, at(8)) if isinstance(f, Dispatched)]
    assert sends == ["zebra", "apple"]


def test_the_urgent_goes_first() -> None:
    site = simple({3: 1.0})
    for n, priority in enumerate((1, 5, 3)):
        command = hand_made(f"cmd_{n}", f"asset-{n}", priority=priority)
        ask(site, Submit(command), at(8))
    assert [f.command.priority for f in ask(site, Wake(), at(8))] == [5, 3, 1]  # type: ignore[union-attr]


# its end, well


def test_a_yes_completes_and_is_in_force_until_its_time_is_over() -> None:
    site = simple()
    command = sent(site, at(8))
    done = only(ask(site, yes(command, applied_kw=21.9), at(8, 0, 1)))
    assert done.progress.status is CommandStatus.COMPLETED
    assert done.progress.applied_kw == 21.9
    assert in_force_kw(site.desk(BAY), Channel.POWER, at(10, 59)) == 22.0
    assert in_force_kw(site.desk(BAY), Channel.POWER, at(11)) is None


def test_an_acknowledgement_is_not_the_end() -> None:
    site = simple()
    command = sent(site, at(8))
    assert kinds(ask(site, Acknowledge(command.id, 1), at(8))) == [Acknowledged]
    assert ask(site, Acknowledge(command.id, 1), at(8)) == []
    assert due(site) == at(8, 0, 30), "silence still ends it"
    assert kinds(ask(site, yes(command), at(8))) == [Completed]


def test_the_last_row_releases_the_asset_and_never_expires() -> None:
    site = simple({0: 22.0})
    release = sent(site, at(20))
    assert (release.scheduled_at, release.expires_at, release.release) == (at(12), None, True)
    assert release.parameters == {"release": True}


# its end, badly


def test_after_an_outage_only_the_present_row_is_sent() -> None:
    site = simple({0: 22.0, 1: 11.0, 2: 5.0, 3: 0.0})
    facts = wake(site, at(10, 30))
    assert [f.command.power_kw for f in facts if isinstance(f, Dispatched)] == [5.0]
    assert len(facts) == 1, "rows that were over before they were said have no facts"


def test_a_try_that_failed_ends_when_the_next_row_is_due() -> None:
    site = simple({0: 22.0, 1: 11.0, 3: 0.0})
    ask(site, no(sent(site, at(8, 59, 59)), error="busy"), at(8, 59, 59))
    assert kinds(wake(site, at(9))) == [Expired, Dispatched]


# over, replaced, cancelled


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


def test_a_row_of_a_plan_cannot_be_queued_by_hand() -> None:
    row = command_of(plan(), timeline(plan(), {0: 22.0}), 0)
    with pytest.raises(Rejected, match="is a row of morning: import the plan"):
        decide(initial(), Submit(row), at(7))


def test_adding_twice_is_adding_once() -> None:
    site = simple()
    assert kinds(ask(site, Submit(hand_made()), at(7))) == [Added]
    assert ask(site, Submit(hand_made()), at(7)) == []


def test_a_row_is_not_dispatched_by_hand_after_a_later_one() -> None:
    site = simple({0: 22.0, 1: 11.0, 3: 0.0})
    rows = timeline(plan(), {0: 22.0, 1: 11.0, 3: 0.0})
    later, earlier = (command_of(plan(), rows, row) for row in (1, 0))
    [ahead] = ask(site, Dispatch(later), at(8))
    assert isinstance(ahead, Dispatched)
    ask(site, yes(ahead.command), at(8))
    assert kinds(ask(site, Dispatch(earlier), at(8, 30))) == [Superseded]


def test_a_row_of_a_plan_that_is_not_in_force_is_not_dispatched_by_hand() -> None:
    row = command_of(plan(), timeline(plan(), {0: 22.0}), 0)
    with pytest.raises(Rejected, match="is a row of morning, which is not in force"):
        decide(initial(), Dispatch(row), at(8))


def test_what_a_meter_or_a_machine_says_twice_is_one_fact() -> None:
    site = initial()
    said = Measurement(BAY, at(8), at(8, 1), 5.0, 4.0, 6.0, 0.1, 0.0)
    state = AssetState(BAY, "charging")
    assert kinds(ask(site, Measure(said), at(8))) == [Measured]
    assert ask(site, Measure(said), at(8)) == []
    assert kinds(ask(site, ReportState(state), at(8))) == [StateChanged]
    assert ask(site, ReportState(state), at(8)) == []


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


def test_a_row_of_an_old_plan_is_not_dispatched_by_hand_once_a_newer_one_speaks() -> None:
    site = simple()
    row = command_of(plan(), timeline(plan(), {0: 22.0, 3: 0.0}), 0)
    newer = plan("newer", start=at(9), activated_at=at(8), created_at=at(8))
    carried_out(timeline(newer, {0: 5.0}), plan=newer, site=site)
    assert kinds(decide(site, Dispatch(row), at(8, 59))) == [Dispatched]
    assert kinds(decide(site, Dispatch(row), at(9))) == [Superseded]
