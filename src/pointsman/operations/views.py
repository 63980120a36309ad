"""Views of a resource: what is shown of its queue, for the price of what is shown."""

from collections.abc import Iterable, Iterator
from heapq import merge
from typing import Final

from pointsman.operations.model import OVER, Operation
from pointsman.operations.queue import Resource
from pointsman.operations.ranking import Rank, rank_of

FEW: Final = 10_000
"""So many operations of a job are sorted sooner than they are looked for in the queue."""


def in_queue_order(
    resource: Resource,
    after: Operation | None = None,
    *,
    job_id: str | None = None,
    whole: bool = False,
) -> Iterator[Operation]:
    """The active operation, then all that wait, by their ranks; or what comes `after` one of them.

    What may start comes out of the queue's own order; only the rest must be sorted. Who wants the
    `whole` queue says so, and has it sooner. With a `job_id`, only those of that job.
    """
    operations, active = resource.operations, resource.active
    if active is not None and after is None and job_id in (None, operations[active].work.job_id):
        yield operations[active]
    waits = after is not None and after.id != active
    place = rank_of(after, resource.header.policy.order) if after and waits else None
    members = resource.members.get(job_id, set()) if job_id is not None else operations.keys()
    if job_id is not None and len(members) <= FEW:
        waiting = iter(sorted(_ranked(resource, members)))
    else:
        others = _ranked(resource, operations.keys() - resource.ready.keys())
        if whole:
            waiting = iter(sorted([*resource.ready.all_in_order(), *others]))
        else:
            waiting = merge(resource.ready.in_order(place), sorted(others))
    for rank, id in waiting:
        if (place is None or place < rank) and (job_id is None or id in members):
            yield operations[id]


def _ranked(resource: Resource, ids: Iterable[str]) -> Iterator[tuple[Rank, str]]:
    """Those of them that wait for their turn, or for anything else."""
    order = resource.header.policy.order
    for id in ids:
        operation = resource.operations[id]
        if id != resource.active and operation.phase not in OVER:
            yield rank_of(operation, order), id
