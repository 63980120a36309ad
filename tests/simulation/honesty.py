"""Honesty: a follower tells nothing but what is due, once, and loses only what was overtaken.

a start     belongs to the version that was noticed last, has come, and was not long over
a stop      has a reason: its end, or a version that has it not
a change    is one
again       only if the version said otherwise in between
waiting     loses only pairs and starts that later ones took over from, and never a lone stop
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from pointsman.dispatches.following import Announced, Edge, Followed, Noticed, RunChange, Taken
from pointsman.dispatches.model import Dispatch
from tests.simulation.oracle import GRACE, Version
from tests.simulation.story import Case, Told, how_of, or_none, same_version, when_of

ROUNDING = timedelta(seconds=1)
"""What starts at once may start so much before it was written."""
WAITING_MOST = 8


class Honesty:
    def __init__(self, case: Case) -> None:
        self.case = case

    def findings(self, id: int) -> Iterator[str]:
        yield from self._told_is_due(id)
        yield from self._waiting(self.case.told[id])
        yield from self._all_heard(id)

    def _told_is_due(self, id: int) -> Iterator[str]:
        last: Announced | None = None
        noticed: Followed | None = None
        started: dict[datetime, int] = {}
        history: list[Dispatch] = []
        for at, fact in self.case.told[id].facts:
            if isinstance(fact, Noticed):
                yield from self._is_news(id, at, fact, noticed)
                noticed = fact.followed
                history.append(noticed.dispatch)
            if not isinstance(fact, Announced):
                continue
            if noticed is None or fact.followed.dispatch != noticed.dispatch:
                yield f"{fact.change} is told of a version that was not noticed last"
                continue
            if fact.change.seq != (last.change.seq if last else 0) + 1:
                yield f"{fact.change} has a number out of order, after {last and last.change}"
            version = self.case.version_of(fact.followed)
            for wrong in self._wrong(fact, last, version, history, started):
                yield f"{fact.change} {wrong}, at {at}"
            if fact.change.edge is Edge.STARTED:
                started[fact.change.run_start] = len(history) - 1
            last = fact

    def _wrong(
        self,
        fact: Announced,
        last: Announced | None,
        version: Version,
        history: list[Dispatch],
        started: dict[datetime, int],
    ) -> Iterator[str]:
        going = last.change if last and last.change.edge is not Edge.STOPPED else None
        if fact.change.edge is Edge.STARTED:
            yield from self._wrong_start(fact, version, going)
            since = started.get(fact.change.run_start)
            if since is not None and len({when_of(one) for one in history[since:]}) == 1:
                yield "is told again"
            if last and not going and self._takes_over(last, fact, version):
                yield "comes after a stop, though it takes over"
        elif going is None or going.run_start != fact.change.run_start:
            yield "is of a run that does not go on"
        elif fact.change.edge is Edge.STOPPED:
            yield from self._wrong_stop(fact, version)
        elif last is not None:
            yield from self._wrong_change(fact, last, version, history)

    @staticmethod
    def _takes_over(stop: Announced, start: Announced, version: Version) -> bool:
        first, next_ = stop.change.run_start, start.change.run_start
        both = same_version(stop, start) and version.has(first)
        return both and first < next_ <= version.end(first)

    @staticmethod
    def _wrong_stop(fact: Announced, version: Version) -> Iterator[str]:
        change = fact.change
        if change.run_end is None or change.run_end > change.at:
            yield "stops before its end"
        if not fact.followed.deleted and version.running(change.at) == change.run_start:
            yield "stops what is to go on"

    @staticmethod
    def _wrong_change(
        fact: Announced, last: Announced, version: Version, history: list[Dispatch]
    ) -> Iterator[str]:
        gone, updates = fact.followed.deleted, [one.update_time for one in history]
        if gone or version.running(fact.change.at) != fact.change.run_start:
            yield "changes what is not to go on"
        since = updates.index(last.followed.dispatch.update_time)
        if len({how_of(one) for one in history[since:]}) == 1:
            yield "changes nothing"

    def _wrong_start(
        self, fact: Announced, version: Version, going: RunChange | None
    ) -> Iterator[str]:
        start, at = fact.change.run_start, fact.change.at
        if fact.followed.deleted or not version.has(start):
            yield "is no run of that version"
            return
        over = version.over(start)
        if start > at:
            yield "has not come"
        if at - GRACE >= over != start:
            yield "was long over"
        if over <= at and not self._was_wanted(version.dispatch.id, start):
            yield "was over before anybody wanted it"
        if fact.change.run_end != or_none(version.end(start)):
            yield "says another end"
        if going and going.run_start == start:
            yield "goes on already"

    def _was_wanted(self, id: int, start: datetime) -> bool:
        """By a version that was written before it started."""
        versions = self.case.versions[id].values()
        return any(v.has(start) and start >= v.dispatch.update_time - ROUNDING for v in versions)

    def _is_news(
        self, id: int, at: datetime, fact: Noticed, before: Followed | None
    ) -> Iterator[str]:
        dispatch, heard = fact.followed.dispatch, self.case.story.chronicle.heard[id]
        gone = fact.followed.deleted
        if before and not gone and dispatch.update_time <= before.dispatch.update_time:
            yield f"the version of {dispatch.update_time} is noticed though not newer"
        if before and before.deleted and gone:
            yield "is deleted twice"
        asked = [
            one.asked
            for one in heard
            if (one.version is None) == gone and (one.version is None or one.version == dispatch)
        ]
        if not asked or asked[0] > at:
            yield f"the version of {dispatch.update_time} is noticed before anybody said so"

    def _waiting(self, told: Told) -> Iterator[str]:
        before: tuple[RunChange, ...] = ()
        for _, fact in told.facts:
            after = fact.followed.waiting
            match fact:
                case Announced():
                    yield from self._one_more(before, fact.change, after)
                case Taken():
                    if not before or before[len(before) - len(after) :] != after:
                        yield f"{after} is left of {before}"
                case _ if after != before:
                    yield f"{after} waits instead of {before}, after {type(fact).__name__}"
            before = after
            if len(after) > WAITING_MOST:
                yield f"{len(after)} wait"

    @staticmethod
    def _one_more(
        before: tuple[RunChange, ...], change: RunChange, after: tuple[RunChange, ...]
    ) -> Iterator[str]:
        if tuple(one for one in (*before, change) if one in after) != after or not after:
            yield f"{after} waits after {before}"
        if len(before) < WAITING_MOST and len(after) <= len(before):
            yield f"something of {before} is dropped though there is room"
        for n, one in enumerate(before):
            alone = n == 0 or before[n - 1] in after
            if one.edge is Edge.STOPPED and one not in after and alone:
                yield f"{one} is dropped, but not what it stops"

    def _all_heard(self, id: int) -> Iterator[str]:
        """Each as it was told first. What nobody heard was dropped, or still waits."""
        told, heard = self.case.told[id], self.case.story.heard[id]
        by_seq = {fact.change.seq: fact.change for fact in told.changes}
        for change in heard:
            if by_seq.get(change.seq) != change:
                yield f"{change} was heard, but {by_seq.get(change.seq)} was told"
        left = told.facts[-1][1].followed if told.facts else None
        if left and left.taken and left.taken.seq > max((one.seq for one in heard), default=0):
            yield f"{left.taken} is taken by nobody"
