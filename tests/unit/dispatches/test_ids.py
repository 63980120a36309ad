"""Ids are drawn in blocks, and none is ever given out twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.entity import Rejected
from pointsman.core.names import check_name
from pointsman.dispatches import IDS, ids_id
from pointsman.dispatches.ids import (
    DRAWN_MOST,
    NUMBER_MOST,
    Counter,
    Draw,
    Drawn,
    decide,
    drawn_ids,
    evolve,
    initial,
)
from tests.laws import EntityLaws
from tests.unit.dispatches.given import at


class IdsLaws(EntityLaws):
    entity = IDS.entity
    start = at(7)
    intents = st.builds(Draw, st.integers(-1, 5) | st.just(DRAWN_MOST + 1))


TestIds = IdsLaws.TestCase


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 63)), max_size=20))
def test_all_ids_differ_and_grow_in_each_shard(draws: list[tuple[int, int]]) -> None:
    counters = {shard: initial() for shard in range(64)}
    given: dict[int, list[int]] = {}
    for count, shard in draws:
        [drawn] = decide(counters[shard], Draw(count), at(7))
        evolve(counters[shard], drawn)
        ids = drawn_ids(drawn, count, shard)
        assert len(ids) == count
        given.setdefault(shard, []).extend(ids)
    assert all(ids == sorted(ids) and ids[0] > 63 for ids in given.values())
    everything = [id for ids in given.values() for id in ids]
    assert len(set(everything)) == len(everything)
    assert all(id % 64 == shard for shard, ids in given.items() for id in ids)


def test_ids_are_whole_numbers_to_whoever_counts_in_doubles() -> None:
    last = drawn_ids(Drawn(NUMBER_MOST), 1, 63)[-1]
    assert last == 2**53 - 1
    with pytest.raises(Rejected, match="no 2 ids left"):
        decide(Counter(NUMBER_MOST - 1), Draw(2), at(7))


@pytest.mark.parametrize("count", [0, -1, DRAWN_MOST + 1])
def test_a_draw_is_of_some_and_not_of_too_many(count: int) -> None:
    with pytest.raises(Rejected, match=f"{count} ids cannot be drawn at once: 1 to"):
        decide(initial(), Draw(count), at(7))


def test_the_counter_of_a_shard_has_a_name() -> None:
    check_name(f"{IDS.name}/{ids_id(63)}", parts=(3,))
