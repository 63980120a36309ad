"""What waits for a slow receiver stays short, in order, and never loses a stop that counts."""

from hypothesis import given
from hypothesis import strategies as st

from pointsman.dispatches.following import Edge, RunChange
from pointsman.dispatches.waiting import LIMIT, with_one_more
from tests.unit.dispatches.given import at


def changes_of(steps: list[int]) -> list[RunChange]:
    """A story of runs that makes sense: what does not go on neither stops nor changes."""
    changes: list[RunChange] = []
    going = False
    for seq, step in enumerate(steps, start=1):
        edge = [Edge.STARTED, Edge.STOPPED, Edge.RECONFIGURED][step] if going else Edge.STARTED
        start = at(8, seq) if edge is Edge.STARTED else changes[-1].run_start
        changes.append(RunChange(edge, start, None, seq, at(8, seq)))
        going = edge is not Edge.STOPPED
    return changes


@given(st.lists(st.integers(0, 2), min_size=1, max_size=60), st.integers(0, 8))
def test_whoever_takes_all_that_waits_knows_what_goes_on(steps: list[int], taken: int) -> None:
    changes = changes_of(steps)
    waiting: tuple[RunChange, ...] = ()
    for change in changes[taken:]:
        waiting = with_one_more(waiting, change)
        assert len(waiting) <= LIMIT
        assert waiting[-1] == change
    assert list(waiting) == sorted(waiting, key=lambda change: change.seq)
    going = changes[taken - 1] if taken and taken <= len(changes) else None
    for change in waiting:
        if change.edge is not Edge.STARTED:
            assert going is not None
            assert change.run_start == going.run_start, "it starts before it stops or changes"
        going = None if change.edge is Edge.STOPPED else change


def test_what_is_over_is_left_out_and_what_was_taken_is_stopped() -> None:
    stop, *rest = changes_of([0, 1] * 5)[1:]
    waiting: tuple[RunChange, ...] = (stop,)
    for change in rest:
        waiting = with_one_more(waiting, change)
    assert waiting[0] == stop
    assert [change.seq for change in waiting] == [2, 5, 6, 7, 8, 9, 10]
