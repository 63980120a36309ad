"""What waits for a slow receiver of runs: the newest changes, less those that were overtaken.

    STARTED a, STOPPED a        nobody need know any more: out with both
    STARTED a, STARTED b        b is what counts: out with the first
    RECONFIGURED a, whatever    the same
    STOPPED a, whatever         stays, as a stop is never lost
    STARTED a, RECONFIGURED a   stays, as it may have been taken just now

The order never changes, and the last change always stays.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from pointsman.dispatches.following import Edge, RunChange

LIMIT: Final = 8


def with_one_more(waiting: tuple[RunChange, ...], change: RunChange) -> tuple[RunChange, ...]:
    """All that wait then, at most `LIMIT`."""
    waiting = (*waiting, change)
    while len(waiting) > LIMIT:
        n, overtaken = _oldest_overtaken(waiting)
        waiting = waiting[:n] + waiting[n + overtaken :]
    return waiting


def _oldest_overtaken(waiting: Sequence[RunChange]) -> tuple[int, int]:
    """Where they are, and how many. Of any four that follow each other there is one."""
    for n, (one, next_) in enumerate(pairwise(waiting)):
        match one.edge, next_.edge:
            case Edge.STARTED, Edge.STOPPED:
                return n, 2
            case (Edge.STARTED, Edge.STARTED) | (Edge.RECONFIGURED, _):
                return n, 1
    raise AssertionError(f"nothing is overtaken in {waiting}")
