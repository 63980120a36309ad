"""Operations: each resource works through its queue, one approved operation at a time."""

from typing import Final, get_args

from pointsman.core.entity import Kind
from pointsman.core.names import word
from pointsman.operations import lifecycle
from pointsman.operations.facts import Fact
from pointsman.operations.intents import Intent
from pointsman.operations.queue import Resource

OPERATIONS: Final[Kind[Resource, Intent, Fact]] = Kind("operations", lifecycle, get_args(Fact))


def resource_id(site: str, resource: str) -> str:
    """The id of the entity that a resource of a site is."""
    return f"{word(site)}/{word(resource)}"
