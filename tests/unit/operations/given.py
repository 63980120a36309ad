"""A resource to tell stories with: half past ten is `at(10, 30)`, all on one day."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pointsman.core.entity import Wake
from pointsman.operations import lifecycle
from pointsman.operations.facts import Fact
from pointsman.operations.intents import Add, Configure, Intent, New, StartResource
from pointsman.operations.model import Dependency, Operation, Work
from pointsman.operations.policy import Policy
from pointsman.operations.queue import Resource

DAY = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def at(hour: int, minute: int = 0, second: float = 0) -> datetime:
    return DAY + timedelta(hours=hour, minutes=minute, seconds=second)


def work(**also: Any) -> Work:  # noqa: ANN401  Any field.
    given: dict[str, Any] = {"payload": {}, "created_at": at(7)}
    return Work(**given | also)


def new(id: str, *after: str | Dependency, **also: Any) -> New:  # noqa: ANN401
    on = tuple(one if isinstance(one, Dependency) else Dependency(one) for one in after)
    return New(id, work(dependencies=on, **also))


class Story:
    """A resource and its clock. What is asked happens at once; time passes when it is told."""

    def __init__(self, **policy: Any) -> None:  # noqa: ANN401  Any field of Policy.
        self.now = at(8)
        self.resource: Resource = lifecycle.initial()
        self.facts: list[Fact] = []
        self.ask(Configure(Policy(**policy)))
        self.ask(StartResource())

    def ask(self, intent: Intent | Wake) -> Sequence[Fact]:
        """What it causes."""
        facts = lifecycle.decide(self.resource, intent, self.now)
        for fact in facts:
            self.resource = lifecycle.evolve(self.resource, fact)
        self.facts += facts
        return facts

    def add(self, id: str, *after: str | Dependency, **also: Any) -> Operation:  # noqa: ANN401
        self.ask(Add((new(id, *after, **also),)))
        return self[id]

    def wake(self) -> list[Fact]:
        """All that is due by now."""
        caused: list[Fact] = []
        while facts := self.ask(Wake()):
            caused += facts
        return caused

    def wait(self, seconds: float) -> list[Fact]:
        """Let time pass, and all happen that is due meanwhile."""
        until, caused = self.now + timedelta(seconds=seconds), self.wake()
        while (due := lifecycle.due(self.resource)) is not None and due <= until:
            self.now = max(self.now, due)
            facts = self.wake()
            assert facts, "it wants to be woken for nothing"
            caused += facts
        self.now = until
        return caused

    def __getitem__(self, id: str) -> Operation:
        return self.resource.known(id)


def names(facts: Sequence[Fact]) -> list[str]:
    return [type(fact).__name__ for fact in facts]
