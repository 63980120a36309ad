"""Inboxes: receivers that keep what matters, however slow their reader is.

    put --> [ message, message, ... ] --ready, consume--> reader
              a full one drops what a later message of the same dispatch has overtaken

Nothing else is ever dropped, so a full inbox holds at most `limit` messages and a few of each
dispatch. Whoever put a message hears whether it was taken.
"""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Generic, Protocol, TypeVar

from frequenz.channels import Receiver, ReceiverStoppedError

from pointsman.dispatches.following import Edge, News

ReceivedT_co = TypeVar("ReceivedT_co", covariant=True)
ReceivedT = TypeVar("ReceivedT")

LIMIT: Final = 50
"""Messages from which on what has been overtaken is dropped, as documented."""


class Sort(Enum):
    """What a message is about, as far as others may overtake it."""

    GOING = auto()
    STOPPED = auto()
    CREATED = auto()
    UPDATED = auto()
    DELETED = auto()


OVERTAKES: Final = {
    Sort.GOING: {Sort.GOING},
    Sort.STOPPED: {Sort.GOING, Sort.STOPPED},
    Sort.CREATED: {Sort.CREATED},
    Sort.UPDATED: {Sort.UPDATED},
    Sort.DELETED: {Sort.UPDATED, Sort.DELETED},
}
SORT_OF_EDGE: Final = {
    Edge.STARTED: Sort.GOING,
    Edge.RECONFIGURED: Sort.GOING,
    Edge.STOPPED: Sort.STOPPED,
}
SORT_OF_NEWS: Final = {
    News.CREATED: Sort.CREATED,
    News.UPDATED: Sort.UPDATED,
    News.DELETED: Sort.DELETED,
}


class Held(Protocol):
    """Who wants to know what became of a message."""

    def let_go(self, *, taken: bool) -> None:
        """One inbox does not hold it any more: its reader took it, or will never."""


@dataclass(frozen=True, slots=True, eq=False)
class Message(Generic[ReceivedT_co]):
    dispatch_id: int
    sort: Sort
    make: Callable[[], ReceivedT_co]
    """What its reader gets, made when it is read: many may wait."""
    held: Held | None = None


class Inbox(Receiver[ReceivedT]):
    """Belongs to one event loop. Closes itself when nobody holds it any more."""

    def __init__(self, *, name: str | None = None, limit: int = LIMIT) -> None:
        if limit < 1:
            raise ValueError(f"limit is {limit}: a receiver holds at least 1 message")
        self._name = name or f"{id(self):_}"
        self._limit = limit
        self._messages: OrderedDict[int, Message[ReceivedT]] = OrderedDict()
        self._of_dispatch: defaultdict[int, list[int]] = defaultdict(list)
        self._number = 0
        self._closed = False
        self._changed = asyncio.Event()

    def put(self, message: Message[ReceivedT]) -> None:
        """Keep it for the reader. An inbox that is closed lets go of it at once."""
        if self._closed:
            if message.held:
                message.held.let_go(taken=False)
            return
        if len(self._messages) >= self._limit:
            self._drop_overtaken(message)
        self._number += 1
        self._messages[self._number] = message
        self._of_dispatch[message.dispatch_id].append(self._number)
        self._changed.set()

    async def ready(self) -> bool:
        """Wait until there is a message. False: there will be none any more."""
        while not self._messages:
            if self._closed:
                return False
            self._changed.clear()
            await self._changed.wait()
        return True

    def consume(self) -> ReceivedT:
        """The next message, once `ready` has returned.

        Raises:
            ReceiverStoppedError: If it is closed, and all has been read.
        """
        if not self._messages:
            if self._closed:
                raise ReceiverStoppedError(self)
            raise RuntimeError("consume() was called with nothing to consume: await ready() first")
        message = self._pop(next(iter(self._messages)))
        if message.held:
            message.held.let_go(taken=True)
        return message.make()

    def close(self) -> None:
        """Get nothing more. What has been got can still be read."""
        if not self._closed:
            self._closed = True
            self._changed.set()

    def leave(self) -> None:
        """Close, and let go of what will not be read."""
        self.close()
        while self._messages:
            message = self._pop(next(iter(self._messages)))
            if message.held:
                message.held.let_go(taken=False)

    @property
    def closed(self) -> bool:
        return self._closed

    def __len__(self) -> int:
        """Messages that wait."""
        return len(self._messages)

    def __bool__(self) -> bool:
        return True  # However many wait.

    def __str__(self) -> str:
        return f"{type(self).__name__}:{self._name}"

    def __repr__(self) -> str:
        used = len(self._messages)
        return f"{type(self).__name__}(name={self._name!r}, limit={self._limit!r}):<used={used!r}>"

    def __del__(self) -> None:
        with suppress(AttributeError):  # It was never made.
            self.leave()

    def _drop_overtaken(self, by: Message[ReceivedT]) -> None:
        for number in tuple(self._of_dispatch.get(by.dispatch_id, ())):
            if self._messages[number].sort in OVERTAKES[by.sort]:
                dropped = self._pop(number)
                if dropped.held:
                    dropped.held.let_go(taken=True)  # What overtakes it tells all that it did.

    def _pop(self, number: int) -> Message[ReceivedT]:
        message = self._messages.pop(number)
        numbers = self._of_dispatch[message.dispatch_id]
        numbers.remove(number)
        if not numbers:
            del self._of_dispatch[message.dispatch_id]
        return message
