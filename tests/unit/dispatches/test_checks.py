"""What nobody may ask of a dispatch, and what the refusal says."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from pointsman.dispatches.checks import Invalid, check_data, check_start, whole_seconds
from pointsman.dispatches.components import Category, ComponentKind, Target
from pointsman.dispatches.model import Frequency, Rule
from tests.unit.dispatches.given import at, data

DEEPEST = {"a": {"b": {"c": {"d": [1.0]}}}}


def rule(**also: Any) -> dict[str, Rule]:  # noqa: ANN401
    return {"recurrence": Rule(**({"frequency": Frequency.DAILY} | also))}


def kinds(*kinds: ComponentKind) -> dict[str, Target]:
    return {"target": Target(kinds=kinds)}


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"target": Target()}, "target is empty"),
        ({"target": Target((1,), (ComponentKind(Category.BATTERY),))}, "target is empty"),
        ({"target": Target((2**64,))}, f"target.component_ids is {2**64}: 0 to"),
        (
            kinds(ComponentKind(Category.BATTERY, "PV")),
            "BATTERY has one of LI_ION, NA_ION, not 'PV'",
        ),
        (kinds(ComponentKind(Category.METER, "AC")), "METER has no type, not 'AC'"),
        ({"target": Target(tuple(range(10_001)))}, "target has 10001 components: at most 10000"),
        ({"type": "x" * 1_001}, "type has 1001 characters: at most 1000"),
        (rule(hours=(1,) * 1_001), "recurrence.byhours has 1001 values: at most 1000"),
        (rule(month_days=(1,) * 1_001), "recurrence.bymonthdays has 1001 values: at most 1000"),
        ({"duration_seconds": -1}, "duration is -1: 0 to 4294967295"),
        ({"duration_seconds": 2**32}, "duration is 4294967296"),
        ({"payload": {"deep": DEEPEST}}, "nested deeper than the 5 levels"),
        ({"payload": {"long": "x" * 51_200}}, "payload is 51211 bytes of JSON: at most 51200"),
        ({"payload": {"not": float("nan")}}, "payload cannot be written as JSON"),
        ({"payload": {"half": "\ud800"}}, "payload cannot be written as JSON"),
        ({"payload": {"recurrence_timezone": "Mars/Olympus"}}, "is 'Mars/Olympus': give an IANA"),
        ({"payload": {"recurrence_timezone": 7.0}}, "is 7.0: give an IANA"),
        ({"payload": {"recurrence_timezone": "../etc"}}, "give an IANA"),
        (rule(interval=0), "recurrence.interval is 0: 1 to 10000"),
        (rule(interval=10_001), "recurrence.interval is 10001"),
        (rule(count=0), "recurrence.end_criteria.count is 0: 1 to 4096"),
        (rule(count=4_097), "recurrence.end_criteria.count is 4097"),
        (rule(minutes=(60,)), "recurrence.byminutes is 60: 0 to 59"),
        (rule(hours=(24,)), "recurrence.byhours is 24: 0 to 23"),
        (rule(weekdays=(7,)), "recurrence.byweekdays is 7: 0 to 6"),
        (rule(months=(0,)), "recurrence.bymonths is 0: 1 to 12"),
        (rule(month_days=(0,)), "recurrence.bymonthdays is 0: 1 to 31 or -31 to -1"),
        (rule(month_days=(-32,)), "recurrence.bymonthdays is -32"),
        (rule(frequency=Frequency.WEEKLY, month_days=(1,)), "given with WEEKLY"),
        (rule(months=(2,), month_days=(30,)), "recurrence has no occurrence"),
        (rule(frequency=Frequency.HOURLY, interval=2, hours=(9,)), "recurrence has no occurrence"),
        (rule(until=at(7)), "recurrence has no occurrence"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(fields: dict[str, Any], refusal: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_data(data(**fields))
    assert refusal in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"target": Target((0, 2**64 - 1))},
        {"target": Target(tuple(range(10_000)))},
        {"type": "x" * 1_000},
        rule(hours=(1,) * 1_000),
        kinds(ComponentKind(Category.INVERTER, "PV"), ComponentKind(Category.CHP)),
        {"duration_seconds": 0},
        {"duration_seconds": 2**32 - 1},
        {"payload": DEEPEST},
        {"payload": {"long": "x" * (51_200 - 11)}},
        {"payload": {"recurrence_timezone": "Europe/Berlin"}},
        rule(interval=10_000, count=4_096, minutes=(0, 59), hours=(0, 23), weekdays=(0, 6)),
        rule(month_days=(1, 31, -1, -31), months=(1, 12)),
    ],
)
def test_what_makes_just_sense_is_taken(fields: dict[str, Any]) -> None:
    check_data(data(**fields))


def test_a_start_in_the_past_is_refused_and_one_right_now_is_not() -> None:
    check_start(at(8), at(8))
    with pytest.raises(Invalid, match="has passed, as it is"):
        check_start(at(8), at(8) + timedelta.resolution)


def test_a_start_for_which_there_is_no_room_in_the_calendar_is_refused() -> None:
    last = datetime(9999, 12, 30, tzinfo=at(0).tzinfo)
    check_start(last - timedelta.resolution, at(8))
    with pytest.raises(Invalid, match="times before 9999-12-30T00:00:00"):
        check_start(last, at(8))


@pytest.mark.parametrize(
    ("second", "rounded"), [(0.4, 0), (0.5, 0), (0.6, 1), (1.5, 2), (2.5, 2), (59.7, 60)]
)
def test_the_nearest_whole_second(second: float, rounded: int) -> None:
    assert whole_seconds(at(8, 0, second)) == at(8) + timedelta(seconds=rounded)


def test_a_rule_is_read_in_the_zone_that_its_payload_names() -> None:
    recurrence = check_data(
        data(payload={"recurrence_timezone": "Europe/Berlin"}, **rule(hours=(8,)))
    )
    assert recurrence is not None
    summer = datetime(2026, 7, 1, tzinfo=at(0).tzinfo)
    assert recurrence.at_or_after(summer) == summer.replace(hour=6)
