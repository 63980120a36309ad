"""The ring never has a gap: what it cannot vouch for, the file must tell."""

import pytest

from pointsman.journal import Record
from pointsman.journal import ring as module
from pointsman.journal.ring import Ring


def records(first: int, last: int) -> list[Record]:
    return [Record(3, place, "k/s/a", b"x") for place in range(first, last + 1)]


def test_an_empty_ring_knows_nothing() -> None:
    assert Ring().since(0, 10) is None


def test_it_serves_what_follows_a_place_it_covers() -> None:
    ring = Ring()
    ring.extend(5, 9, records(6, 9))
    assert ring.since(5, 10) == records(6, 9)
    assert ring.since(7, 1) == records(8, 8)
    assert ring.since(9, 10) == []
    assert ring.since(4, 10) is None


def test_it_goes_on_where_it_ended_and_begins_anew_where_others_wrote() -> None:
    ring = Ring()
    ring.extend(0, 3, records(1, 3))
    ring.extend(3, 5, records(4, 5))
    assert ring.since(0, 10) == records(1, 5)
    ring.extend(7, 8, records(8, 8))
    assert ring.since(5, 10) is None
    assert ring.since(7, 10) == records(8, 8)


def test_cleared_it_knows_nothing() -> None:
    ring = Ring()
    ring.extend(0, 3, records(1, 3))
    ring.clear()
    assert ring.since(3, 10) is None


@pytest.mark.parametrize("limit", ["RECORDS", "BYTES"])
def test_it_drops_the_oldest_and_owns_up_to_it(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, limit, 10)
    ring = Ring()
    for place in range(1, 100):
        ring.extend(place - 1, place, records(place, place))
        assert len(ring._records) <= 20  # noqa: SLF001
    assert ring.since(99 - 10, 100) == records(90, 99)
    assert ring.since(50, 100) is None
