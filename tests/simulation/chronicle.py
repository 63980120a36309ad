"""A chronicle: when a follower truly lived, what its clock showed, and what it had heard of.

It is kept by those who feed a follower, by the one clock that is right, and knows nothing of how
a follower thinks.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pointsman.dispatches import FOLLOWER
from pointsman.dispatches.following import Fact
from pointsman.dispatches.model import Dispatch
from pointsman.journal import TOMBSTONE, Cursor, Record, Token
from pointsman.runtime.codec import Codec
from tests.simulation.world import EPOCH, FaultyJournal

FAR = EPOCH + timedelta(days=9_999)


def true_now() -> datetime:
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


@dataclass(frozen=True, slots=True)
class Life:
    """A while in which an engine ran, by a clock that nobody set."""

    begin: datetime
    end: datetime
    offset: timedelta
    """How far its clock is ahead."""
    high: datetime
    """What clocks have shown before, at most."""

    def shown(self, instant: datetime) -> datetime:
        return instant + self.offset

    def when(self, shown: datetime) -> datetime:
        return shown - self.offset


@dataclass(slots=True)
class Heard:
    """A follower was told of a version of a dispatch, or that it is gone (None)."""

    version: Dispatch | None
    asked: datetime
    answered: datetime | None = None
    """None: nobody knows."""
    until: datetime = FAR
    """When it was told of the next version, or the story ended."""


@dataclass(slots=True)
class Chronicle:
    heard: dict[int, list[Heard]] = field(default_factory=lambda: defaultdict(list))
    steps_taken: list[tuple[datetime, timedelta]] = field(default_factory=list)
    _ran: list[tuple[datetime, datetime]] = field(default_factory=list)
    _since: datetime | None = None

    def begins(self) -> None:
        self._since = true_now()

    def ends(self) -> None:
        assert self._since is not None
        self._ran.append((self._since, true_now()))

    def steps(self, by: timedelta) -> None:
        self.steps_taken.append((true_now(), by))

    def asks(self, id: int, version: Dispatch | None) -> Heard | None:
        """None: it is no news."""
        known, now = self.heard[id], true_now()
        if known and known[-1].version == version:
            return known[-1] if known[-1].answered is None else None
        newest = self.newest(id)
        if newest is None and version is None:
            return None
        if version and newest and version.update_time <= newest.update_time:
            return None
        if known:
            known[-1].until = now
        known.append(Heard(version, now))
        return known[-1]

    def newest(self, id: int) -> Dispatch | None:
        """The newest version that was told."""
        return next((one.version for one in reversed(self.heard[id]) if one.version), None)

    def lives(self) -> list[Life]:
        """In order."""
        lives: list[Life] = []
        high, offset, steps = EPOCH - timedelta(days=1), timedelta(), [*self.steps_taken]
        for begin, end in self._ran:
            since = begin
            while since < end:
                while steps and steps[0][0] <= since:
                    offset += steps.pop(0)[1]
                until = min(end, steps[0][0]) if steps else end
                lives.append(Life(since, until, offset, high))
                high, since = max(high, until + offset), until
        return lives


class Watched(FaultyJournal):
    """Of one shard. Remembers when each fact became durable, and the last of each key."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs, shards=1)  # type: ignore[arg-type]
        self.facts: list[tuple[datetime, Fact]] = []
        self._codec = Codec([FOLLOWER])
        self._latest: dict[str, Record] = {}

    def append_now(self, token: Token, records: Sequence[tuple[str, bytes]]) -> int:
        position = super().append_now(token, records)
        for record in self._records[len(self._records) - len(records) :]:
            if record.data == TOMBSTONE:
                self._latest.pop(record.key, None)
            else:
                self._latest[record.key] = record
                fact = self._codec.decode(record.key, record.data).fact
                self.facts.append((true_now(), fact))
        return position

    def load_now(self, token: Token) -> Sequence[Record]:  # noqa: ARG002
        return sorted(self._latest.values())

    async def unchanged(self, token: Token, since: Cursor) -> bool:  # noqa: ARG002
        return self._position <= int(since or 0)

    def latest(self) -> Iterator[Fact]:
        return (self._codec.decode(one.key, one.data).fact for one in self._latest.values())
