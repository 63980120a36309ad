"""A verdict on what a follower told: all that was due, in time, once, and nothing else.

Each finding is a sentence. The laws, besides those of honesty:

    due is told           whoever lived, with a version, while a run was on (or over for less than
                          a minute), has told of it within seconds
    what is on is known   whenever nothing has changed for a while, what was told last is what
                          goes on, until when, and how
    the rest is excused   a run that was not told is among the missed ones; or its version was not
                          known, by nobody who lived, when it was due
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from pointsman.dispatches.following import Edge, Noticed
from pointsman.dispatches.model import Dispatch
from tests.simulation.chronicle import Heard, Life
from tests.simulation.honesty import Honesty
from tests.simulation.oracle import GRACE, NEVER, Version
from tests.simulation.story import LATEST, Case, Story, Told, how_of, or_none

MOMENT = timedelta.resolution
LOOKS = timedelta(minutes=10)
"""How long it takes at most until somebody sees that the clock was set."""


class Judge:
    def __init__(self, story: Story) -> None:
        self.case = Case(story)
        self.lives = story.chronicle.lives()
        self._begins = [life.begin for life in self.lives]
        self._set = {instant for instant, _ in story.chronicle.steps_taken}
        self.tally = Counter[str]()
        self.late = timedelta()
        """The longest that anything due had to wait."""

    def findings(self) -> Iterator[str]:
        honesty = Honesty(self.case)
        for id in self.case.versions:
            for finding in (*honesty.findings(id), *self._of(id)):
                yield f"{id}: {finding}"

    def _of(self, id: int) -> Iterator[str]:
        for heard in self.case.story.chronicle.heard[id]:
            yield from self._heard_is_noticed(id, heard)
            for life, begin, end in self._sure(heard):
                yield from self._what_is_on(id, heard.version, life, begin, end)
                yield from self._due_is_told(id, heard.version, life, begin, end)
        yield from self._rest_is_excused(id)

    # Due is told

    def _heard_is_noticed(self, id: int, heard: Heard) -> Iterator[str]:
        """Unless nobody knew of it and it was long over: then it is noticed when heard again."""
        if heard.answered is None or heard.version is None:
            return
        updated = heard.version.update_time
        noticed = (
            at
            for at, fact in self.case.told[id].facts
            if isinstance(fact, Noticed) and fact.followed.dispatch.update_time >= updated
        )
        at = next(noticed, None)
        if at is not None and at <= heard.answered:
            return
        if self._was_over(heard):
            heard.answered = at if at is not None and at < heard.until else None
        else:
            yield f"the version of {updated} was heard by {heard.answered} and not noticed"

    def _was_over(self, heard: Heard) -> bool:
        """By the clock of whoever heard it."""
        assert heard.version is not None
        assert heard.answered is not None
        version = self.case.versions[heard.version.id][heard.version.update_time]
        lives = [life for life in self.lives if life.begin <= heard.answered]
        shown = max(life.shown(min(life.end, heard.answered)) for life in lives[-2:])
        return shown - GRACE > max(version.end(version.starts[-1]), heard.version.update_time)

    def _sure(self, heard: Heard) -> Iterator[tuple[Life, datetime, datetime]]:
        """When somebody lived who had heard this, and nothing else since."""
        if heard.answered is None:
            return
        until = min(heard.until, self.case.story.end)
        n = max(bisect_right(self._begins, heard.answered) - 1, 0)
        while n < len(self.lives) and self.lives[n].begin < until:
            life = self.lives[n]
            begin, end = max(life.begin, heard.answered), min(life.end, until)
            if begin < end:
                yield life, begin, end
            n += 1

    def _settled(self, life: Life, instant: datetime) -> datetime:
        """When all is told that was due then."""
        seen = life.begin + LOOKS if life.begin in self._set else life.begin
        return max(instant, seen) + self.case.story.bound

    def _due_is_told(
        self, id: int, known: Dispatch | None, life: Life, begin: datetime, end: datetime
    ) -> Iterator[str]:
        if known is None:
            return
        version, told = self.case.versions[id][known.update_time], self.case.told[id]
        since = max(known.update_time, life.shown(begin) - LATEST - (version.duration or LATEST))
        for start in version.between(since, life.shown(end)):
            came = max(begin, life.when(start))
            set_back = life.shown(came) < life.high and start <= life.high
            settled = self._settled(life, came)
            if set_back or settled > end or life.shown(settled) >= version.over(start) + GRACE:
                continue
            at = told.first_start(start)
            if at <= settled:
                self.late = max(self.late, at - came)
                self.tally["in time"] += 1
            elif not self._overtaken(id, start, known, settled):
                yield f"the run of {start} was due at {came}, told {at}, of {known.update_time}"

    def _overtaken(self, id: int, start: datetime, known: Dispatch, by: datetime) -> bool:
        """A later run of an earlier version had been told when this version came."""
        return any(
            fact.change.run_start >= start
            and fact.change.edge is Edge.STARTED
            and fact.followed.dispatch.update_time < known.update_time
            for at, fact in zip(self.case.told[id].at, self.case.told[id].changes, strict=True)
            if at < by
        )

    # What is on

    def _what_is_on(
        self, id: int, known: Dispatch | None, life: Life, begin: datetime, end: datetime
    ) -> Iterator[str]:
        quiet = self._settled(life, begin)
        sure = max(quiet, life.when(life.high))
        if quiet < min(end, sure):
            for instant in (quiet, min(end, sure) - MOMENT):
                yield from self._compare(id, known, instant, life.shown(instant), life.high)
        from_, to = life.shown(sure - self.case.story.bound), life.shown(end)
        version = self.case.versions[id][known.update_time] if known else None
        for edge in (*(version.edges(from_, to) if version else ()), to):
            when = life.when(edge)
            if when > sure:
                for instant in (sure, when - MOMENT):
                    shown = life.shown(instant)
                    yield from self._compare(id, known, instant, shown, shown)
            sure = max(sure, when + self.case.story.bound)

    def _compare(
        self, id: int, known: Dispatch | None, instant: datetime, shown: datetime, high: datetime
    ) -> Iterator[str]:
        """What was told must be what is on at one of the times that the clock has shown."""
        self.tally["looks"] += 1
        last = self.case.told[id].last(instant)
        change = last.change if last and last.change.edge is not Edge.STOPPED else None
        version = self.case.versions[id][known.update_time] if known else None
        instants = [shown]
        if version and high > shown:
            instants += [high, *version.edges(shown - self.case.story.bound, high)]
            instants += [shown - self.case.story.bound]
        on = {version.running(one) if version else None for one in instants}
        if (change.run_start if change else None) not in on:
            yield f"{change} was told by {instant} (shown {shown}), but there is {on}"
        elif change and last and version and len(on) == 1:
            if change.run_end != or_none(version.end(change.run_start)):
                yield f"{change} was told by {instant}, but its end is another one"
            if how_of(last.followed.dispatch) != how_of(version.dispatch):
                yield f"{change} was told by {instant}, but is to be otherwise"

    # The rest is excused

    def _rest_is_excused(self, id: int) -> Iterator[str]:
        versions, heard = [*self.case.versions[id].values()], self.case.story.chronicle.heard[id]
        ends = [one.dispatch.update_time for one in versions[1:]]
        ends.append(min(self.case.story.deleted.get(id, NEVER), self.case.story.end - LATEST))
        told = self.case.told[id]
        for version, end in zip(versions, ends, strict=True):
            mine = [one for one in heard if one.version == version.dispatch]
            for start in version.between(version.dispatch.update_time, end):
                self.tally["due"] += 1
                if told.first_start(start) < NEVER:
                    self.tally["told"] += 1
                elif any(first <= start <= last for first, last in told.missed):
                    self.tally["missed"] += 1
                elif not any(self._known_when_due(one, start) for one in mine):
                    self.tally["unknown when due"] += 1
                elif self._overtaken(id, start, version.dispatch, NEVER):
                    self.tally["overtaken"] += 1
                elif mine[0].answered is None and self._unnoticed(version, told):
                    self.tally["heard of when over"] += 1
                else:
                    yield f"the run of {start} of {version.dispatch.update_time} has no excuse"

    def _known_when_due(self, heard: Heard, start: datetime) -> bool:
        """It had come, by the clock of somebody who lived, while this was the last thing heard."""
        until = min(heard.until, self.case.story.end)
        for life in self.lives:
            begin, end = max(life.begin, heard.asked), min(life.end, until)
            if begin < end and life.shown(end) > start:
                return True
        return False

    @staticmethod
    def _unnoticed(version: Version, told: Told) -> bool:
        updates = {f.followed.dispatch.update_time for _, f in told.facts if isinstance(f, Noticed)}
        return version.dispatch.update_time not in updates
