"""The one place where parts are joined. Read it first: a plan that is carried out, and a server.

running    a plan, a site, a journal and devices
serving    a journal, its record, and the doors to them
"""

from pointsman.app.places import placement
from pointsman.app.running import demo, run

__all__ = ["demo", "placement", "run"]
