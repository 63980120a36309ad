"""Dispatches: windows of time for a microgrid's components, which may recur."""

from typing import get_args

from pointsman.core.entity import Kind
from pointsman.core.names import entity_name
from pointsman.dispatches import lifecycle
from pointsman.dispatches.facts import Fact
from pointsman.dispatches.intents import Intent
from pointsman.dispatches.lifecycle import Catalogue

DISPATCHES: Kind[Catalogue, Intent, Fact] = Kind("dispatches", lifecycle, get_args(Fact))


def dispatches_id(microgrid_id: int) -> str:
    """The id of the one entity that holds a microgrid's dispatches: `microgrid-7/catalogue`.

    A site that names its microgrid lives with it: see `placement` in `app`.
    """
    name = entity_name("dispatches", f"microgrid-{microgrid_id}", "catalogue")
    return name.removeprefix("dispatches/")
