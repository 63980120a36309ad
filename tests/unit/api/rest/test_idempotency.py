"""The same request by the same asker is one request; any other is another one."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from pointsman.api.operation_events import Event
from pointsman.api.rest.errors import Problem
from pointsman.api.rest.idempotency import Once, Turns, digest_of
from pointsman.operations.events import EventType

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ONCE = Once("robot-1", "planner", "a", "digest")


def event(once: Once, seq: int = 1, at: datetime = NOW, by: str | None = None) -> Event:
    meta, by = once.meta({"why": "lunch"}), once.by if by is None else by
    type = EventType.OPERATION_PAUSED
    return Event(seq, UUID(int=seq), "robot-1", "lift", type, at, (), by, meta, None)


def test_ids_are_the_same_for_the_same_asker_key_and_resource_only() -> None:
    assert ONCE.ids(3) == ONCE.ids(3)
    assert len(set(ONCE.ids(3))) == 3
    others = (
        Once("robot-2", "planner", "a", "digest"),
        Once("robot-1", "watcher", "a", "digest"),
        Once("robot-1", "planner", "b", "digest"),
        Once("robot-1", "planner", None, "digest"),
    )
    assert not {id for other in others for id in other.ids(3)} & set(ONCE.ids(3))
    keyless = Once("robot-1", "planner", None, "digest")
    assert keyless.ids(1) != keyless.ids(1)


def test_what_was_said_goes_with_the_facts_and_the_key_with_it() -> None:
    said = {"why": "lunch"}
    assert Once("robot-1", "planner", None, "digest").meta(said) == said
    assert ONCE.meta(said) == {**said, "idempotency": {"key": "a", "digest": "digest"}}


def test_what_came_of_it_at_first_is_found_among_all_that_happened() -> None:
    other = Once("robot-1", "planner", "b", "digest")
    first, second = event(ONCE, 2), event(ONCE, 3)
    later = event(ONCE, 4, NOW + timedelta(seconds=1))
    happened = [event(other, 1), first, second, later, event(ONCE, 5, by="watcher")]
    assert ONCE.answered(happened) == [first, second]
    assert ONCE.answered([]) == []


def test_a_key_that_was_used_for_something_else_is_refused() -> None:
    with pytest.raises(Problem, match="'a' was used for another request") as caught:
        Once("robot-1", "planner", "a", "other").answered([event(ONCE)])
    assert caught.value.status == 409


def test_a_digest_tells_requests_apart_and_not_how_they_are_written() -> None:
    one = digest_of("cancel", {"operation_id": "lift"}, {"a": 1, "b": 2})
    assert one == digest_of("cancel", {"operation_id": "lift"}, {"b": 2, "a": 1})
    others = (
        digest_of("pause", {"operation_id": "lift"}, {"a": 1, "b": 2}),
        digest_of("cancel", {"operation_id": "weld"}, {"a": 1, "b": 2}),
        digest_of("cancel", {"operation_id": "lift"}, {"a": 1}),
        digest_of("cancel", {"operation_id": "lift"}, None),
    )
    assert len({one, *others}) == 5


async def test_requests_of_one_key_wait_for_each_other_and_for_nobody_else() -> None:
    turns, under_way = Turns(), list[str]()

    async def ask(once: Once, name: str) -> None:
        async with turns.of(once):
            under_way.append(name)
            await asyncio.sleep(0)
            under_way.append(name)

    await asyncio.gather(ask(ONCE, "first"), ask(ONCE, "second"))
    assert under_way == ["first", "first", "second", "second"]
    under_way.clear()
    keyless = Once("robot-1", "planner", None, "digest")
    await asyncio.gather(ask(keyless, "first"), ask(keyless, "second"))
    assert under_way == ["first", "second", "first", "second"]
