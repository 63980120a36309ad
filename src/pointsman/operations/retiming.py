"""Retiming: the time of day was set, and what is to take a while still takes as long.

    request              answered until          moves along
    executor             heard, or asked, at     moves along
    rest                 over at                 moves along
    release, due date    of the calendar         stay

What has happened is left as it was written down, by the clock of its day.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from pointsman.core.values import replace
from pointsman.operations.facts import Configured, Fact, Retimed
from pointsman.operations.model import ACTIVE, Operation
from pointsman.operations.moves import Teller
from pointsman.operations.queue import Resource, earliest_start

AT_ONCE: Final = 900
"""Operations that move along. Of more than these, all that rest for longest do not."""


def retimed(resource: Resource, tell: Teller, step: timedelta) -> Sequence[Fact]:
    """It is now by the new clock, and `step` earlier by the old one."""
    facts: list[Fact] = []
    header = resource.header
    if resource.active is not None and header.begun_at is not None:
        begun = replace(header, begun_at=header.begun_at + step)
        facts.append(Configured(begun, tell.by, tell.meta))
    moving = islice(_moving(resource, tell.now - step, tell.now), AT_ONCE)
    return [*facts, *(_moved_along(tell, one, step) for one in moving)]


def _moving(resource: Resource, was: datetime, now: datetime) -> Iterator[Operation]:
    """First what goes on or waits for an answer, then what rests, the shortest first.

    And what was released by the old clock, and is not by the new one.
    """
    watched = (resource.operations[id] for _, id in resource.watched.in_order())
    yield from (one for one in watched if one.phase in ACTIVE or one.request)
    later = (resource.operations[id] for _, id in resource.later.in_order())
    yield from (one for one in later if one.not_before and one.not_before > was)
    ready = (resource.operations[id] for _, id in resource.ready.in_order())
    yield from (one for one in ready if earliest_start(one) > now)


def _moved_along(tell: Teller, operation: Operation, step: timedelta) -> Fact:
    request, active = operation.request, operation.phase in ACTIVE
    if request is not None:
        request = replace(
            request, asked_at=request.asked_at + step, answer_by=request.answer_by + step
        )
    after = tell.changed(
        operation,
        request=request,
        not_before=_after(operation.not_before, step),
        phase_since=_after(operation.phase_since, step) if active else operation.phase_since,
        heard_at=_after(operation.heard_at, step) if active else operation.heard_at,
    )
    return tell.told(Retimed, operation, after)


def _after(instant: datetime | None, step: timedelta) -> datetime | None:
    return None if instant is None else instant + step
