"""What there is to say to one asset: whose rows are in force, and what a copy shares of it."""

from copy import copy
from itertools import permutations
from typing import Any

import pytest

from pointsman.core.entity import fold
from pointsman.core.values import replace
from pointsman.schedules import SCHEDULES
from pointsman.schedules.desk import FOREVER, Desk
from pointsman.schedules.facts import Fact, PlanActivated, TimelineWritten
from tests.unit.schedules.given import BAY, at, plan, timeline


def facts(*hours: int, activated_hour: int) -> list[Fact]:
    """Of plans that begin at these hours, the oldest first; the last one came into force then."""
    told: list[Fact] = []
    for number, hour in enumerate(hours, start=1):
        made = plan(f"from-{hour}", start=at(hour), activated_at=at(activated_hour))
        told.append(TimelineWritten(timeline(made, {0: float(hour)})))
        told.append(PlanActivated(replace(made, activation=number)))
    return told


def in_force(told: list[Fact]) -> list[tuple[str, object]]:
    desk = fold(SCHEDULES.entity, told).look(BAY)
    return [(segment.plan.id, segment.until) for segment in desk.segments]


def test_an_older_plan_speaks_until_the_first_row_of_a_newer_one() -> None:
    for told in permutations(facts(8, 10, activated_hour=7)):
        assert in_force(list(told)) == [("from-8", at(10)), ("from-10", FOREVER)]


def test_an_older_plan_that_a_newer_one_covers_is_over() -> None:
    for told in permutations(facts(10, 8, activated_hour=7)):
        assert in_force(list(told)) == [("from-8", FOREVER)]


def test_an_older_plan_is_over_once_the_first_row_of_a_newer_one_was() -> None:
    for told in permutations(facts(8, 9, activated_hour=10)):
        assert in_force(list(told)) == [("from-9", FOREVER)]


@pytest.mark.parametrize("name", ["lanes", "promised", "said", "cut"])
def test_a_copied_desk_keeps_its_things_to_itself(name: str) -> None:
    desk = Desk()
    things: dict[object, Any] = getattr(copy(desk), name)
    things["anything"] = None
    assert desk.bare
