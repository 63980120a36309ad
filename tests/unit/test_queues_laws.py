"""The laws hold for the pillar that the kernel's own tests use."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from tests.laws import EntityLaws
from tests.queues import QUEUES
from tests.queues.model import Add, Answer, Finish, Hold, Operation

START = datetime(2026, 1, 1, tzinfo=UTC)
ids = st.sampled_from("abcd")
instants = st.integers(0, 600).map(lambda seconds: START + timedelta(seconds=seconds))


class QueuesLaws(EntityLaws):
    entity = QUEUES.entity
    start = START
    intents = (
        st.builds(Add, st.builds(Operation, ids, instants, st.integers(-1, 1)))
        | st.builds(Answer, ids, st.integers(1, 3), st.booleans())
        | st.builds(Finish, ids)
        | st.builds(Hold, st.booleans())
    )


TestQueues = QueuesLaws.TestCase
