"""What happened, as facts; and what was forgotten, for those who keep a state."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from pointsman.core.entity import Fact, Forgotten
from pointsman.journal.memory import MemoryJournal
from pointsman.runtime.codec import Codec, Happened
from pointsman.runtime.follow import follow
from tests.queues import QUEUES
from tests.queues.model import Added, Operation

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
ROBOT = "queues/caltech/robot-1"
LIFT, DRILL = (Added(Operation(id, NOON)) for id in ("lift", "drill"))


@pytest.mark.parametrize("forgotten", [False, True])
async def test_forgetting_is_told_to_those_who_ask(*, forgotten: bool) -> None:
    journal, codec = MemoryJournal(), Codec([QUEUES])
    token = await journal.claim(3)
    told: list[tuple[Fact, datetime]] = [(LIFT, NOON), (Forgotten("lift"), LATER), (DRILL, LATER)]
    await journal.append(token, [codec.record(ROBOT, fact, at) for fact, at in told])
    found: list[Happened] = []
    async with asyncio.timeout(1):
        async for _, happened in follow(journal, [QUEUES], forgotten=forgotten):
            found.append(happened)
            if happened.fact == DRILL:
                break
    news = [(ROBOT, LIFT, NOON), (ROBOT, Forgotten("lift"), NOON), (ROBOT, DRILL, LATER)]
    assert found == (news if forgotten else [news[0], news[2]])
