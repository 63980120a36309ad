"""The table that all benchmarks print: what was measured, what came out, what was aimed at."""

from collections.abc import Callable, Iterable
from statistics import median
from typing import NamedTuple

RUNS = 3
"""Machines are noisy: every figure is the median of this many runs."""


class Row(NamedTuple):
    name: str
    value: str
    target: str = ""


def typical(measure: Callable[[], float], runs: int = RUNS) -> float:
    """The median of a few runs."""
    return median(measure() for _ in range(runs))


def show(rows: Iterable[Row]) -> None:
    """Print rows as they come, as lines of a Markdown table."""
    for row in rows:
        print(f"| {row.name:<62} | {row.value:>24} | {row.target:>14} |", flush=True)
