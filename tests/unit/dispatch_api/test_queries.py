"""Lists: filters, orders, and tokens that say all there is to say of a place."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime

import pytest
from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2
from hypothesis import given
from hypothesis import strategies as st

from pointsman.dispatch_api.instants import timestamp_of
from pointsman.dispatch_api.queries import PAGE_SIZE, query_of, read_token, token_of
from pointsman.dispatches.checks import Invalid
from pointsman.dispatches.components import Category, ComponentKind, Target
from pointsman.dispatches.views import Filter, Interval, Place, Query, Sort, SortField
from tests.unit.dispatch_api.given import INSTANTS, UINT64
from tests.unit.dispatches.given import at

SORTS = st.builds(Sort, st.sampled_from(SortField), st.booleans())
TOKEN = token_of(Query(7, page_size=20), Place(at(8), 64))


def request(**also: object) -> pb2.ListMicrogridDispatchesRequest:
    return pb2.ListMicrogridDispatchesRequest(microgrid_id=7, **also)  # type: ignore[arg-type]


def test_who_asks_for_nothing_in_particular_gets_the_newest_first() -> None:
    assert query_of(request()) == Query(7, Filter(), Sort(SortField.CREATE_TIME), PAGE_SIZE)


def test_all_that_a_filter_says_is_asked_for() -> None:
    filter = pb2.DispatchFilter(
        is_active=False,
        is_dry_run=True,
        is_recurring=False,
        dispatch_ids=[64, 2**64 - 1],
        queries=["#64", "charge"],
    )
    filter.targets.add().component_ids.ids.append(101)
    filter.targets.add().component_categories_types.categories.add(category=5, battery=1)
    filter.start_time_interval.start_time.CopyFrom(timestamp_of(at(1)))
    filter.end_time_interval.end_time.CopyFrom(timestamp_of(at(2)))
    filter.update_time_interval.start_time.CopyFrom(timestamp_of(at(3)))
    filter.update_time_interval.end_time.CopyFrom(timestamp_of(at(4)))
    assert query_of(request(filter=filter)).filter == Filter(
        targets=(
            Target(ids=(101,)),
            Target(kinds=(ComponentKind(Category.BATTERY, "LI_ION"),)),
        ),
        active=False,
        dry_run=True,
        recurring=False,
        start_time=Interval(at(1), None),
        end_time=Interval(None, at(2)),
        update_time=Interval(at(3), at(4)),
        ids=(64, 2**64 - 1),
        queries=("#64", "charge"),
    )


def test_a_filter_of_recurrence_asks_for_what_recurs() -> None:
    filter = pb2.DispatchFilter(filter=pb2.DispatchFilter.RecurrenceFilter())
    assert query_of(request(filter=filter)).filter.recurring is True


@pytest.mark.parametrize(
    ("field", "order", "sort"),
    [
        (0, 0, Sort(SortField.CREATE_TIME, descending=True)),
        (0, 1, Sort(SortField.CREATE_TIME, descending=False)),
        (1, 0, Sort(SortField.START_TIME, descending=False)),
        (1, 2, Sort(SortField.START_TIME, descending=True)),
        (2, 0, Sort(SortField.CREATE_TIME, descending=False)),
        (3, 1, Sort(SortField.UPDATE_TIME, descending=False)),
        (3, 2, Sort(SortField.UPDATE_TIME, descending=True)),
    ],
)
def test_an_order_is_ascending_if_only_its_field_is_said(
    field: int, order: int, sort: Sort
) -> None:
    options = pb2.SortOptions(sort_field=field, sort_order=order)  # type: ignore[arg-type]
    assert query_of(request(sort_options=options)).sort == sort


def test_an_order_that_nobody_knows_is_refused() -> None:
    with pytest.raises(Invalid, match="sort_field is 4: 0 to 3 are allowed"):
        query_of(request(sort_options=pb2.SortOptions(sort_field=4)))  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="sort_order is 9: 0 to 2 are allowed"):
        query_of(request(sort_options=pb2.SortOptions(sort_order=9)))  # type: ignore[arg-type]


@pytest.mark.parametrize(("asked", "got"), [(0, 1000), (1, 1), (1000, 1000), (2**32 - 1, 1000)])
def test_a_page_has_as_many_as_asked_for_up_to_a_thousand(asked: int, got: int) -> None:
    pb = request()
    pb.pagination_params.page_size = asked
    assert query_of(pb).page_size == got


@given(SORTS, st.integers(1, PAGE_SIZE), INSTANTS, UINT64)
def test_a_token_brings_back_order_size_and_place(
    sort: Sort, size: int, instant: datetime, id: int
) -> None:
    token = token_of(Query(7, sort=sort, page_size=size), Place(instant, id))
    assert read_token(token) == (sort, size, Place(instant, id))


def test_a_token_is_stronger_than_an_order_that_comes_with_it() -> None:
    pb = request(sort_options=pb2.SortOptions(sort_field=pb2.SORT_FIELD_START_TIME))
    pb.filter.is_active = True
    pb.pagination_params.page_token = TOKEN
    assert query_of(pb) == Query(7, Filter(active=True), Sort(), 20, Place(at(8), 64))


def test_tokens_of_this_version_are_read_for_ever() -> None:
    place = Place(datetime(2026, 1, 1, 8, tzinfo=UTC), 64)
    assert read_token("AQMAFAAGR076vWAAAAAAAAAAAEBxxvwZ") == (Sort(), 20, place)


def test_a_token_can_be_part_of_a_url() -> None:
    assert TOKEN.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "token", ["?", "A", "AAAA", TOKEN[:-1], TOKEN[1:], TOKEN + TOKEN, "é", "A" * 100_000]
)
def test_what_is_no_token_of_ours_is_refused(token: str) -> None:
    with pytest.raises(Invalid, match=r"page_token is .{1,70} which is none of this server"):
        read_token(token)


@given(st.integers(0, 23), st.integers(0, 7))
def test_a_token_that_was_changed_on_the_way_is_refused(byte: int, bit: int) -> None:
    data = bytearray(urlsafe_b64decode(TOKEN + "=" * (-len(TOKEN) % 4)))
    data[byte] ^= 1 << bit
    with pytest.raises(Invalid):
        read_token(urlsafe_b64encode(bytes(data)).decode().rstrip("="))


def test_a_filter_has_an_end() -> None:
    with pytest.raises(Invalid, match=r"filter.dispatch_ids has 10001 values: at most 10000"):
        query_of(request(filter=pb2.DispatchFilter(dispatch_ids=range(10_001))))


def test_a_target_to_look_for_must_be_one() -> None:
    filter = pb2.DispatchFilter()
    filter.targets.add()
    with pytest.raises(Invalid, match=r"filter.targets\[0\] is empty"):
        query_of(request(filter=filter))


def test_an_instant_out_of_all_time_is_refused_by_its_field() -> None:
    filter = pb2.DispatchFilter()
    filter.end_time_interval.start_time.seconds = 2**60
    with pytest.raises(Invalid, match=r"filter.end_time_interval.start_time is"):
        query_of(request(filter=filter))
