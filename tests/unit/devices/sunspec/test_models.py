"""Points on the wire and off it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.devices.sunspec.models import Point, absent, decode, encode, model

MODELS = (1, 103, 120, 121, 123, 124, 701, 702, 703, 704, 713, 715, 802)
POINTS = [point for id in MODELS for point in model(id).points.values()]


def test_points_are_where_the_standard_puts_them() -> None:
    control = model(704)
    places = {name: control.points[name].offset for name in ("WSetEna", "WSet", "WSetRvrtTms")}
    assert places == {"WSetEna": 22, "WSet": 24, "WSetRvrtTms": 31}
    assert control.points["PFWAbsRvrt.Ext"].offset == 66
    assert control.size == 67


def test_a_scale_factor_is_found_though_its_name_has_a_blank_too_many() -> None:
    assert model(124).points["InWRte"].scale == "InOutWRte_SF"


def test_points_after_a_group_that_repeats_are_left_out() -> None:
    assert all("." not in name for name in model(705).points)


def test_an_unknown_model_is_said_to_be_unknown() -> None:
    with pytest.raises(KeyError, match="no definition of SunSpec model 9999"):
        model(9999)


@given(st.sampled_from([point for point in POINTS if point.number]), st.data())
def test_what_is_written_is_read(point: Point, data: st.DataObject) -> None:
    value = data.draw(st.integers(*point.range))
    registers = encode(point, value)
    assert len(registers) == point.size
    assert decode(point, registers) == value


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_a_point_that_is_not_there_says_so(point: Point) -> None:
    assert decode(point, absent(point)) == (0 if point.type.startswith("acc") else None)


@pytest.mark.parametrize("value", [-(2**31), 2**31])
def test_a_value_that_does_not_fit_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="WSet holds -2147483647 to 2147483647"):
        encode(model(704).points["WSet"], value)


def test_texts_end_where_they_are_padded() -> None:
    point = model(1).points["Mn"]
    assert decode(point, encode(point, "pointsman")) == "pointsman"
