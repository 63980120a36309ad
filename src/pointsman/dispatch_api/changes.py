"""What an update changes: the fields that its mask names, also those that it leaves empty."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from frequenz.api.dispatch.v1.dispatch_pb2 import UpdateMicrogridDispatchRequest

from pointsman.dispatch_api.instants import instant_of
from pointsman.dispatch_api.payloads import payload_of
from pointsman.dispatch_api.rules import frequency_of, rule_of, weekdays_of
from pointsman.dispatch_api.targets import target_of
from pointsman.dispatches.checks import Invalid

DispatchUpdate = UpdateMicrogridDispatchRequest.DispatchUpdate
Changes = dict[str, Any]
"""New values, by the names that `dispatches.lifecycle.CHANGEABLE` lists."""


def changes_of(pb: UpdateMicrogridDispatchRequest) -> Changes:
    """New values by field. None, or what is empty, clears it.

    Raises:
        Invalid: If the mask names nothing, what cannot be changed, or what cannot be cleared; or
            if there are numbers that mean nothing.
    """
    if not pb.update_mask.paths:
        raise Invalid(f"update_mask is empty: name what is to change, of {', '.join(PATHS)}")
    changes: Changes = {}
    for path in pb.update_mask.paths:
        if (change := PATHS.get(path)) is None:
            raise Invalid(
                f"update_mask names {path!r}, which cannot be changed: only {', '.join(PATHS)}"
            )
        changes |= change(pb.update)
    return changes


def _start_time(pb: DispatchUpdate) -> Changes:
    _refuse_absent(pb, "start_time")
    return {"start_time": instant_of("start_time", pb.start_time)}


def _target(pb: DispatchUpdate) -> Changes:
    _refuse_absent(pb, "target")
    return {"target": target_of("target", pb.target)}


def _active(pb: DispatchUpdate) -> Changes:
    _refuse_absent(pb, "is_active")
    return {"active": pb.is_active}


def _refuse_absent(pb: DispatchUpdate, field: Any) -> None:  # noqa: ANN401  A literal of the stubs.
    if not pb.HasField(field):
        raise Invalid(f"{field} cannot be cleared: give a value, or leave it out of update_mask")


def _end(pb: DispatchUpdate) -> Changes:
    """Of how often and until when, at most one is ever given."""
    end = pb.recurrence.end_criteria
    until = end.HasField("until_time")
    place = "recurrence.end_criteria.until_time"
    return {
        "recurrence.count": end.count if end.HasField("count") else None,
        "recurrence.until": instant_of(place, end.until_time) if until else None,
    }


PATHS: Final[Mapping[str, Callable[[DispatchUpdate], Changes]]] = {
    "start_time": _start_time,
    "duration": lambda pb: {"duration_seconds": pb.duration if pb.HasField("duration") else None},
    "target": _target,
    "is_active": _active,
    "payload": lambda pb: {"payload": payload_of(pb.payload)},
    "recurrence": lambda pb: {"recurrence": rule_of(pb.recurrence)},
    "recurrence.freq": lambda pb: {"recurrence.frequency": frequency_of(pb.recurrence.freq)},
    "recurrence.interval": lambda pb: {"recurrence.interval": pb.recurrence.interval or None},
    "recurrence.end_criteria": _end,
    "recurrence.byminutes": lambda pb: {"recurrence.minutes": tuple(pb.recurrence.byminutes)},
    "recurrence.byhours": lambda pb: {"recurrence.hours": tuple(pb.recurrence.byhours)},
    "recurrence.byweekdays": lambda pb: {
        "recurrence.weekdays": weekdays_of(pb.recurrence.byweekdays)
    },
    "recurrence.bymonthdays": lambda pb: {
        "recurrence.month_days": tuple(pb.recurrence.bymonthdays)
    },
    "recurrence.bymonths": lambda pb: {"recurrence.months": tuple(pb.recurrence.bymonths)},
}
"""What a mask may name, and what of the update that changes."""
