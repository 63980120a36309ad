"""What earlier releases journaled reads today as it did then."""

from datetime import UTC, datetime, timedelta

from pointsman.runtime.codec import Codec
from tests.golden.replay import read, replay
from tests.queues import QUEUES
from tests.queues.model import Header, Offered, Operation

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_the_queues_of_the_first_release_are_as_they_were() -> None:
    states = replay("queues-0.1.jsonl", [QUEUES])
    first, second = states["queues/caltech/robot-1"], states["queues/caltech/robot-2"]
    turn = Operation("turn the table", NOON + timedelta(minutes=5), priority=2)
    assert first.queued == {turn.id: turn}
    assert list(first.finished) == ["lift"]
    assert first.header == Header(on_hold=True)
    assert isinstance(second.active, Offered)
    assert second.active.operation.offers == 2
    assert list(second.finished) == [], "what was forgotten stays so"


def test_every_line_of_it_is_a_fact() -> None:
    codec = Codec([QUEUES])
    facts = [codec.decode(key, data) for key, data in read("queues-0.1.jsonl") if data]
    assert len(facts) == 16
