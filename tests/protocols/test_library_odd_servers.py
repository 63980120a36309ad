"""The library against servers that misbehave: it loses nothing, and never runs hot."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from frequenz.api.common.v1alpha8.streaming.event_pb2 import Event

from pointsman.core.values import replace
from pointsman.dispatch import Created, Deleted, Dispatcher, Edge, Updated
from pointsman.dispatch_api.messages import pb_of
from pointsman.journal import Token
from pointsman.journal.memory import MemoryJournal
from pointsman.library.dispatch import connection
from pointsman.library.dispatch.life import FORGET_RECORDS
from tests.protocols.library_bench import next_of, nothing_of
from tests.protocols.odd_server import NOW, Odd, going, later, odd_server, poison

CREATED, UPDATED, DELETED = Event.EVENT_CREATED, Event.EVENT_UPDATED, Event.EVENT_DELETED


class Talk:
    """A dispatcher that talks to an odd server, and has not listed yet."""

    def __init__(self, url: str) -> None:
        self.dispatcher = Dispatcher(microgrid_id=1, server_url=url)
        self.events = self.dispatcher.lifecycle_events.new_receiver()
        self.runs = self.dispatcher.running_status_change.new_receiver()

    async def told(self) -> tuple[type[Created | Updated | Deleted], int]:
        event = await next_of(self.events)
        return type(event), int(event.dispatch.id)

    async def edge(self) -> tuple[Edge, int]:
        run = await next_of(self.runs)
        assert run.change is not None
        return run.change.edge, int(run.id)

    async def nothing(self) -> None:
        await nothing_of(self.events, 0.1)
        await nothing_of(self.runs, 0.05)


@asynccontextmanager
async def talking(odd: Odd) -> AsyncIterator[Talk]:
    async with odd_server(odd) as url:
        talk = Talk(url)
        async with asyncio.timeout(20), talk.dispatcher:
            yield talk


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "SUBSCRIBED_SECONDS", 0.1)


async def test_what_happens_during_a_listing_is_told_after_it() -> None:
    odd = Odd()
    odd.hold(going(1), going(2))
    odd.before_listing = [(DELETED, odd.rows[0]), (CREATED, poison(8))]
    odd.before_listing += [
        (CREATED, pb_of(going(3))),
        (UPDATED, pb_of(later(going(2), active=False))),
    ]
    async with talking(odd) as talk:
        told = [await talk.told() for _ in range(5)]
        assert told == [(Created, 1), (Created, 2), (Deleted, 1), (Created, 3), (Updated, 2)]
        await nothing_of(talk.events, 0.1)


async def test_what_is_unknown_may_be_updated_or_deleted() -> None:
    odd = Odd()
    async with talking(odd) as talk:
        odd.send(UPDATED, going(5))
        assert await talk.told() == (Created, 5)
        odd.send(DELETED, going(6))
        odd.send(CREATED, going(6))
        await talk.edge()
        await talk.nothing()


async def test_a_deletion_counts_though_its_update_time_is_not_newer() -> None:
    odd = Odd()
    odd.hold(going(1))
    async with talking(odd) as talk:
        assert await talk.edge() == (Edge.STARTED, 1)
        odd.send(DELETED, going(1))
        assert await talk.edge() == (Edge.STOPPED, 1)
        assert [await talk.told() for _ in range(2)] == [(Created, 1), (Deleted, 1)]


async def test_what_is_old_is_no_news() -> None:
    odd, new = Odd(), later(going(1), payload={"a": 2.0})
    odd.hold(new)
    async with talking(odd) as talk:
        assert (await talk.told(), await talk.edge()) == ((Created, 1), (Edge.STARTED, 1))
        odd.send(CREATED, new)
        odd.send(UPDATED, going(1, active=False), new)
        await talk.nothing()


async def test_a_row_that_nobody_can_read_stops_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    odd = Odd()
    odd.hold(poison(7), going(1), poison(8))
    with caplog.at_level(logging.WARNING):
        async with talking(odd) as talk:
            assert (await talk.told(), await talk.edge()) == ((Created, 1), (Edge.STARTED, 1))
            odd.send(UPDATED, poison(9))
            odd.send(CREATED, going(2))
            assert (await talk.told(), await talk.edge()) == ((Created, 2), (Edge.STARTED, 2))
    (listed,) = [line for line in caplog.messages if "left out" in line]
    assert listed.startswith(
        "microgrid 1: 2 dispatches cannot be read and are left out: dispatch 7"
    )


async def test_a_listing_that_fails_is_tried_again_and_leaves_nothing_half_done() -> None:
    odd = Odd(page=1, list_errors=2)
    odd.hold(going(1), going(2))
    async with talking(odd) as talk:
        assert [await talk.told() for _ in range(2)] == [(Created, 1), (Created, 2)]
        assert (odd.listings, odd.streams) == (3, 1)
        await nothing_of(talk.events, 0.1)


async def test_a_stream_that_ends_without_a_reason_begins_again_and_never_hot() -> None:
    odd = Odd(ends_after_seconds=0.0)
    async with talking(odd) as talk:
        await asyncio.sleep(1.5)
        assert 2 <= odd.streams <= 6
        odd.ends_after_seconds = None
        odd.hold(going(1))
        assert await talk.told() == (Created, 1)


async def test_what_happened_while_nobody_listened_is_seen_by_listing() -> None:
    odd = Odd(ends_after_seconds=0.3)
    odd.hold(going(1), going(2))
    async with talking(odd) as talk:
        assert [await talk.told() for _ in range(2)] == [(Created, 1), (Created, 2)]
        odd.hold(later(going(2), payload={"a": 1.0}), going(3))
        odd.ends_after_seconds = None
        told = {await talk.told() for _ in range(3)}
        assert told == {(Deleted, 1), (Updated, 2), (Created, 3)}
        runs = [await talk.edge() for _ in range(5)]
        assert sorted(runs[2:]) == sorted(
            [(Edge.STOPPED, 1), (Edge.RECONFIGURED, 2), (Edge.STARTED, 3)]
        )
        await talk.nothing()


async def test_a_server_that_does_not_say_when_it_begins_is_listed_again_when_it_does() -> None:
    odd = Odd(says_when_it_begins=False)
    async with talking(odd) as talk:
        assert odd.listings == 1
        odd.hold(going(1))  # Nobody was told.
        odd.send(CREATED, going(2))
        odd.rows.append(pb_of(going(2)))
        assert {await talk.told() for _ in range(2)} == {(Created, 1), (Created, 2)}
        await nothing_of(talk.events, 0.1)


async def test_what_is_hidden_by_the_question_is_asked_for_by_its_id() -> None:
    odd, ended = Odd(ends_after_seconds=0.3), NOW - timedelta(minutes=3)
    odd.hold(replace(going(1, -10), end_time=NOW + timedelta(minutes=50)))
    async with talking(odd) as talk:
        assert (await talk.told(), await talk.edge()) == ((Created, 1), (Edge.STARTED, 1))
        shorter = replace(later(going(1, -10), duration_seconds=420), end_time=ended)
        odd.hold(shorter)
        odd.ends_after_seconds = None
        assert await talk.told() == (Updated, 1)
        assert await talk.edge() == (Edge.STOPPED, 1)
        await talk.nothing()


async def test_without_a_server_it_waits_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    one = Dispatcher(microgrid_id=1, server_url="grpc://127.0.0.1:1?ssl=false")
    with caplog.at_level(logging.WARNING):
        await one.start()
        await asyncio.sleep(1.2)
        assert one.is_running
        await one.stop()
    tries = [line for line in caplog.messages if "trying again" in line]
    assert len(tries) == 1
    assert "UNAVAILABLE" in tries[0]


async def test_it_keeps_no_more_however_much_happens() -> None:
    odd = Odd()
    async with talking(odd) as talk:
        assert talk.dispatcher._life is not None  # noqa: SLF001
        journal = talk.dispatcher._life._journal  # noqa: SLF001
        for id in range(1_000, 2_200):
            odd.send(CREATED, going(id))
            odd.send(DELETED, going(id))
            if id % 100 == 0:
                await next_of(talk.runs)
        await _gone(talk, 2_199)
        assert isinstance(journal, MemoryJournal)
        kept = len(journal.load_now(Token(0, 0)))
        assert kept < FORGET_RECORDS


async def _gone(talk: Talk, id: int) -> None:
    while True:
        event = await next_of(talk.events)
        if isinstance(event, Deleted) and int(event.dispatch.id) == id:
            return
