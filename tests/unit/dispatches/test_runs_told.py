"""What is told of runs equals what anybody finds who writes all of them down, one by one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dateutil import rrule
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pointsman.core.entity import Wake
from pointsman.dispatches.follower import decide, due, evolve, initial
from pointsman.dispatches.following import Announced, Edge, Missed, See
from pointsman.dispatches.model import Dispatch, Frequency, Rule
from pointsman.dispatches.runs import Overlap
from tests.unit.dispatches.given import MICROGRID, at, data

GRACE = timedelta(seconds=60)
NEVER = at(0) + timedelta(days=9_999)
FREQUENCIES = {Frequency.MINUTELY: rrule.MINUTELY, Frequency.HOURLY: rrule.HOURLY}
Told = tuple[Edge, datetime]

RULES = st.none() | st.builds(
    Rule,
    st.sampled_from(list(FREQUENCIES)),
    st.sampled_from([1, 2, 3, 7]),
    count=st.none() | st.integers(1, 20),
)
DURATIONS = st.none() | st.sampled_from([0, 1, 59, 60, 61, 119, 120, 150, 3_600, 7_200, 9_000])
LATE = st.lists(st.integers(1, 20_000), min_size=1, max_size=8)


@dataclass
class Written:
    """All starts of a dispatch, by dateutil, up to an instant."""

    starts: list[datetime]
    duration: timedelta | None

    @classmethod
    def of(cls, dispatch: Dispatch, until: datetime) -> "Written":
        rule, first = dispatch.data.recurrence, dispatch.data.start_time
        seconds = dispatch.data.duration_seconds
        starts: Iterable[datetime] = [first]
        if rule is not None:
            found = rrule.rrule(
                FREQUENCIES[rule.frequency], first, interval=rule.interval, count=rule.count
            )
            starts = found.between(first, until, inc=True)
        return cls(list(starts), None if seconds is None else timedelta(seconds=seconds))

    def end(self, start: datetime) -> datetime:
        return NEVER if self.duration is None else start + self.duration

    def ends(self, start: datetime, now: datetime) -> datetime:
        """When its time is over, as far as can be seen now: a later start takes its place."""
        later = [other for other in self.starts if start < other <= now]
        return min([self.end(start), *later])


class Oracle:
    """Somebody who writes down all that is to be told when it is looked at so late."""

    def __init__(self, written: Written, seen_at: datetime) -> None:
        self.written = written
        self.judged_at = seen_at
        self.going: datetime | None = None
        self.told: list[Told] = []
        self.missed: list[datetime] = []

    def look(self, now: datetime) -> None:
        for start in self.written.starts:
            if self.judged_at < start <= now:
                if self.written.ends(start, now) > now - GRACE:
                    self.stop_before(start)
                    self.told.append((Edge.STARTED, start))
                    self.going = start
                else:
                    self.missed.append(start)
        self.stop_before(now + timedelta(microseconds=1))
        self.judged_at = now

    def stop_before(self, instant: datetime) -> None:
        if self.going is not None and self.written.end(self.going) < instant:
            self.told.append((Edge.STOPPED, self.going))
            self.going = None


def followed(
    dispatch: Dispatch, looks: Iterable[datetime], overlap: Overlap = Overlap.RESTART
) -> tuple[list[Told], list[datetime]]:
    """What a follower tells that is woken then, and between which instants it missed runs."""
    follower, told, missed = initial(), list[Told](), list[datetime]()
    for fact in decide(follower, See((dispatch,), overlap), at(7)):
        evolve(follower, fact)
    for now in looks:
        for fact in decide(follower, Wake(), now):
            evolve(follower, fact)
            if isinstance(fact, Announced):
                told.append((fact.change.edge, fact.change.run_start))
            if isinstance(fact, Missed) and fact.followed.missed:
                missed += [fact.followed.missed.first, fact.followed.missed.last]
    return told, missed


def punctual(dispatch: Dispatch, until: datetime, overlap: Overlap) -> list[Told]:
    """What a follower tells that is woken whenever it is due."""
    follower, told = initial(), list[Told]()
    for fact in decide(follower, See((dispatch,), overlap), at(7)):
        evolve(follower, fact)
    while (now := due(follower)) is not None and now <= until:
        for fact in decide(follower, Wake(), now):
            evolve(follower, fact)
            if isinstance(fact, Announced):
                told.append((fact.change.edge, fact.change.run_start))
    return told


def dispatch_of(rule: Rule | None, duration: int | None) -> Dispatch:
    made = data(recurrence=rule, duration_seconds=duration, start_time=at(7, 0, 30))
    return Dispatch(64, MICROGRID, made, at(7), at(7))


@settings(max_examples=400)
@given(RULES, DURATIONS, LATE)
@example(Rule(Frequency.MINUTELY), 60, [30, 61, 121, 400])
@example(Rule(Frequency.MINUTELY), 0, [30, 30, 89, 90])
def test_whoever_looks_late_tells_what_still_counts(
    rule: Rule | None, duration: int | None, seconds: list[int]
) -> None:
    dispatch = dispatch_of(rule, duration)
    looks = [at(7, 0, second) for second in sorted(seconds)]
    looks.append(looks[-1])
    oracle = Oracle(Written.of(dispatch, looks[-1]), at(7))
    told = list[Told]()
    for n, look in enumerate(looks):
        oracle.look(look)
        told, missed = followed(dispatch, looks[: n + 1])
        if n % 3 == 0:
            assert (told, bool(missed)) == (oracle.told, bool(oracle.missed))
    assert told == oracle.told
    assert set(missed) <= set(oracle.missed)
    assert not missed or missed[-1] == oracle.missed[-1]
    starts = [start for edge, start in told if edge is Edge.STARTED]
    assert len(starts) == len(set(starts)), "each run once"


@settings(max_examples=200)
@given(RULES, DURATIONS, st.integers(1, 20_000))
def test_whoever_looks_in_time_tells_each_run(
    rule: Rule | None, duration: int | None, seconds: int
) -> None:
    dispatch, until = dispatch_of(rule, duration), at(7, 0, seconds + 0.5)
    written = Written.of(dispatch, until)
    told = punctual(dispatch, until, Overlap.RESTART)
    assert [start for edge, start in told if edge is Edge.STARTED] == [
        start for start in written.starts if start <= until
    ]
    stopped = [start for edge, start in told if edge is Edge.STOPPED]
    assert stopped == [
        start
        for start in written.starts
        if written.end(start) < until
        and not any(start < other <= written.end(start) for other in written.starts)
    ]


@settings(max_examples=200)
@given(RULES, DURATIONS, st.integers(1, 20_000))
def test_runs_that_merge_are_told_as_one(
    rule: Rule | None, duration: int | None, seconds: int
) -> None:
    dispatch, until = dispatch_of(rule, duration), at(7, 0, seconds + 0.5)
    written, expected = Written.of(dispatch, until + timedelta(days=1)), list[Told]()
    going: tuple[datetime, datetime] | None = None
    for start in [*written.starts, NEVER + timedelta(days=1)]:
        if going is not None and start <= going[1]:
            going = going[0], written.end(start)
            continue
        if going is not None and going[1] < until:
            expected.append((Edge.STOPPED, going[0]))
        if start <= until:
            expected.append((Edge.STARTED, start))
        going = start, written.end(start)
    assert punctual(dispatch, until, Overlap.MERGE) == expected
