"""The library against a server: what happens is told, once, and receivers lose nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from frequenz.client.common.microgrid.electrical_components import ElectricalComponentCategory
from frequenz.client.dispatch.recurrence import Frequency, RecurrenceRule
from frequenz.client.dispatch.types import TargetCategories, TargetIds

from pointsman.dispatch import (
    Created,
    Deleted,
    Dispatch,
    Dispatcher,
    Edge,
    MergeByType,
    Overlap,
    RunningState,
    Updated,
)
from pointsman.library.dispatch import life
from tests.protocols.library_bench import (
    SetClock,
    create,
    dispatching,
    next_of,
    nothing_of,
    serving,
    soon,
    until,
)

SECOND = timedelta(seconds=1)


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    async with serving(tmp_path) as url:
        yield url


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks often whether the clock was set."""
    monkeypatch.setattr(life, "LOOK_SECONDS", 0.1)


def edge(dispatch: Dispatch) -> Edge:
    assert dispatch.change is not None
    return dispatch.change.edge


async def test_each_event_of_a_life_is_told_once(url: str) -> None:
    async with dispatching(url) as one:
        events = one.lifecycle_events.new_receiver()
        other = one.new_lifecycle_events_receiver("other")
        made = await create(one.client)
        await one.client.update(dispatch_id=made.id, new_fields={"duration": 3 * SECOND})
        await one.client.delete(made.id)
        told = [await next_of(events) for _ in range(3)]
        assert [type(event) for event in told] == [Created, Updated, Deleted]
        assert [event.dispatch.id for event in told] == [made.id] * 3
        assert [event.dispatch.deleted for event in told] == [False, False, True]
        assert told[1].dispatch.duration == 3 * SECOND
        await nothing_of(events, 0.1)
        await nothing_of(other, 0.1)


async def test_a_run_starts_and_stops_on_time(url: str) -> None:
    async with dispatching(url) as one:
        runs = one.running_status_change.new_receiver()
        start = soon()
        made = await create(one.client, start_time=start, duration=SECOND)
        started = await next_of(runs)
        late = datetime.now(UTC) - start  # noqa: TID251
        assert (started.id, edge(started), started.until) == (made.id, Edge.STARTED, start + SECOND)
        assert timedelta() <= late < timedelta(milliseconds=500)
        stopped = await next_of(runs)
        assert (edge(stopped), stopped.started, stopped.until) == (Edge.STOPPED, False, None)
        assert datetime.now(UTC) - start >= SECOND  # noqa: TID251
        await nothing_of(runs, 0.2)


async def test_no_duration_at_all_is_a_start_and_a_stop(url: str) -> None:
    async with dispatching(url) as one:
        runs = one.running_status_change.new_receiver()
        await create(one.client, duration=timedelta())
        assert [edge(await next_of(runs)) for _ in range(2)] == [Edge.STARTED, Edge.STOPPED]


async def test_what_changes_a_run_is_told_and_nothing_else(url: str) -> None:
    async with dispatching(url) as one:
        runs = one.running_status_change.new_receiver()
        made = await create(one.client, payload={"a": 1})
        first = await next_of(runs)

        async def update(**new: object) -> None:
            fields = dict(new)
            await one.client.update(dispatch_id=made.id, new_fields=fields)

        await update(payload={"a": 1})  # As it was.
        await update(payload={"a": 2})
        changed = await next_of(runs)
        assert (edge(changed), changed.payload) == (Edge.RECONFIGURED, {"a": 2})
        assert changed.started
        assert first.change is not None
        assert changed.change is not None
        assert changed.change.run_start == first.change.run_start
        await update(duration=timedelta(hours=2))
        assert (await next_of(runs)).until == first.change.run_start + timedelta(hours=2)
        await update(target=TargetIds(5))
        assert (await next_of(runs)).selector == TargetIds(5)
        await update(active=False)
        off = await next_of(runs)
        assert (edge(off), off.running("T")) == (Edge.STOPPED, RunningState.STOPPED)
        await update(active=True)
        assert edge(await next_of(runs)) is Edge.STARTED
        await one.client.delete(made.id)
        gone = await next_of(runs)
        assert (edge(gone), gone.deleted, gone.started) == (Edge.STOPPED, True, False)
        await nothing_of(runs, 0.1)


async def test_what_is_switched_off_or_moved_away_never_starts(url: str) -> None:
    async with dispatching(url) as one:
        runs = one.running_status_change.new_receiver()
        moved, off = [await create(one.client, start_time=soon(1.5)) for _ in range(2)]
        later = soon(60)
        await one.client.update(dispatch_id=moved.id, new_fields={"start_time": later})
        await one.client.update(dispatch_id=off.id, new_fields={"active": False})
        await nothing_of(runs, 1.7)


async def test_many_that_stop_at_one_instant_leave_it_idle(url: str) -> None:
    async with dispatching(url) as one:
        runs = one.running_status_change.new_receiver()
        end = soon(2)
        for n in range(5):
            made = await create(one.client, duration=timedelta(hours=n + 1))
            duration = end - made.start_time
            await one.client.update(dispatch_id=made.id, new_fields={"duration": duration})
        stops = 0
        async with asyncio.timeout(5):
            while stops < 5:
                stops += edge(await runs.receive()) is Edge.STOPPED
        began, cpu = asyncio.get_running_loop().time(), _cpu_seconds()
        await asyncio.sleep(0.5)
        used = (_cpu_seconds() - cpu) / (asyncio.get_running_loop().time() - began)
        assert used < 0.3
        await nothing_of(runs, 0.1)


async def test_a_later_run_of_a_rule_replaces_the_one_before(url: str) -> None:
    rule = RecurrenceRule(frequency=Frequency.MINUTELY, interval=1)
    clock = SetClock()
    async with dispatching(url, clock=clock) as one:
        runs = one.running_status_change.new_receiver()
        made = await create(one.client, duration=timedelta(minutes=5), recurrence=rule)
        first = await next_of(runs)
        clock.by = timedelta(minutes=1)
        second = await next_of(runs)
        assert (edge(first), edge(second)) == (Edge.STARTED, Edge.STARTED)
        assert second.change is not None
        assert second.change.run_start == made.start_time + timedelta(minutes=1)
        assert second.until == made.start_time + timedelta(minutes=6)


async def test_merging_overlaps_tells_one_run(url: str) -> None:
    rule = RecurrenceRule(frequency=Frequency.MINUTELY, interval=1)
    clock = SetClock()
    async with dispatching(url, clock=clock, overlap=Overlap.MERGE) as one:
        runs = one.running_status_change.new_receiver()
        await create(one.client, duration=timedelta(minutes=5), recurrence=rule)
        assert edge(await next_of(runs)) is Edge.STARTED
        clock.by = timedelta(minutes=1)
        await nothing_of(runs, 0.4)


async def test_a_clock_that_is_set_is_followed_both_ways(url: str) -> None:
    clock = SetClock()
    async with dispatching(url, clock=clock) as one:
        runs = one.running_status_change.new_receiver()
        start = soon(600)
        await create(one.client, start_time=start)
        clock.by = timedelta(seconds=610)
        started = await next_of(runs)
        assert started.change is not None
        assert (edge(started), started.change.run_start) == (Edge.STARTED, start)
        clock.by = timedelta(seconds=300)
        await nothing_of(runs, 0.4)
        clock.by = timedelta(seconds=620)
        await nothing_of(runs, 0.4)
        clock.by = timedelta(seconds=4_300)
        assert edge(await next_of(runs)) is Edge.STOPPED


async def test_a_new_receiver_alone_hears_what_goes_on(url: str) -> None:
    async with dispatching(url) as one:
        early = one.running_status_change.new_receiver()
        made = await create(one.client)
        first = await next_of(early)
        async with asyncio.timeout(5):
            late = await one.new_running_state_event_receiver("T")
            other = await one.new_running_state_event_receiver("U")
        again = await next_of(late)
        assert (again.id, again.change) == (made.id, first.change)
        await nothing_of(early, 0.1)
        await nothing_of(other, 0.1)


async def test_what_ran_before_it_came_is_told_to_the_first_who_asks(url: str) -> None:
    async with dispatching(url) as before:
        made = await create(before.client)
    async with dispatching(url) as one:
        await asyncio.sleep(0.1)
        runs = one.running_status_change.new_receiver()
        assert (await next_of(runs)).id == made.id
        await nothing_of(one.running_status_change.new_receiver(), 0.1)


async def test_a_slow_reader_loses_no_stop(url: str) -> None:
    async with dispatching(url) as one:
        slow = one.running_status_change.new_receiver(limit=1)
        quick = one.running_status_change.new_receiver()
        made = {(await create(one.client)).id for _ in range(60)}
        assert {(await next_of(quick)).id for _ in made} == made
        for id in made:
            await one.client.delete(id)
        assert {(await next_of(quick)).id for _ in made} == made
        stopped = [await next_of(slow) for _ in made]
        assert {told.id for told in stopped if edge(told) is Edge.STOPPED} == made
        await nothing_of(slow, 0.1)


async def test_it_says_what_it_was_told_for_however_late_that_is_read(url: str) -> None:
    async with dispatching(url) as one:
        runs = one.running_status_change.new_receiver()
        await create(one.client, duration=timedelta())
        await asyncio.sleep(0.7)
        assert [(await next_of(runs)).started for _ in range(2)] == [True, False]


async def test_merged_dispatches_stop_once_all_have(url: str) -> None:
    async with dispatching(url) as one:
        merged = await one.new_running_state_event_receiver("T", merge_strategy=MergeByType())
        first, second = [await create(one.client) for _ in range(2)]
        assert {(await next_of(merged)).id for _ in range(2)} == {first.id, second.id}
        await one.client.delete(first.id)
        await nothing_of(merged, 0.2)
        await one.client.delete(second.id)
        assert edge(await next_of(merged)) is Edge.STOPPED


async def test_one_that_ends_as_another_starts_makes_no_gap(url: str) -> None:
    async with dispatching(url) as one:
        merged = await one.new_running_state_event_receiver("T", merge_strategy=MergeByType())
        change = soon(2)
        first = await create(one.client)
        assert (await next_of(merged)).id == first.id
        await one.client.update(
            dispatch_id=first.id, new_fields={"duration": change - first.start_time}
        )
        assert (await next_of(merged)).until == change
        second = await create(one.client, start_time=change)
        told = await next_of(merged)
        assert (told.id, edge(told)) == (second.id, Edge.STARTED)
        await nothing_of(merged, 0.3)


async def test_starting_twice_is_starting_once(url: str) -> None:
    one = Dispatcher(microgrid_id=1, server_url=url)
    await one.start()
    one.start()
    events = one.lifecycle_events.new_receiver()
    runs = one.running_status_change.new_receiver()
    await one.wait_for_initialization()
    await create(one.client)
    assert isinstance(await next_of(events), Created)
    assert edge(await next_of(runs)) is Edge.STARTED
    await nothing_of(events, 0.1)
    await nothing_of(runs, 0.1)
    await one.stop()
    assert not one.is_running


async def test_receivers_end_with_it_and_it_can_start_again(url: str) -> None:
    one = Dispatcher(microgrid_id=1, server_url=url)
    with pytest.raises(RuntimeError, match="start"):
        await one.new_running_state_event_receiver("T")
    with pytest.raises(RuntimeError, match="start"):
        await one.wait_for_initialization()
    async with one:
        runs = one.running_status_change.new_receiver()
    assert [told async for told in runs] == []
    async with one:
        runs = one.running_status_change.new_receiver()
        made = await create(one.client)
        assert (await next_of(runs)).id == made.id
    async with asyncio.timeout(1):
        await one


async def test_the_newest_categories_work(url: str) -> None:
    kinds = [ElectricalComponentCategory(number) for number in (16, 17, 18, 19)]
    async with dispatching(url) as one:
        runs = one.running_status_change.new_receiver()
        made = await create(one.client, target=TargetCategories(*kinds))
        told = await next_of(runs)
        assert told.target == made.target == TargetCategories(*kinds)
        assert (await one.client.get(made.id)).target == TargetCategories(*kinds)


async def test_only_what_may_still_run_is_asked_for_and_what_ended_is_not_called_deleted(
    url: str,
) -> None:
    clock = SetClock()
    async with dispatching(url, clock=clock, stream_timeout=timedelta(seconds=1)) as one:
        events = one.lifecycle_events.new_receiver()
        runs = one.running_status_change.new_receiver()
        await create(one.client, duration=SECOND)
        assert isinstance(await next_of(events), Created)
        assert [edge(await next_of(runs)) for _ in range(2)] == [Edge.STARTED, Edge.STOPPED]
        clock.by = timedelta(minutes=10)
        await nothing_of(events, 2.2)  # It has listed again meanwhile, more than once.
        await nothing_of(runs, 0.1)


async def test_what_was_missed_while_time_jumped_is_known(url: str) -> None:
    clock = SetClock()
    async with dispatching(url, clock=clock) as one:
        runs = one.running_status_change.new_receiver()
        events = one.lifecycle_events.new_receiver()
        start = soon(60)
        made = await create(one.client, start_time=start, duration=SECOND)
        await next_of(events)
        clock.by = timedelta(hours=1)
        await until(lambda: bool(one.with_missed_runs()))
        (missed,) = one.with_missed_runs()
        assert (missed.id, list(missed.missed_runs)) == (made.id, [start])
        await nothing_of(runs, 0.1)


def _cpu_seconds() -> float:
    import time

    return time.process_time()
