"""Ids of dispatches: each shard counts its own, in blocks, and no id is ever given out twice.

    Draw(16) --> Drawn(upto=16)      the ids that the numbers 1 to 16 stand for are the asker's
    Draw(32) --> Drawn(upto=48)      and now 17 to 48, even if none of the others was ever used

An id is its number times 64, and the number of the shard: so ids of different shards differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias, assert_never

from pointsman.core.entity import Rejected, Wake
from pointsman.core.names import shard_site, word
from pointsman.core.values import Value

MICROGRID: Final = "microgrid-"
SHARDS_MOST: Final = 64
DRAWN_MOST: Final = 1_000_000
"""Numbers of one draw."""
NUMBER_MOST: Final = 2**53 // SHARDS_MOST - 1
"""Above that, an id would be no whole number to those who count in doubles."""


class Draw(Value, frozen=True):
    """Asking twice draws twice: what nobody uses is lost."""

    count: int


Intent: TypeAlias = Draw


class Drawn(Value, frozen=True):
    """All numbers up to this one have been given out."""

    upto: int

    @property
    def thing(self) -> str:
        return ""


Fact: TypeAlias = Drawn


@dataclass(slots=True)
class Counter:
    """What has been given out. One owner changes it in place."""

    upto: int = 0


def initial() -> Counter:
    return Counter()


def decide(counter: Counter, intent: Intent | Wake, now: datetime) -> Sequence[Fact]:  # noqa: ARG001
    match intent:
        case Wake():
            return []
        case Draw(count) if not 1 <= count <= DRAWN_MOST:
            raise Rejected(f"{count} ids cannot be drawn at once: 1 to {DRAWN_MOST} can")
        case Draw(count) if counter.upto + count > NUMBER_MOST:
            raise Rejected(f"there are no {count} ids left after the {counter.upto} given out")
        case Draw(count):
            return [Drawn(counter.upto + count)]
        case _:
            assert_never(intent)


def evolve(counter: Counter, fact: Fact) -> Counter:
    counter.upto = max(counter.upto, fact.upto)
    return counter


def due(counter: Counter) -> datetime | None:  # noqa: ARG001  Nothing moves by itself.
    return None


def drawn_ids(drawn: Drawn, count: int, shard: int) -> range:
    """The ids that a draw of `count` has given to whoever asked, in the order to use them."""
    first, last = drawn.upto - count + 1, drawn.upto
    return range(first * SHARDS_MOST + shard, last * SHARDS_MOST + shard + 1, SHARDS_MOST)


def microgrid_site(microgrid_id: int) -> str:
    """The site that a microgrid is in the names of entities: `microgrid-7`."""
    return f"{MICROGRID}{microgrid_id}"


def microgrid_of(site: str) -> int | None:
    """The microgrid that a site in a name is. None: it is none."""
    number = site.removeprefix(MICROGRID)
    return int(number) if number != site and number.isdecimal() else None


def dispatches_id(microgrid_id: int) -> str:
    """The id of the one entity that holds a microgrid's dispatches: `microgrid-7/catalogue`.

    A site that names its microgrid lives with it: see `placement` in `app`.
    """
    return f"{microgrid_site(microgrid_id)}/catalogue"


def follower_id(microgrid_id: int, name: str) -> str:
    """The id of the follower of that name: it lives where the microgrid's dispatches do."""
    return f"{microgrid_site(microgrid_id)}/{word(name)}"


def ids_id(shard: int) -> str:
    """The id of the entity that counts the dispatches of a shard: `~7/dispatches`."""
    return f"{shard_site(shard)}/dispatches"
