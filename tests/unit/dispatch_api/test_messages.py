"""Dispatches as messages and back, and all that a message could say and may not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from frequenz.api.common.v1alpha8.microgrid.electrical_components.electrical_components_pb2 import (
    ElectricalComponentCategory,
)
from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2
from frequenz.client.dispatch.types import Dispatch as ClientDispatch
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct, Value
from hypothesis import given, settings

from pointsman.dispatch_api.messages import (
    Unreadable,
    creation_of,
    data_of,
    dispatch_of,
    pb_data,
    pb_of,
)
from pointsman.dispatch_api.payloads import payload_of, struct_of
from pointsman.dispatches.checks import Invalid
from pointsman.dispatches.components import Category, ComponentKind, Target
from pointsman.dispatches.model import Dispatch, DispatchData, Frequency, Rule
from tests.unit.dispatch_api.given import DATA, DISPATCHES, PAYLOADS, as_told
from tests.unit.dispatches.given import at, data

RECURRING = Rule(Frequency.DAILY, 2, until=at(20), hours=(8, 9), weekdays=(0, 6), month_days=(-1,))
DISPATCH = Dispatch(64, 7, data(recurrence=RECURRING), at(7), at(7), end_time=at(21))

Spoil = Callable[[pb2.DispatchData], object]


def message(spoil: Spoil | None = None) -> pb2.DispatchData:
    pb = pb_data(data(recurrence=RECURRING))
    if spoil is not None:
        spoil(pb)
    return pb


@settings(max_examples=80)
@given(DISPATCHES)
def test_what_is_written_is_read_again(dispatch: Dispatch) -> None:
    again = dispatch_of(pb2.Dispatch.FromString(pb_of(dispatch).SerializeToString()), 7)
    assert as_told(again) == as_told(dispatch)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Of the client, by itself.
@settings(max_examples=50)
@given(DATA)
def test_the_real_client_reads_what_we_write(given: DispatchData) -> None:
    pb = pb_of(Dispatch(64, 7, given, at(7), at(7)))
    assert ClientDispatch.from_protobuf(pb).payload == given.payload
    assert data_of(ClientDispatch.from_protobuf(pb).to_protobuf().data).type == given.type


@settings(max_examples=60)
@given(PAYLOADS)
def test_payloads_are_read_as_protobuf_itself_reads_them(payload: dict[str, Any]) -> None:
    struct = Struct()
    struct.update(payload)
    assert struct_of(payload) == struct
    assert payload_of(struct) == payload
    assert MessageToDict(struct) == payload


def test_numbers_of_a_payload_are_floats() -> None:
    assert repr(payload_of(struct_of({"n": 1}))) == "{'n': 1.0}"
    assert payload_of(struct_of({"yes": True})) == {"yes": True}


def test_an_empty_object_or_list_stays_one() -> None:
    assert payload_of(struct_of({"object": {}, "list": [], "none": None})) == {
        "object": {},
        "list": [],
        "none": None,
    }


def test_weekdays_are_from_one_on_the_wire_and_from_zero_here() -> None:
    pb = pb_of(DISPATCH)
    assert list(pb.data.recurrence.byweekdays) == [1, 7]
    assert dispatch_of(pb, 7).data.recurrence == RECURRING


def test_what_was_not_said_of_a_duration_is_not_zero() -> None:
    assert not pb_data(data(duration_seconds=None)).HasField("duration")
    assert pb_data(data(duration_seconds=0)).HasField("duration")
    assert data_of(pb_data(data(duration_seconds=0))).duration_seconds == 0
    assert data_of(pb_data(data(duration_seconds=None))).duration_seconds is None


def test_an_interval_that_is_not_said_is_one() -> None:
    pb = message(lambda pb: pb.recurrence.ClearField("interval"))
    assert data_of(pb).recurrence is not None
    assert data_of(pb).recurrence.interval == 1  # type: ignore[union-attr]


def test_without_a_frequency_nothing_recurs_whatever_else_is_said() -> None:
    pb = message(lambda pb: pb.recurrence.ClearField("freq"))
    pb.recurrence.byhours.append(99)
    assert data_of(pb).recurrence is None


def test_categories_are_read_in_their_old_form_too() -> None:
    pb = message()
    pb.target.component_categories.categories.extend(
        [
            ElectricalComponentCategory.ELECTRICAL_COMPONENT_CATEGORY_BATTERY,
            ElectricalComponentCategory.ELECTRICAL_COMPONENT_CATEGORY_CHP,
        ]
    )
    assert data_of(pb).target == Target(
        kinds=(ComponentKind(Category.BATTERY), ComponentKind(Category.CHP))
    )


def test_a_type_that_is_unspecified_is_any() -> None:
    pb = message()
    pb.target.component_categories_types.categories.add(category=5, battery=0)
    assert data_of(pb).target.kinds[-1] == ComponentKind(Category.BATTERY)


def test_an_instant_keeps_its_microseconds() -> None:
    instant = datetime(2026, 1, 1, 8, 0, 0, 123_456, tzinfo=UTC)
    assert data_of(pb_data(data(start_time=instant))).start_time == instant


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda pb: pb.ClearField("target"), "target is empty: give component_ids"),
        (
            lambda pb: pb.target.component_categories_types.categories.add(category=20),
            "target.component_categories_types.category is 20: 1 (GRID_CONNECTION_POINT), 2",
        ),
        (
            lambda pb: pb.target.component_categories_types.categories.add(),
            "target.component_categories_types.category is 0: 1",
        ),
        (
            lambda pb: pb.target.component_categories_types.categories.add(category=5, battery=9),
            "target.component_categories_types.battery is 9: 1 (LI_ION), 2 (NA_ION) are allowed",
        ),
        (
            lambda pb: pb.target.component_categories_types.categories.add(
                category=3, ev_charger=3
            ),
            "has a type of ev_charger with INVERTER: inverter is allowed",
        ),
        (
            lambda pb: pb.target.component_categories_types.categories.add(category=2, battery=1),
            "has a type of battery with METER: no type is allowed",
        ),
        (
            lambda pb: pb.target.component_categories.categories.append(0),
            "target.component_categories is 0: 1",
        ),
        (
            lambda pb: setattr(pb.recurrence, "freq", 7),
            "recurrence.freq is 7: 1 (MINUTELY), 2 (HOURLY)",
        ),
        (
            lambda pb: pb.recurrence.byweekdays.append(0),
            "recurrence.byweekdays is 0: 1 (Monday) to 7 (Sunday) are allowed",
        ),
        (lambda pb: pb.recurrence.byweekdays.append(8), "recurrence.byweekdays is 8: 1 (Monday)"),
        (
            lambda pb: setattr(pb.start_time, "seconds", 253_402_300_800),
            "start_time is 253402300800 seconds and 0 nanos after 1970: years 1 to 9999",
        ),
        (lambda pb: setattr(pb.start_time, "nanos", -1), "start_time is"),
        (lambda pb: setattr(pb.start_time, "nanos", 1_000_000_000), "start_time is"),
        (
            lambda pb: setattr(pb.recurrence.end_criteria.until_time, "seconds", -(2**62)),
            "recurrence.end_criteria.until_time is -4611686018427387904 seconds",
        ),
        (
            lambda pb: pb.payload.fields["nothing"].CopyFrom(Value()),
            "payload has nothing as the value of 'nothing'",
        ),
    ],
)
def test_what_means_nothing_is_refused_with_field_value_and_what_is_allowed(
    spoil: Spoil, said: str
) -> None:
    with pytest.raises(Invalid) as caught:
        data_of(message(spoil))
    assert said in str(caught.value)
    with pytest.raises(Unreadable) as poison:
        dispatch_of(pb2.Dispatch(metadata=pb_of(DISPATCH).metadata, data=message(spoil)), 7)
    assert str(poison.value).startswith("dispatch 64: ")
    assert "\n" not in str(poison.value)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda pb: pb.recurrence.byhours.append(24), "recurrence.byhours is 24"),
        (lambda pb: pb.recurrence.byminutes.append(60), "recurrence.byminutes is 60"),
        (lambda pb: pb.recurrence.bymonths.append(13), "recurrence.bymonths is 13"),
        (lambda pb: pb.recurrence.bymonthdays.append(0), "recurrence.bymonthdays is 0"),
        (lambda pb: setattr(pb.recurrence, "interval", 10_001), "recurrence.interval is 10001"),
        (
            lambda pb: setattr(pb.recurrence.end_criteria, "count", 0),
            "recurrence.end_criteria.count is 0",
        ),
        (lambda pb: pb.target.component_ids.SetInParent(), "target is empty"),
    ],
)
def test_a_dispatch_of_another_server_is_unreadable_if_no_rule_can_be_made_of_it(
    spoil: Spoil, said: str
) -> None:
    with pytest.raises(Unreadable, match=f"dispatch 64: {said}"):
        dispatch_of(pb2.Dispatch(metadata=pb_of(DISPATCH).metadata, data=message(spoil)), 7)


def test_when_the_last_run_starts_follows_from_when_it_ends() -> None:
    counted = pb_of(DISPATCH)
    assert dispatch_of(counted, 7).last_start == at(21) - timedelta(seconds=900)
    once = pb_of(Dispatch(64, 7, data(), at(7), at(7)))
    assert dispatch_of(once, 7).last_start == at(8)
    counted.metadata.ClearField("end_time")
    assert dispatch_of(counted, 7).last_start is None


def nested(depth: int) -> Struct:
    top = struct = Struct()
    for _ in range(depth - 1):
        struct = struct.fields["in"].struct_value
    struct.SetInParent()
    struct.fields["end"].null_value = 0  # type: ignore[assignment]
    return top


def test_a_payload_that_is_too_deep_is_refused_before_it_is_read() -> None:
    assert payload_of(nested(5))
    with pytest.raises(Invalid, match="nested deeper than the 5 levels"):
        payload_of(nested(6))
    with pytest.raises(Invalid, match="nested deeper than the 5 levels"):
        payload_of(nested(5_000))


def test_a_payload_that_is_far_too_big_is_refused_before_it_is_read() -> None:
    assert len(payload_of(struct_of({"zeros": [0.0] * 12_000}))["zeros"]) == 12_000
    with pytest.raises(Invalid, match="payload is a message of"):
        payload_of(struct_of({"text": "x" * 300_000}))


def test_a_creation_has_a_start_or_starts_at_once() -> None:
    request = pb2.CreateMicrogridDispatchRequest(microgrid_id=7, dispatch_data=message())
    assert not creation_of(request).start_now
    request.dispatch_data.ClearField("start_time")
    with pytest.raises(Invalid, match="start_time is missing"):
        creation_of(request)
    request.start_immediately = True
    assert creation_of(request).start_now
