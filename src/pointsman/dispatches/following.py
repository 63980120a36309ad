"""What a follower of a microgrid's dispatches knows, may be asked for, and says has happened."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeAlias

from pointsman.core.entity import Forgotten
from pointsman.core.values import Value
from pointsman.dispatches.model import Dispatch
from pointsman.dispatches.runs import Overlap

AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When something is due that is to be judged at once, wherever the clock may be set meanwhile."""


class Edge(StrEnum):
    STARTED = "STARTED"
    STOPPED = "STOPPED"
    RECONFIGURED = "RECONFIGURED"
    """It goes on, as something else than was told."""


class News(StrEnum):
    CREATED = "CREATED"
    """It is new to this follower, whatever its age."""
    UPDATED = "UPDATED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class RunChange:
    """What a receiver is told of a run. Dispatch, `run_start` and `edge` say which change it is.

    It comes again after a crash, as it was. If a dispatch is switched off in a run and on again,
    that run starts anew: then `seq` differs.
    """

    edge: Edge
    run_start: datetime
    run_end: datetime | None
    """When it ends, as far as is known; once stopped, when it ended. None: never."""
    seq: int
    """Counts what was told of the dispatch, from 1 on."""
    at: datetime
    """When the follower saw that it was so."""


class MissedRuns(Value, frozen=True):
    """Runs that were over before anybody could be told: all from the first to the last one."""

    first: datetime
    last: datetime


class Followed(Value, frozen=True):
    """A dispatch as it was seen last, and what was told of its runs."""

    dispatch: Dispatch
    judged_at: datetime
    """All that its runs did up to here is told, or missed."""
    due: datetime | None
    """When there is more to judge. None: never, by itself."""
    deleted: bool = False
    over: bool = False
    """No run of it will start any more."""
    changed: bool = False
    """What it does has changed since its run was told of."""
    waiting: tuple[RunChange, ...] = ()
    """Told, and not taken yet. What has been overtaken is left out, so it is never long."""
    taken: RunChange | None = None
    """The last one that was."""
    missed: MissedRuns | None = None
    """Between the last run that was told and the one before that; or since the last one."""
    overlap: Overlap = Overlap.RESTART
    fault: str = ""
    """Why its runs cannot be worked out, in one line. Then it has none."""

    @property
    def last(self) -> RunChange | None:
        """The latest that was told."""
        return self.waiting[-1] if self.waiting else self.taken

    @property
    def seq(self) -> int:
        return self.last.seq if self.last else 0

    @property
    def run(self) -> RunChange | None:
        """How the run that goes on was told. None: none goes on, as far as was told."""
        return self.last if self.last and self.last.edge is not Edge.STOPPED else None

    @property
    def ended(self) -> bool:
        """There is nothing left to do. It is kept only to be known again."""
        return self.over and self.due is None and not self.run and not self.waiting


class See(Value, frozen=True):
    """Dispatches were listed or streamed, at most 500 of them.

    What is older than known is no news; nor is what nobody knew if it was long over when seen.
    `overlap` holds for these from now on.
    """

    dispatches: tuple[Dispatch, ...]
    overlap: Overlap = Overlap.RESTART


class SeeDeleted(Value, frozen=True):
    """It was deleted, and this is the last that its source knew of it."""

    dispatch: Dispatch


class Listed(Value, frozen=True):
    """These are all that exist and may still run. What is not among them was deleted meanwhile.

    Ask again until nothing comes of it: one answer has at most 500 facts.
    """

    ids: frozenset[int]
    """Also of what was streamed since the listing began."""
    as_of: datetime
    """When the listing began, by the clock of its source. What is newer is not judged by it."""


class Take(Value, frozen=True):
    """Whoever is told of runs has taken all up to and with `seq`."""

    dispatch_id: int
    seq: int


class TakeAll(Value, frozen=True):
    """All that was told so far is taken. Ask again until nothing comes of it, as with `Listed`."""


class Leave(Value, frozen=True):
    """Nobody is to follow any more: all is forgotten. Ask again until nothing comes of it."""


Intent: TypeAlias = See | SeeDeleted | Listed | Take | TakeAll | Leave


class AboutFollowed(Value, frozen=True):
    followed: Followed

    @property
    def thing(self) -> str:
        return str(self.followed.dispatch.id)


class Noticed(AboutFollowed, frozen=True):
    news: News


class Announced(AboutFollowed, frozen=True):
    @property
    def change(self) -> RunChange:
        """The one that is new: the last of those that wait."""
        return self.followed.waiting[-1]


class Taken(AboutFollowed, frozen=True):
    pass


class Missed(AboutFollowed, frozen=True):
    """Runs were over before anybody could be told."""


class Remembered(AboutFollowed, frozen=True):
    """Something to remember of which there is nothing to tell."""


Fact: TypeAlias = Noticed | Announced | Taken | Missed | Remembered | Forgotten
