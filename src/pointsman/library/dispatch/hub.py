"""The hub: tells receivers what the journal says has happened, and knows what they have taken.

    fact --saw--> inboxes of those who want it --let_go--> take(dispatch, seq)

A change of a running state is taken once all who were told have read it. What nobody was told
of waits for the next receiver; but the stop of a run that nobody took is taken at once, for then
nobody needs to know.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from weakref import WeakSet

from frequenz.client.dispatch.types import DispatchId

from pointsman.core.entity import Forgotten
from pointsman.dispatches.following import (
    Announced,
    Edge,
    Fact,
    Followed,
    Missed,
    News,
    Noticed,
    RunChange,
)
from pointsman.library.dispatch.dispatch import Dispatch, handed_out
from pointsman.library.dispatch.events import EVENTS, DispatchEvent
from pointsman.library.dispatch.inbox import LIMIT, SORT_OF_EDGE, SORT_OF_NEWS, Inbox, Message
from pointsman.library.dispatch.merging import MergeStrategy
from pointsman.runtime.clock import Clock

log = logging.getLogger(__name__)
Take = Callable[[int, int], None]
"""Hears that all of a dispatch up to a `seq` has been taken."""
InboxT = TypeVar("InboxT", "EventInbox", "RunInbox")


@dataclass(slots=True, eq=False)
class _Telling:
    """One change, told to some inboxes."""

    dispatch_id: int
    seq: int
    hub: "Hub"
    holders: int = 0
    taken: bool = False

    def let_go(self, *, taken: bool) -> None:
        self.holders -= 1
        self.taken |= taken
        if not self.holders:
            self.hub.settle(self.dispatch_id)


class EventInbox(Inbox[DispatchEvent]):
    """Gets what happens to dispatches, of one type or of all."""

    def __init__(self, type_: str | None, *, name: str | None = None, limit: int = LIMIT) -> None:
        super().__init__(name=name, limit=limit)
        self.type = type_


class RunInbox(Inbox[Dispatch]):
    """Gets changes of running states, of one type or of all, and merged if need be."""

    def __init__(
        self,
        type_: str | None,
        merging: MergeStrategy | None = None,
        *,
        going: bool = False,
        name: str | None = None,
        limit: int = LIMIT,
    ) -> None:
        super().__init__(name=name, limit=limit)
        self.type = type_
        self.merging = merging
        self.going = going
        """It begins with all runs that are going on, and not only with those that nobody took."""


class Hub:
    """Receivers may come before anything is known, and stay until it is closed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._take: Take = _nobody_takes
        self._events: WeakSet[EventInbox] = WeakSet()
        self._runs: WeakSet[RunInbox] = WeakSet()
        self._tellings: dict[int, deque[_Telling]] = {}
        self._took: dict[int, int] = {}
        """Up to where it was taken, as long as that is not journaled."""
        self._notable: dict[int, Followed] = {}
        """Those that run, or wait for a receiver."""
        self._missed: dict[int, Followed] = {}
        """Those of which runs were missed since they are followed."""
        self.unfinished: set[int] = set()
        """Those that may run or be told of again."""

    # What happens

    def begin(self, take: Take) -> None:
        """Know nothing. Whoever takes something is heard by `take`."""
        self._take = take
        self._tellings.clear()
        self._took.clear()
        self._notable.clear()
        self._missed.clear()
        self.unfinished.clear()

    def recall(self, followed: Iterable[Followed]) -> None:
        """Know what an earlier life has left, and tell what nobody has taken."""
        for one in followed:
            self._remember(one)
            self._remember_missed(one)
        for inbox in tuple(self._runs):
            self._welcome(inbox)

    def saw(self, fact: Fact) -> None:
        if isinstance(fact, Forgotten):
            self._forget(int(fact.thing))
            return
        followed = fact.followed
        self._remember(followed)
        match fact:
            case Noticed(_, news):
                self._tell_event(followed, news)
                if news is News.UPDATED:
                    self._remember_missed(followed)
                if followed.fault:
                    log.warning("dispatch %d has no runs: %s", followed.dispatch.id, followed.fault)
            case Announced():
                self._tell_run(followed, fact.change)
            case Missed():
                self._remember_missed(followed)
            case _:
                pass

    def with_missed_runs(self) -> list[Dispatch]:
        """Those of which runs were over before anybody could be told."""
        return [handed_out(one, self._clock) for one in self._missed.values()]

    # Receivers

    def new_event_inbox(self, type_: str | None, name: str | None, limit: int) -> EventInbox:
        inbox = EventInbox(type_, name=name, limit=limit)
        self._events.add(inbox)
        return inbox

    def new_run_inbox(
        self,
        type_: str | None,
        name: str | None,
        limit: int,
        merging: MergeStrategy | None = None,
        *,
        going: bool = False,
    ) -> RunInbox:
        """It begins with what nobody has taken, or with all runs that are going on."""
        inbox = RunInbox(type_, merging, going=going, name=name, limit=limit)
        self._runs.add(inbox)
        self._welcome(inbox)
        return inbox

    def _welcome(self, inbox: RunInbox) -> None:
        """Tell a newcomer alone."""
        for followed in tuple(self._notable.values()):
            if inbox.type in (None, followed.dispatch.data.type):
                run = followed.run if inbox.going else None
                took = self._took.get(followed.dispatch.id, 0)
                waiting = [change for change in followed.waiting if change.seq > took]
                for change in (run,) if run else waiting:
                    self._put([inbox], followed, change)

    def close(self) -> None:
        """Nothing more comes. What is in the inboxes can still be read."""
        for event_inbox in tuple(self._events):
            event_inbox.close()
        for run_inbox in tuple(self._runs):
            run_inbox.close()
        self._events.clear()
        self._runs.clear()

    def settle(self, dispatch_id: int) -> None:
        """Take what has been read by all, as far as nothing earlier is still to be read."""
        tellings, last = self._tellings.get(dispatch_id), None
        while tellings and not tellings[0].holders:
            telling = tellings.popleft()
            last = telling.seq if telling.taken else last
        if tellings is not None and not tellings:
            self._tellings.pop(dispatch_id, None)
        if last is not None:
            self._took[dispatch_id] = last
            self._take(dispatch_id, last)

    # Inside

    def _remember(self, followed: Followed) -> None:
        id = followed.dispatch.id
        if not followed.waiting or followed.waiting[0].seq > self._took.get(id, 0):
            self._took.pop(id, None)
        if followed.run or followed.waiting:
            self._notable[id] = followed
        else:
            self._notable.pop(id, None)
        if id in self._missed:
            self._remember_missed(followed)
        if followed.ended or followed.deleted:
            self.unfinished.discard(id)
        else:
            self.unfinished.add(id)

    def _remember_missed(self, followed: Followed) -> None:
        """Until it is told of a run after which none was missed."""
        if followed.missed:
            self._missed[followed.dispatch.id] = followed
        else:
            self._missed.pop(followed.dispatch.id, None)

    def _forget(self, id: int) -> None:
        self._missed.pop(id, None)
        self._took.pop(id, None)
        self._notable.pop(id, None)
        self.unfinished.discard(id)

    def _tell_event(self, followed: Followed, news: News) -> None:
        type_, id = followed.dispatch.data.type, followed.dispatch.id
        for inbox in _of_type(self._events, type_):
            make = partial(self._event, followed, news)
            inbox.put(Message(id, SORT_OF_NEWS[news], make))

    def _event(self, followed: Followed, news: News) -> DispatchEvent:
        return EVENTS[news](handed_out(followed, self._clock))

    def _tell_run(self, followed: Followed, change: RunChange) -> None:
        inboxes = list(_of_type(self._runs, followed.dispatch.data.type))
        taken = followed.taken
        nobody_knows = taken is None or taken.edge is Edge.STOPPED
        if inboxes or (change.edge is Edge.STOPPED and nobody_knows):
            self._put(inboxes, followed, change)

    def _put(self, inboxes: Iterable[RunInbox], followed: Followed, change: RunChange) -> None:
        """Whoever merges gets it only if it matters. That counts as taken too."""
        id = followed.dispatch.id
        telling = _Telling(id, change.seq, self, holders=1)
        self._tellings.setdefault(id, deque()).append(telling)
        for inbox in inboxes:
            make = partial(handed_out, followed, self._clock, change)
            if inbox.merging is None or self._passes(inbox.merging, make()):
                telling.holders += 1
                inbox.put(Message(id, SORT_OF_EDGE[change.edge], make, telling))
        telling.let_go(taken=telling.holders == 1)

    def _passes(self, merging: MergeStrategy, dispatch: Dispatch) -> bool:
        try:
            return merging.filter(Running(self._notable, self._clock), dispatch)
        except Exception:  # It is the user's, and a stop that is lost is worse than one too many.
            log.exception("%s.filter failed on %s: it is told", type(merging).__name__, dispatch.id)
            return True


class Running(Mapping[DispatchId, Dispatch]):
    """All dispatches that are running as far as was told, made when they are looked at."""

    def __init__(self, followed: Mapping[int, Followed], clock: Clock) -> None:
        self._followed, self._clock = followed, clock

    def __getitem__(self, id: DispatchId) -> Dispatch:
        followed = self._followed[int(id)]
        if (run := followed.run) is None:
            raise KeyError(id)
        return handed_out(followed, self._clock, run)

    def __iter__(self) -> Iterator[DispatchId]:
        return (DispatchId(id) for id, followed in self._followed.items() if followed.run)

    def __len__(self) -> int:
        return sum(followed.run is not None for followed in self._followed.values())


def _nobody_takes(dispatch_id: int, seq: int) -> None:
    """Nothing is told before it begins."""


def _of_type(inboxes: WeakSet[InboxT], type_: str) -> Iterator[InboxT]:
    if inboxes:  # A hundred thousand may be told of before anybody listens.
        for one in tuple(inboxes):
            if not one.closed and one.type in (None, type_):
                yield one
