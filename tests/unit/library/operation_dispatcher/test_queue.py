"""The queue on its own: its order, and what it refuses."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from pointsman.operation_dispatcher import (
    DispatchQueue,
    ExecutionState,
    Operation,
    OperationDependency,
    OperationDispatcher,
    SortDirection,
    SortField,
    SortRule,
)
from tests.unit.library.operation_dispatcher.given import ROBOT, op

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def after(operation: Operation) -> OperationDependency:
    return OperationDependency(depends_on_operation_id=operation.id)


def test_by_default_release_goes_before_priority_and_that_before_age() -> None:
    old, new, urgent = op(created_at=NOON), op(created_at=NOON + HOUR), op(priority=9)
    late, soon = op(release_date=NOON + HOUR), op(release_date=NOON)
    queue = DispatchQueue(ROBOT, [new, old, urgent, late, soon])
    assert queue.list() == [soon, late, urgent, old, new]
    assert (len(queue), queue.peek()) == (5, soon)
    assert queue.next() is soon


def test_what_is_released_later_stays_for_those_who_say_how_late_it_is() -> None:
    late, any_time = op(release_date=NOON + HOUR), op()
    queue = DispatchQueue(ROBOT, [late, any_time])
    assert queue.peek(NOON) is any_time
    assert queue.next(NOON + HOUR) is late


def test_rules_of_ones_own_take_the_place_of_the_first_two() -> None:
    rules = [SortRule(SortField.PRIORITY, SortDirection.ASC)]
    two, one, also_one = op(priority=2), op(priority=1, created_at=NOON), op(priority=1)
    queue = DispatchQueue(ROBOT, [two, also_one, one], sort_rules=rules)
    assert queue.list() == [one, also_one, two]
    with pytest.raises(ValueError, match="sort_rules must contain at least one rule"):
        DispatchQueue(ROBOT, sort_rules=[])


def test_nothing_goes_before_what_it_depends_on() -> None:
    first = op()
    second = op(priority=5, dependencies=[after(first)])
    third = op(priority=9, dependencies=[after(second), after(op())])
    queue = DispatchQueue(ROBOT, [third, second, first])
    assert queue.list() == [first, second, third]
    first.dependencies = [after(third)]
    queue.remove(first.id)
    with pytest.raises(ValueError, match="would depend on itself"):
        queue.add(first)


def test_what_waits_for_something_lends_it_no_priority() -> None:
    first = op(priority=1)
    second = op(priority=9, dependencies=[after(first)])
    other, last = op(priority=5), op()
    queue = DispatchQueue(ROBOT, [last, second, first, other])
    assert queue.list() == [other, first, second, last]
    assert queue.next() is other


def test_what_waits_for_something_released_later_waits_as_long() -> None:
    first = op(release_date=NOON + HOUR)
    queue = DispatchQueue(ROBOT, [op(dependencies=[after(first)]), first])
    assert queue.peek(NOON) is None
    assert queue.peek(NOON + HOUR) is first


def test_a_long_chain_costs_no_more_for_each_link() -> None:
    queue, links = DispatchQueue(ROBOT), [op()]
    for number in range(2_000):
        links.append(op(priority=number, dependencies=[after(links[-1])]))
    before = time.thread_time()
    for link in links:
        queue.add(link)
    assert queue.list() == links
    assert [queue.complete(queue.next() or op()) for _ in links] == links
    assert time.thread_time() - before < 1.0


def test_one_is_pulled_at_a_time() -> None:
    queue = DispatchQueue(ROBOT, [op(), op()])
    first = queue.next()
    assert first is not None
    assert queue.current is first
    with pytest.raises(RuntimeError, match="is pulled: complete it first"):
        queue.next()
    with pytest.raises(ValueError, match="is not the one that is pulled"):
        queue.complete(op(id=first.id))
    assert queue.complete(first) is first
    assert (first.state, queue.get(first.id)) == (ExecutionState.COMPLETED, first)


def test_what_is_cancelled_is_history() -> None:
    queue = DispatchQueue(ROBOT, [op(), op(), op()])
    pulled = queue.next()
    assert pulled is not None
    waiting, left = queue.list()
    assert queue.cancel(waiting.id) is waiting
    assert queue.cancel(pulled.id) is pulled
    assert queue.cancel(pulled.id) is None
    assert queue.history() == [pulled, waiting]
    assert queue.history(limit=1) == [pulled]
    assert queue.next() is left
    queue.clear_history()
    assert queue.history() == []


def test_who_is_known_is_not_added_again() -> None:
    lift = op()
    queue = DispatchQueue(ROBOT, [lift])
    with pytest.raises(ValueError, match="was added before"):
        queue.add(lift)
    queue.next()
    queue.complete(lift)
    with pytest.raises(ValueError, match="one that is QUEUED can be added"):
        queue.add(lift)
    with pytest.raises(ValueError, match="resource_id does not match"):
        queue.add(Operation(resource_id="other"))
    with pytest.raises(ValueError, match="priority is a number of many digits"):
        queue.add(op(priority=10**400))
    assert queue.remove(lift.id) is None
    assert queue.list() == []


def test_it_is_sorted_anew_when_it_is_told_to() -> None:
    first, second = op(priority=2), op(priority=1)
    queue = DispatchQueue(ROBOT, [first, second])
    second.priority = 3
    assert queue.list() == [first, second]
    queue.resort()
    assert queue.list() == [second, first]
    queue.clear()
    assert queue.next() is None


def test_a_dispatcher_tells_its_queue_in_the_order_in_which_they_would_start() -> None:
    with OperationDispatcher(ROBOT) as dispatcher:
        first, other = op(priority=1), op(priority=5)
        second = op(priority=9, dependencies=[after(first)])
        dispatcher.add_operations([second, first, other])
        told = [operation.id for operation in dispatcher.get_queue()]
        for id in told:
            assert (dispatcher.step() or op()).id == id
            dispatcher.complete_operation(id)


def test_ids_may_be_texts() -> None:
    first, second = op(), op()
    queue = DispatchQueue(ROBOT, [first, second])
    assert queue.get(str(first.id)) is first
    assert queue.remove(str(first.id)) is first
    assert queue.cancel(str(second.id)) is second
    assert queue.get(str(second.id)) is second
