"""The story of a simulation: what truly was, and what a follower told of it."""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pointsman.dispatches.following import AboutFollowed, Announced, Edge, Fact, Followed, RunChange
from pointsman.dispatches.model import TIMEZONE, Dispatch
from tests.simulation.chronicle import Chronicle
from tests.simulation.oracle import NEVER, Version

LATEST = timedelta(hours=3)
"""How far a clock is ahead, at most."""


@dataclass
class Story:
    """All that happened in a simulation."""

    versions: dict[int, list[Dispatch]]
    deleted: dict[int, datetime]
    chronicle: Chronicle
    facts: list[tuple[datetime, Fact]]
    heard: dict[int, list[RunChange]]
    end: datetime
    bound: timedelta
    """How late anything may be told, once somebody lives who knows that it is due."""


@dataclass
class Told:
    """The facts of one dispatch, and when they became durable."""

    facts: list[tuple[datetime, AboutFollowed]] = field(default_factory=list)
    at: list[datetime] = field(default_factory=list)
    changes: list[Announced] = field(default_factory=list)
    missed: set[tuple[datetime, datetime]] = field(default_factory=set)

    def add(self, at: datetime, fact: AboutFollowed) -> None:
        self.facts.append((at, fact))
        if isinstance(fact, Announced):
            self.at.append(at)
            self.changes.append(fact)
        if missed := fact.followed.missed:
            self.missed.add((missed.first, missed.last))

    def last(self, instant: datetime) -> Announced | None:
        n = bisect_right(self.at, instant)
        return self.changes[n - 1] if n else None

    def first_start(self, start: datetime) -> datetime:
        for at, fact in zip(self.at, self.changes, strict=True):
            if fact.change.edge is Edge.STARTED and fact.change.run_start == start:
                return at
        return NEVER


class Case:
    """A story, in order, by dispatch."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.told = defaultdict[int, Told](Told)
        for at, fact in story.facts:
            if isinstance(fact, AboutFollowed):
                self.told[fact.followed.dispatch.id].add(at, fact)
        until = story.end + LATEST
        self.versions = {
            id: {one.update_time: Version(one, until) for one in versions}
            for id, versions in story.versions.items()
            if versions
        }

    def version_of(self, followed: Followed) -> Version:
        """Once it is deleted: the last one."""
        versions = self.versions[followed.dispatch.id]
        known = versions.get(followed.dispatch.update_time)
        return known or next(reversed(versions.values()))


def or_none(end: datetime) -> datetime | None:
    return None if end == NEVER else end


def same_version(one: Announced | None, other: Announced) -> bool:
    return (
        one is not None and one.followed.dispatch.update_time == other.followed.dispatch.update_time
    )


def when_of(dispatch: Dispatch) -> object:
    data = dispatch.data
    zone = data.payload.get(TIMEZONE)
    return data.active, data.start_time, data.recurrence, data.duration_seconds, zone


def how_of(dispatch: Dispatch) -> object:
    data = dispatch.data
    return data.type, data.target, data.duration_seconds, data.dry_run, repr(data.payload)
