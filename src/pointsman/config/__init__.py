"""What the owner of a site decides: its site file, and how the program is started.

Read once, into frozen objects. A mistake is one line that says where it is and what would work.
"""

from pointsman.config.keys import Key, Role, read_keys
from pointsman.config.resources import Approval, OrderRule, Resource
from pointsman.config.settings import (
    HTTP,
    SERVED_BY,
    Address,
    Settings,
    host_port,
    read_settings,
)
from pointsman.config.site import Microgrid, Site, read_site
from pointsman.config.tables import SiteError, check_keys, nearest

__all__ = [
    "HTTP",
    "SERVED_BY",
    "Address",
    "Approval",
    "Key",
    "Microgrid",
    "OrderRule",
    "Resource",
    "Role",
    "Settings",
    "Site",
    "SiteError",
    "check_keys",
    "host_port",
    "nearest",
    "read_keys",
    "read_settings",
    "read_site",
]
