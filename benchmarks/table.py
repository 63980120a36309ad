"""The table of all measurements: what was measured, what came out, what was to be reached."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import NamedTuple

RUNS = 5
"""Machines are noisy: every figure is the median of this many runs, beside the least and most."""
HEAD = ("what", "measured: median (least to most)", "to reach", "reached?")


class Row(NamedTuple):
    what: str
    measured: str
    target: str = ""
    reached: bool | None = None
    """None: it is there to tell, and nothing was aimed at."""

    def cells(self) -> tuple[str, str, str, str]:
        reached = {None: "", True: "yes", False: "**no**"}[self.reached]
        return self.what, self.measured, self.target, reached


def several(measure: Callable[[], float], runs: int = RUNS) -> list[float]:
    return [measure() for _ in range(runs)]


def spread(values: Sequence[float], form: str = ",.2f", unit: str = "") -> str:
    """The median of some values, with the least and the most."""
    middle, least, most = median(values), min(values), max(values)
    return f"{middle:{form}}{unit} ({least:{form}} to {most:{form}})"


def at_most(what: str, values: Sequence[float], limit: float, unit: str, form: str = ",.2f") -> Row:
    """A row whose median must not pass a limit."""
    measured = spread(values, form, unit)
    return Row(what, measured, f"≤ {limit:,g}{unit}", median(values) <= limit)


def at_least(
    what: str, values: Sequence[float], limit: float, unit: str, form: str = ",.0f"
) -> Row:
    """A row whose median must reach a limit."""
    measured = spread(values, form, unit)
    return Row(what, measured, f"≥ {limit:,g}{unit}", median(values) >= limit)


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def markdown(rows: Iterable[Row]) -> str:
    """All of it, as a Markdown table."""
    return "\n".join([line(HEAD), "|---|---|---|---|", *(line(row.cells()) for row in rows)])


def show(rows: Iterable[Row]) -> list[Row]:
    """Print rows as they come, and return them."""
    shown = []
    print(f"{line(HEAD)}\n|---|---|---|---|", flush=True)
    for row in rows:
        print(line(row.cells()), flush=True)
        shown.append(row)
    return shown
