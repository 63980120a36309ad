"""Dispatches: windows of time for a microgrid's components, which may recur."""

from typing import get_args

from pointsman.core.entity import Kind
from pointsman.core.names import entity_name
from pointsman.dispatches import follower, following, ids, lifecycle
from pointsman.dispatches.facts import Fact
from pointsman.dispatches.follower import Follower
from pointsman.dispatches.ids import Counter, Draw, Drawn, dispatches_id, ids_id
from pointsman.dispatches.intents import Intent
from pointsman.dispatches.lifecycle import Catalogue
from pointsman.dispatches.stored import check_stored

__all__ = ["DISPATCHES", "FOLLOWER", "IDS", "dispatches_id", "follower_id", "ids_id"]

DISPATCHES: Kind[Catalogue, Intent, Fact] = Kind(
    "dispatches", lifecycle, get_args(Fact), quarantine=check_stored
)
FOLLOWER: Kind[Follower, following.Intent, following.Fact] = Kind(
    "followers", follower, get_args(following.Fact)
)
IDS: Kind[Counter, Draw, Drawn] = Kind("ids", ids, (Drawn,))


def follower_id(microgrid_id: int, name: str) -> str:
    """The id of the follower of that name: it lives where the microgrid's dispatches do."""
    id = entity_name("followers", f"microgrid-{microgrid_id}", name)
    return id.removeprefix("followers/")
