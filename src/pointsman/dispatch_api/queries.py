"""Lists: which dispatches are wanted, in which order, and the page to go on with.

A page token says all that there is to say of its place, so nobody need remember it: it is good for
as long as this release can read it, whatever was restarted meanwhile.
"""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from zlib import crc32

from frequenz.api.common.v1alpha8.types.interval_pb2 import Interval as PbInterval
from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2

from pointsman.dispatch_api.instants import EPOCH, instant_of
from pointsman.dispatch_api.targets import target_of
from pointsman.dispatches.checks import Invalid, check_target
from pointsman.dispatches.components import Target
from pointsman.dispatches.views import Filter, Interval, Place, Query, Sort, SortField

PAGE_SIZE: Final = 1_000
"""Dispatches of a page: at most, and if nobody says how many."""
ALTERNATIVES_MOST: Final = 10_000
"""Values of one field of a filter."""

_TOKEN: Final = struct.Struct(">BBHqQ")
"""Version, order, page size, microseconds since 1970, id."""
_VERSION: Final = 1
_CHECK_BYTES: Final = 4
_MICROSECOND: Final = timedelta.resolution

_FIELDS: Final[Mapping[int, SortField]] = {
    pb2.SORT_FIELD_UNSPECIFIED: SortField.CREATE_TIME,
    pb2.SORT_FIELD_START_TIME: SortField.START_TIME,
    pb2.SORT_FIELD_CREATE_TIME: SortField.CREATE_TIME,
    pb2.SORT_FIELD_LAST_UPDATE_TIME: SortField.UPDATE_TIME,
}
_ORDERS: Final = (
    pb2.SORT_ORDER_UNSPECIFIED,
    pb2.SORT_ORDER_ASCENDING,
    pb2.SORT_ORDER_DESCENDING,
)
_SORT_FIELDS: Final = tuple(SortField)
"""Their places are in tokens: only ever add at the end."""


def query_of(pb: pb2.ListMicrogridDispatchesRequest) -> Query:
    """What is wanted. A token goes on where its page ended, in its order and of its size.

    Raises:
        Invalid: If the token is none of ours, or there are numbers that mean nothing.
    """
    params, filter = pb.pagination_params, _filter_of(pb.filter)
    if params.WhichOneof("params") == "page_token" and params.page_token:
        sort, size, after = read_token(params.page_token)
        return Query(pb.microgrid_id, filter, sort, size, after)
    size = min(params.page_size or PAGE_SIZE, PAGE_SIZE)
    return Query(pb.microgrid_id, filter, _sort_of(pb.sort_options), size)


def token_of(query: Query, place: Place) -> str:
    """What brings one back to the page after `place`."""
    order = _SORT_FIELDS.index(query.sort.field) * 2 + query.sort.descending
    micros = (place.instant - EPOCH) // _MICROSECOND
    packed = _TOKEN.pack(_VERSION, order, query.page_size, micros, place.id)
    return urlsafe_b64encode(packed + _check(packed)).decode().rstrip("=")


def read_token(token: str) -> tuple[Sort, int, Place]:
    """The order, the size and the place of the page that ended there.

    Raises:
        Invalid: If it is no token that `token_of` made.
    """
    try:
        data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        packed, check = data[:-_CHECK_BYTES], data[-_CHECK_BYTES:]
        version, order, size, micros, id = _TOKEN.unpack(packed)
        if check != _check(packed) or version != _VERSION or not 0 < size <= PAGE_SIZE:
            raise ValueError("it was changed on the way, or is of another release")
        sort = Sort(_SORT_FIELDS[order // 2], descending=bool(order % 2))
        return sort, size, Place(EPOCH + micros * _MICROSECOND, id)
    except (ValueError, OverflowError, IndexError, struct.error) as error:
        raise Invalid(
            f"page_token is {token[:60]!r}, which is none of this server: list anew without one"
        ) from error


def _check(packed: bytes) -> bytes:
    return crc32(packed).to_bytes(_CHECK_BYTES)


def _sort_of(pb: pb2.SortOptions) -> Sort:
    if (field := _FIELDS.get(pb.sort_field)) is None:
        raise Invalid(f"sort_options.sort_field is {pb.sort_field}: 0 to 3 are allowed")
    if pb.sort_order not in _ORDERS:
        raise Invalid(f"sort_options.sort_order is {pb.sort_order}: 0 to 2 are allowed")
    newest_first = not pb.sort_field and not pb.sort_order
    return Sort(field, descending=newest_first or pb.sort_order == pb2.SORT_ORDER_DESCENDING)


def _filter_of(pb: pb2.DispatchFilter) -> Filter:
    for field, values in (
        ("targets", pb.targets),
        ("dispatch_ids", pb.dispatch_ids),
        ("queries", pb.queries),
    ):
        if len(values) > ALTERNATIVES_MOST:
            raise Invalid(
                f"filter.{field} has {len(values)} values: at most {ALTERNATIVES_MOST} are allowed"
            )
    return Filter(
        targets=tuple(_target_of(n, one) for n, one in enumerate(pb.targets)),
        active=pb.is_active if pb.HasField("is_active") else None,
        dry_run=pb.is_dry_run if pb.HasField("is_dry_run") else None,
        recurring=_recurring_of(pb),
        start_time=_interval_of("start_time_interval", pb.start_time_interval),
        end_time=_interval_of("end_time_interval", pb.end_time_interval),
        update_time=_interval_of("update_time_interval", pb.update_time_interval),
        ids=tuple(pb.dispatch_ids),
        queries=tuple(pb.queries),
    )


def _target_of(n: int, pb: pb2.TargetComponents) -> Target:
    target = target_of(f"filter.targets[{n}]", pb)
    check_target(target)
    return target


def _recurring_of(pb: pb2.DispatchFilter) -> bool | None:
    match pb.WhichOneof("recurrence"):
        case "is_recurring":
            return pb.is_recurring
        case "filter":  # Which says nothing yet, but of those that recur.
            return True
        case _:
            return None


def _interval_of(field: str, pb: PbInterval) -> Interval:
    start, end = pb.HasField("start_time"), pb.HasField("end_time")
    return Interval(
        instant_of(f"filter.{field}.start_time", pb.start_time) if start else None,
        instant_of(f"filter.{field}.end_time", pb.end_time) if end else None,
    )
