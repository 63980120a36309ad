"""Dispatches: windows of time for a microgrid's components, which may recur."""

from typing import get_args

from pointsman.core.entity import Kind
from pointsman.dispatches import follower, following, ids, lifecycle
from pointsman.dispatches.facts import Fact
from pointsman.dispatches.follower import Follower
from pointsman.dispatches.ids import (
    Counter,
    Draw,
    Drawn,
    dispatches_id,
    follower_id,
    ids_id,
    microgrid_of,
    microgrid_site,
)
from pointsman.dispatches.intents import Intent
from pointsman.dispatches.lifecycle import Catalogue
from pointsman.dispatches.stored import check_stored

__all__ = [
    "DISPATCHES",
    "FOLLOWER",
    "IDS",
    "dispatches_id",
    "follower_id",
    "ids_id",
    "microgrid_of",
    "microgrid_site",
]


def _whatever_can_be_read(id: str, fact: following.Fact) -> None:
    """A follower that has lost sight of a dispatch sees it again."""


DISPATCHES: Kind[Catalogue, Intent, Fact] = Kind(
    "dispatches", lifecycle, get_args(Fact), quarantine=check_stored
)
FOLLOWER: Kind[Follower, following.Intent, following.Fact] = Kind(
    "followers", follower, get_args(following.Fact), quarantine=_whatever_can_be_read
)
IDS: Kind[Counter, Draw, Drawn] = Kind("ids", ids, (Drawn,))
