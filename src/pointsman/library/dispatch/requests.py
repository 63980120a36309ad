"""Updates of a dispatch by the names of its fields, as a request of the Dispatch API."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from frequenz.api.dispatch.v1.dispatch_pb2 import UpdateMicrogridDispatchRequest

from pointsman.dispatch_api.instants import timestamp_of
from pointsman.dispatch_api.payloads import struct_of
from pointsman.dispatch_api.rules import pb_rule
from pointsman.dispatch_api.targets import pb_target
from pointsman.library.dispatch.translating import rule_of, target_of

Fields = UpdateMicrogridDispatchRequest.DispatchUpdate
Fill = Callable[[Fields, Any], None]


def aware(instant: datetime) -> datetime:
    """An instant as it is.

    Raises:
        ValueError: If nobody can tell in which time zone it is meant.
    """
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise ValueError(
            f"start_time {instant.isoformat()} must be timezone aware: add a tzinfo, such as UTC"
        )
    return instant


def fill(request: UpdateMicrogridDispatchRequest, new_fields: Mapping[str, Any]) -> None:
    """Put new values, by field, into a request to update. None clears what may be empty.

    Raises:
        ValueError: If there is no such field, or a value of it means nothing.
    """
    for name, value in new_fields.items():
        path = EARLIER.get(name, name)
        if (put := FIELDS.get(path)) is None:
            known = ", ".join(sorted({*FIELDS, *EARLIER}))
            raise ValueError(f"{name!r} is no field that can be updated: {known} are")
        put(request.update, value)
        request.update_mask.paths.append(path)


def _duration(fields: Fields, value: Any) -> None:  # noqa: ANN401
    if value is not None:
        fields.duration = round(value.total_seconds())


def _active(fields: Fields, value: Any) -> None:  # noqa: ANN401
    fields.is_active = value


def _recurrence(fields: Fields, value: Any) -> None:  # noqa: ANN401
    """The parts of a whole rule have the same numbers in both messages."""
    if (rule := rule_of(value)) is not None:
        fields.recurrence.MergeFromString(pb_rule(rule).SerializeToString())


def _end(fields: Fields, value: Any) -> None:  # noqa: ANN401
    if value is not None:
        fields.recurrence.end_criteria.CopyFrom(value.to_protobuf())


def _number(name: str) -> Fill:
    def put(fields: Fields, value: Any) -> None:  # noqa: ANN401
        if value is not None:
            setattr(fields.recurrence, name, int(value))

    return put


def _numbers(name: str) -> Fill:
    def put(fields: Fields, value: Any) -> None:  # noqa: ANN401
        getattr(fields.recurrence, name).extend(int(one) for one in value or ())

    return put


EARLIER: Final = {
    "active": "is_active",
    "selector": "target",
    "recurrence.frequency": "recurrence.freq",
}
FIELDS: Final[Mapping[str, Fill]] = {
    "start_time": lambda fields, value: fields.start_time.CopyFrom(timestamp_of(aware(value))),
    "duration": _duration,
    "target": lambda fields, value: fields.target.CopyFrom(pb_target(target_of(value))),
    "is_active": _active,
    "payload": lambda fields, value: fields.payload.CopyFrom(struct_of(value or {})),
    "recurrence": _recurrence,
    "recurrence.freq": _number("freq"),
    "recurrence.interval": _number("interval"),
    "recurrence.end_criteria": _end,
    "recurrence.byminutes": _numbers("byminutes"),
    "recurrence.byhours": _numbers("byhours"),
    "recurrence.byweekdays": _numbers("byweekdays"),
    "recurrence.bymonthdays": _numbers("bymonthdays"),
    "recurrence.bymonths": _numbers("bymonths"),
}
"""What an update may name, and how a value of it is put into the request."""
