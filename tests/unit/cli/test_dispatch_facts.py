"""What `log` says of dispatches: one line for each fact."""

from datetime import UTC, datetime, timedelta

import pytest

from pointsman.cli.dispatch_facts import line_of
from pointsman.core.entity import Forgotten
from pointsman.dispatches.components import Target
from pointsman.dispatches.facts import Created, Deleted
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
from pointsman.dispatches.ids import Drawn
from pointsman.dispatches.model import Dispatch, DispatchData, Frequency, Rule
from pointsman.runtime.codec import Happened

NOON = datetime(2026, 6, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DATA = DispatchData("charge", NOON, Target(ids=(1,)), 300, recurrence=Rule(Frequency.DAILY))
DISPATCH = Dispatch(67, 7, DATA, NOON, NOON)
ONCE = Dispatch(68, 7, DispatchData("x", NOON, Target(ids=(1,)), None, False, True), NOON, NOON)
STARTED = RunChange(Edge.STARTED, NOON, NOON + HOUR, 1, NOON)
FOLLOWED = Followed(
    DISPATCH, NOON, None, waiting=(STARTED,), missed=MissedRuns(NOON - HOUR, NOON - HOUR)
)


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        (Created(DISPATCH), "Created 67 charge from 2026-06-05 12:00:00+00:00 for 300 s DAILY"),
        (
            Deleted(ONCE),
            "Deleted 68 x from 2026-06-05 12:00:00+00:00 without an end inactive dry run",
        ),
        (
            Announced(FOLLOWED),
            (
                "Announced 67 charge STARTED from 2026-06-05 12:00:00+00:00"
                " to 2026-06-05 13:00:00+00:00"
            ),
        ),
        (Noticed(FOLLOWED, News.UPDATED), "Noticed 67 UPDATED"),
        (
            Missed(FOLLOWED),
            "Missed 67 runs from 2026-06-05 11:00:00+00:00 to 2026-06-05 11:00:00+00:00",
        ),
        (Taken(FOLLOWED), "Taken 67"),
        (Drawn(16), "Drawn ids up to 16"),
        (Forgotten("67"), "Forgotten 67"),
    ],
)
def test_each_fact_is_a_line(fact: object, told: str) -> None:
    happened = Happened("dispatches/microgrid-7/catalogue", fact, NOON)
    assert line_of(happened, None) == f"2026-06-05 12:00:00+00:00 microgrid-7 {told}"
