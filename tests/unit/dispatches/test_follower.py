"""A follower hears of dispatches in any way and order, and tells of each run once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from pointsman.core.entity import Forgotten, Rejected, Wake
from pointsman.core.names import shard_of, site_of
from pointsman.core.values import replace
from pointsman.dispatches import dispatches_id, follower_id
from pointsman.dispatches.components import Target
from pointsman.dispatches.follower import ENDED_KEPT, Follower, decide, due, evolve, initial
from pointsman.dispatches.following import (
    Announced,
    Fact,
    Intent,
    Leave,
    Listed,
    Missed,
    MissedRuns,
    News,
    Noticed,
    Remembered,
    See,
    SeeDeleted,
    Take,
    TakeAll,
    Taken,
)
from pointsman.dispatches.model import Dispatch, Frequency, Rule
from pointsman.dispatches.runs import Overlap
from tests.unit.dispatches.given import MICROGRID, at, data

HOURLY = Rule(Frequency.HOURLY)


def dispatch(id: int = 64, version: int = 0, **also: Any) -> Dispatch:  # noqa: ANN401  Any field.
    """The version was written so many seconds after seven."""
    made = data(**({"recurrence": HOURLY} | also))
    return Dispatch(id, MICROGRID, made, at(7), at(7, 0, version))


def ask(follower: Follower, intent: Intent | Wake, now: datetime) -> list[str]:
    """What comes of it, in words."""
    facts = decide(follower, intent, now)
    for fact in facts:
        evolve(follower, fact)
    return [word(fact) for fact in facts]


def word(fact: Fact) -> str:
    match fact:
        case Noticed(_, news):
            return news
        case Announced():
            return f"{fact.change.edge} {fact.change.run_start:%H:%M}"
        case Forgotten() | Taken() | Missed() | Remembered():
            return type(fact).__name__


def seen(*dispatches: Dispatch, overlap: Overlap = Overlap.RESTART) -> Follower:
    follower = initial()
    ask(follower, See(dispatches, overlap), at(7))
    return follower


def going(**also: Any) -> Follower:  # noqa: ANN401  Any field.
    """One that started at eight, at seven minutes past."""
    follower = seen(dispatch(**also))
    assert ask(follower, Wake(), at(8)) == ["STARTED 08:00"]
    return follower


def after(follower: Follower, intent: Intent, now: datetime) -> Sequence[str]:
    """What comes of an intent, and of the wake that follows if one is due."""
    words = ask(follower, intent, now)
    first = due(follower)
    return words + (ask(follower, Wake(), now) if first and first <= now else [])


def test_a_follower_lives_where_its_microgrid_does() -> None:
    names = f"followers/{follower_id(7, 'a b')}", f"dispatches/{dispatches_id(7)}"
    assert len({shard_of(site_of(name), 64) for name in names}) == 1
    assert names[0] == "followers/microgrid-7/a%20b"


def test_what_is_new_is_created_whatever_its_age_and_then_updated() -> None:
    follower = initial()
    assert ask(follower, See((dispatch(version=9),)), at(7)) == ["CREATED"]
    assert ask(follower, See((dispatch(version=10),)), at(7)) == ["UPDATED"]
    assert follower.followed["64"].dispatch.update_time == at(7, 0, 10)


def test_what_is_not_newer_is_no_news_and_overwrites_nothing() -> None:
    follower = seen(dispatch(version=9, payload={"new": 1.0}))
    for version in (9, 8):
        assert ask(follower, See((dispatch(version=version),)), at(7)) == []
    assert follower.followed["64"].dispatch.data.payload == {"new": 1.0}


def test_of_one_dispatch_seen_twice_at_once_the_newer_counts() -> None:
    follower = initial()
    versions = tuple(dispatch(version=version) for version in (2, 3, 1))
    assert ask(follower, See(versions), at(7)) == ["CREATED", "UPDATED"]
    assert follower.followed["64"].dispatch.update_time == at(7, 0, 3)


def test_too_many_at_once_are_refused() -> None:
    with pytest.raises(Rejected, match="see at most 500"):
        decide(initial(), See((dispatch(),) * 501), at(7))


def test_what_was_long_over_before_anybody_saw_it_is_no_news() -> None:
    over = dispatch(recurrence=None)
    assert ask(initial(), See((over,)), at(12)) == []
    assert ask(initial(), See((replace(over, update_time=at(12)),)), at(12)) == ["CREATED"]


def test_a_run_is_told_when_it_starts_and_when_it_ends() -> None:
    follower = seen(dispatch())
    assert due(follower) == at(8)
    assert ask(follower, Wake(), at(8)) == ["STARTED 08:00"]
    assert due(follower) == at(8, 15) + timedelta.resolution
    assert ask(follower, Wake(), at(8, 15, 1)) == ["STOPPED 08:00"]
    assert due(follower) == at(9)


def test_starts_come_before_the_ends_of_the_same_instant() -> None:
    """So that whoever merges several dispatches sees no gap between them."""
    follower = seen(dispatch(64, recurrence=None), dispatch(128, start_time=at(8, 15)))
    ask(follower, Wake(), at(8))
    assert ask(follower, Wake(), at(8, 15, 1)) == ["STARTED 08:15", "STOPPED 08:00"]


def test_a_run_of_no_duration_starts_and_stops() -> None:
    follower = seen(dispatch(duration_seconds=0))
    assert ask(follower, Wake(), at(8)) == ["STARTED 08:00", "STOPPED 08:00"]


def test_a_run_that_is_never_over_starts_again_with_each_occurrence_and_never_stops() -> None:
    follower = seen(dispatch(duration_seconds=None))
    told = [ask(follower, Wake(), at(hour)) for hour in (8, 9, 10)]
    assert told == [["STARTED 08:00"], ["STARTED 09:00"], ["STARTED 10:00"]]


def test_a_run_that_follows_at_once_takes_over_without_a_stop() -> None:
    follower = seen(dispatch(duration_seconds=3_600, recurrence=replace(HOURLY, count=2)))
    assert ask(follower, Wake(), at(8)) == ["STARTED 08:00"]
    assert ask(follower, Wake(), at(9)) == ["STARTED 09:00"]
    assert ask(follower, Wake(), at(10, 0, 1)) == ["STOPPED 09:00"]


def test_runs_that_merge_tell_nothing_in_between() -> None:
    rule = replace(HOURLY, count=2)
    follower = seen(dispatch(duration_seconds=5_400, recurrence=rule), overlap=Overlap.MERGE)
    assert ask(follower, Wake(), at(8)) == ["STARTED 08:00"]
    assert ask(follower, Wake(), at(9)) == ["Remembered"]
    assert due(follower) == at(10, 30) + timedelta.resolution
    assert ask(follower, Wake(), at(10, 30, 1)) == ["STOPPED 08:00"]


@pytest.mark.parametrize(
    "change",
    [
        {"payload": {"power_kw": 5.0}},
        {"target": Target((1, 9))},
        {"dry_run": True},
        {"duration_seconds": 1_200},
        {"type": "other"},
    ],
)
def test_what_matters_to_a_run_that_goes_on_reconfigures_it(change: dict[str, Any]) -> None:
    follower = going()
    assert after(follower, See((dispatch(version=1, **change),)), at(8, 7)) == [
        "UPDATED",
        "RECONFIGURED 08:00",
    ]
    assert after(follower, See((dispatch(version=2, **change),)), at(8, 8)) == ["UPDATED"]


def test_what_matters_is_told_though_more_that_does_not_comes_at_once() -> None:
    follower = going()
    louder = [dispatch(version=n, payload={"power_kw": 5.0}) for n in (1, 2)]
    assert ask(follower, See(tuple(louder)), at(8, 7)) == ["UPDATED", "UPDATED"]
    assert ask(follower, Wake(), at(8, 7)) == ["RECONFIGURED 08:00"]


def test_what_does_not_matter_to_it_tells_nothing() -> None:
    follower = going(target=Target((1, 9)))
    for version, target in enumerate([(1, 9), (9, 1)], start=1):
        update = dispatch(version=version, target=Target(target))
        assert after(follower, See((update,)), at(8, 7)) == ["UPDATED"]


@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"duration_seconds": 60},
        {"start_time": at(9)},
        {"recurrence": Rule(Frequency.DAILY, hours=(20,))},
        {"payload": {"recurrence_timezone": "Nowhere/At_All"}},
    ],
)
def test_what_ends_a_run_stops_it_at_once(change: dict[str, Any]) -> None:
    follower = going()
    update = replace(dispatch(version=1, **change), update_time=at(8, 7))
    assert after(follower, See((update,)), at(8, 7)) == ["UPDATED", "STOPPED 08:00"]
    last = follower.followed["64"].last
    assert last is not None
    assert last.run_end is not None
    assert last.run_end <= at(8, 7)


def test_what_is_switched_on_again_in_a_run_starts_again_with_another_seq() -> None:
    follower = going()
    off, on = dispatch(version=1, active=False), dispatch(version=2)
    after(follower, See((off,)), at(8, 5))
    assert after(follower, See((on,)), at(8, 7)) == ["UPDATED", "STARTED 08:00"]
    assert [change.seq for change in follower.followed["64"].waiting] == [1, 2, 3]


def test_a_longer_duration_lets_a_run_go_on_that_was_over() -> None:
    follower = going()
    ask(follower, Wake(), at(8, 16))
    longer = dispatch(version=1, duration_seconds=3_000)
    assert after(follower, See((longer,)), at(8, 20)) == ["UPDATED", "STARTED 08:00"]


def test_another_start_takes_over_from_the_run_that_goes_on() -> None:
    follower = going()
    moved = replace(dispatch(start_time=at(8, 5)), update_time=at(8, 5, 0.4))
    assert after(follower, See((moved,)), at(8, 5, 1)) == ["UPDATED", "STARTED 08:05"]


def test_what_goes_on_by_another_rule_starts_though_nobody_was_there_when_it_began() -> None:
    """Neither for its start, nor for the rule that it had then."""
    follower = seen(dispatch())
    other = replace(dispatch(recurrence=Rule(Frequency.DAILY)), update_time=at(8, 5))
    assert after(follower, See((other,)), at(8, 7)) == ["UPDATED", "STARTED 08:00"]


def test_what_a_wrong_clock_ended_too_early_starts_again_if_it_is_made_longer() -> None:
    follower = seen(dispatch(recurrence=None))
    assert ask(follower, Wake(), at(9)) == ["Missed"]
    assert ask(follower, See((dispatch(recurrence=None),)), at(7)) == ["Remembered"]
    ask(follower, Wake(), at(8))
    assert ask(follower, Wake(), at(8, 16)) == ["STOPPED 08:00"]
    louder = dispatch(version=1, recurrence=None, payload={"power_kw": 5.0})
    assert after(follower, See((louder,)), at(7, 30)) == ["UPDATED"], "nothing is told twice"
    ask(follower, See((louder,)), at(7, 30))
    longer = dispatch(version=2, recurrence=None, duration_seconds=3_600)
    assert after(follower, See((longer,)), at(8, 1)) == ["UPDATED", "STARTED 08:00"]


def test_what_starts_at_once_starts_though_its_second_is_past() -> None:
    now = at(8, 0, 0.4)
    at_once = Dispatch(64, MICROGRID, data(duration_seconds=0), now, now)
    assert after(initial(), See((at_once,)), at(8, 0, 0.5)) == [
        "CREATED",
        "STARTED 08:00",
        "STOPPED 08:00",
    ]


def test_whoever_comes_late_starts_what_goes_on_and_has_missed_the_rest() -> None:
    follower = going()
    assert ask(follower, Wake(), at(12, 7)) == ["Missed", "STOPPED 08:00", "STARTED 12:00"]
    followed = follower.followed["64"]
    assert followed.missed == MissedRuns(at(9), at(11))
    ask(follower, Wake(), at(12, 16))
    assert ask(follower, Wake(), at(13)) == ["STARTED 13:00"]
    assert follower.followed["64"].missed is None, "since the last run that was told"


def test_what_ended_less_than_a_minute_ago_is_told() -> None:
    told = ask(going(), Wake(), at(9, 15, 59))
    assert told == ["STOPPED 08:00", "STARTED 09:00", "STOPPED 09:00"]
    assert ask(going(), Wake(), at(9, 16)) == ["Missed", "STOPPED 08:00"]


def test_missed_runs_add_up() -> None:
    follower = seen(dispatch())
    for hour in (9, 11):
        assert ask(follower, Wake(), at(hour, 30)) == ["Missed"]
    assert follower.followed["64"].missed == MissedRuns(at(8), at(11))


def test_a_clock_that_was_set_back_tells_nothing_twice() -> None:
    follower = going()
    assert ask(follower, Wake(), at(7)) == []
    assert ask(follower, See((dispatch(),)), at(7)) == []
    assert after(follower, See((dispatch(version=1, payload={"a": 1.0}),)), at(7)) == [
        "UPDATED",
        "RECONFIGURED 08:00",
    ]


def test_what_was_missed_by_a_wrong_clock_is_told_once_that_is_right_again() -> None:
    follower = seen(dispatch())
    assert ask(follower, Wake(), at(20, 30)) == ["Missed"]
    assert ask(follower, See((dispatch(),)), at(7)) == ["Remembered"]
    assert due(follower) == at(8)
    assert ask(follower, Wake(), at(8)) == ["STARTED 08:00"]


def test_what_is_deleted_is_stopped_and_does_not_come_back() -> None:
    follower = going()
    gone = SeeDeleted(dispatch())
    assert after(follower, gone, at(8, 7)) == ["DELETED", "STOPPED 08:00"]
    assert ask(follower, gone, at(8, 8)) == []
    assert ask(follower, See((dispatch(),)), at(8, 8)) == []
    assert due(follower) is None


def test_what_is_deleted_before_anybody_saw_it_does_not_come_back_either() -> None:
    follower = initial()
    assert ask(follower, SeeDeleted(dispatch(version=1)), at(7)) == ["Remembered"]
    assert ask(follower, See((dispatch(),)), at(7)) == []


def test_what_is_deleted_between_two_runs_has_nothing_to_stop() -> None:
    follower = seen(dispatch())
    assert after(follower, SeeDeleted(dispatch()), at(7, 30)) == ["DELETED"]


def test_what_a_complete_list_lacks_was_deleted() -> None:
    follower = seen(dispatch(64), dispatch(128))
    assert ask(follower, Listed(frozenset([128]), at(7, 30)), at(7, 30)) == ["DELETED"]
    assert ask(follower, Listed(frozenset([128]), at(7, 30)), at(7, 30)) == []
    assert follower.followed["64"].deleted


def test_what_a_list_could_not_know_of_is_not_judged_by_it() -> None:
    follower = seen(dispatch(version=60))
    assert ask(follower, Listed(frozenset(), at(7)), at(7, 30)) == []


def test_what_has_merely_ended_is_not_called_deleted() -> None:
    once = replace(dispatch(recurrence=None), end_time=at(8, 15))
    follower = seen(once, replace(dispatch(128, active=False, recurrence=None), end_time=at(8, 15)))
    ask(follower, Wake(), at(8))
    assert ask(follower, Listed(frozenset(), at(8, 14, 30)), at(8, 14, 20)) == []
    ask(follower, Wake(), at(8, 16))
    ask(follower, Take(64, 2), at(8, 16))
    assert ask(follower, Listed(frozenset(), at(9)), at(9)) == ["Remembered"]
    assert follower.ended == {"64", "128"}


def test_what_is_taken_waits_no_longer() -> None:
    follower = seen(dispatch(duration_seconds=0))
    ask(follower, Wake(), at(8))
    assert ask(follower, Take(64, 1), at(8)) == ["Taken"]
    assert [change.seq for change in follower.followed["64"].waiting] == [2]
    assert ask(follower, Take(64, 1), at(8)) == []
    assert ask(follower, Take(65, 1), at(8)) == []
    assert ask(follower, TakeAll(), at(8)) == ["Taken"]
    assert ask(follower, TakeAll(), at(8)) == []


def test_a_rule_that_nobody_can_work_out_stops_no_other() -> None:
    poison = dispatch(64, recurrence=replace(HOURLY, interval=0))
    follower = seen(poison, dispatch(128))
    assert "ZeroDivisionError" in follower.followed["64"].fault
    assert ask(follower, Wake(), at(8)) == ["STARTED 08:00"]
    assert ask(follower, See((dispatch(64, version=1),)), at(8, 1)) == ["UPDATED"]
    assert follower.followed["64"].fault == ""


def test_a_thousand_at_one_instant_are_told_a_part_at_a_time() -> None:
    follower = initial()
    for first in (0, 500):
        many = tuple(dispatch(id) for id in range(first, first + 500))
        ask(follower, See(many), at(7))
    told = [len(ask(follower, Wake(), at(8))) for _ in range(4)]
    assert told == [490, 490, 20, 0]


def test_of_what_has_ended_a_bounded_number_is_remembered() -> None:
    follower = initial()
    for id in range(ENDED_KEPT + 1):
        ask(follower, SeeDeleted(dispatch(id)), at(7, 0, id / 1_000))
    words = ask(follower, SeeDeleted(dispatch(9_999)), at(8))
    assert words == ["Remembered"] + ["Forgotten"] * (ENDED_KEPT // 2)
    assert "0" not in follower.followed, "the oldest first"
    assert "9999" in follower.followed


def test_who_leaves_forgets_everything_and_tells_nothing() -> None:
    follower = seen(dispatch(64), dispatch(128))
    ask(follower, Wake(), at(8))
    assert ask(follower, Leave(), at(8)) == ["Forgotten", "Forgotten"]
    assert follower == initial()
    assert due(follower) is None
    assert ask(follower, Leave(), at(9)) == []


def test_news_are_judged_at_once_though_the_clock_is_set_back_just_then() -> None:
    follower = initial()
    assert ask(follower, See((dispatch(),)), at(10, 5)) == [News.CREATED]
    assert ask(follower, Wake(), at(9, 5)) == ["Missed", "STARTED 09:00"]
