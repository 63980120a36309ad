"""A log tells what happens to operations in a line each."""

from datetime import UTC, datetime, timedelta

import pytest

from pointsman.cli.operation_facts import line_of
from pointsman.operations import facts
from pointsman.operations.model import (
    Ask,
    Ending,
    Operation,
    Phase,
    Progress,
    Reason,
    Request,
    Work,
)
from pointsman.operations.policy import Header, Job
from pointsman.runtime.codec import Happened

NOON = datetime(2026, 6, 5, 12, tzinfo=UTC)
REQUEST = Request(1, Ask.START, NOON, NOON + timedelta(seconds=30))
WELD = Operation("weld-1", 1, Work({}, NOON), NOON, request=REQUEST)
JAMMED = Operation(
    "weld-1",
    1,
    Work({}, NOON),
    NOON,
    phase=Phase.FAILED,
    progress=Progress(NOON, 0.4, "seam 2"),
    ending=Ending(Phase.FAILED, Reason.EXTERNAL_ERROR, "jammed"),
)


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        (facts.Added(WELD, by="planner"), "Added weld-1 by planner"),
        (facts.Requested(WELD), "Requested weld-1 START until 2026-06-05 12:00:30+00:00"),
        (facts.Denied(WELD, request=REQUEST, by="guard"), "Denied weld-1 START by guard"),
        (facts.Failed(JAMMED), "Failed weld-1 EXTERNAL_ERROR: jammed"),
        (facts.Progressed(JAMMED), "Progressed weld-1 40% seam 2"),
        (facts.ResourcePaused(Header(why="service"), by="cli"), "ResourcePaused service by cli"),
        (facts.JobChanged(Job("order 7", held=True)), "JobChanged order 7 held"),
    ],
)
def test_each_fact_is_a_line_with_where_and_who(fact: facts.Fact, told: str) -> None:
    happened = Happened("operations/hall/robot-1", fact, NOON)
    assert line_of(happened, None) == f"2026-06-05 12:00:00+00:00 hall robot-1 {told}"


def test_a_fact_is_one_line_whatever_somebody_said() -> None:
    paused = facts.ResourcePaused(Header(why="wet\n\x1b[2Jfloor"))
    said = line_of(Happened("operations/hall/robot-1", paused, NOON), None)
    assert said.endswith("ResourcePaused wet\\n\\x1b[2Jfloor")
