"""How long the long tests are: short in `make test`, longer in `make sim` and `make chaos`."""

import os
from typing import Final

SEEDS: Final = range(int(os.environ.get("POINTSMAN_SEEDS", "25")))
"""Of the simulation. A failing one is in the test's name."""
KILLS: Final = int(os.environ.get("POINTSMAN_KILLS", "5"))
"""How often a run is killed."""
