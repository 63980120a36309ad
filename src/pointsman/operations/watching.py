"""Watching: when something must be said of an operation though nobody says anything, and what.

a request           is not answered in time                     denied
starting            is not confirmed in time                    let go, to fail
pausing, resuming   is not confirmed in time                    as before
letting go          is not confirmed in time                    ended, and its executor lost
any that goes on    no sign of life for the heartbeat (*)       failed, and its executor lost
running             longer than planned, times the factor       let go, to fail
                    longer than planned                         told, once
any but the ended   the due date has passed                     told, once

(*) The last one need not have been written down, as long as one shortly before it was.

An executor could tell nobody anything before its resource's owner began: silence counts from then.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from pointsman.operations.model import ACTIVE, UNCONFIRMED, Operation, Phase
from pointsman.operations.policy import Header

BEATS: Final = 4
"""So many signs of life within one heartbeat's time are written down, and no more."""


class Sight(Enum):
    """What is to be said. If there are several, the first of them."""

    UNANSWERED = auto()
    UNCONFIRMED = auto()
    LOST = auto()
    TIMED_OUT = auto()
    OVERRUN = auto()
    OVERDUE = auto()


def next_look(operation: Operation, header: Header) -> datetime | None:
    """When there is something to be said. None: not unless something happens."""
    instants = [at for at, _ in _sights(operation, header)]
    return min(instants) if instants else None


def seen(operation: Operation, header: Header, now: datetime) -> Sight | None:
    """What is to be said by now."""
    due = (sight for at, sight in _sights(operation, header) if at <= now)
    return min(due, key=lambda sight: sight.value, default=None)


def time_run(operation: Operation, now: datetime) -> timedelta:
    """How long this attempt has run, without its pauses."""
    since = operation.phase_since
    if operation.phase is not Phase.RUNNING or since is None:
        return operation.ran
    return operation.ran + max(now - since, timedelta())


def confirm_by(since: datetime, header: Header) -> datetime:
    """When an executor that was asked then, and has not confirmed, is given up."""
    return max(since, header.begun_at or since) + header.policy.confirm_within


def _sights(operation: Operation, header: Header) -> Iterator[tuple[datetime, Sight]]:
    if operation.request:
        yield operation.request.answer_by, Sight.UNANSWERED
    if operation.work.due_date and not operation.overdue:
        yield operation.work.due_date, Sight.OVERDUE
    since = operation.phase_since
    if operation.phase not in ACTIVE or since is None:
        return
    policy = header.policy
    if operation.phase in UNCONFIRMED:
        yield confirm_by(since, header), Sight.UNCONFIRMED
    if policy.heartbeat:
        heard_at, unwritten = operation.heard_at, policy.heartbeat / BEATS
        last = heard_at + unwritten if heard_at else since
        last = max(last, header.begun_at or last)
        yield last + policy.heartbeat, Sight.LOST
    planned = operation.work.planned_duration
    if operation.phase is Phase.RUNNING and planned:
        if not operation.overrun:
            yield since - operation.ran + planned, Sight.OVERRUN
        if policy.timeout_factor is not None:
            yield since - operation.ran + planned * policy.timeout_factor, Sight.TIMED_OUT
