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
    members = None if job_id is None else resource.members.get(job_id, set())
    if active is not None and after is None and (members is None or active in members):
        yield operations[active]
    waits = after is not None and after.id != active
    place = rank_of(after, resource.header.policy.order) if after and waits else None
    for rank, id in _waiting(resource, place, members, whole=whole):
        if (place is None or place < rank) and (members is None or id in members):
            yield operations[id]


def _waiting(
    resource: Resource, place: Rank | None, members: set[str] | None, *, whole: bool
) -> Iterable[tuple[Rank, str]]:
    """All that is asked for, in order; and what else comes cheaper than to leave it out."""
    if members is not None and len(members) <= FEW:
        return sorted(_ranked(resource, members))
    others = _ranked(resource, resource.operations.keys() - resource.ready.keys())
    if whole:
        return sorted([*resource.ready.all_in_order(), *others])
    return merge(resource.ready.in_order(place), sorted(others))


def _ranked(resource: Resource, ids: Iterable[str]) -> Iterator[tuple[Rank, str]]:
    """Those of them that wait for their turn, or for anything else."""
    order = resource.header.policy.order
    for id in ids:
        operation = resource.operations[id]
        if id != resource.active and operation.phase not in OVER:
            yield rank_of(operation, order), id
