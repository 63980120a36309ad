"""The Dispatch API as the real client uses it: create, get, update, list and delete."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from frequenz.client.common.microgrid import MicrogridId
from frequenz.client.common.microgrid.electrical_components import ElectricalComponentCategory
from frequenz.client.dispatch import DispatchApiClient
from frequenz.client.dispatch.recurrence import EndCriteria, Frequency, RecurrenceRule, Weekday
from frequenz.client.dispatch.types import (
    BatteryType,
    DispatchId,
    EvChargerType,
    InverterType,
    TargetCategories,
    TargetIds,
)

from tests.protocols.dispatch_bench import MICROGRID, Serving, client, created, listed, server, soon

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning")]
DAILY = RecurrenceRule(frequency=Frequency.DAILY, interval=1)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[DispatchApiClient]:
    async with server(Serving(tmp_path)) as served, client(served.url) as connected:
        yield connected


async def refusal(call: Any) -> tuple[grpc.StatusCode, str]:  # noqa: ANN401  Any awaitable.
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    details = caught.value.details() or ""
    assert details
    assert "\n" not in details
    return caught.value.code(), details


async def test_all_that_is_said_of_a_dispatch_comes_back(api: DispatchApiClient) -> None:
    start = soon()
    rule = RecurrenceRule(
        frequency=Frequency.MONTHLY,
        interval=2,
        end_criteria=EndCriteria(count=3),
        byminutes=[0, 30, 30],
        byhours=[20, 8],
        byweekdays=[Weekday.SUNDAY, Weekday.MONDAY],
        bymonthdays=[-1, *range(1, 32)],
        bymonths=list(range(1, 13)),
    )
    said: dict[str, Any] = {
        "type": "charge it: 100 %",
        "start_time": start,
        "duration": timedelta(seconds=900),
        "target": TargetCategories(BatteryType.NA_ION, InverterType.HYBRID, EvChargerType.AC),
        "active": False,
        "dry_run": True,
        "payload": {"power_kw": 5.5, "list": [1.0, {"deep": None}], "no": False, "text": "é"},
        "recurrence": rule,
    }
    dispatch = await created(api, **said)
    assert {name: getattr(dispatch, name) for name in said} == said
    assert dispatch.update_time == dispatch.create_time
    assert dispatch.end_time is not None
    assert dispatch.end_time > start
    assert await api.get(microgrid_id=MICROGRID, dispatch_id=dispatch.id) == dispatch
    assert await listed(api) == [dispatch]


@pytest.mark.parametrize(
    "target",
    [
        TargetIds(1, 2, 2**63 + 5),
        TargetCategories(ElectricalComponentCategory.CHP, ElectricalComponentCategory.STEAM_BOILER),
        TargetCategories(ElectricalComponentCategory.BATTERY, BatteryType.LI_ION),
        TargetCategories(InverterType.PV, EvChargerType.DC, EvChargerType.HYBRID),
    ],
)
async def test_each_kind_of_target_comes_back(api: DispatchApiClient, target: Any) -> None:  # noqa: ANN401
    assert (await created(api, target=target)).target == target
    assert (await listed(api, target_components=[target]))[0].target == target
    assert await listed(api, target_components=[TargetIds(99)]) == []


async def test_now_is_the_servers_now_in_whole_seconds(api: DispatchApiClient) -> None:
    dispatch = await created(api, start_time="NOW", duration=None)
    assert abs(dispatch.start_time - dispatch.create_time) <= timedelta(milliseconds=500)
    assert dispatch.start_time.microsecond == 0
    assert (dispatch.duration, dispatch.end_time) == (None, None)


async def test_a_start_is_rounded_to_the_nearest_second(api: DispatchApiClient) -> None:
    start = soon()
    dispatch = await created(api, start_time=start + timedelta(milliseconds=600))
    assert dispatch.start_time == start + timedelta(seconds=1)


async def test_no_duration_and_a_duration_of_nothing_are_two_things(
    api: DispatchApiClient,
) -> None:
    assert (await created(api, duration=None)).duration is None
    momentary = await created(api, duration=timedelta())
    assert momentary.duration == timedelta()
    assert momentary.end_time == momentary.start_time


async def test_an_interval_that_is_not_said_is_told_as_one(api: DispatchApiClient) -> None:
    dispatch = await created(api, recurrence=RecurrenceRule(frequency=Frequency.DAILY))
    assert dispatch.recurrence.interval == 1


async def test_each_field_can_be_updated_and_no_other_changes(api: DispatchApiClient) -> None:
    before = await created(api, payload={"old": 1.0})
    later = before.start_time + timedelta(hours=1)
    for field, name, value in (
        ("start_time", "start_time", later),
        ("duration", "duration", timedelta(seconds=5)),
        ("target", "target", TargetIds(5)),
        ("active", "active", False),
        ("is_active", "active", True),
        ("payload", "payload", {"new": 2.0}),
    ):
        after = await api.update(
            microgrid_id=MICROGRID, dispatch_id=before.id, new_fields={field: value}
        )
        assert getattr(after, name) == value
        assert after.update_time > before.update_time
        unchanged = {"id", "type", "dry_run", "create_time", "start_time", "target", "payload"}
        for other in unchanged - {name}:
            assert getattr(after, other) == getattr(before, other)
        before = after


async def test_each_part_of_a_rule_can_be_updated(api: DispatchApiClient) -> None:
    dispatch = await created(api, recurrence=DAILY)
    until = soon(86_400 * 400)
    for field, value in (
        ("frequency", Frequency.MONTHLY),
        ("freq", Frequency.YEARLY),
        ("interval", 2),
        ("end_criteria", EndCriteria(count=5)),
        ("end_criteria", EndCriteria(until=until)),
        ("byminutes", [5, 10]),
        ("byhours", [8]),
        ("byweekdays", [Weekday.MONDAY, Weekday.SUNDAY]),
        ("bymonthdays", list(range(1, 29))),
        ("bymonths", list(range(1, 12))),
    ):
        if field == "end_criteria":
            await api.update(
                microgrid_id=MICROGRID,
                dispatch_id=dispatch.id,
                new_fields={"recurrence.frequency": Frequency.DAILY, "recurrence.interval": 1},
            )
        dispatch = await api.update(
            microgrid_id=MICROGRID,
            dispatch_id=dispatch.id,
            new_fields={f"recurrence.{field}": value},
        )
        name = "frequency" if field == "freq" else field
        assert getattr(dispatch.recurrence, name) == value
    assert dispatch == await api.get(microgrid_id=MICROGRID, dispatch_id=dispatch.id)


async def test_what_may_be_empty_can_be_cleared(api: DispatchApiClient) -> None:
    rule = RecurrenceRule(
        frequency=Frequency.DAILY, interval=3, end_criteria=EndCriteria(count=2), byhours=[8]
    )
    dispatch = await created(api, payload={"power_kw": 5.0}, recurrence=rule)
    cleared = await api.update(
        microgrid_id=MICROGRID,
        dispatch_id=dispatch.id,
        new_fields={
            "duration": None,
            "payload": {},
            "recurrence.interval": 0,
            "recurrence.byhours": [],
            "recurrence.end_criteria": EndCriteria(),
        },
    )
    assert (cleared.duration, cleared.payload, cleared.end_time) == (None, {}, None)
    assert cleared.recurrence == DAILY
    once = await api.update(
        microgrid_id=MICROGRID,
        dispatch_id=dispatch.id,
        new_fields={"recurrence.freq": Frequency.UNSPECIFIED},
    )
    assert once.recurrence.frequency is Frequency.UNSPECIFIED


async def test_an_update_that_is_refused_changes_nothing(api: DispatchApiClient) -> None:
    dispatch = await created(api)
    code, details = await refusal(
        api.update(
            microgrid_id=MICROGRID,
            dispatch_id=dispatch.id,
            new_fields={"duration": None, "start_time": datetime(2020, 1, 1, tzinfo=UTC)},
        )
    )
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "start_time 2020-01-01T00:00:00+00:00 has passed" in details
    assert await listed(api) == [dispatch]


async def test_an_update_without_fields_is_refused(api: DispatchApiClient) -> None:
    dispatch = await created(api)
    code, details = await refusal(
        api.update(microgrid_id=MICROGRID, dispatch_id=dispatch.id, new_fields={})
    )
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert details.startswith("update_mask is empty")


async def test_what_is_deleted_is_gone_for_good(api: DispatchApiClient) -> None:
    dispatch = await created(api)
    await api.delete(microgrid_id=MICROGRID, dispatch_id=dispatch.id)
    for call in (
        api.get(microgrid_id=MICROGRID, dispatch_id=dispatch.id),
        api.delete(microgrid_id=MICROGRID, dispatch_id=dispatch.id),
        api.update(microgrid_id=MICROGRID, dispatch_id=dispatch.id, new_fields={"active": False}),
    ):
        assert (await refusal(call))[0] is grpc.StatusCode.NOT_FOUND
    assert await listed(api) == []
    assert int((await created(api)).id) > int(dispatch.id)


@pytest.mark.parametrize("id", [1, 2**53, 2**63, 2**64 - 1])
async def test_an_id_that_is_nobodys_is_not_found_however_large(
    api: DispatchApiClient, id: int
) -> None:
    dispatch = await created(api)
    unknown = DispatchId(id)
    assert (await refusal(api.get(microgrid_id=MICROGRID, dispatch_id=unknown)))[0] is (
        grpc.StatusCode.NOT_FOUND
    )
    assert (await refusal(api.delete(microgrid_id=MICROGRID, dispatch_id=unknown)))[0] is (
        grpc.StatusCode.NOT_FOUND
    )
    elsewhere = MicrogridId(id)
    for call in (
        api.get(microgrid_id=elsewhere, dispatch_id=dispatch.id),
        api.delete(microgrid_id=elsewhere, dispatch_id=dispatch.id),
        api.update(microgrid_id=elsewhere, dispatch_id=dispatch.id, new_fields={"active": False}),
    ):
        assert (await refusal(call))[0] is grpc.StatusCode.NOT_FOUND
    assert await listed(api, dispatch_ids=[unknown]) == []
    assert await listed(api, filter_queries=[f"#{id}"]) == []
    assert await listed(api) == [dispatch]
