"""Schedules: an optimizer's table becomes commands, each delivered in its time or not at all."""

from typing import get_args

from pointsman.core.entity import Kind
from pointsman.core.names import entity_name
from pointsman.schedules import lifecycle
from pointsman.schedules.facts import Fact
from pointsman.schedules.intents import Intent
from pointsman.schedules.site import Site

SCHEDULES: Kind[Site, Intent, Fact] = Kind("schedules", lifecycle, get_args(Fact))


def schedules_id(site_id: str) -> str:
    """The id of the one entity that carries out a site's plans: `site/engine`."""
    return entity_name("schedules", site_id, "engine").removeprefix("schedules/")
