"""Views of a resource: what is shown of its queue, for the price of what is shown."""

from collections.abc import Iterator
from heapq import merge

from pointsman.operations.model import OVER, Operation
from pointsman.operations.queue import Resource
from pointsman.operations.ranking import Rank, rank_of


def in_queue_order(
    resource: Resource, after: Operation | None = None, *, whole: bool = False
) -> Iterator[Operation]:
    """The active operation, then all that wait, by their ranks; or what comes `after` one of them.

    What may start comes out of the queue's own order; only the rest must be sorted. Who wants the
    `whole` queue says so, and has it sooner.
    """
    order, active = resource.header.policy.order, resource.active
    place = None if after is None else (after.id != active, rank_of(after, order))
    if active is not None and place is None:
        yield resource.operations[active]
    if whole:
        waiting = iter(sorted([*resource.ready.all_in_order(), *_others(resource)]))
    else:
        waiting = merge(resource.ready.in_order(), sorted(_others(resource)))
    for rank, id in waiting:
        if place is None or place < (True, rank):
            yield resource.operations[id]


def _others(resource: Resource) -> Iterator[tuple[Rank, str]]:
    """Those that wait for something else than their turn."""
    order, ready = resource.header.policy.order, resource.ready
    for id, operation in resource.operations.items():
        if id not in ready and id != resource.active and operation.phase not in OVER:
            yield rank_of(operation, order), id
