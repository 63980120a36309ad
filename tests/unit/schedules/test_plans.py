"""Plans: written, put in force, replaced, ended."""

from typing import Any

import pytest

from pointsman.core.entity import Forgotten, Rejected, Wake
from pointsman.core.values import replace
from pointsman.schedules.desk import in_force_kw
from pointsman.schedules.facts import (
    Added,
    Dispatched,
    Passed,
    PlanActivated,
    PlanEnded,
    Superseded,
    TimelineWritten,
    Unplugged,
)
from pointsman.schedules.intents import Acknowledge, Activate, Dispatch, Submit, Unplug, Write
from pointsman.schedules.lifecycle import decide, due, evolve, initial
from pointsman.schedules.model import Channel, CommandStatus, Context, Mark
from pointsman.schedules.plans import Stale
from pointsman.schedules.plans import carried_out as is_carried_out
from pointsman.schedules.rows import command_of
from tests.unit.schedules.given import (
    BAY,
    ask,
    at,
    carried_out,
    hand_made,
    no,
    plan,
    powers,
    say_yes,
    simple,
    timeline,
    wake,
    yes,
)


def test_nothing_looks_at_a_plan_before_it_is_in_force() -> None:
    site, morning = initial(), plan()
    rows = timeline(morning, {0: 22.0})
    assert [type(f) for f in ask(site, Write((rows,)), at(7))] == [TimelineWritten]
    assert due(site) is None
    ask(site, Activate(morning), at(7))
    assert due(site) == at(8)


def test_a_plan_without_its_rows_cannot_be_put_in_force() -> None:
    with pytest.raises(Rejected, match="has no rows for 'bay-1'"):
        decide(initial(), Activate(plan()), at(7))


def test_importing_twice_is_importing_once() -> None:
    site = simple()
    assert ask(site, Write((timeline(plan(), {0: 22.0, 3: 0.0}),)), at(8)) == []
    assert ask(site, Activate(plan()), at(8)) == []


def test_context_is_kept_and_commands_nothing() -> None:
    site = initial()
    [fact] = ask(site, Write(contexts=(Context("morning", "price_per_kwh", (0.2, None)),)), at(7))
    assert fact.thing == "context~morning~price_per_kwh"
    assert due(site) is None


def test_a_new_plan_replaces_the_old_from_its_first_row_on() -> None:
    site = simple({0: 22.0, 1: 10.0, 3: 0.0})
    noon = plan("noon", start=at(10), activated_at=at(8), created_at=at(8))
    carried_out(timeline(noon, {0: 7.0}), plan=noon, site=site)
    assert say_yes(site, 8) == [22.0]
    assert say_yes(site, 9) == [10.0], "the old one stands until the new one begins"
    assert say_yes(site, 10) == [7.0]
    assert say_yes(site, 12) == [], "its release went with it"
    assert say_yes(site, 14) == [0.0]


def test_pending_tries_of_the_old_plan_end_with_it_in_one_step() -> None:
    site = simple()
    [sent] = wake(site, at(8))
    assert isinstance(sent, Dispatched)
    ask(site, no(sent.command), at(8))
    newer = plan("newer", activated_at=at(8, 0, 1), created_at=at(8, 0, 1))
    ask(site, Write((timeline(newer, {0: 5.0}),)), at(8, 0, 1))
    active, ended = ask(site, Activate(newer), at(8, 0, 1))
    assert isinstance(active, PlanActivated)
    assert isinstance(ended, Superseded)
    assert (ended.command.id, ended.command.progress.superseded_by) == (sent.command.id, "newer")
    assert say_yes(site, 8, 1) == [5.0]


def test_a_try_of_the_old_plan_stays_for_as_long_as_that_speaks() -> None:
    site = simple({0: 22.0, 2: 0.0})
    [sent] = wake(site, at(8))
    assert isinstance(sent, Dispatched)
    ask(site, no(sent.command), at(8))
    later = plan("later", start=at(10), activated_at=at(8, 0, 1), created_at=at(8, 0, 1))
    ask(site, Write((timeline(later, {0: 5.0}),)), at(8, 0, 1))
    assert [type(f) for f in ask(site, Activate(later), at(8, 0, 1))] == [PlanActivated]
    assert say_yes(site, 8, 1) == [22.0]


def test_a_plan_ends_tries_of_its_own_channels_only() -> None:
    site = simple({0: 22.0}, channel=Channel.LIMIT)
    [sent] = wake(site, at(8))
    assert isinstance(sent, Dispatched)
    ask(site, no(sent.command), at(8))
    newer = plan("newer", activated_at=at(8, 0, 1), created_at=at(8, 0, 1))
    ask(site, Write((timeline(newer, {0: 5.0}),)), at(8, 0, 1))
    assert [type(f) for f in ask(site, Activate(newer), at(8, 0, 1))] == [PlanActivated]


def test_what_a_plan_ends_fits_one_append_and_the_rest_ends_when_it_is_due() -> None:
    assets = tuple(f"bay-{n}" for n in range(1000))
    old = plan(assets=assets)
    site = carried_out(*[timeline(old, {0: 1.0}, asset) for asset in assets], plan=old)
    for fact in wake(site, at(8)):
        assert isinstance(fact, Dispatched)
        ask(site, no(fact.command), at(8))
    new = plan("new", assets=assets, activated_at=at(8, 0, 1), created_at=at(8, 0, 1))
    ask(site, Write(tuple(timeline(new, {0: 2.0}, asset) for asset in assets)), at(8, 0, 1))
    assert len(ask(site, Activate(new), at(8, 0, 1))) == 901
    assert set(powers(wake(site, at(8, 1)))) == {2.0}


def test_each_plan_that_comes_into_force_is_numbered() -> None:
    site = simple()
    newer = plan("newer", start=at(20), created_at=at(9))
    carried_out(timeline(newer, {0: 5.0}), plan=newer, site=site)
    assert [p.activation for p in site.plans.values()] == [1, 2]
    evolve(site, PlanEnded(replace(site.plans["morning"], ended=True)))
    assert site.newest == site.plans["newer"], "an old one ended later"


def test_what_was_sent_for_the_old_plan_is_left_to_finish() -> None:
    site = simple()
    [sent] = wake(site, at(8))
    assert isinstance(sent, Dispatched)
    newer = plan("newer", activated_at=at(8, 1), created_at=at(8, 1))
    carried_out(timeline(newer, {0: 5.0}), plan=newer, site=site)
    assert wake(site, at(8, 0, 29)) == [], "the asset is busy"
    ask(site, yes(sent.command), at(8, 0, 29))
    assert say_yes(site, 8, 1) == [5.0]
    assert in_force_kw(site.desk(BAY), Channel.POWER, at(8, 2)) == 5.0


def test_assets_that_the_new_plan_does_not_name_keep_the_old_one() -> None:
    both = plan(assets=("bay-1", "bay-2"))
    old = [timeline(both, {0: 1.0, 1: 2.0}, asset) for asset in both.assets]
    site = carried_out(*old, plan=both)
    say_yes(site, 8)
    newer = plan("newer", activated_at=at(8, 1), created_at=at(8, 1))
    carried_out(timeline(newer, {0: 9.0}), plan=newer, site=site)
    assert say_yes(site, 8, 1) == [9.0]
    assert say_yes(site, 9) == [2.0]


def test_an_unchanged_value_is_said_again_only_when_the_device_would_stop_to_follow_it() -> None:
    site = simple({0: 22.0, 2: 0.0})
    say_yes(site, 8)
    newer = plan("newer", start=at(8), activated_at=at(9), created_at=at(9))
    rows = timeline(newer, {1: 22.0, 3: 0.0}, assumed=22.0, assumed_until=at(10))
    carried_out(rows, plan=newer, site=site)
    assert wake(site, at(9, 59)) == []
    assert say_yes(site, 10) == [22.0]
    assert say_yes(site, 11) == [0.0]


def test_a_plan_told_from_a_value_that_is_no_longer_in_force_is_rejected() -> None:
    site = simple()
    newer = plan("newer", created_at=at(9))
    ask(site, Write((timeline(newer, {0: 22.0}, assumed=22.0),)), at(9))
    with pytest.raises(Rejected, match=r"follows None kW by now, not 22\.0"):
        decide(site, Activate(newer, in_force={BAY: 22.0}), at(9))
    say_yes(site, 8)
    assert decide(site, Activate(newer, in_force={BAY: 22.0}), at(9))


@pytest.mark.parametrize(
    ("in_force", "newer"),
    [({"rev": 4}, {"rev": 3}), ({"created_at": at(8)}, {"created_at": at(7)})],
)
def test_an_older_plan_than_the_one_in_force_is_refused(
    in_force: dict[str, Any], newer: dict[str, Any]
) -> None:
    first = plan(**in_force)
    site = carried_out(timeline(first, {0: 1.0}), plan=first)
    second = plan("second", **newer)
    ask(site, Write((timeline(second, {0: 2.0}),)), at(8))
    with pytest.raises(Stale, match="'second'"):
        decide(site, Activate(second), at(8))


def test_a_plan_that_was_replaced_does_not_come_back_under_its_name() -> None:
    site = simple()
    newer = plan("newer", created_at=at(9))
    carried_out(timeline(newer, {0: 5.0}), plan=newer, site=site)
    with pytest.raises(Rejected, match="was in force before: give it another plan_id"):
        decide(site, Activate(plan()), at(9))


def test_a_plan_is_over_a_slot_after_its_end_and_expired_if_nothing_newer_came() -> None:
    site = simple()
    say_yes(site, 12)
    [over] = [f for f in wake(site, at(13)) if isinstance(f, PlanEnded)]
    assert over.plan.expired
    assert due(site) is None


def test_a_plan_with_a_successor_ends_without_an_alarm() -> None:
    site = simple()
    newer = plan("newer", start=at(9), created_at=at(9), activated_at=at(9))
    carried_out(timeline(newer, {0: 5.0}), plan=newer, site=site)
    [over] = [f for f in wake(site, at(13)) if isinstance(f, PlanEnded)]
    assert (over.plan.id, over.plan.expired) == ("morning", False)


def test_end_hold_releases_a_slot_after_the_end() -> None:
    site = simple({0: 22.0}, release_offset_seconds=3600.0)
    say_yes(site, 8)
    assert site.desk(BAY).lanes[Channel.POWER].last is not None
    assert in_force_kw(site.desk(BAY), Channel.POWER, at(12, 59)) == 22.0
    assert say_yes(site, 13) == [0.0]


def test_rows_that_passed_while_a_newer_plan_already_stands_are_put_away() -> None:
    """Else they would be due for ever."""
    site = simple({0: 22.0, 1: 11.0})
    later = plan("later", start=at(10), activated_at=at(8), created_at=at(8))
    carried_out(timeline(later, {0: 11.0, 1: 5.0}, assumed=11.0), plan=later, site=site)
    assert due(site) == at(8)
    facts = wake(site, at(10, 30))
    assert [type(f) for f in facts] == [Passed]
    assert due(site) == at(11)


def test_the_rest_of_a_vehicle_that_left_is_cancelled_and_its_setpoint_ends() -> None:
    rows = {0: 22.0, 1: 11.0, 2: 7.0, 3: 9.0}
    site = simple(rows, vehicles={0: "a", 2: "b"})
    say_yes(site, 8)
    cut, release = ask(site, Unplug(BAY), at(8, 30))
    assert isinstance(cut, Unplugged)
    assert isinstance(release, Added)
    assert cut.rows == ((1, 2),)
    assert say_yes(site, 8, 30) == [0.0]
    assert say_yes(site, 9) == [], "cancelled"
    assert say_yes(site, 10) == [7.0], "the next vehicle's"


def test_a_try_of_an_old_plan_does_not_come_back_after_a_newer_one_was_sent() -> None:
    site = simple({0: 22.0})
    [release] = wake(site, at(12))
    assert isinstance(release, Dispatched)
    newer = plan("newer", start=at(13), created_at=at(12), activated_at=at(12))
    carried_out(timeline(newer, {0: 5.0}), plan=newer, site=site)
    ask(site, no(release.command, doubtful=True), at(12, 59, 59))
    assert say_yes(site, 13) == [5.0]
    [ended] = wake(site, at(13, 0, 5))
    assert isinstance(ended, Superseded), "else it would undo what is in force"


def test_nothing_is_cancelled_where_no_vehicle_is_planned_now() -> None:
    site = simple({0: 22.0, 1: 0.0, 3: 5.0}, vehicles={0: "a", 3: "b"}, marks={1: Mark.AWAY})
    say_yes(site, 9)
    assert ask(site, Unplug(BAY), at(9)) == []
    assert ask(simple({0: 22.0}), Unplug(BAY), at(9)) == [], "it names no vehicles"


def test_a_row_that_fails_for_lack_of_time_does_not_hold_up_the_next() -> None:
    site = simple({0: 22.0, 1: 11.0})
    [first] = wake(site, at(8, 59, 45))
    assert isinstance(first, Dispatched)
    assert wake(site, at(9)) == [], "one at a time"
    assert powers(wake(site, at(9, 0, 15))) == [11.0]


def test_an_import_of_many_assets_is_one_fact_at_the_moment_it_counts() -> None:
    assets = tuple(f"bay-{n}" for n in range(1500))
    big = plan(assets=assets)
    site = initial()
    for n in range(0, 1500, 500):
        ask(site, Write(tuple(timeline(big, {0: 1.0}, a) for a in assets[n : n + 500])), at(7))
    assert len(ask(site, Activate(big), at(7))) == 1
    assert len(decide(site, Wake(), at(8))) == 500, "and then a bounded number at a time"
    assert len(powers(wake(site, at(8)))) == 1500


def test_hand_made_commands_live_beside_a_plan() -> None:
    site = simple({0: 22.0})
    ask(site, Submit(hand_made(scheduled_at=at(9), expires_at=at(10))), at(8))
    assert say_yes(site, 8) == [22.0]
    assert say_yes(site, 9) == [5.0]


def test_waking_a_site_that_knows_nothing_does_nothing() -> None:
    site = initial()
    assert decide(site, Wake(), at(8)) == []
    assert evolve(site, PlanEnded(replace(plan(assets=()), ended=True))).agenda.first() is None


def test_a_row_that_was_over_stays_so_whatever_is_read_first_after_a_restart() -> None:
    site = simple({0: 22.0, 3: 0.0})
    row = command_of(plan(), timeline(plan(), {0: 22.0, 3: 0.0}), 0)
    [expired] = ask(site, Dispatch(row), at(11))
    again = evolve(initial(), expired)
    carried_out(timeline(plan(), {0: 22.0, 3: 0.0}), plan=plan(), site=again)
    assert again.desk(BAY).said == site.desk(BAY).said == {("morning", Channel.POWER): 0}


def test_a_vehicle_that_left_ends_its_setpoint_though_no_row_is_left_to_cancel() -> None:
    """Else the next one that is plugged in would charge at it, unplanned."""
    site = simple({0: 22.0, 3: 0.0}, vehicles={0: "a"}, marks={1: Mark.AWAY})
    assert say_yes(site, 8) == [22.0]
    assert [type(f) for f in ask(site, Unplug(BAY), at(8, 30))] == [Added]
    assert ask(site, Unplug(BAY), at(8, 30)) == [], "twice is once"
    assert say_yes(site, 8, 30) == [0.0]
    assert say_yes(site, 11) == [0.0], "the plan's own end of it"


def test_nothing_is_tried_again_for_a_vehicle_that_left() -> None:
    site = simple({0: 22.0, 3: 0.0}, vehicles={0: "a"}, marks={1: Mark.AWAY})
    [sent] = wake(site, at(8))
    assert isinstance(sent, Dispatched)
    ask(site, no(sent.command), at(8))
    ask(site, Unplug(BAY), at(8, 0, 1))
    assert say_yes(site, 8, 1) == [0.0]
    assert site.commands[sent.command.id].progress.status is CommandStatus.SUPERSEDED


def test_a_vehicle_that_left_before_it_was_told_anything_leaves_a_zero() -> None:
    site = simple({0: 22.0, 1: 11.0}, vehicles={0: "a"})
    cut, zero = ask(site, Unplug(BAY), at(8))
    assert isinstance(cut, Unplugged)
    assert isinstance(zero, Added)
    assert cut.rows == ((0, 2),)
    assert zero.command.expires_at == at(12)
    assert say_yes(site, 8) == [0.0], "what the charger did before, nobody knows"
    assert say_yes(site, 9) == []


def test_a_vehicle_that_was_at_zero_leaves_nothing_to_say() -> None:
    site = simple({0: 22.0, 1: 0.0, 2: 11.0}, vehicles={0: "a"})
    say_yes(site, 8)
    say_yes(site, 9)
    assert [type(f) for f in ask(site, Unplug(BAY), at(9, 30))] == [Unplugged]


def test_nobody_leaves_where_nothing_is_planned() -> None:
    assert ask(initial(), Unplug(BAY), at(8)) == []
    assert ask(simple(), Unplug(BAY), at(7)) == [], "the plan has not begun"


def test_rows_that_an_import_left_when_it_was_cut_short_do_not_come_into_force() -> None:
    site, morning = initial(), plan()
    rows = [timeline(morning, {0: 22.0}, asset) for asset in (BAY, "not-named")]
    ask(site, Write(tuple(rows)), at(7))
    forgotten, active = ask(site, Activate(morning), at(7))
    assert isinstance(forgotten, Forgotten)
    assert forgotten.thing == "slots~morning~not-named~power"
    assert isinstance(active, PlanActivated)
    assert set(site.desks) == {BAY}
    assert say_yes(site, 8) == [22.0]


def test_too_many_rows_that_were_left_over_are_refused_by_name() -> None:
    site, morning = initial(), plan()
    ask(site, Write(tuple(timeline(morning, {0: 1.0}, f"bay-{n}") for n in range(92))), at(7))
    with pytest.raises(Rejected, match="'morning' has rows of 91 assets that it does not name"):
        decide(site, Activate(morning), at(7))


def test_a_plan_is_carried_out_once_its_last_release_was_answered() -> None:
    both = plan(assets=("bay-1", "bay-2"))
    site = carried_out(*[timeline(both, {0: 5.0}, a) for a in both.assets], plan=both)
    assert not is_carried_out(site, "morning"), "rows are left"
    say_yes(site, 8)
    releases = [f.command for f in wake(site, at(12)) if isinstance(f, Dispatched)]
    for command in releases:
        assert not is_carried_out(site, "morning"), "a release is under way"
        ask(site, yes(command), at(12))
    assert is_carried_out(site, "morning")
    assert not is_carried_out(site, "evening"), "nobody knows it"


def test_a_plan_with_a_try_or_a_promise_left_is_not_carried_out() -> None:
    site = simple({0: 22.0})
    [release] = wake(site, at(12))
    assert isinstance(release, Dispatched)
    ask(site, no(release.command), at(12))
    assert not is_carried_out(site, "morning"), "it will be tried again"
    [again] = wake(site, at(12, 1))
    assert isinstance(again, Dispatched)
    ask(site, Acknowledge(again.command.id, 2, patient=True), at(12, 1))
    assert not is_carried_out(site, "morning"), "the device has not done it yet"
    ask(site, yes(again.command), at(12, 2))
    assert is_carried_out(site, "morning")


def test_commands_made_by_hand_hold_up_the_end_of_no_plan() -> None:
    site = simple({0: 22.0})
    say_yes(site, 12)
    ask(site, Submit(hand_made(scheduled_at=at(20))), at(12))
    assert is_carried_out(site, "morning")


def test_a_greater_rev_is_newer_whenever_it_was_created() -> None:
    first = plan(rev=3, created_at=at(8))
    site = carried_out(timeline(first, {0: 1.0}), plan=first)
    second = plan("second", rev=4, created_at=at(7))
    ask(site, Write((timeline(second, {0: 2.0}),)), at(8))
    assert isinstance(decide(site, Activate(second), at(8))[0], PlanActivated)


def test_a_plan_goes_on_though_the_clock_was_set_back() -> None:
    site = simple({0: 22.0, 1: 11.0})
    assert say_yes(site, 9) == [11.0]
    assert say_yes(site, 8, 30) == [], "what was said is not said again"
    assert say_yes(site, 9, 30) == []
    newer = plan("newer", created_at=at(9), activated_at=at(8))
    carried_out(timeline(newer, {0: 5.0}), plan=newer, site=site)
    assert site.plans["newer"].activated_at == at(8), "the first came into force at 8, too"


def test_days_after_its_end_only_the_release_of_a_plan_is_left_to_say() -> None:
    site = simple({0: 22.0, 1: 11.0})
    say_yes(site, 8)
    assert say_yes(site, 24 * 5) == [0.0]
    assert due(site) is None
