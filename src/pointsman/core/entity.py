"""The one idea: whatever lives long is an entity, and an entity is four pure functions.

An intent asks; a fact happened. An intent may be rejected, a fact never is.

    intent --decide--> facts --append--> journal --evolve--> state --due--> Wake

Everything has a name, and the longer name is inside the shorter one:

    caltech                           a site; all of a site lives in one shard
    operations/caltech/robot-1        an entity; its id is `caltech/robot-1`
    operations/caltech/robot-1/lift   a thing of that entity, with facts of its own

A fact carries the *whole* new value of the one thing that it is about. So the last fact of
each thing rebuilds the state, in whatever order, and nothing else need be kept.

Nothing here reads a clock, draws a random number or waits: `now` is always passed in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from typing import Any, Generic, Protocol, TypeVar


class Fact(Protocol):
    """What happened to one thing: a frozen value that says all there is to know of it."""

    @property
    def thing(self) -> str:
        """Which thing of the entity this is about. "" is the entity itself."""


StateT = TypeVar("StateT")
IntentT = TypeVar("IntentT", contravariant=True)
FactT = TypeVar("FactT", bound=Fact)


class Rejected(Exception):
    """The intent makes no sense in the present state. The journal is unchanged."""


@dataclass(frozen=True, slots=True)
class Wake:
    """The one intent that the clock submits. Too early or twice, it must do no harm."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The one fact that says no value: from now on all is as if the thing had never been.

    Any entity may decide it, of a thing that is over and done with. The journal then drops the
    thing's past as soon as the record holds it; the record keeps it.
    """

    thing: str


class Entity(Protocol[StateT, IntentT, FactT]):
    """What the engine needs of a pillar. A module with these four names is an entity.

    Its state can be copied: what `copy.copy` returns evolves apart from the original.
    """

    def initial(self) -> StateT:
        """The state before any fact."""

    def decide(self, state: StateT, intent: IntentT | Wake, now: datetime) -> Sequence[FactT]:
        """The facts that `intent` causes, none if there is nothing left to do.

        Looks at `state` and leaves it alone.

        Raises:
            Rejected: If `intent` makes no sense in `state`. Never for `Wake`.
        """

    def evolve(self, state: StateT, fact: FactT) -> StateT:
        """The state after `fact`; may be the same object, changed in place, in O(log n).

        Accepts whatever `decide` ever returned, so never fails. Facts about different things
        may come in any order, for that is how a state is rebuilt.
        """

    def due(self, state: StateT) -> datetime | None:
        """The next instant to submit `Wake` at. None while only others can move `state`."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[StateT, IntentT, FactT]):
    """An entity and its name, which opens the names of all that are of this kind."""

    name: str
    entity: Entity[StateT, IntentT, FactT]
    facts: tuple[type[FactT], ...]
    older: Mapping[tuple[str, int], Callable[[Any], FactT]] = field(default_factory=dict)
    """How facts of old versions read today: (name, version) to a function of the JSON value."""
    quarantine: Callable[[str, FactT], object] | None = None
    """Given if each thing stands for itself: one that cannot be read is left out, said to be so,
    and stops no other. Called with the id of an entity and a fact of it, it raises ValueError if
    nobody could live with that. None: it is dangerous to go on without one of its things, as
    without a command that may have been sent, so nothing goes on at all.
    """


def fold(entity: Entity[StateT, IntentT, FactT], facts: Iterable[FactT]) -> StateT:
    """The state that facts lead to."""
    return reduce(entity.evolve, facts, entity.initial())
