"""How long the long tests are: short in `make test`, longer in `make sim` and `make chaos`."""

import os
from typing import Final

FEW: Final = 12
SEEDS: Final = range(int(os.environ.get("POINTSMAN_SEEDS", FEW)))
"""Of the simulation. A failing one is in the test's name."""
LONG: Final = len(SEEDS) > FEW
"""Whether somebody asked for more than the usual."""
KILLS: Final = int(os.environ.get("POINTSMAN_KILLS", "5"))
"""How often a run is killed."""
