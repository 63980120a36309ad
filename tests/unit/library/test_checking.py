"""What a check of a plan tells."""

from pathlib import Path

import pytest

from pointsman.config import Site
from pointsman.core.assets import Asset, AssetKind, MinPolicy
from pointsman.library.checking import check_plan
from pointsman.schedules.table import ScheduleError
from tests.unit.schedules.given import at

BAY = Asset("bay-1", AssetKind.EV_CHARGER, rating_kw=11.0, min_kw=1.4, min_policy=MinPolicy.ZERO)
HOME = Site("home", Path("site.toml"), {"bay-1": BAY}, {"ev_1": "bay-1"})
TABLE = {"timestamp": [at(8), at(9), at(10)], "ev_1_kw": [11.0, 1.0, 4.0], "price": [1, 2, 3]}


def test_a_check_counts_what_would_be_clamped() -> None:
    found = check_plan(TABLE, HOME)
    assert (found.clamps, found.assets["bay-1"].clamps) == (1, 1)
    assert (found.start, found.end, found.slots) == (at(8), at(11), 3)


def test_without_an_import_limit_nothing_is_beyond_it() -> None:
    assert check_plan(TABLE, HOME).over_import == ()


def test_slots_that_are_over_are_left_out() -> None:
    whole, rest = check_plan(TABLE, HOME), check_plan(TABLE, HOME, now=at(9, 30))
    assert whole.planned_charge_kwh == 16.0
    assert rest.planned_charge_kwh == 5.0
    assert rest.commands < whole.commands


def test_a_plan_that_is_over_is_refused_if_the_present_matters() -> None:
    with pytest.raises(ScheduleError, match="the plan is over"):
        check_plan(TABLE, HOME, now=at(12))
