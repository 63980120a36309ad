"""Updates: each subscriber gets each change once, in order, or hears that it did not."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from pointsman.api.updates import Lagging, Subscription, Update, Updates
from pointsman.core.entity import Forgotten
from pointsman.core.values import replace
from pointsman.dispatches.facts import Created, Deleted, Updated
from pointsman.dispatches.model import Dispatch
from pointsman.runtime.codec import Happened
from tests.unit.dispatches.given import MICROGRID, at, data

DISPATCH = Dispatch(64, MICROGRID, data(), at(7), at(7))
ELSEWHERE = replace(DISPATCH, microgrid_id=8)


class Told:
    """Updates whose facts come from a test, and what was made of how many of them."""

    def __init__(self, limit: int = 100) -> None:
        self.facts: asyncio.Queue[Any] = asyncio.Queue()
        self.shaped: list[Update] = []
        self.updates: Updates[Update] = Updates(self._happenings(), self._shape, limit=limit)

    async def tell(self, *facts: object) -> None:
        for fact in facts:
            self.facts.put_nowait(fact)
        await self.facts.join()

    async def _happenings(self) -> AsyncIterator[tuple[Any, Happened]]:
        while True:
            yield "", Happened("dispatches/microgrid-7/catalogue", await self.facts.get(), at(7))
            self.facts.task_done()

    def _shape(self, update: Update) -> Update:
        self.shaped.append(update)
        return update


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    told = Told(limit=3)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(told.updates.run())
        yield told
        running.cancel()


async def taken(subscription: Subscription[Update], count: int) -> list[Update]:
    return [await anext(subscription) for _ in range(count)]


async def test_what_happens_is_told_once_and_in_order(told: Told) -> None:
    with told.updates.subscribe(MICROGRID) as subscription:
        facts = Created(DISPATCH), Updated(DISPATCH), Deleted(DISPATCH)
        await told.tell(*facts)
        assert await taken(subscription, 3) == list(facts)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(subscription), 0.01)


async def test_what_was_before_and_what_is_no_news_is_not_told(told: Told) -> None:
    await told.tell(Created(DISPATCH))
    with told.updates.subscribe(MICROGRID) as subscription:
        await told.tell(Forgotten("64"), Deleted(DISPATCH))
        assert await taken(subscription, 1) == [Deleted(DISPATCH)]


async def test_each_is_told_of_their_own_microgrid(told: Told) -> None:
    with told.updates.subscribe(MICROGRID) as here, told.updates.subscribe(8) as there:
        await told.tell(Created(ELSEWHERE), Updated(DISPATCH))
        assert await taken(here, 1) == [Updated(DISPATCH)]
        assert await taken(there, 1) == [Created(ELSEWHERE)]


async def test_what_is_told_to_many_is_made_once(told: Told) -> None:
    with told.updates.subscribe(MICROGRID) as one, told.updates.subscribe(MICROGRID) as other:
        await told.tell(Created(DISPATCH))
        assert (await anext(one)) is (await anext(other))
    await told.tell(Updated(DISPATCH))
    assert told.shaped == [Created(DISPATCH)], "nobody was there for the second one"


async def test_who_does_not_keep_up_is_let_go_and_nobody_else_is(told: Told) -> None:
    with told.updates.subscribe(MICROGRID) as slow, told.updates.subscribe(MICROGRID) as quick:
        for n in range(4):
            await told.tell(Updated(replace(DISPATCH, id=n)))
            assert (await anext(quick)).dispatch.id == n
        with pytest.raises(Lagging, match="list anew"):
            await anext(slow)


async def test_who_is_ready_to_take_is_not_let_go_because_much_came_at_once() -> None:
    told = Told(limit=250)
    for n in range(1_000):
        told.facts.put_nowait(Updated(replace(DISPATCH, id=n)))
    with told.updates.subscribe(MICROGRID) as subscription:
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(told.updates.run())
            ids = [update.dispatch.id for update in await taken(subscription, 1_000)]
            running.cancel()
    assert ids == list(range(1_000))


async def test_whoever_was_let_go_is_told_nothing_more(told: Told) -> None:
    with told.updates.subscribe(MICROGRID) as slow:
        await told.tell(*(Updated(DISPATCH) for _ in range(5)))
        for _ in range(2):
            with pytest.raises(Lagging):
                await anext(slow)


async def test_whoever_waits_is_told_at_once_that_it_ends(told: Told) -> None:
    with told.updates.subscribe(MICROGRID) as subscription:
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(caught(subscription))
            await asyncio.sleep(0)
            told.updates.end(ConnectionError("closing"))
        assert str(waiting.result()) == "closing"


async def test_what_was_told_before_the_end_still_arrives(told: Told) -> None:
    with told.updates.subscribe(MICROGRID) as subscription:
        await told.tell(Created(DISPATCH))
        told.updates.end(ConnectionError("closing"))
        assert await taken(subscription, 1) == [Created(DISPATCH)]
        assert str(await caught(subscription)) == "closing"


async def test_nobody_is_kept_who_has_left(told: Told) -> None:
    for _ in range(3):
        with told.updates.subscribe(MICROGRID):
            pass
    await told.tell(Created(DISPATCH))
    assert told.shaped == []


async def caught(subscription: Subscription[Update]) -> Exception:
    with pytest.raises(ConnectionError) as error:
        await anext(subscription)
    return error.value
