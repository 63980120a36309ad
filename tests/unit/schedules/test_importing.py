"""An import in steps: what it relies on, and in what order it is written."""

from pointsman.core.values import replace
from pointsman.schedules.importing import ROWS_AT_ONCE, in_force_at, steps, to_release
from pointsman.schedules.intents import Activate, Write
from pointsman.schedules.lifecycle import initial
from pointsman.schedules.model import Channel, Context
from tests.unit.schedules.given import BAY, ask, at, plan, say_yes, simple, timeline


def test_rows_and_context_come_in_portions_and_the_one_fact_that_counts_last() -> None:
    assets = tuple(f"bay-{n}" for n in range(ROWS_AT_ONCE + 1))
    big = plan(assets=assets)
    rows = [timeline(big, {0: 1.0}, asset) for asset in assets]
    context = [Context(big.id, "price_per_kwh", (0.1,))]
    *writes, last = steps(big, rows, context, initial(), {})
    assert [(len(w.timelines), len(w.contexts)) for w in writes if isinstance(w, Write)] == [
        (ROWS_AT_ONCE, 0),
        (1, 0),
        (0, 1),
    ]
    assert last == Activate(big)


def test_what_assets_are_known_to_follow_is_what_was_answered_and_is_not_over() -> None:
    site = simple({0: 22.0, 3: 0.0})
    assert in_force_at(site, at(8)) == {}
    say_yes(site, 8)
    assert in_force_at(site, at(10)) == {BAY: 22.0}
    assert in_force_at(site, at(11)) == {}, "its time is over"


def test_a_plan_relies_on_what_is_in_force_for_as_long_as_the_device_was_told() -> None:
    site = simple({0: 22.0, 3: 0.0})
    say_yes(site, 8)
    newer = plan("newer", created_at=at(9))
    rows = timeline(newer, {1: 22.0, 3: 5.0}, assumed=22.0)
    write, activate = steps(newer, [rows], [], site, {BAY: 22.0})
    assert write == Write((replace(rows, assumed_until=at(11)),))
    assert activate == Activate(newer, {BAY: 22.0})


def test_what_a_user_says_is_so_is_relied_on_without_end() -> None:
    newer = plan("newer", created_at=at(9))
    rows = timeline(newer, {1: 22.0}, assumed=22.0)
    write, activate = steps(newer, [rows], [], initial(), {})
    assert write == Write((rows,))
    assert activate == Activate(newer)


def test_a_plan_that_says_another_value_relies_on_nothing() -> None:
    site = simple({0: 22.0, 3: 0.0})
    say_yes(site, 8)
    newer = plan("newer", created_at=at(9))
    rows = timeline(newer, {1: 5.0})
    limit = timeline(newer, {1: 22.0}, channel=Channel.LIMIT, assumed=22.0)
    write, activate = steps(newer, [rows, limit], [], site, {BAY: 22.0})
    assert write == Write((rows, limit)), "a limit is no power"
    assert activate == Activate(newer)


def test_a_plan_for_the_whole_site_releases_what_an_older_one_holds_and_it_does_not_name() -> None:
    site = simple()
    ask(site, Write((timeline(plan("other"), {0: 1.0}, "staged-only"),)), at(8))
    assert to_release(site, ()) == (BAY,)
    assert to_release(site, (BAY,)) == ()
