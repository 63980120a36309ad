"""Bitmaps answer what a loop over all things would, whatever their numbers and words are."""

from hypothesis import given
from hypothesis import strategies as st

from pointsman.runtime.bitmaps import (
    BLOCK,
    Words,
    bitmap_of,
    compared,
    foremost,
    positions,
    sliced,
)

NUMBERS = st.lists(st.integers(0, 15), min_size=1, max_size=12)
SOME = st.sets(st.integers(0, 11))


@given(NUMBERS, SOME, st.integers(0, 15))
def test_all_are_compared_with_a_number_at_once(
    numbers: list[int], some: set[int], number: int
) -> None:
    some = {n for n in some if n < len(numbers)}
    less, same = compared(sliced(numbers, 4), number, bitmap_of(some))
    assert set(positions(less)) == {n for n in some if numbers[n] < number}
    assert set(positions(same)) == {n for n in some if numbers[n] == number}


@given(NUMBERS, SOME, st.integers(1, 12), st.booleans())
def test_the_foremost_are_those_that_come_first_in_order(
    numbers: list[int], some: set[int], count: int, greatest: bool
) -> None:
    """Of things with the same number there is no first, so they get a second one."""
    numbers = [number * 16 + n for n, number in enumerate(numbers)]
    some = {n for n in some if n < len(numbers)}
    found = foremost(sliced(numbers, 8), count, bitmap_of(some), greatest=greatest)
    wanted = sorted(some, key=numbers.__getitem__, reverse=greatest)[:count]
    assert set(positions(found)) == set(wanted)


@given(st.sets(st.integers(0, 3 * BLOCK), max_size=8))
def test_positions_come_back_in_order(some: set[int]) -> None:
    assert list(positions(bitmap_of(some))) == sorted(some)


@given(
    st.dictionaries(
        st.sampled_from([0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 7]), st.sets(st.sampled_from("abc"))
    ),
    st.sets(st.sampled_from("abcd")),
)
def test_a_thing_has_a_word_wherever_it_is(given: dict[int, set[str]], asked: set[str]) -> None:
    words = Words()
    for position, own in sorted(given.items()):
        words.add(position, own)
    wanted = {position for position, own in given.items() if own & asked}
    assert set(positions(words.any(asked))) == wanted
    assert set(positions(words.meeting(asked.__contains__))) == wanted
