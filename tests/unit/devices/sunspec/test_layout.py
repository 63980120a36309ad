"""The scan, and blocks of registers with their meaning."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.devices.sunspec.image import image_of
from pointsman.devices.sunspec.layout import (
    BASES,
    MODELS_LIMIT,
    Block,
    Layout,
    LayoutError,
    Place,
    Read,
    Write,
    block,
    scan,
)
from pointsman.devices.sunspec.models import model

MARK = (0x5375, 0x6E53)


def walk(registers: dict[int, int], bases: tuple[int, ...] = BASES) -> Layout:
    """Scan a device that has these registers, and no others."""
    steps = scan(bases)
    what = next(steps)
    while True:
        found = tuple(registers.get(what.address + n, -1) for n in range(what.count))
        try:
            what = steps.send(None if -1 in found else found)
        except StopIteration as end:
            layout: Layout = end.value
            return layout


def at(base: int, *values: int) -> dict[int, int]:
    return {base + n: value for n, value in enumerate(values)}


@pytest.mark.parametrize("base", BASES)
def test_models_are_found_from_each_usual_base(base: int) -> None:
    chain = at(base, *MARK, 1, 2, 0, 0, 704, 1, 0, 0xFFFF, 0)
    assert walk(chain) == Layout(base, {1: Place(base + 2, 2), 704: Place(base + 6, 1)})


def test_of_two_models_with_one_id_the_first_counts() -> None:
    layout = walk(at(0, *MARK, 704, 1, 0, 704, 1, 0, 0xFFFF, 0), (0,))
    assert layout.places == {704: Place(2, 1)}


@pytest.mark.parametrize(
    ("registers", "said"),
    [
        ({}, 'no "SunS" at 40000, 0, 50000'),
        (at(0, *MARK, 1, 2, 0, 0), "breaks off at 6"),
        (at(0, *MARK, 1, 0, 0xFFFF, 0), "model 1 at 2 cannot be 0 registers long"),
        (at(0, *MARK, 1, 65531, 0), "cannot be 65531 registers long"),
        (at(0, *MARK, *(1, 1, 0) * (MODELS_LIMIT + 1)), "more than 100 models"),
    ],
)
def test_what_no_device_could_be_is_refused(registers: dict[int, int], said: str) -> None:
    with pytest.raises(LayoutError, match=said):
        walk(registers)


@given(st.lists(st.none() | st.tuples(st.integers(0, 65535), st.integers(0, 65535))))
def test_whatever_comes_back_a_scan_ends_and_stays_within_addresses(
    answers: list[tuple[int, int] | None],
) -> None:
    steps = scan()
    what = next(steps)
    supply = iter([MARK, *answers])
    for _ in range(MODELS_LIMIT + len(BASES) + 1):
        assert 0 <= what.address <= what.address + what.count <= 65536
        try:
            what = steps.send(next(supply, (1, 66)))
        except (StopIteration, LayoutError):
            return
    raise AssertionError("the scan goes on and on")


def test_one_read_is_never_too_long() -> None:
    assert Place(40002, 500).read == Read(40002, 125)
    assert Place(40002, 7).read == Read(40002, 9)


def test_a_block_that_is_another_by_now_is_refused() -> None:
    with pytest.raises(LayoutError, match="and now model 705 of length 65 is"):
        block(704, Place(40002, 65), (705, 65, *[0] * 65))


def store(**points: float) -> Block:
    return image_of(40000, {124: {"WChaMax_SF": 1, "InOutWRte_SF": -2, **points}}).block(124)


def test_values_are_scaled_both_ways() -> None:
    found = store(WChaMax=5000, InWRte=12.34)
    assert (found.raw("WChaMax"), found.value("WChaMax")) == (500, 5000)
    assert (found.raw("InWRte"), found.value("InWRte")) == (1234, 12.34)


def test_a_point_without_its_scale_has_no_meaning() -> None:
    lacking = image_of(40000, {124: {"InWRte": 0}}).block(124)
    assert lacking.raw("InWRte") is None or lacking.value("InWRte") is None
    with pytest.raises(ValueError, match="no InWRte"):
        lacking.scaled("InWRte", 1)


def test_points_beyond_the_device_s_own_length_are_not_there() -> None:
    short = Block(model(704), 40002, (704, 10, *[0] * 10))
    assert not short.has("WSet")
    assert short.writes({"WSet": 5}) == ()


def test_neighbours_share_a_write_and_what_is_missing_parts_them() -> None:
    both = store(OutWRte=0, InWRte=0, InOutWRte_RvrtTms=0)
    told = {"InWRte": 1, "OutWRte": 2, "InOutWRte_WinTms": 0, "InOutWRte_RvrtTms": 9}
    start = both.address
    assert both.writes(told) == (
        Write(start + 12, (200, 100), ("OutWRte", "InWRte")),
        Write(start + 15, (9,), ("InOutWRte_RvrtTms",)),
    )
