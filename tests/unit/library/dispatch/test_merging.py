"""Several dispatches as one: all starts are told, and the last stop."""

from frequenz.client.dispatch.types import DispatchId, TargetIds

from pointsman.dispatches.components import Target
from pointsman.dispatches.following import Edge
from pointsman.library.dispatch.merging import MergeByType, MergeByTypeTarget
from tests.unit.library.dispatch.given import told

STRATEGIES = (MergeByType(), MergeByTypeTarget())


def test_each_start_is_told() -> None:
    one, other = told(Edge.STARTED, 1), told(Edge.STARTED, 2)
    for strategy in STRATEGIES:
        assert strategy.filter({one.id: one}, other)


def test_only_the_last_stop_is_told() -> None:
    going, stopped = told(Edge.STARTED, 1), told(Edge.STOPPED, 2)
    for strategy in STRATEGIES:
        assert not strategy.filter({going.id: going}, stopped)
        assert strategy.filter({}, stopped)
        assert strategy.filter({stopped.id: told(Edge.STARTED, 2)}, stopped)


def test_a_dry_run_is_apart() -> None:
    dry, stopped = told(Edge.STARTED, 1, dry_run=True), told(Edge.STOPPED, 2)
    for strategy in STRATEGIES:
        assert strategy.filter({dry.id: dry}, stopped)


def test_other_targets_are_apart_if_wanted() -> None:
    elsewhere = told(Edge.STARTED, 1, target=Target(ids=(3,)))
    stopped = told(Edge.STOPPED, 2)
    assert not MergeByType().filter({DispatchId(1): elsewhere}, stopped)
    assert MergeByTypeTarget().filter({DispatchId(1): elsewhere}, stopped)


def test_one_target_is_one_however_it_is_written() -> None:
    ways = [told(Edge.STARTED, 1, target=Target(ids=ids)) for ids in ((1, 9), (9, 1))]
    assert ways[0].target == TargetIds(9, 1)
    assert len({MergeByTypeTarget().identity(way) for way in ways}) == 1
    big = [told(Edge.STARTED, 1, target=Target(ids=ids)) for ids in ((0, 8, 16), (16, 8, 0))]
    assert len({MergeByTypeTarget().identity(way) for way in big}) == 1
