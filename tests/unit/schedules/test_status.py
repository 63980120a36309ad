"""How a site stands, after stories told by the rules themselves."""

from pointsman.schedules.intents import Submit
from pointsman.schedules.views import status
from tests.unit.schedules.given import BAY, at, hand_made, plan, timeline
from tests.unit.schedules.told import Told


def morning() -> Told:
    told = Told()
    told.opens(at(8), speed=60.0, dry_run=True, pid=77)
    told.imports(plan(), timeline(plan(), {0: 20.0, 2: 10.0}))
    return told


def test_without_facts_there_is_no_status() -> None:
    assert status([]) is None


def test_a_status_names_the_latest_run() -> None:
    told = morning()
    told.opens(at(9), number=2, pid=78)
    found = status(told.facts)
    assert found is not None
    assert found.run is not None
    assert (found.run.number, found.run.pid, found.since, found.at) == (2, 78, at(9), at(9))


def test_a_status_tells_how_far_the_plan_got() -> None:
    told = morning()
    told.says(at(8))
    found = status(told.facts, at(9))
    assert found is not None
    assert found.plan is not None
    assert (found.plan.plan.id, found.plan.slot, found.plan.share) == ("morning", 1, 0.25)
    assert (found.plan.over, found.plan.commands) == (False, {"COMPLETED": 1})
    over = status(told.facts, at(13))
    assert over is not None
    assert over.plan is not None
    assert (over.plan.slot, over.plan.share, over.plan.over) == (4, 1.0, True)
    before = status(told.facts, at(7))
    assert before is not None
    assert before.plan is not None
    assert (before.plan.slot, before.plan.share) == (-1, 0.0)


def test_a_status_shows_each_asset_once() -> None:
    told = morning()
    told.says(at(8))
    told.asks(Submit(hand_made("cmd_2", "bay-2", scheduled_at=at(9))), at(8))
    told.measures(at(8), at(9), 18.0, 18.0, 0.0)
    found = status(told.facts)
    assert found is not None
    bay, other = found.assets
    assert (bay.asset_id, other.asset_id) == (BAY, "bay-2")
    assert (bay.in_force_kw, bay.measured and bay.measured.average_kw) == (20.0, 18.0)
    assert bay.upcoming is not None
    assert bay.upcoming.at == at(10)
    assert (other.in_force_kw, other.last) == (None, None)


def test_a_site_without_a_plan_has_a_status_too() -> None:
    told = Told()
    told.becomes("available", at(8))
    found = status(told.facts)
    assert found is not None
    assert (found.run, found.plan) == (None, None)
    assert [one.asset_id for one in found.assets] == [BAY]


def test_the_plan_that_came_into_force_last_is_the_one_told() -> None:
    told = morning()
    later = plan("later", start=at(9), created_at=at(9))
    told.imports(later, timeline(later, {0: 3.0}))
    found = status(told.facts)
    assert found is not None
    assert found.plan is not None
    assert found.plan.plan.id == "later"
