"""What earlier releases journaled of dispatches and their runs reads today as it did then."""

from datetime import timedelta
from typing import Any, get_args

import pytest

from pointsman.core.entity import Kind
from pointsman.dispatches import DISPATCHES, FOLLOWER, facts, following
from pointsman.dispatches.components import Category, ComponentKind, Target
from pointsman.dispatches.follower import due
from pointsman.dispatches.following import Edge, MissedRuns
from pointsman.dispatches.model import Frequency, Rule
from pointsman.dispatches.runs import Overlap
from pointsman.runtime.codec import Codec
from tests.golden.replay import read, replay
from tests.unit.dispatches.given import at

CATALOGUE, RUNS = "dispatches-0.2.jsonl", "followers-0.2.jsonl"


def test_the_dispatches_of_their_first_release_are_as_they_were() -> None:
    catalogue = replay(CATALOGUE, [DISPATCHES])["dispatches/microgrid-7/catalogue"]
    found = catalogue.dispatches
    assert sorted(found) == [64, 128, 192, 256, 384], "what was deleted stays so"
    assert found[64].data.payload == {"power_kw": 5.0}
    assert (found[64].update_time, found[64].data.duration_seconds) == (at(8, 5), 1_200)
    assert (found[64].last_start, found[64].end_time) == (at(12), at(12, 20))
    assert found[128].data.target == Target((1, 9))
    assert found[128].data.payload["deep"] == [{"a": 1.5}, None, "x"]
    assert found[128].data.recurrence == Rule(
        Frequency.WEEKLY,
        2,
        minutes=(0, 30),
        hours=(8, 18),
        weekdays=(0, 3),
        months=(1, 2, 12),
    )
    assert found[192].data.target.kinds == (ComponentKind(Category.INVERTER, "PV"),)
    assert found[192].data.active is False


def test_the_runs_of_their_first_release_were_told_as_they_were() -> None:
    follower = replay(RUNS, [FOLLOWER])["followers/microgrid-7/edge"]
    reconfigured, stopped = follower.followed["64"].waiting
    assert (reconfigured.edge, reconfigured.seq, reconfigured.at) == (
        Edge.RECONFIGURED,
        2,
        at(8, 5),
    )
    assert (stopped.edge, stopped.run_start, stopped.run_end) == (Edge.STOPPED, at(8), at(8, 20))
    assert follower.followed["64"].missed == MissedRuns(at(9), at(10))
    assert follower.followed["384"].overlap is Overlap.MERGE
    assert follower.ended == {"320"}
    assert "256" not in follower.followed, "what was forgotten stays so"
    assert due(follower) == at(11)
    assert follower.followed["128"].due == at(17), "an hour of Berlin"
    assert follower.followed["384"].judged_at - at(10, 31) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("name", "kind", "all_facts"),
    [(CATALOGUE, DISPATCHES, facts.Fact), (RUNS, FOLLOWER, following.Fact)],
)
def test_every_line_is_a_fact_and_every_fact_has_a_line(
    name: str,
    kind: Kind[Any, Any, Any],
    all_facts: Any,  # noqa: ANN401  A union of types.
) -> None:
    codec, records = Codec([kind]), read(name)
    met = {type(codec.decode(key, data).fact).__name__ for key, data in records if data}
    assert met == {fact.__name__ for fact in get_args(all_facts)} - {"Forgotten"}
    assert any(not data for _, data in records), "and something was forgotten"
