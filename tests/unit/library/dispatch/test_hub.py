"""Who is told of what, once each, and who has taken what."""

import gc
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from frequenz.client.dispatch.types import DispatchId

from pointsman.core.entity import Forgotten
from pointsman.dispatches.following import (
    Announced,
    Edge,
    Followed,
    Missed,
    MissedRuns,
    News,
    Noticed,
    RunChange,
    Taken,
)
from pointsman.library.dispatch.dispatch import Dispatch
from pointsman.library.dispatch.events import Created, Deleted, Updated
from pointsman.library.dispatch.hub import Hub, RunInbox
from pointsman.library.dispatch.merging import MergeByType, MergeStrategy
from tests.unit.library.dispatch.given import NOON, Told, change, followed

STARTED = change(Edge.STARTED, 1)
STOPPED = change(Edge.STOPPED, 2)


class Bench:
    def __init__(self) -> None:
        self.taken: list[tuple[int, int]] = []
        self.hub = Hub(Told())
        self.hub.begin(self._take)

    def _take(self, dispatch_id: int, seq: int) -> None:
        self.taken.append((dispatch_id, seq))

    def runs(self, type_: str | None = None, **options: Any) -> RunInbox:  # noqa: ANN401
        return self.hub.new_run_inbox(type_, None, 50, **options)

    def announce(self, *waiting: RunChange, **known: Any) -> Followed:  # noqa: ANN401
        fact = Announced(followed(*waiting, **known))
        self.hub.saw(fact)
        return fact.followed


def read(inbox: RunInbox) -> list[tuple[int, Edge]]:
    found = []
    while len(inbox):
        dispatch = inbox.consume()
        assert dispatch.change is not None
        found.append((int(dispatch.id), dispatch.change.edge))
    return found


def test_a_change_is_taken_once_all_who_were_told_have_read_it() -> None:
    bench = Bench()
    one, other = bench.runs(), bench.runs("T")
    bench.announce(STARTED)
    one.consume()
    assert bench.taken == []
    other.consume()
    assert bench.taken == [(7, 1)]


def test_nothing_is_taken_before_what_came_earlier() -> None:
    bench = Bench()
    slow = bench.runs()
    bench.announce(STARTED)
    quick = bench.runs()
    slow.close()  # It gets nothing more, and may still be read.
    bench.announce(STARTED, STOPPED)
    read(quick)
    assert bench.taken == []
    read(slow)
    assert bench.taken == [(7, 2)]


def test_only_those_who_want_the_type_are_told() -> None:
    bench = Bench()
    all_, own, other = bench.runs(), bench.runs("T"), bench.runs("U")
    bench.announce(STARTED)
    assert (len(all_), len(own), len(other)) == (1, 1, 0)


def test_what_nobody_heard_waits_for_the_next_receiver() -> None:
    bench = Bench()
    bench.announce(STARTED)
    assert bench.taken == []
    assert read(bench.runs()) == [(7, Edge.STARTED)]
    assert bench.taken == [(7, 1)]


def test_a_run_that_nobody_heard_of_is_over_with_its_stop() -> None:
    bench = Bench()
    bench.announce(STARTED)
    bench.announce(STOPPED)
    assert bench.taken == [(7, 2)]


def test_the_stop_of_what_somebody_started_is_kept_for_whoever_comes() -> None:
    bench = Bench()
    bench.announce(STOPPED, taken=STARTED)
    assert bench.taken == []
    assert read(bench.runs()) == [(7, Edge.STOPPED)]
    assert bench.taken == [(7, 2)]


def test_what_a_reader_left_behind_is_for_the_next_one() -> None:
    bench = Bench()
    gone = bench.runs()
    bench.announce(STARTED)
    del gone
    gc.collect()
    assert bench.taken == []
    assert read(bench.runs()) == [(7, Edge.STARTED)]


def test_a_newcomer_alone_hears_what_goes_on() -> None:
    bench = Bench()
    early = bench.runs()
    bench.announce(STARTED)
    assert read(early) == [(7, Edge.STARTED)]
    bench.hub.saw(Taken(followed(taken=STARTED)))
    assert read(bench.runs()) == [], "somebody has taken it"
    again = bench.runs("T", going=True)
    assert again.consume().change == STARTED, "the same one, by all that it is known by"
    assert read(early) == []


def test_what_an_earlier_life_left_is_told_to_all_who_came_before_it_was_known() -> None:
    bench = Bench()
    plain, going = bench.runs(), bench.runs("T", going=True)
    waits, goes = followed(STARTED, id=1), followed(id=2, taken=STARTED)
    bench.hub.recall([waits, goes, followed(id=3)])
    assert read(plain) == [(1, Edge.STARTED)]
    assert read(going) == [(1, Edge.STARTED), (2, Edge.STARTED)]
    assert bench.hub.unfinished == {1, 2, 3}


def test_merged_only_the_last_stop_is_told_and_each_counts_as_taken() -> None:
    bench = Bench()
    merged = bench.runs("T", merging=MergeByType())
    bench.announce(STARTED, id=1)
    bench.announce(STARTED, id=2)
    assert read(merged) == [(1, Edge.STARTED), (2, Edge.STARTED)]
    bench.taken.clear()
    bench.announce(STOPPED, id=1, taken=STARTED)
    assert (read(merged), bench.taken) == ([], [(1, 2)])
    bench.announce(STOPPED, id=2, taken=STARTED)
    assert read(merged) == [(2, Edge.STOPPED)]


def test_a_strategy_that_fails_loses_nothing() -> None:
    class Failing(MergeStrategy):
        def identity(self, dispatch: Dispatch) -> object:
            raise NotImplementedError

        def filter(self, dispatches: Mapping[DispatchId, Dispatch], dispatch: Dispatch) -> bool:
            raise ZeroDivisionError(f"{dispatch} among {dispatches}")

    bench = Bench()
    inbox, plain = bench.runs("T", merging=Failing()), bench.runs()
    bench.announce(STARTED)
    assert read(inbox) == read(plain) == [(7, Edge.STARTED)]


def test_a_strategy_sees_what_is_running_as_of_the_change() -> None:
    seen: list[dict[DispatchId, bool]] = []

    class Looking(MergeByType):
        def filter(self, dispatches: Mapping[DispatchId, Dispatch], dispatch: Dispatch) -> bool:
            seen.append({id: one.started for id, one in dispatches.items()})
            assert len(dispatches) == len(seen[-1])
            assert dispatch.id not in dispatches or dispatches[dispatch.id] == dispatch
            return super().filter(dispatches, dispatch)

    bench = Bench()
    inbox = bench.runs("T", merging=Looking())
    bench.announce(STARTED, id=1)
    bench.announce(STOPPED, id=2, taken=STARTED)
    assert seen == [{DispatchId(1): True}, {DispatchId(1): True}]
    assert len(inbox) == 1


def test_each_news_is_one_event() -> None:
    bench = Bench()
    own, other = (bench.hub.new_event_inbox(type_, None, 50) for type_ in ("T", "U"))
    for news in News:
        bench.hub.saw(Noticed(followed(deleted=news is News.DELETED), news))
    events = [own.consume() for _ in range(len(own))]
    assert [type(event) for event in events] == [Created, Updated, Deleted]
    assert [event.dispatch.deleted for event in events] == [False, False, True]
    assert len(other) == 0


def test_what_is_over_is_forgotten() -> None:
    bench = Bench()
    bench.announce(STARTED)
    bench.hub.saw(Noticed(followed(STOPPED, deleted=True), News.DELETED))
    assert bench.hub.unfinished == set()
    bench.hub.saw(Forgotten("7"))
    assert read(bench.runs()) == []


def test_missed_runs_can_be_asked_for() -> None:
    bench = Bench()
    missed = followed(missed=MissedRuns(NOON, NOON))
    late = Hub(Told(NOON + timedelta(days=1)))
    late.saw(Missed(missed))
    assert [list(one.missed_runs) for one in late.with_missed_runs()] == [[NOON]]
    assert bench.hub.with_missed_runs() == []


def test_closing_ends_all_receivers() -> None:
    bench = Bench()
    runs, events = bench.runs(), bench.hub.new_event_inbox(None, None, 50)
    bench.hub.close()
    assert runs.closed
    assert events.closed
