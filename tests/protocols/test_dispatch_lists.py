"""Lists of the Dispatch API: each filter, each order, and how many there are in all."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from frequenz.api.dispatch.v1 import dispatch_pb2 as pb2
from frequenz.api.dispatch.v1.dispatch_pb2_grpc import MicrogridDispatchServiceStub
from frequenz.client.common.microgrid import MicrogridId
from frequenz.client.common.microgrid.electrical_components import ElectricalComponentCategory
from frequenz.client.dispatch import DispatchApiClient
from frequenz.client.dispatch.recurrence import EndCriteria, Frequency, RecurrenceRule
from frequenz.client.dispatch.types import BatteryType, TargetCategories, TargetIds

from tests.protocols.dispatch_bench import (
    MICROGRID,
    Server,
    Serving,
    client,
    created,
    listed,
    server,
    soon,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
HOUR = timedelta(hours=1)
DAILY = RecurrenceRule(frequency=Frequency.DAILY, interval=1)
TWICE = RecurrenceRule(frequency=Frequency.DAILY, interval=1, end_criteria=EndCriteria(count=2))
NOON = soon(86_400)
ALL_OF_THEM: dict[str, dict[str, Any]] = {
    "once": {"start_time": NOON, "duration": HOUR},
    "later": {"start_time": NOON + HOUR, "duration": HOUR, "active": False},
    "for ever": {"start_time": NOON, "duration": None, "target": TargetIds(1, 2)},
    "twice": {"start_time": NOON, "duration": HOUR, "recurrence": TWICE, "dry_run": True},
    "again and again": {"start_time": NOON, "duration": HOUR, "recurrence": DAILY},
}
ENDLESS = {"for ever", "again and again"}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Server]:
    async with server(Serving(tmp_path)) as running:
        yield running


@pytest.fixture
async def api(served: Server) -> AsyncIterator[DispatchApiClient]:
    """Of a microgrid that has one of each."""
    async with client(served.url) as connected:
        for type, fields in ALL_OF_THEM.items():
            await created(connected, type=type, **fields)
        await created(connected, type="elsewhere", microgrid_id=MicrogridId(8))
        yield connected


@pytest.mark.parametrize(
    ("filters", "types"),
    [
        ({}, set(ALL_OF_THEM)),
        ({"active": False}, {"later"}),
        ({"active": True}, set(ALL_OF_THEM) - {"later"}),
        ({"dry_run": True}, {"twice"}),
        ({"dry_run": False}, set(ALL_OF_THEM) - {"twice"}),
        ({"start_from": NOON + HOUR}, {"later"}),
        ({"start_to": NOON + HOUR}, set(ALL_OF_THEM) - {"later"}),
        ({"start_from": NOON, "start_to": NOON}, set()),
        ({"end_from": NOON + HOUR}, set(ALL_OF_THEM)),
        ({"end_from": NOON + 2 * HOUR}, {"later", "twice", *ENDLESS}),
        ({"end_from": NOON + 100 * HOUR}, ENDLESS),
        ({"end_to": NOON + 2 * HOUR}, {"once"}),
        ({"end_to": NOON + 1_000 * HOUR}, {"once", "later", "twice"}),
        ({"target_components": [TargetIds(2, 3)]}, {"for ever"}),
        ({"target_components": [TargetIds(3)]}, set()),
        (
            {"target_components": [TargetCategories(ElectricalComponentCategory.BATTERY)]},
            set(ALL_OF_THEM) - {"for ever"},
        ),
        ({"target_components": [TargetCategories(BatteryType.NA_ION)]}, set()),
        (
            {"target_components": [TargetIds(1), TargetCategories(BatteryType.LI_ION)]},
            set(ALL_OF_THEM),
        ),
        ({"filter_queries": ["ever", "wic"]}, {"for ever", "twice"}),
        ({"filter_queries": ["EVER", "%", "_", "#once"]}, set()),
        ({"filter_queries": ["a"], "active": False}, {"later"}),
    ],
)
async def test_a_filter_lets_through_what_fits_it(
    api: DispatchApiClient, filters: dict[str, Any], types: set[str]
) -> None:
    assert {dispatch.type for dispatch in await listed(api, **filters)} == types


async def test_ids_are_looked_for_by_list_and_by_query(api: DispatchApiClient) -> None:
    by_type = {dispatch.type: dispatch.id for dispatch in await listed(api)}
    wanted = [by_type["once"], by_type["twice"]]
    found = await listed(api, dispatch_ids=wanted)
    assert {dispatch.type for dispatch in found} == {"once", "twice"}
    query = f"#{int(by_type['later'])}"
    found = await listed(api, filter_queries=[query, "ever"])
    assert {dispatch.type for dispatch in found} == {"later", "for ever"}


async def answered(served: Server, **also: Any) -> pb2.ListMicrogridDispatchesResponse:  # noqa: ANN401
    """What the client has no words for."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{served.port}") as channel:
        request = pb2.ListMicrogridDispatchesRequest(microgrid_id=int(MICROGRID), **also)
        stub = MicrogridDispatchServiceStub(channel)
        response = await stub.ListMicrogridDispatches(request)
    assert isinstance(response, pb2.ListMicrogridDispatchesResponse)
    return response


@pytest.mark.parametrize(
    ("said", "types"),
    [
        ({"is_recurring": True}, {"twice", "again and again"}),
        ({"is_recurring": False}, {"once", "later", "for ever"}),
        ({"filter": pb2.DispatchFilter.RecurrenceFilter()}, {"twice", "again and again"}),
    ],
)
@pytest.mark.usefixtures("api")
async def test_what_recurs_can_be_told_from_what_does_not(
    served: Server, said: dict[str, Any], types: set[str]
) -> None:
    response = await answered(served, filter=pb2.DispatchFilter(**said))
    assert {one.data.type for one in response.dispatches} == types


async def test_what_changed_since_an_instant_can_be_asked_for(
    served: Server, api: DispatchApiClient
) -> None:
    changed = (await listed(api))[-1]
    after = await api.update(
        microgrid_id=MICROGRID, dispatch_id=changed.id, new_fields={"active": False}
    )
    filter = pb2.DispatchFilter()
    filter.update_time_interval.start_time.FromDatetime(after.update_time)
    response = await answered(served, filter=filter)
    assert [one.metadata.dispatch_id for one in response.dispatches] == [int(changed.id)]


@pytest.mark.parametrize("field", ["START_TIME", "CREATE_TIME", "LAST_UPDATE_TIME"])
@pytest.mark.parametrize("order", ["ASCENDING", "DESCENDING"])
@pytest.mark.usefixtures("api")
async def test_pages_are_in_the_order_asked_for_and_each_has_all_counted(
    served: Server, field: str, order: str
) -> None:
    options = pb2.SortOptions(
        sort_field=pb2.SortField.Value(f"SORT_FIELD_{field}"),
        sort_order=pb2.SortOrder.Value(f"SORT_ORDER_{order}"),
    )
    params: dict[str, Any] = {"page_size": 2}
    found: list[pb2.Dispatch] = []
    sizes = []
    while True:
        page = await answered(served, sort_options=options, pagination_params=params)
        found += page.dispatches
        sizes.append((len(page.dispatches), page.pagination_info.total_items))
        if not page.pagination_info.HasField("next_page_token"):
            break
        params = {"page_token": page.pagination_info.next_page_token}
    assert sizes == [(2, 5), (2, 5), (1, 5)]
    instants = {
        "START_TIME": lambda one: one.data.start_time,
        "CREATE_TIME": lambda one: one.metadata.create_time,
        "LAST_UPDATE_TIME": lambda one: one.metadata.update_time,
    }
    keys = [(instants[field](one).ToNanoseconds(), one.metadata.dispatch_id) for one in found]
    assert keys == sorted(keys, reverse=order == "DESCENDING")
