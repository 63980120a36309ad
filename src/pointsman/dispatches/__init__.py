"""Dispatches: windows of time for a microgrid's components, which may recur."""

from typing import get_args

from pointsman.core.entity import Kind
from pointsman.core.names import entity_name, shard_site
from pointsman.dispatches import follower, following, ids, lifecycle
from pointsman.dispatches.facts import Fact
from pointsman.dispatches.follower import Follower
from pointsman.dispatches.ids import Counter, Draw, Drawn
from pointsman.dispatches.intents import Intent
from pointsman.dispatches.lifecycle import Catalogue
from pointsman.dispatches.stored import check_stored

DISPATCHES: Kind[Catalogue, Intent, Fact] = Kind(
    "dispatches", lifecycle, get_args(Fact), quarantine=check_stored
)
FOLLOWER: Kind[Follower, following.Intent, following.Fact] = Kind(
    "followers", follower, get_args(following.Fact)
)
IDS: Kind[Counter, Draw, Drawn] = Kind("ids", ids, (Drawn,))


def dispatches_id(microgrid_id: int) -> str:
    """The id of the one entity that holds a microgrid's dispatches: `microgrid-7/catalogue`.

    A site that names its microgrid lives with it: see `placement` in `app`.
    """
    name = entity_name("dispatches", f"microgrid-{microgrid_id}", "catalogue")
    return name.removeprefix("dispatches/")


def ids_id(shard: int) -> str:
    """The id of the entity that counts the dispatches of a shard: `~7/dispatches`."""
    return f"{shard_site(shard)}/dispatches"


def follower_id(microgrid_id: int, name: str) -> str:
    """The id of the follower of that name: it lives where the microgrid's dispatches do."""
    id = entity_name("followers", f"microgrid-{microgrid_id}", name)
    return id.removeprefix("followers/")
