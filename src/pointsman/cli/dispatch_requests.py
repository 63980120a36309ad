"""What the commands ask a server, as messages of the Dispatch API."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from frequenz.api.common.v1alpha8.types.interval_pb2 import Interval as PbInterval
from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2

from pointsman.dispatch_api.instants import timestamp_of
from pointsman.dispatch_api.messages import pb_data
from pointsman.dispatch_api.payloads import struct_of
from pointsman.dispatch_api.rules import FREQUENCIES
from pointsman.dispatch_api.targets import pb_target
from pointsman.dispatches.model import DispatchData
from pointsman.dispatches.views import Filter, Interval, Sort, SortField

Changes = Mapping[str, Any]
"""New values by field, as `dispatches.intents.Update` names them. None clears."""

_FREQUENCY: Final = {frequency: number for number, frequency in FREQUENCIES.items()}
ONCE: Final = pb2.RecurrenceRule.FREQUENCY_UNSPECIFIED
_SORT: Final = {
    SortField.START_TIME: pb2.SORT_FIELD_START_TIME,
    SortField.CREATE_TIME: pb2.SORT_FIELD_CREATE_TIME,
    SortField.UPDATE_TIME: pb2.SORT_FIELD_LAST_UPDATE_TIME,
}
_LISTS: Final = {
    "recurrence.minutes": "byminutes",
    "recurrence.hours": "byhours",
    "recurrence.weekdays": "byweekdays",
    "recurrence.month_days": "bymonthdays",
    "recurrence.months": "bymonths",
}


def creation(
    microgrid_id: int, data: DispatchData, *, start_now: bool
) -> pb2.CreateMicrogridDispatchRequest:
    return pb2.CreateMicrogridDispatchRequest(
        microgrid_id=microgrid_id, dispatch_data=pb_data(data), start_immediately=start_now
    )


def update(
    microgrid_id: int, dispatch_id: int, changes: Changes
) -> pb2.UpdateMicrogridDispatchRequest:
    pb = pb2.UpdateMicrogridDispatchRequest(microgrid_id=microgrid_id, dispatch_id=dispatch_id)
    for name, value in changes.items():
        path = _change(pb.update, name, value)
        if path not in pb.update_mask.paths:
            pb.update_mask.paths.append(path)
    return pb


def listing(
    microgrid_id: int, wanted: Filter, sort: Sort | None = None, page_size: int | None = None
) -> pb2.ListMicrogridDispatchesRequest:
    """The request for the first page. What is not given is as the server has it by default."""
    pb = pb2.ListMicrogridDispatchesRequest(microgrid_id=microgrid_id, filter=_filter(wanted))
    if sort is not None:
        pb.sort_options.sort_field = _SORT[sort.field]
        pb.sort_options.sort_order = (
            pb2.SORT_ORDER_DESCENDING if sort.descending else pb2.SORT_ORDER_ASCENDING
        )
    if page_size is not None:
        pb.pagination_params.page_size = page_size
    return pb


def next_page(
    before: pb2.ListMicrogridDispatchesRequest, token: str
) -> pb2.ListMicrogridDispatchesRequest:
    pb = pb2.ListMicrogridDispatchesRequest()
    pb.CopyFrom(before)
    pb.pagination_params.page_token = token
    return pb


def _filter(wanted: Filter) -> pb2.DispatchFilter:
    pb = pb2.DispatchFilter(
        targets=[pb_target(target) for target in wanted.targets],
        is_active=wanted.active,
        is_dry_run=wanted.dry_run,
        dispatch_ids=wanted.ids,
        queries=wanted.queries,
    )
    if wanted.recurring is not None:
        pb.is_recurring = wanted.recurring
    for interval, field in (
        (wanted.start_time, pb.start_time_interval),
        (wanted.end_time, pb.end_time_interval),
        (wanted.update_time, pb.update_time_interval),
    ):
        _fill_interval(field, interval)
    return pb


def _fill_interval(pb: PbInterval, interval: Interval) -> None:
    if interval.start is not None:
        pb.start_time.CopyFrom(timestamp_of(interval.start))
    if interval.end is not None:
        pb.end_time.CopyFrom(timestamp_of(interval.end))


def _change(
    pb: pb2.UpdateMicrogridDispatchRequest.DispatchUpdate,
    name: str,
    value: Any,  # noqa: ANN401
) -> str:
    """Write one new value, and tell its path in the mask. What is cleared is left out."""
    match name:
        case "start_time":
            pb.start_time.CopyFrom(timestamp_of(value))
        case "duration_seconds":
            if value is not None:
                pb.duration = value
            return "duration"
        case "target":
            pb.target.CopyFrom(pb_target(value))
        case "active":
            pb.is_active = value
            return "is_active"
        case "payload":
            pb.payload.CopyFrom(struct_of(value))
        case "recurrence.frequency":
            pb.recurrence.freq = _FREQUENCY[value] if value else ONCE
            return "recurrence.freq"
        case "recurrence.interval":
            pb.recurrence.interval = value
        case "recurrence.count":
            if value is not None:
                pb.recurrence.end_criteria.count = value
            return "recurrence.end_criteria"
        case "recurrence.until":
            if value is not None:
                pb.recurrence.end_criteria.until_time.CopyFrom(timestamp_of(value))
            return "recurrence.end_criteria"
        case _:
            return _list(pb.recurrence, _LISTS[name], value)
    return name


def _list(pb: Any, field: str, values: Sequence[int]) -> str:  # noqa: ANN401  Messages have no common type.
    above = field == "byweekdays"  # Which are 1 to 7 there.
    getattr(pb, field).extend(value + above for value in values)
    return f"recurrence.{field}"
