"""A follower of dispatches keeps the laws of every entity, and some of its own."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant

from pointsman.core.entity import Forgotten
from pointsman.dispatches import FOLLOWER
from pointsman.dispatches.following import Announced, Edge, Listed, Noticed, See, SeeDeleted, Take
from pointsman.dispatches.model import Dispatch, Frequency, Rule
from pointsman.dispatches.runs import Overlap
from tests.laws import EntityLaws
from tests.unit.dispatches.given import MICROGRID, at, data

IDS = st.sampled_from([64, 128, 192])
RULES = st.none() | st.builds(
    Rule,
    st.sampled_from([Frequency.MINUTELY, Frequency.HOURLY]),
    st.integers(0, 3),
    count=st.none() | st.integers(1, 9),
)
INSTANTS = st.integers(-400, 4_000).map(lambda seconds: at(7, 0, seconds))
DATA = st.builds(
    data,
    start_time=INSTANTS,
    duration_seconds=st.none() | st.sampled_from([0, 30, 60, 90, 600]),
    active=st.booleans() | st.just(True),
    payload=st.sampled_from([{}, {"power_kw": 5.0}, {"recurrence_timezone": "Nowhere/At_All"}]),
    recurrence=RULES,
)
DISPATCHES = st.builds(Dispatch, IDS, st.just(MICROGRID), DATA, INSTANTS, INSTANTS)


class FollowerLaws(EntityLaws):
    entity = FOLLOWER.entity
    start = at(7)
    intents = (
        st.builds(
            See,
            st.lists(DISPATCHES, max_size=3).map(tuple),
            st.sampled_from(Overlap),
        )
        | st.builds(SeeDeleted, DISPATCHES)
        | st.builds(Listed, st.frozensets(IDS), INSTANTS)
        | st.builds(Take, IDS, st.integers(0, 20))
    )

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, Announced] = {}
        self.seen: dict[str, datetime] = {}

    def apply(self, facts: Sequence[Any]) -> None:
        for fact in facts:
            match fact:
                case Forgotten(thing):
                    self.told.pop(thing, None)
                    self.seen.pop(thing, None)
                case Announced():
                    self.is_in_order(fact, self.told.get(fact.thing))
                    self.told[fact.thing] = fact
                case Noticed(followed):
                    updated = followed.dispatch.update_time
                    assert updated >= self.seen.get(fact.thing, updated)
                    self.seen[fact.thing] = updated
        super().apply(facts)

    @staticmethod
    def is_in_order(fact: Announced, before: Announced | None) -> None:
        change, last = fact.change, before.change if before else None
        assert change.seq == (last.seq if last else 0) + 1
        going = last is not None and last.edge is not Edge.STOPPED
        if change.edge is not Edge.STARTED:
            assert last is not None
            assert going, "what does not go on can neither stop nor change"
            assert change.run_start == last.run_start
        if change.edge is Edge.STOPPED:
            assert change.run_end is not None
            assert change.run_end <= change.at, "it has ended"
        else:
            assert change.run_start <= change.at

    @invariant()
    def what_is_deleted_or_inactive_does_not_go_on(self) -> None:
        for followed in self.state.followed.values():
            if followed.deleted or not followed.dispatch.data.active:
                assert followed.run is None or followed.due is not None

    @invariant()
    def little_waits(self) -> None:
        assert all(len(followed.waiting) <= 8 for followed in self.state.followed.values())

    @invariant()
    def what_has_an_end_ends_in_time(self) -> None:
        for followed in self.state.followed.values():
            run = followed.run
            if run and run.run_end and followed.overlap is Overlap.RESTART:
                assert followed.due is not None
                assert followed.due <= max(run.run_end, self.now) + timedelta(microseconds=1)


TestFollower = FollowerLaws.TestCase
