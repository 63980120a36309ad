"""Update masks: what is named changes, and what is named and absent is cleared."""

from datetime import UTC, datetime

import pytest
from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2

from pointsman.core.values import replace
from pointsman.dispatch_api.changes import PATHS, changes_of
from pointsman.dispatch_api.messages import pb_data
from pointsman.dispatches.checks import Invalid
from pointsman.dispatches.lifecycle import CHANGEABLE
from pointsman.dispatches.model import Frequency, Rule
from tests.unit.dispatches.given import at, data

RULE = Rule(
    Frequency.DAILY,
    3,
    count=4,
    minutes=(5,),
    hours=(6,),
    weekdays=(0,),
    month_days=(-1,),
    months=(7,),
)


def request(*paths: str, said: bool = True) -> pb2.UpdateMicrogridDispatchRequest:
    pb = pb2.UpdateMicrogridDispatchRequest(microgrid_id=7, dispatch_id=64)
    pb.update_mask.paths.extend(paths)
    if said:
        given = pb_data(data(payload={"power_kw": 5.0}, recurrence=RULE))
        pb.update.MergeFromString(
            pb2.UpdateMicrogridDispatchRequest.DispatchUpdate(
                start_time=given.start_time,
                duration=given.duration,
                target=given.target,
                is_active=given.is_active,
                payload=given.payload,
            ).SerializeToString()
        )
        pb.update.recurrence.MergeFromString(given.recurrence.SerializeToString())
    return pb


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("start_time", {"start_time": at(8)}),
        ("duration", {"duration_seconds": 900}),
        ("target", {"target": data().target}),
        ("is_active", {"active": True}),
        ("payload", {"payload": {"power_kw": 5.0}}),
        ("recurrence", {"recurrence": RULE}),
        ("recurrence.freq", {"recurrence.frequency": Frequency.DAILY}),
        ("recurrence.interval", {"recurrence.interval": 3}),
        ("recurrence.end_criteria", {"recurrence.count": 4, "recurrence.until": None}),
        ("recurrence.byminutes", {"recurrence.minutes": (5,)}),
        ("recurrence.byhours", {"recurrence.hours": (6,)}),
        ("recurrence.byweekdays", {"recurrence.weekdays": (0,)}),
        ("recurrence.bymonthdays", {"recurrence.month_days": (-1,)}),
        ("recurrence.bymonths", {"recurrence.months": (7,)}),
    ],
)
def test_what_a_mask_names_changes_and_nothing_else(path: str, changes: object) -> None:
    assert changes_of(request(path)) == changes


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("duration", {"duration_seconds": None}),
        ("payload", {"payload": {}}),
        ("recurrence", {"recurrence": None}),
        ("recurrence.freq", {"recurrence.frequency": None}),
        ("recurrence.interval", {"recurrence.interval": None}),
        ("recurrence.end_criteria", {"recurrence.count": None, "recurrence.until": None}),
        ("recurrence.byhours", {"recurrence.hours": ()}),
    ],
)
def test_what_is_named_and_absent_is_cleared(path: str, changes: object) -> None:
    assert changes_of(request(path, said=False)) == changes


@pytest.mark.parametrize("path", ["start_time", "target", "is_active"])
def test_what_cannot_be_cleared_is_said_by_its_name_in_the_api(path: str) -> None:
    with pytest.raises(Invalid, match=f"{path} cannot be cleared"):
        changes_of(request(path, said=False))


@pytest.mark.parametrize(
    "path", ["type", "is_dry_run", "metadata.dispatch_id", "duration_seconds", "active", ""]
)
def test_what_cannot_be_changed_is_refused_with_all_that_can(path: str) -> None:
    with pytest.raises(Invalid, match="which cannot be changed: only start_time, duration, target"):
        changes_of(request("duration", path))


def test_a_mask_that_names_nothing_is_refused() -> None:
    with pytest.raises(
        Invalid, match="update_mask is empty: name what is to change, of start_time"
    ):
        changes_of(request())


def test_an_end_is_a_count_or_an_instant() -> None:
    until = datetime(2027, 1, 1, tzinfo=UTC)
    pb = request("recurrence.end_criteria")
    pb.update.recurrence.end_criteria.until_time.FromDatetime(until)
    assert changes_of(pb) == {"recurrence.count": None, "recurrence.until": until}


def test_all_that_can_be_changed_can_be_named() -> None:
    named = set().union(*(changes_of(request(path)) for path in PATHS))
    assert named == set(CHANGEABLE)


def test_several_paths_change_together() -> None:
    changes = changes_of(request("recurrence", "recurrence.interval", "duration"))
    assert changes == {
        "recurrence": replace(RULE),
        "recurrence.interval": 3,
        "duration_seconds": 900,
    }
