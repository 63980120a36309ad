"""Runs: the windows of time in which a dispatch is carried out.

    occurrence      s1          s2
    run             [---------) [---------)         each from its start up to its duration later

    overlapping     s1    s2                        RESTART: s2 starts a run of its own, and the
                    [-----[---------)               first ends there without a stop
                    [---------------)               MERGE: s2 tells nothing, the end just moves

* A run without a duration never ends by itself; one of no duration starts and stops at once.
* If one run starts at the very instant when another ends, the start wins: they overlap.
* What is inactive has no runs.
* A natural end is always a stop. So is what ends a run early: it was deleted, made inactive, or
  given another start, rule or duration.
* What changes a run that goes on (payload, target, type, duration, dry run) reconfigures it.
* Who comes late, after being away or because the clock was set forward, starts what still goes
  on, with the start that it had; tells of what ended less than `GRACE` ago; and has missed the
  rest. A stop of what was started is always told. After a long absence a merged run is begun
  anew. A clock that was set back tells nothing twice.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from pointsman.core.values import Value, replace
from pointsman.dispatches.model import TIMEZONE, Dispatch, Rule
from pointsman.dispatches.recurrence import Recurrence
from pointsman.dispatches.steady import Steady, period_of

GRACE: Final = timedelta(seconds=60)
"""How long after its end a run is still told of."""
RULES_REMEMBERED: Final = 1_024
"""Rules whose sieves need not be built again."""


class Overlap(StrEnum):
    """What becomes of a run while which another one starts."""

    RESTART = "RESTART"
    MERGE = "MERGE"


class Run(Value, frozen=True):
    """From its start on, and before its end. None: without an end."""

    start: datetime
    end: datetime | None


class Starts(Protocol):
    """When the runs of a dispatch start, whether it is active or not."""

    def at_or_after(self, instant: datetime) -> datetime | None:
        """The first start from `instant` on. None: there is none."""

    def after(self, instant: datetime) -> datetime | None:
        """The first start later than `instant`. None: there is none."""

    def at_or_before(self, instant: datetime) -> datetime | None:
        """The last start up to `instant`. None: there is none."""


class Once:
    """A dispatch that does not recur starts once."""

    __slots__ = ("_start",)

    def __init__(self, start: datetime) -> None:
        self._start = start

    def at_or_after(self, instant: datetime) -> datetime | None:
        return self._start if instant <= self._start else None

    def after(self, instant: datetime) -> datetime | None:
        return self._start if instant < self._start else None

    def at_or_before(self, instant: datetime) -> datetime | None:
        return self._start if instant >= self._start else None


class Never:
    """It never starts."""

    def at_or_after(self, instant: datetime) -> datetime | None:  # noqa: ARG002
        return None

    def after(self, instant: datetime) -> datetime | None:  # noqa: ARG002
        return None

    def at_or_before(self, instant: datetime) -> datetime | None:  # noqa: ARG002
        return None


def starts_of(dispatch: Dispatch) -> Starts:
    """When its runs start, whether it is active or not.

    Raises:
        ValueError, KeyError, ArithmeticError: If its rule cannot be worked out.
    """
    data = dispatch.data
    if data.recurrence is None:
        return Once(data.start_time)
    rule, zone = data.recurrence, data.payload.get(TIMEZONE)
    last = last_start(dispatch) if rule.count is not None else rule.until
    if zone is None and (last is not None or rule.count is None) and (period := period_of(rule)):
        return Steady(data.start_time, period, last)
    return _recurrence(rule, data.start_time, zone, last)


def last_start(dispatch: Dispatch) -> datetime | None:
    """When its last run starts, as far as its server says so: then nobody need count."""
    duration = dispatch.data.duration_seconds
    if dispatch.last_start is not None or dispatch.end_time is None or duration is None:
        return dispatch.last_start
    return dispatch.end_time - timedelta(seconds=duration)


def run_of(dispatch: Dispatch, start: datetime) -> Run:
    """The run that starts then."""
    return Run(start, end_of(start, dispatch.data.duration_seconds))


def end_of(start: datetime, duration_seconds: int | None) -> datetime | None:
    if duration_seconds is None:
        return None
    try:
        return start + timedelta(seconds=duration_seconds)
    except OverflowError:  # After the year 9999.
        return None


def run_at(dispatch: Dispatch, instant: datetime) -> Run | None:
    """The run that goes on then: of those that overlap, the one that started last."""
    start = starts_of(dispatch).at_or_before(instant) if dispatch.data.active else None
    run = run_of(dispatch, start) if start is not None else None
    return run if run and (run.end is None or instant < run.end) else None


def next_start(dispatch: Dispatch, instant: datetime) -> datetime | None:
    """The first start of a run from `instant` on. None: there is none."""
    return starts_of(dispatch).at_or_after(instant) if dispatch.data.active else None


def next_edge(dispatch: Dispatch, instant: datetime) -> datetime | None:
    """When next, later than `instant`, a run starts or stops. None: never."""
    if not dispatch.data.active:
        return None
    going = run_at(dispatch, instant)
    coming = starts_of(dispatch).after(instant)
    ending = going.end if going else None
    return min((edge for edge in (coming, ending) if edge is not None), default=None)


def runs_between(
    dispatch: Dispatch, from_: datetime, to: datetime, overlap: Overlap = Overlap.RESTART
) -> Iterator[Run]:
    """The runs that start from `from_` on and before `to`, in order.

    Those that restart are as long as they would be by themselves. Those that merge are one, which
    ends when the last of them does.
    """
    runs = _runs_between(dispatch, from_, to)
    return _merged(runs) if overlap is Overlap.MERGE else runs


def _runs_between(dispatch: Dispatch, from_: datetime, to: datetime) -> Iterator[Run]:
    starts = starts_of(dispatch)
    start = starts.at_or_after(from_) if dispatch.data.active else None
    while start is not None and start < to:
        yield run_of(dispatch, start)
        start = starts.after(start)


def _merged(runs: Iterator[Run]) -> Iterator[Run]:
    going = next(runs, None)
    while going is not None:
        coming = next(runs, None) if going.end is not None else None
        if coming is not None and going.end is not None and coming.start <= going.end:
            going = Run(going.start, coming.end)
        else:
            yield going
            going = coming


@lru_cache(RULES_REMEMBERED)
def _recurrence(rule: Rule, start: datetime, zone: str | None, last: datetime | None) -> Recurrence:
    if rule.count is not None and last is not None:
        rule = replace(rule, count=None, until=last)
    return Recurrence(rule, start, UTC if zone is None else ZoneInfo(zone))
