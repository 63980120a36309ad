"""A site's schedules keep the laws of every entity, whatever is asked in whatever order."""

from hypothesis import strategies as st

from pointsman.core.values import replace
from pointsman.schedules import SCHEDULES
from pointsman.schedules.intents import (
    Acknowledge,
    Activate,
    Answer,
    Cancel,
    CheckTimeouts,
    Dispatch,
    Measure,
    Open,
    ReportState,
    Submit,
    Sweep,
    Tidy,
    Unplug,
    Write,
)
from pointsman.schedules.model import (
    AssetState,
    Channel,
    CommandType,
    Mark,
    Measurement,
    Policy,
    Run,
)
from pointsman.schedules.rows import command_of
from tests.laws import EntityLaws
from tests.unit.schedules.given import at, hand_made, plan, timeline

HASTY = Policy(max_retries=1, timeout_seconds=20)
ASSETS = ("bay-1", "bay-2")
PLANS = [
    replace(p, offsets_seconds=tuple(60.0 * n for n in range(5)), policy=HASTY)
    for p in (
        plan("first", start=at(8), assets=ASSETS),
        plan("second", start=at(8, 2), assets=ASSETS[:1]),
        plan("third", start=at(8, 6), assets=ASSETS, activated_at=None),
    )
]
TIMELINES = [
    timeline(PLANS[0], {0: 22.0, 2: 0.0}, vehicles={0: "a", 2: "b"}, safe_default_kw=1.0),
    timeline(PLANS[0], {0: 0.0, 1: 7.0, 3: -2.0}, "bay-2"),
    timeline(PLANS[1], {0: 11.0}, assumed=22.0, assumed_until=at(8, 3)),
    timeline(PLANS[2], {0: 3.0, 1: 0.0}, stop_at_zero=True, marks={1: Mark.AWAY}),
    timeline(PLANS[2], {0: 3.0, 2: 5.0}, "bay-2", assumed=3.0, release_offset_seconds=60.0),
    timeline(PLANS[2], {1: 9.0}, "bay-2", channel=Channel.LIMIT),
    timeline(PLANS[0], {0: 30.0, 1: 20.0, 3: 10.0}, channel=Channel.LIMIT),
    timeline(PLANS[1], {0: 4.0}, "bay-2", safe_default_kw=-1.0),
]
HAND_MADE = [
    hand_made("cmd_a", policy=HASTY),
    hand_made("cmd_b", scheduled_at=at(8, 1), expires_at=at(8, 2), policy=HASTY),
    hand_made("cmd_c", type=CommandType.START_CHARGING, power_kw=None, priority=3),
    hand_made("cmd_d", "bay-2", scheduled_at=at(8, 4), type=CommandType.SET_POWER_LIMIT),
]
ROWS = [
    command_of(p, t, row)
    for t in TIMELINES
    for p in PLANS
    if p.id == t.plan_id
    for row in range(len(t.slots))
]
known = st.sampled_from([c.id for c in (*HAND_MADE, *ROWS)])
assets = st.sampled_from(ASSETS)


class ScheduleLaws(EntityLaws):
    entity = SCHEDULES.entity
    start = at(7, 59)
    intents = (
        st.builds(
            Write,
            st.lists(st.sampled_from(TIMELINES), min_size=1, max_size=8, unique_by=id).map(tuple),
        )
        | st.builds(Activate, st.sampled_from(PLANS))
        | st.builds(Submit, st.sampled_from(HAND_MADE))
        | st.builds(Dispatch, st.sampled_from([*HAND_MADE, *ROWS]))
        | st.builds(
            Answer,
            known,
            st.integers(1, 3),
            st.booleans(),
            permanent=st.booleans(),
            doubtful=st.booleans(),
            refused=st.booleans(),
        )
        | st.builds(Acknowledge, known, st.integers(1, 2), st.booleans())
        | st.builds(Cancel, known)
        | st.just(CheckTimeouts())
        | st.just(Sweep())
        | st.builds(Tidy, st.sampled_from([at(8, 1), at(8, 7), at(10)]))
        | st.builds(Unplug, assets)
        | st.builds(
            Open, st.builds(Run, st.integers(1, 3), st.just(1.0), st.just(False), st.just(at(8)))
        )
        | st.builds(
            ReportState, st.builds(AssetState, assets, st.sampled_from(["idle", "charging"]))
        )
        | st.builds(
            Measure,
            st.builds(Measurement, assets, *[st.just(at(8))] * 2, *[st.floats(0, 1)] * 5),
        )
    )


TestSchedules = ScheduleLaws.TestCase
