"""Which sites share a shard."""

from collections.abc import Callable

from pointsman.config import Site
from pointsman.core.names import word
from pointsman.dispatches import microgrid_site


def placement(*sites: Site) -> Callable[[str], str]:
    """A site lives with its microgrid, if it names one."""
    homes = {word(site.id): microgrid_site(site.microgrid.id) for site in sites if site.microgrid}

    def place(name: str) -> str:
        return homes.get(name, name)

    return place
