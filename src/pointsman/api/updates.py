"""What happens to dispatches, told to whoever subscribes: each change once, in commit order.

    journal --follow--> Updates --shape, once for all--> Subscription, Subscription, ...

There is one follower for all subscribers, and what they are told is made once for all of them. A
subscriber who does not keep up is told so and let go, so that nobody else ever waits for it, and
it never misses anything without knowing.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Generic, TypeAlias, TypeVar

from pointsman.dispatches.facts import Created, Deleted, Updated

Update: TypeAlias = Created | Updated | Deleted
"""What may happen to a dispatch. Each says the whole of it, as it is from then on or last was."""
ShapeT = TypeVar("ShapeT")

WAITING_LIMIT: Final = 5_000
"""Updates that one subscriber may be behind."""
SLICE: Final = 100
"""Updates that are told before subscribers get a turn of the event loop to take them."""


class Lagging(Exception):
    """The subscriber did not keep up. It must subscribe and list anew."""


class Updates(Generic[ShapeT]):
    def __init__(
        self,
        happenings: AsyncIterator[tuple[Any, Any]],
        shape: Callable[[Update], ShapeT],
        *,
        limit: int = WAITING_LIMIT,
    ) -> None:
        """`happenings` are those of `follow`. `shape` makes of an update what subscribers get."""
        self._happenings = happenings
        self._shape = shape
        self._limit = limit
        self._subscriptions: dict[int, set[Subscription[ShapeT]]] = {}

    async def run(self) -> None:
        """Tell everybody, until cancelled."""
        count = 0
        async for _, happened in self._happenings:
            fact = happened.fact
            if isinstance(fact, Created | Updated | Deleted):
                self._tell(fact)
                count += 1
                if count % SLICE == 0:
                    await asyncio.sleep(0)

    @contextmanager
    def subscribe(self, microgrid_id: int) -> "Iterator[Subscription[ShapeT]]":
        """From here on, all that is told of a microgrid's dispatches."""
        subscription: Subscription[ShapeT] = Subscription(self._limit)
        of_microgrid = self._subscriptions.setdefault(microgrid_id, set())
        of_microgrid.add(subscription)
        try:
            yield subscription
        finally:
            of_microgrid.discard(subscription)
            if not of_microgrid and self._subscriptions.get(microgrid_id) is of_microgrid:
                del self._subscriptions[microgrid_id]

    def end(self, reason: Exception) -> None:
        """Let all subscribers go, each once it has got what there is."""
        for of_microgrid in self._subscriptions.values():
            for subscription in of_microgrid:
                subscription.end(reason)

    def _tell(self, update: Update) -> None:
        if subscriptions := self._subscriptions.get(update.dispatch.microgrid_id):
            shaped = self._shape(update)
            for subscription in subscriptions:
                subscription.put(shaped)


class Subscription(Generic[ShapeT]):
    """An iterator without end, but for an exception: `Lagging`, or why its server lets it go."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[ShapeT] = deque()
        self._filled = asyncio.Event()
        self._end: Exception | None = None

    def __aiter__(self) -> AsyncIterator[ShapeT]:
        return self

    async def __anext__(self) -> ShapeT:
        while not self._waiting:
            if self._end is not None:
                raise self._end
            self._filled.clear()
            await self._filled.wait()
        return self._waiting.popleft()

    def put(self, shaped: ShapeT) -> None:
        if self._end is not None:
            return
        if len(self._waiting) >= self._limit:
            self._waiting.clear()
            self.end(
                Lagging(f"{self._limit} updates waited to be taken: subscribe, then list anew")
            )
            return
        self._waiting.append(shaped)
        self._filled.set()

    def end(self, reason: Exception) -> None:
        self._end = self._end or reason
        self._filled.set()
