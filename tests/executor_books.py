"""Books to try executors with: one resource in memory, that its clock wakes and anybody may ask."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from pointsman.core.entity import Wake
from pointsman.operations import lifecycle
from pointsman.operations.facts import Fact
from pointsman.operations.intents import Add, Configure, Intent, New, StartResource
from pointsman.operations.model import Operation, Phase, Work
from pointsman.operations.policy import Policy
from pointsman.operations.queue import Resource
from pointsman.runtime.clock import Clock, rest_seconds

PATIENCE_SECONDS: Final = 10.0


class Books:
    """The port of an executor, and everybody else who asks."""

    def __init__(self, clock: Clock, **policy: Any) -> None:  # noqa: ANN401  Fields of Policy.
        self.clock = clock
        self.resource: Resource = lifecycle.initial()
        self.facts: list[Fact] = []
        self._changed = asyncio.Event()
        given: dict[str, Any] = {"ask": False, "confirms": True}
        self.say(Configure(Policy(**given | policy)))
        self.say(StartResource())

    def say(self, intent: Intent | Wake) -> Sequence[Fact]:
        facts = lifecycle.decide(self.resource, intent, self.clock.now())
        for fact in facts:
            self.resource = lifecycle.evolve(self.resource, fact)
        self.facts += facts
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        return facts

    async def ask(self, intent: Intent) -> Sequence[Fact]:
        await asyncio.sleep(0)
        return self.say(intent)

    async def look(self) -> Resource:
        await asyncio.sleep(0)
        return self.resource

    async def follow(self) -> AsyncIterator[object]:
        seen = 0
        while True:
            while len(self.facts) > seen:
                seen = len(self.facts)
                yield None
            await self._changed.wait()

    async def run(self) -> None:
        """Wake the resource when it is due."""
        while True:
            changed, due = self._changed, lifecycle.due(self.resource)
            if due is not None and due <= self.clock.now():
                self.say(Wake())
                continue
            rest = rest_seconds(self.clock, due) if due else None
            try:
                async with asyncio.timeout(rest):
                    await changed.wait()
            except TimeoutError:
                continue

    def add(self, id: str, payload: dict[str, Any], seconds: float | None = None) -> None:
        planned = timedelta(seconds=seconds) if seconds else None
        work = Work(payload, self.clock.now(), planned_duration=planned)
        self.say(Add((New(id, work),)))

    def __getitem__(self, id: str) -> Operation:
        return self.resource.known(id)

    async def until(self, id: str, phase: Phase) -> Operation:
        """The operation, once it is in that phase."""
        return await self.when(id, lambda operation: operation.phase is phase)

    async def when(self, id: str, so: Callable[[Operation], bool]) -> Operation:
        """The operation, once it is so.

        Raises:
            AssertionError: If it is not so in time. Says how it is instead.
        """
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not so(self[id]):
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"it is {self[id]}") from None
        return self[id]

    def told(self, id: str) -> list[str]:
        """The names of the facts about an operation, without its progress."""
        mine = (fact for fact in self.facts if fact.thing == id)
        names = (type(fact).__name__ for fact in mine)
        return [name for name in names if name not in ("Progressed", "Heard", "Requested")]
