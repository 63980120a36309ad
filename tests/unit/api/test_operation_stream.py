"""Events as they happen: in order, each once, the past first, and nobody waits for the slow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from pointsman.api.operation_events import Event
from pointsman.api.operation_stream import WAITING_LIMIT, Gap, Subscription
from pointsman.api.operations import Operations
from pointsman.journal import Unknown
from pointsman.operations.events import EventType
from pointsman.operations.intents import Add, Hold, PauseResource, ResumeResource
from pointsman.runtime.operation_pages import Window
from tests.unit.api.operating import add, finish, new, opened

ROBOTS = ("robot-1", "robot-2", "robot-3")


@pytest.fixture
async def operations(tmp_path: Path) -> AsyncIterator[Operations]:
    async with opened(tmp_path / "journal.db", ROBOTS) as operations:
        yield operations


async def taken(subscription: Subscription, count: int) -> list[Event]:
    return [await anext(subscription) for _ in range(count)]


async def paused(operations: Operations, times: int, resource_id: str = "robot-1") -> None:
    """Two events each time."""
    for _ in range(times):
        await operations.ask(resource_id, PauseResource())
        await operations.ask(resource_id, ResumeResource())


async def test_what_happens_is_told_once_to_those_who_listen_to_it(
    operations: Operations,
) -> None:
    with (
        operations.subscribe("robot-1") as own,
        operations.subscribe("robot-2") as other,
        operations.subscribe(None) as all,
    ):
        await add(operations, "lift")
        await finish(operations, "lift")
        await paused(operations, 1, "robot-2")
        told = await taken(own, 4)
        assert [event.operation_id for event in told] == ["lift"] * 4
        assert {event.resource_id for event in await taken(other, 2)} == {"robot-2"}
        everything = await taken(all, 6)
        assert everything[:4] == told
        assert all_grow([event.seq for event in everything])


async def test_an_event_has_the_same_number_and_id_live_in_history_and_after_a_restart(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.db"
    async with opened(path) as operations:
        with operations.subscribe("robot-1") as events:
            await add(operations, "lift")
            await finish(operations, "lift")
            live = await taken(events, 4)
        assert list(await operations.events("robot-1", Window(4))) == live
    (tmp_path / "journal.db.record").unlink()
    async with opened(path) as operations:
        assert list(await operations.events("robot-1", Window(4))) == live
        with operations.subscribe("robot-1", live[0].seq) as events:
            assert await taken(events, 3) == live[1:]


async def test_another_journal_has_other_ids(tmp_path: Path) -> None:
    found = []
    for name in ("one.db", "two.db"):
        async with opened(tmp_path / name) as operations:
            found.append((await operations.events("robot-1", Window(1)))[0])
    assert found[0].seq == found[1].seq
    assert found[0].id != found[1].id


async def test_whoever_comes_back_misses_nothing_and_hears_nothing_twice(
    operations: Operations,
) -> None:
    """While it goes on happening, and longer ago than one page."""
    await add_many(operations, "before", 2_100)
    with ExitStack() as stack:
        places = [0, 1_000, 2_000]
        every = [stack.enter_context(operations.subscribe("robot-1", at)) for at in places]
        everybody = stack.enter_context(operations.subscribe(None, 0))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(add_many(operations, "while", 500))
            tasks.create_task(paused(operations, 20, "robot-2"))
            ends = [tasks.create_task(until(events, "while-499")) for events in every]
            all_ends = tasks.create_task(until(everybody, "while-499"))
    history = await pages(operations)
    for after, end in zip(places, ends, strict=True):
        told = end.result()
        assert told == [event for event in history if after < event.seq <= told[-1].seq]
    of_one = [event for event in all_ends.result() if event.resource_id == "robot-1"]
    assert of_one == history[: len(of_one)]
    assert all_grow([event.seq for event in all_ends.result()])


async def add_many(operations: Operations, name: str, count: int) -> None:
    ids = [f"{name}-{n}" for n in range(count)]
    for start in range(0, count, 100):
        await operations.ask("robot-1", Add(tuple(new(id) for id in ids[start : start + 100])))


async def until(events: Subscription, operation_id: str) -> list[Event]:
    told = []
    async for event in events:
        told.append(event)
        if (event.operation_id, event.type) == (operation_id, EventType.OPERATION_ADDED):
            break
    return told


async def pages(operations: Operations) -> list[Event]:
    found: list[Event] = []
    while page := await operations.events(
        "robot-1", Window(1_000, after=found[-1].seq if found else 0)
    ):
        found += page
    return found


async def test_a_slow_subscriber_is_told_so_and_holds_nobody(operations: Operations) -> None:
    await operations.ask("robot-1", PauseResource())
    await operations.look("robot-1")  # That is told.
    with operations.subscribe("robot-1") as slow, operations.subscribe("robot-1") as quick:
        async with asyncio.TaskGroup() as tasks:
            heard = tasks.create_task(taken(quick, WAITING_LIMIT + 100))
            tasks.create_task(add_many(operations, "much", WAITING_LIMIT + 100))
        assert len(heard.result()) == WAITING_LIMIT + 100
        with pytest.raises(Gap, match="5000 events waited to be taken"):
            await anext(slow)
        with pytest.raises(Gap):
            await anext(slow)
    with operations.subscribe("robot-1", heard.result()[0].seq) as again:
        assert await taken(again, 50) == heard.result()[1:51]


async def test_ours_are_told_only_to_those_who_want_every_event(operations: Operations) -> None:
    await operations.ask("robot-1", PauseResource())
    await operations.look("robot-1")  # That is told.
    with (
        operations.subscribe("robot-1") as documented,
        operations.subscribe("robot-1", every=True) as every,
    ):
        await add(operations, "lift")
        await operations.ask("robot-1", Hold("lift", held=True))
        await operations.ask("robot-1", ResumeResource())
        assert [event.type for event in await taken(every, 3)] == [
            EventType.OPERATION_ADDED,
            EventType.OPERATION_HELD,
            EventType.OPERATION_DISPATCHER_RESUMED,
        ]
        assert [event.type for event in await taken(documented, 2)] == [
            EventType.OPERATION_ADDED,
            EventType.OPERATION_DISPATCHER_RESUMED,
        ]


async def test_who_waits_when_the_server_ends_is_let_go(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal.db") as operations:
        events = operations.subscribe("robot-1")
    with pytest.raises(Unknown, match="not followed here any more"):
        await anext(events)
    with pytest.raises(Unknown):
        await operations.look("robot-1")


async def test_a_place_that_is_still_to_come_is_waited_for(operations: Operations) -> None:
    [last] = await operations.events("robot-1", Window(1))
    with operations.subscribe("robot-1", last.seq + 2) as events:
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(taken(events, 1))
            await asyncio.sleep(0.1)  # It listens by now.
            await paused(operations, 4)
        assert first.result()[0].seq > last.seq + 2


def all_grow(numbers: list[int]) -> bool:
    return all(earlier < later for earlier, later in pairwise(numbers))
