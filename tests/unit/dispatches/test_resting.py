"""A dispatch at rest is what judging step by step makes of it."""

from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.dispatches.following import Announced
from pointsman.dispatches.judging import judge, noticed
from pointsman.dispatches.model import Dispatch, Frequency, Rule
from pointsman.dispatches.resting import at_rest
from pointsman.dispatches.runs import Overlap
from tests.unit.dispatches.given import MICROGRID, at, data
from tests.unit.dispatches.test_follower_laws import DISPATCHES, INSTANTS


@given(DISPATCHES, st.sampled_from(Overlap), INSTANTS)
@settings(max_examples=500)
def test_it_is_what_judging_makes_of_it(
    dispatch: Dispatch, overlap: Overlap, now: datetime
) -> None:
    rested = at_rest(dispatch, overlap, now)
    if rested is not None:
        facts = judge(noticed(None, dispatch, overlap, now), now)
        assert not any(isinstance(fact, Announced) for fact in facts)
        assert rested == facts[-1].followed


def test_most_rest() -> None:
    daily = data(recurrence=Rule(Frequency.DAILY), start_time=at(8), duration_seconds=900)
    dispatch = Dispatch(64, MICROGRID, daily, at(7), at(7))
    for minute, rests in ((0, False), (15, False), (16, True), (59, True)):
        rested = at_rest(dispatch, Overlap.RESTART, at(8, minute))
        assert (rested is not None) == rests
        if rested is not None:
            assert rested.due == at(32)
            assert rested.missed is not None
            assert rested.missed.first == rested.missed.last == at(8)
