"""A microgrid's dispatches keep the laws of every entity."""

from hypothesis import strategies as st

from pointsman.dispatches import DISPATCHES
from pointsman.dispatches.intents import Delete, Update
from pointsman.dispatches.model import Frequency, Rule
from tests.laws import EntityLaws
from tests.unit.dispatches.given import MICROGRID, at, create

IDS = st.sampled_from([64, 128, 192])
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "active": st.booleans(),
        "duration_seconds": st.none() | st.integers(-1, 1_000),
        "start_time": st.integers(7, 9).map(at),
        "recurrence.frequency": st.none() | st.sampled_from(Frequency),
        "recurrence.count": st.none() | st.integers(0, 3),
        "type": st.just("never"),
    },
)


class DispatchesLaws(EntityLaws):
    entity = DISPATCHES.entity
    start = at(7)
    intents = (
        st.builds(create, IDS, start_now=st.booleans())
        | st.builds(create, IDS, recurrence=st.builds(Rule, st.sampled_from(Frequency)))
        | st.builds(Update, IDS, st.just(MICROGRID), CHANGES)
        | st.builds(Delete, IDS, st.just(MICROGRID))
    )


TestDispatches = DispatchesLaws.TestCase
