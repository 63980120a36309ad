"""What a site forgets, and what it never does."""

import pytest

from pointsman.core.entity import Rejected
from pointsman.schedules.intents import Activate, Cancel, Submit, Tidy, Unplug, Write
from pointsman.schedules.lifecycle import decide, due, evolve, initial
from pointsman.schedules.model import Channel, Context
from tests.unit.schedules.given import (
    BAY,
    ask,
    at,
    carried_out,
    hand_made,
    plan,
    powers,
    say_yes,
    simple,
    timeline,
    wake,
)


def test_what_never_came_into_force_is_forgotten() -> None:
    site = initial()
    context = Context("morning", "price_per_kwh", (0.2,))
    ask(site, Write((timeline(plan(), {0: 22.0}),), (context,)), at(7))
    forgotten = ask(site, Tidy(at(7)), at(7))
    assert sorted(f.thing for f in forgotten) == [
        "context~morning~price_per_kwh",
        "slots~morning~bay-1~power",
    ]
    assert site == initial()


def test_of_a_plan_in_force_only_commands_that_tell_nothing_more_are_forgotten() -> None:
    site = simple({0: 22.0, 1: 11.0, 2: 0.0})
    for hour in (8, 9):
        say_yes(site, hour)
    first, last = sorted(site.commands.values(), key=lambda c: c.scheduled_at)
    assert [f.thing for f in ask(site, Tidy(at(20)), at(9))] == [first.id]
    assert last.id in site.commands
    assert ask(site, Tidy(at(20)), at(9)) == []
    assert say_yes(site, 10) == [0.0]


def test_an_ended_plan_is_forgotten_once_a_newer_one_is_there() -> None:
    site = simple({0: 22.0})
    say_yes(site, 8)
    say_yes(site, 13)
    newer = plan("newer", start=at(14), created_at=at(14), activated_at=at(14))
    carried_out(timeline(newer, {0: 5.0}), plan=newer, site=site)
    assert say_yes(site, 14) == [5.0]
    while ask(site, Tidy(at(15)), at(15)):
        pass
    assert set(site.plans) == {"newer"}
    assert [c.plan_id for c in site.commands.values()] == ["newer"]
    assert site.things == {"newer": {("slots", BAY, "power")}}
    assert site.desk(BAY).said == {("newer", Channel.POWER): 0}, "else it grows with each plan"


def test_a_site_that_forgot_a_command_is_the_site_that_never_knew_it() -> None:
    site, twin = initial(), initial()
    for id in ("cmd_1", "cmd_2"):
        ask(site, Submit(hand_made(id)), at(7))
    ended = [ask(site, Cancel(id), at(7))[0] for id in ("cmd_1", "cmd_2")]
    evolve(twin, ended[1])
    assert [f.thing for f in ask(site, Tidy(at(9)), at(9))] == ["cmd_1"]
    assert site == twin, "an asset whose commands are over is no asset to look at"
    assert not site.desks


def test_forgetting_one_command_forgets_no_other_of_its_asset() -> None:
    site = initial()
    for id, hour in (("cmd_over", 8), ("cmd_waits", 12)):
        ask(site, Submit(hand_made(id, scheduled_at=at(hour))), at(7))
    ask(site, Cancel("cmd_over"), at(7))
    assert [f.thing for f in ask(site, Tidy(at(9)), at(9))] == ["cmd_over"]
    assert due(site) == at(12)
    assert powers(wake(site, at(12))) == [5.0]


def test_a_site_that_is_tidied_stays_as_small_however_many_plans_come() -> None:
    site = initial()

    def sizes() -> list[int]:
        desk = site.look(BAY)
        plans = [len(site.plans), len(site.places), len(site.things), len(site.staged)]
        return [*plans, len(site.commands), len(desk.said), len(desk.cut), len(site.agenda)]

    after: list[list[int]] = []
    for hour in range(8, 48):
        id = f"plan-{hour}"
        rolling = plan(id, start=at(hour), created_at=at(hour), activated_at=at(hour))
        rows = timeline(rolling, {0: 1.0 + hour % 3, 1: 7.0, 2: 9.0}, vehicles={0: "a", 2: "b"})
        carried_out(rows, plan=rolling, site=site)
        say_yes(site, hour)
        ask(site, Unplug(BAY), at(hour, 30))
        say_yes(site, hour, 30)
        while ask(site, Tidy(at(hour - 5)), at(hour, 45)):
            pass
        after.append(sizes())
    assert after[-1] == after[20], "it grew"
    assert len(site.plans) < 12


def test_what_an_import_under_way_has_written_is_taken_by_tidying() -> None:
    """So whoever tidies does it between imports; an import that it hit is told so."""
    site = initial()
    ask(site, Write((timeline(plan(), {0: 22.0}),)), at(7))
    ask(site, Tidy(at(6)), at(7))
    with pytest.raises(Rejected, match="has no rows for 'bay-1': write them first"):
        decide(site, Activate(plan()), at(7))
