"""Make docs/run.svg: the live view of a real run of the example, as it looks at one instant."""

import asyncio
import re
import sys
from datetime import datetime
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console

from pointsman.app import run
from pointsman.cli.live import LiveView
from pointsman.config import Site
from pointsman.library.running import Options
from pointsman.runtime.clock import Clock
from pointsman.schedules.facts import Fact
from pointsman.schedules.model import Plan

HERE: Final = Path(__file__).parent
EXAMPLES: Final = HERE.parent / "examples"
PLAN: Final = "caltech_2019-06-05_plan.csv"
SITE: Final = "caltech_site.toml"
SPEED: Final = 960.0
AT: Final = datetime.fromisoformat("2019-06-05T13:50:00-07:00")
"""When the picture is taken."""
WIDTH: Final = 84
HEIGHT: Final = 38
FONTS: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Fonts from somebody's server, which no page needs: any monospaced one will do."""


class Taken(Exception):
    """The picture is there, so the run may end."""


class Photographer:
    """Watches a run through the live view, until the instant of the picture."""

    def __init__(self) -> None:
        self._console = Console(
            file=StringIO(),
            record=True,
            force_terminal=True,
            color_system="truecolor",
            width=WIDTH,
            height=HEIGHT,
            highlight=False,
            _environ={"TERM": "xterm-256color"},
        )
        self.view = LiveView(self._console)

    def begins(self, site: Site, imported: Plan, clock: Clock) -> None:
        self.view.begins(site, imported, clock)

    def saw(self, fact: Fact, at: datetime) -> None:
        self.view.saw(fact, at)

    def tick(self, now: datetime) -> None:
        if now < AT:
            self.view.tick(now)
            return
        self._console.export_text()  # What was shown before is not part of the picture.
        self.view.tick(now)
        command = f"pointsman run {PLAN} --site {SITE} --speed {SPEED:g}"
        svg = FONTS.sub("", self._console.export_svg(title=command))
        (HERE / "run.svg").write_text(svg)
        raise Taken


def main() -> int:
    with TemporaryDirectory() as folder:
        options = Options(speed=SPEED, journal=Path(folder) / "run.db")
        photographer = Photographer()
        try:
            with photographer.view:
                asyncio.run(run(EXAMPLES / PLAN, EXAMPLES / SITE, options, photographer))
        except Taken:
            return 0
    print(f"the plan is over before {AT}, so there is no picture", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
