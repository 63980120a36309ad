"""Ranking: which of two operations goes first. Smaller ranks do.

Rules come in order, each for those that the ones before leave equal; then what was created first
goes first, and of those, what was added first.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

from pointsman.operations.checks import Invalid
from pointsman.operations.model import Operation
from pointsman.operations.policy import SortDirection, SortField, SortRule

Rank: TypeAlias = tuple[float, ...]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CREATED: Final = SortRule(SortField.CREATED_AT)


def rank_of(operation: Operation, order: Sequence[SortRule]) -> Rank:
    """Its place in the queue, as numbers."""
    ranks: list[float] = []
    for rule in order:
        value = _value(operation, rule.field)
        if value is None:
            ranks += (1 if rule.none_last else -1, 0)
        else:
            ranks += (0, value if rule.direction is SortDirection.ASC else -value)
    return *ranks, operation.number


def complete(order: Sequence[SortRule]) -> tuple[SortRule, ...]:
    """With the rule that is meant at its end, if it has none for that.

    Raises:
        Invalid: If there are no rules, or two for one field.
    """
    fields = [rule.field for rule in order]
    if not fields:
        raise Invalid("sort_rules must contain at least one rule")
    if len(set(fields)) < len(fields):
        raise Invalid("sort_rules must name each field at most once")
    return (*order, *(() if SortField.CREATED_AT in fields else (_CREATED,)))


def _value(operation: Operation, field: SortField) -> float | None:
    """Numbers are integers as far as they can be: microseconds are never rounded away."""
    match field:
        case SortField.PRIORITY:
            return operation.work.priority
        case SortField.RELEASE_DATE:
            return _microseconds(operation.work.release_date)
        case SortField.CREATED_AT:
            return _microseconds(operation.work.created_at)


def _microseconds(instant: datetime | None) -> int | None:
    if instant is None:
        return None
    since = instant - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
