"""Ranking: which of two operations goes first. Smaller ranks do.

Rules come in order, each for those that the ones before leave equal; then what was created first
goes first, and of those, what was added first.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from heapq import heapify, heappop, heappush
from typing import Any, Final, TypeAlias, TypeVar

from pointsman.core.values import replace
from pointsman.operations.checks import Invalid
from pointsman.operations.model import Operation
from pointsman.operations.policy import SortDirection, SortField, SortRule

Rank: TypeAlias = tuple[Any, ...]
"""Of one order, each place has values of one sort."""

IdT = TypeVar("IdT")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CREATED: Final = SortRule(SortField.CREATED_AT)


def rank_of(operation: Operation, order: Sequence[SortRule]) -> Rank:
    """Its place in the queue. Nothing is rounded: what differs at all, differs here."""
    work, ranks = operation.work, list[Any]()
    for rule in order:
        falls = rule.direction is SortDirection.DESC
        if rule.field is SortField.PRIORITY:
            ranks.append(-work.priority if falls else work.priority)
            continue
        created = rule.field is SortField.CREATED_AT
        instant = work.created_at if created else work.release_date
        if instant is None:
            ranks += (1 if rule.none_last else -1, 0)
        else:
            ranks += (0, _EPOCH - instant if falls else instant)
    return *ranks, operation.number


def in_turn(ranks: Mapping[IdT, Rank], providers: Mapping[IdT, Iterable[IdT]]) -> Iterator[IdT]:
    """The best first, but each after all that goes before it and is ranked here too."""
    waits: Counter[IdT] = Counter()
    dependents: dict[IdT, list[IdT]] = {}
    for id, ahead in providers.items():
        for one in {*ahead} & ranks.keys():
            waits[id] += 1
            dependents.setdefault(one, []).append(id)
    free = [(rank, id) for id, rank in ranks.items() if not waits[id]]
    heapify(free)
    while free:
        _, id = heappop(free)
        yield id
        for dependent in dependents.get(id, ()):
            waits[dependent] -= 1
            if not waits[dependent]:
                heappush(free, (ranks[dependent], dependent))


def complete(order: Sequence[SortRule]) -> tuple[SortRule, ...]:
    """With the rule that is meant at its end, if it has none for that.

    Raises:
        Invalid: If there are no rules, two for one field, or one for what is no field.
    """
    order = [_checked(rule) for rule in order]
    fields = [rule.field for rule in order]
    if not fields:
        raise Invalid("sort_rules must contain at least one rule")
    if len(set(fields)) < len(fields):
        raise Invalid("sort_rules must name each field at most once")
    return (*order, *(() if SortField.CREATED_AT in fields else (_CREATED,)))


def _checked(rule: SortRule) -> SortRule:
    """A rule that may have been given by its words."""
    if not isinstance(rule, SortRule):
        raise Invalid(f"sort_rules hold a {type(rule).__name__}: a SortRule would work")
    try:
        field, direction = SortField(rule.field), SortDirection(rule.direction)
    except ValueError as error:
        words = ", ".join((*SortField, *SortDirection))
        raise Invalid(f"sort_rules have words of their own: {error}; these are {words}") from None
    return replace(rule, field=field, direction=direction)
