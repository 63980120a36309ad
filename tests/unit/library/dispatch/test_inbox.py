"""Inboxes keep what matters, and say what became of it."""

import asyncio
import gc
from dataclasses import dataclass, field

import pytest
from frequenz.channels import ReceiverStoppedError, merge, select

from pointsman.library.dispatch.inbox import Inbox, Message, Sort
from tests.unit.library.dispatch.given import next_of


@dataclass
class Fate:
    """What became of a message."""

    taken: list[bool] = field(default_factory=list)

    def let_go(self, *, taken: bool) -> None:
        self.taken.append(taken)


def message(
    text: str, sort: Sort = Sort.GOING, id: int = 1, held: Fate | None = None
) -> Message[str]:
    return Message(id, sort, lambda: text, held)


def read(inbox: Inbox[str]) -> list[str]:
    return [inbox.consume() for _ in range(len(inbox))]


async def test_messages_come_in_order() -> None:
    inbox = Inbox[str]()
    for text in "abc":
        inbox.put(message(text))
    assert [await next_of(inbox) for _ in "abc"] == ["a", "b", "c"]


async def test_who_waits_hears_at_once() -> None:
    inbox = Inbox[str]()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(next_of(inbox))
        await asyncio.sleep(0)
        inbox.put(message("a"))
    assert waiting.result() == "a"


async def test_it_works_wherever_receivers_do() -> None:
    one, other = Inbox[str](), Inbox[str]()
    one.put(message("a"))
    async for selected in select(one, other):
        assert one.triggered(selected)
        assert selected.message == "a"
        break
    other.put(message("b"))
    merged = merge(one, other)
    assert await next_of(merged) == "b"
    await merged.stop()
    one.put(message("c"))
    assert await next_of(one.map(str.upper).filter(lambda text: text == "C")) == "C"


def test_below_its_limit_nothing_is_left_out() -> None:
    inbox = Inbox[str](limit=4)
    for text in "abcd":
        inbox.put(message(text))
    assert read(inbox) == ["a", "b", "c", "d"]


def test_a_full_one_keeps_the_latest_state_of_each_dispatch_and_every_last_stop() -> None:
    inbox = Inbox[str](limit=1)
    for n in range(1_000):
        inbox.put(message(f"on {n}", Sort.GOING, id=1))
        inbox.put(message(f"off {n}", Sort.STOPPED, id=1))
    inbox.put(message("other", Sort.GOING, id=2))
    inbox.put(message("again", Sort.GOING, id=1))
    assert read(inbox) == ["off 999", "other", "again"]


def test_a_full_one_keeps_that_something_was_created_and_deleted() -> None:
    inbox = Inbox[str](limit=1)
    for sort in (Sort.CREATED, Sort.UPDATED, Sort.UPDATED, Sort.DELETED):
        inbox.put(message(sort.name, sort))
    assert read(inbox) == ["CREATED", "DELETED"]


def test_what_was_read_or_overtaken_was_taken() -> None:
    inbox, first, second, third = Inbox[str](limit=1), Fate(), Fate(), Fate()
    inbox.put(message("a", held=first))
    inbox.put(message("b", held=second))
    assert (first.taken, second.taken) == ([True], [])
    inbox.consume()
    assert second.taken == [True]
    inbox.leave()
    inbox.put(message("c", held=third))
    assert third.taken == [False], "a closed one takes nothing"


def test_what_nobody_will_read_any_more_is_given_back() -> None:
    inbox, fate = Inbox[str](), Fate()
    inbox.put(message("a", held=fate))
    del inbox
    gc.collect()
    assert fate.taken == [False]


async def test_a_closed_one_can_be_read_to_its_end() -> None:
    inbox = Inbox[str]()
    inbox.put(message("a"))
    inbox.close()
    inbox.put(message("b"))
    assert [text async for text in inbox] == ["a"]
    assert not await inbox.ready()
    with pytest.raises(ReceiverStoppedError):
        await inbox.receive()


async def test_who_waits_hears_that_it_is_closed() -> None:
    inbox = Inbox[str]()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(inbox.ready())
        await asyncio.sleep(0)
        inbox.close()
    assert waiting.result() is False


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="limit is 0"):
        Inbox[str](limit=0)
