"""A dispatch as it is handed out: the client's own, and when it runs."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Final

from frequenz.client.dispatch.types import Dispatch as ClientDispatch
from frequenz.client.dispatch.types import TargetComponents

from pointsman.dispatches import model
from pointsman.dispatches.following import Edge, Followed, RunChange
from pointsman.dispatches.runs import Run, Starts, run_at, starts_of
from pointsman.library.dispatch.translating import client_of, value_of
from pointsman.runtime.clock import Clock, SystemClock

log = logging.getLogger(__name__)
_CLIENT_FIELDS: Final = tuple(field.name for field in fields(ClientDispatch))
_SYSTEM_CLOCK: Final = SystemClock()


class RunningState(Enum):
    """Whether a dispatch of some type is running."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"
    DIFFERENT_TYPE = "DIFFERENT_TYPE"
    """It is of another type than asked for."""


@dataclass(frozen=True)
class Dispatch(ClientDispatch):
    """All that the client knows of a dispatch, whether it was deleted, and its runs.

    One that was received because its running state changed keeps to what it was received for:
    `started`, `running` and `until` answer as of then, however late it is looked at. Any other
    one asks the clock.
    """

    deleted: bool = False
    running_state_change_synced: datetime | None = None
    """Its `update_time`, if what it says then was told on the channels of running states."""
    microgrid_id: int | None = field(default=None, compare=False)
    """None: nobody said so."""
    change: RunChange | None = field(default=None, compare=False)
    """What it was received for. None: not for its running state."""

    def __init__(
        self,
        client_dispatch: ClientDispatch,
        deleted: bool = False,
        running_state_change_synced: datetime | None = None,
        *,
        microgrid_id: int | None = None,
        change: RunChange | None = None,
        followed: Followed | None = None,
        clock: Clock = _SYSTEM_CLOCK,
    ) -> None:
        """`followed` is what a dispatcher knows of it, if one hands it out."""
        super().__init__(**{name: getattr(client_dispatch, name) for name in _CLIENT_FIELDS})
        self.__dict__.update(  # It is frozen for everybody else.
            deleted=deleted,
            running_state_change_synced=running_state_change_synced,
            microgrid_id=microgrid_id,
            change=change,
            _followed=followed,
            _clock=clock,
        )

    @property
    def selector(self) -> TargetComponents:
        """The components that it is for, as earlier versions called `target`."""
        return self.target

    @property
    def started(self) -> bool:
        """Whether it is running."""
        if self.change is not None:
            return self.change.edge is not Edge.STOPPED
        return self._run(self._now()) is not None

    def started_at(self, now: datetime) -> bool:
        """Whether it is running at `now`, by its schedule."""
        return self._run(now) is not None

    def running(self, type_: str) -> RunningState:
        """Whether it is running, if it is of this type."""
        if self.type != type_:
            return RunningState.DIFFERENT_TYPE
        return RunningState.RUNNING if self.started else RunningState.STOPPED

    @property
    def until(self) -> datetime | None:
        """When the run that goes on will end. None: none goes on, or it never ends."""
        if self.change is not None:
            return self.change.run_end if self.started else None
        run = self._run(self._now())
        return run.end if run else None

    @property
    def next_run(self) -> datetime | None:
        """When the next run starts, from now on. None: there is none."""
        return self.next_run_after(self._now())

    def next_run_after(self, after: datetime) -> datetime | None:
        """The first start from `after` on, that instant included. None: there is none."""
        return self._starts.at_or_after(after) if self._starts else None

    @property
    def missed_runs(self) -> "MissedRuns":
        """Starts of runs that nobody was told of in time.

        Of what a dispatcher handed out, these are the runs that were over before it could tell.
        Of any other dispatch, those since its last update, unless that was told of. Called with
        an instant, as in `missed_runs(since)`, those from that instant on.
        """
        return MissedRuns(self, self._missed())

    def _missed(self) -> Iterator[datetime]:
        followed: Followed | None = self.__dict__["_followed"]
        if followed is None:
            if self.running_state_change_synced != self.update_time:
                yield from self.runs_from(self.update_time)
        elif followed.missed:
            missed = followed.missed
            for start in self.runs_from(missed.first):
                if start > missed.last:
                    return
                yield start

    def runs_from(self, since: datetime) -> Iterator[datetime]:
        """The starts from `since` on that are past."""
        now = self._now()
        start = self.next_run_after(since)
        while self._starts and start is not None and start < now:
            yield start
            start = self._starts.after(start)

    def _run(self, instant: datetime) -> Run | None:
        """The run that goes on then. None: none does."""
        runs = self._starts is not None and not self.deleted
        return run_at(self._value, instant) if runs else None

    def _now(self) -> datetime:
        clock: Clock = self.__dict__["_clock"]
        return clock.now()

    @cached_property
    def _value(self) -> model.Dispatch:
        followed: Followed | None = self.__dict__["_followed"]
        return followed.dispatch if followed else value_of(self, self.microgrid_id or 0)

    @cached_property
    def _starts(self) -> Starts | None:
        """When its runs start, whether it is active or not. None: nobody can tell."""
        try:
            return starts_of(self._value)
        except (ValueError, KeyError, ArithmeticError) as error:
            log.warning("dispatch %d cannot be scheduled: %s", int(self.id), error)
            return None


class MissedRuns(Iterator[datetime]):
    """The starts of runs that were missed: iterate, or call with when to begin."""

    def __init__(self, dispatch: Dispatch, starts: Iterator[datetime]) -> None:
        self._dispatch, self._starts = dispatch, starts

    def __next__(self) -> datetime:
        return next(self._starts)

    def __call__(self, since: datetime) -> Iterator[datetime]:
        """The starts from `since` on that are past."""
        return self._dispatch.runs_from(since)


def handed_out(followed: Followed, clock: Clock, change: RunChange | None = None) -> Dispatch:
    """What is known of a dispatch, for those who follow it; `change` is what it is told for."""
    value = followed.dispatch
    told = change is not None or (
        followed.taken is not None and not followed.waiting and not followed.changed
    )
    return Dispatch(
        client_of(value),
        followed.deleted,
        value.update_time if told else None,
        microgrid_id=value.microgrid_id,
        change=change,
        followed=followed,
        clock=clock,
    )
