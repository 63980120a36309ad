"""The runs of a dispatch: when they are, however old it is."""

from datetime import timedelta
from itertools import islice
from typing import Any

import pytest

from pointsman.dispatches.model import Dispatch, Frequency, Rule
from pointsman.dispatches.recurrence import FOREVER
from pointsman.dispatches.runs import (
    Overlap,
    Run,
    next_edge,
    next_start,
    run_at,
    runs_between,
)
from tests.unit.dispatches.given import MICROGRID, at, data

HOURLY = Rule(Frequency.HOURLY)


def dispatch(**also: Any) -> Dispatch:  # noqa: ANN401  Any field.
    return Dispatch(64, MICROGRID, data(**also), at(7), at(7))


def test_a_run_goes_on_from_its_start_and_before_its_end() -> None:
    once = dispatch()
    assert run_at(once, at(7, 59)) is None
    assert run_at(once, at(8)) == run_at(once, at(8, 14, 59.9)) == Run(at(8), at(8, 15))
    assert run_at(once, at(8, 15)) is None


def test_what_has_no_duration_goes_on_for_ever_and_what_has_none_to_speak_of_never() -> None:
    assert run_at(dispatch(duration_seconds=None), at(999)) == Run(at(8), None)
    assert run_at(dispatch(duration_seconds=0), at(8)) is None
    assert [*runs_between(dispatch(duration_seconds=0), at(8), at(9))] == [Run(at(8), at(8))]


def test_what_is_inactive_has_no_runs() -> None:
    off = dispatch(active=False, recurrence=HOURLY)
    assert run_at(off, at(8)) is None
    assert next_start(off, at(7)) is None
    assert next_edge(off, at(7)) is None
    assert [*runs_between(off, at(7), at(20))] == []


def test_a_start_that_does_not_meet_the_rule_is_no_run() -> None:
    odd = dispatch(recurrence=Rule(Frequency.DAILY, hours=(20,)))
    assert next_start(odd, at(0)) == at(20)
    assert run_at(odd, at(8)) is None


@pytest.mark.parametrize(
    ("minute", "edge"),
    [(0, at(8)), (480, at(8, 15)), (495, at(9)), (600, at(10, 15)), (615, None)],
)
def test_the_next_edge_is_a_start_or_an_end(minute: int, edge: object) -> None:
    assert next_edge(dispatch(recurrence=Rule(Frequency.HOURLY, count=3)), at(0, minute)) == edge


def test_the_next_start_is_one_that_is_now_and_a_start_that_is_past_is_none() -> None:
    assert next_start(dispatch(), at(8)) == at(8)
    assert next_start(dispatch(), at(8, 0, 1)) is None


def test_of_runs_that_overlap_the_later_one_counts() -> None:
    long = dispatch(recurrence=HOURLY, duration_seconds=5_400)
    assert run_at(long, at(9, 10)) == Run(at(9), at(10, 30))


def test_runs_between_two_instants_begin_with_the_first_that_is_not_before() -> None:
    hourly = dispatch(recurrence=HOURLY)
    assert [run.start for run in runs_between(hourly, at(9), at(11))] == [at(9), at(10)]
    assert [run.start for run in runs_between(hourly, at(8, 1), at(10))] == [at(9)]


def test_runs_that_merge_are_one_up_to_the_last_end() -> None:
    back_to_back = dispatch(recurrence=Rule(Frequency.HOURLY, count=3), duration_seconds=3_600)
    [run] = runs_between(back_to_back, at(0), at(24), Overlap.MERGE)
    assert run == Run(at(8), at(11))
    apart = dispatch(recurrence=Rule(Frequency.HOURLY, count=3))
    assert [*runs_between(apart, at(0), at(24), Overlap.MERGE)] == [
        *runs_between(apart, at(0), at(24))
    ]
    endless = dispatch(recurrence=HOURLY, duration_seconds=None)
    assert [*runs_between(endless, at(0), FOREVER, Overlap.MERGE)] == [Run(at(8), None)]


def test_runs_are_found_one_at_a_time() -> None:
    old = dispatch(recurrence=Rule(Frequency.MINUTELY))
    assert len([*islice(runs_between(old, at(24 * 3_000), FOREVER), 3)]) == 3


@pytest.mark.parametrize("seconds", [60, None])
def test_a_count_ends_it_whether_or_not_its_server_says_when(seconds: int | None) -> None:
    rule = Rule(Frequency.HOURLY, count=3)
    bare = dispatch(recurrence=rule, duration_seconds=seconds)
    told = Dispatch(64, MICROGRID, bare.data, at(7), at(7), last_start=at(10))
    over_the_wire = Dispatch(64, MICROGRID, bare.data, at(7), at(7), end_time=at(10, 1))
    for one in (bare, told, over_the_wire):
        assert next_start(one, at(9, 30)) == at(10)
        assert next_start(one, at(10, 30)) is None


def test_a_rule_in_local_time_keeps_its_hour_when_clocks_change() -> None:
    local = dispatch(
        recurrence=Rule(Frequency.DAILY), payload={"recurrence_timezone": "Europe/Berlin"}
    )
    winter, summer = at(8), at(7) + timedelta(days=180)
    assert next_start(local, winter) == winter
    assert next_start(local, summer - timedelta(hours=1)) == summer


def test_an_end_after_the_last_year_is_none() -> None:
    far = dispatch(start_time=at(8).replace(year=9_990), duration_seconds=2**32 - 1)
    assert run_at(far, at(9).replace(year=9_990)) == Run(far.data.start_time, None)
