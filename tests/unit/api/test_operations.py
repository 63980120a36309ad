"""What every door to operations gets: durable answers, fresh looks, and all that ever was."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pointsman.api.operations import NoResource, Operations
from pointsman.core.entity import Rejected
from pointsman.operations.checks import Invalid, NotFound
from pointsman.operations.events import DOCUMENTED, EventType
from pointsman.operations.intents import Add, Cancel, Complete, Hold, PauseResource, ReportProgress
from pointsman.operations.model import Outcome, State
from pointsman.runtime.operation_pages import Window
from tests.unit.api.operating import add, finish, new, opened, running


@pytest.fixture
async def operations(tmp_path: Path) -> AsyncIterator[Operations]:
    async with opened(tmp_path / "journal.db") as operations:
        yield operations


async def test_what_was_answered_is_seen_by_whoever_looks_next(operations: Operations) -> None:
    await operations.ask("robot-1", PauseResource())
    for n in range(20):
        await add(operations, f"lift-{n}")
        assert (await operations.look("robot-1")).queued == n + 1
        assert (await operations.get("robot-1", f"lift-{n}")).state is State.QUEUED


async def test_an_operation_runs_as_soon_as_it_may(operations: Operations) -> None:
    await add(operations, "lift")
    assert (await running(operations, "lift")).attempt == 1
    await operations.ask("robot-1", Complete("lift", {"parts": 2}))
    lift = await operations.get("robot-1", "lift")
    assert (lift.state, lift.outcome) == (State.COMPLETED, Outcome.SUCCESS)
    assert lift.ending
    assert lift.ending.result == {"parts": 2}


async def test_a_resource_that_is_none_is_refused_with_those_that_are(
    operations: Operations,
) -> None:
    with pytest.raises(NoResource, match=r"no resource 'robot-9'; known: robot-1"):
        await operations.ask("robot-9", Cancel("lift"))
    with pytest.raises(NoResource):
        await operations.look("robot-9")
    with pytest.raises(NoResource):
        await operations.events("robot-9", Window(10))
    with pytest.raises(NoResource):
        operations.subscribe("robot-9")


async def test_what_never_was_is_not_found(operations: Operations) -> None:
    with pytest.raises(NotFound):
        await operations.get("robot-1", "lift")
    with pytest.raises(NotFound):
        await operations.ask("robot-1", Cancel("lift"))


async def test_events_say_what_happened_by_whom_and_how_it_was_then(
    operations: Operations,
) -> None:
    add = Add((new("lift", payload={"kg": 5}),), by="planner", meta={"why": "first"})
    await operations.ask("robot-1", add)
    await finish(operations, "lift")
    events = await operations.events("robot-1", Window(4))
    assert [event.type for event in events] == [
        EventType.OPERATION_ADDED,
        EventType.OPERATION_START_REQUESTED,
        EventType.OPERATION_STARTED,
        EventType.OPERATION_COMPLETED,
    ]
    added, _, started, completed = events
    assert (added.by, added.meta) == ("planner", {"why": "first"})
    assert added.operation
    assert added.operation.state is State.QUEUED
    assert {change.field for change in started.changes} == {"state", "start_time"}
    assert completed.operation_id == "lift"
    assert [event.seq for event in events] == sorted({event.seq for event in events})
    assert len({event.id for event in events}) == 4


async def test_progress_and_holds_are_told_only_to_those_who_want_all(
    operations: Operations,
) -> None:
    await add(operations, "lift")
    await running(operations, "lift")
    await operations.ask("robot-1", ReportProgress("lift", 0.5))
    await add(operations, "later")
    await operations.ask("robot-1", Hold("later", held=True))
    told = {event.type for event in await operations.events("robot-1", Window(100))}
    every = {event.type for event in await operations.events("robot-1", Window(100), every=True)}
    assert told <= DOCUMENTED
    assert every - told >= {EventType.OPERATION_PROGRESSED, EventType.OPERATION_HELD}


async def test_a_window_is_the_last_of_what_fits_and_pages_go_both_ways(
    operations: Operations,
) -> None:
    await operations.ask("robot-1", PauseResource())
    await add(operations, *(f"lift-{n}" for n in range(50)))
    everything = await operations.events("robot-1", Window(1_000))
    assert list(await operations.events("robot-1", Window(7))) == list(everything)[-7:]
    for limit in (1, 7, 60):
        onwards = await pages_onwards(operations, limit)
        assert onwards == [event.seq for event in everything]
        assert await pages_backwards(operations, limit) == onwards
    tenth = everything[10].at
    since = await operations.events("robot-1", Window(1_000, since=tenth))
    until = await operations.events("robot-1", Window(1_000, until=tenth))
    assert {event.seq for event in [*since, *until]} == {event.seq for event in everything}
    assert all(event.at >= tenth for event in since)
    assert all(event.at <= tenth for event in until)


async def pages_onwards(operations: Operations, limit: int) -> list[int]:
    seqs: list[int] = []
    while page := await operations.events("robot-1", Window(limit, after=seqs[-1] if seqs else 0)):
        seqs += [event.seq for event in page]
    return seqs


async def pages_backwards(operations: Operations, limit: int) -> list[int]:
    seqs: list[int] = []
    while page := await operations.events(
        "robot-1", Window(limit, before=seqs[0] if seqs else None)
    ):
        seqs = [event.seq for event in page] + seqs
    return seqs


async def test_a_window_that_makes_no_sense_is_refused(operations: Operations) -> None:
    [event] = await operations.events("robot-1", Window(1))
    for window in (Window(0), Window(1_001), Window(5, event.at, event.at.replace(year=2000))):
        with pytest.raises(Invalid):
            await operations.events("robot-1", window)


async def test_what_is_forgotten_is_found_again_and_listed(operations: Operations) -> None:
    ids = [f"lift-{n}" for n in range(30)]
    await add(operations, *ids[:15], job_id="morning")
    await add(operations, *ids[15:])
    await finish(operations, *ids)
    assert len((await operations.look("robot-1")).operations) < 30, "kept: about ten"
    assert (await operations.get("robot-1", "lift-0")).state is State.COMPLETED
    assert len(await operations.finished("robot-1", [*ids, "never"])) == 30
    assert await ended_ids(operations, Window(100)) == ids
    assert await ended_ids(operations, Window(4)) == ids[-4:]
    page = await operations.ended("robot-1", Window(4))
    assert await ended_ids(operations, Window(3, before=page[0][0])) == ids[-7:-4]
    assert await ended_ids(operations, Window(3, after=page[0][0])) == ids[-3:]
    of_job = await operations.ended("robot-1", Window(100), job_id="morning")
    assert [one.id for _, one in of_job] == ids[:15]
    assert await operations.ended("robot-1", Window(9), states=[State.FAILED]) == []
    events = await operations.events("robot-1", Window(100), operation_id="lift-0")
    assert [event.operation_id for event in events] == ["lift-0"] * 4


async def ended_ids(operations: Operations, window: Window) -> list[str]:
    return [one.id for _, one in await operations.ended("robot-1", window)]


async def test_jobs_are_counted_with_what_is_forgotten(operations: Operations) -> None:
    ids = [f"lift-{n}" for n in range(20)]
    await add(operations, *ids, job_id="morning")
    await add(operations, "other", job_id="evening")
    await finish(operations, *ids)
    evening, morning = await operations.jobs("robot-1")
    assert (morning.job.id, morning.counts) == ("morning", {State.COMPLETED: 20})
    assert evening.counts.keys() <= {State.QUEUED, State.RUNNING}


async def test_sixteen_writers_at_once_lose_nothing_and_run_one_at_a_time(
    operations: Operations,
) -> None:
    async def write(writer: int) -> None:
        for n in range(10):
            await add(operations, f"{writer}-{n}-a", f"{writer}-{n}-b")
            await operations.ask("robot-1", Cancel(f"{writer}-{n}-a", by=str(writer)))

    async def work() -> None:
        with operations.subscribe("robot-1") as events:
            done = 0
            while done < 160:
                event = await anext(events)
                if event.type is EventType.OPERATION_STARTED and event.operation_id:
                    try:
                        await operations.ask("robot-1", Complete(event.operation_id))
                    except Rejected:
                        continue  # It was cancelled first, and is forgotten maybe.
                    done += event.operation_id.endswith("b")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(work())
        for writer in range(16):
            tasks.create_task(write(writer))
    wanted = [f"{writer}-{n}-{x}" for writer in range(16) for n in range(10) for x in "ab"]
    found = await operations.finished("robot-1", wanted)
    assert sorted(one.id for one in found) == sorted(wanted)
    assert {one.state for one in found} <= {State.COMPLETED, State.CANCELLED}
    resource = await operations.look("robot-1")
    assert (resource.active, resource.queued) == (None, 0)
