"""A season of dispatches in seconds: crashes, gaps, wrong clocks, slow and dying receivers."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from pointsman.dispatches import FOLLOWER
from pointsman.dispatches.following import (
    Announced,
    Edge,
    Followed,
    Noticed,
    RunChange,
)
from pointsman.dispatches.runs import runs_between
from pointsman.runtime.codec import Happened
from tests.seeds import SEEDS
from tests.simulation.feeding import Author, Feed, Receiver, Server, keep_an_engine, set_the_clock
from tests.simulation.world import FaultyJournal, World, play

LONG = len(SEEDS) > 25
DISPATCHES, DAYS = (1_000, 365) if LONG else (250, 21)
MARGIN = timedelta(hours=4, minutes=30)
"""How far a clock is wrong, a connection is broken and a server is away, in all."""


@dataclass
class Story:
    server: Server
    happened: list[Happened]
    receiver: Receiver
    end: datetime

    @property
    def announced(self) -> dict[int, list[Announced | Noticed]]:
        found = defaultdict[int, list[Announced | Noticed]](list)
        for _, fact, _ in self.happened:
            if isinstance(fact, Announced | Noticed):
                found[fact.followed.dispatch.id].append(fact)
        return found


def simulate(seed: int, dispatches: int, days: float, *, calm: bool = False) -> Story:
    async def story() -> Story:
        dice = random.Random(seed)
        journal = FaultyJournal(dice, lost=0 if calm else 0.01, shards=1)
        world, server = World([FOLLOWER], journal, dice), Server()
        receiver = Receiver(world, dies=not calm)
        author = Author(server, dice, days)
        stories = [
            Feed(world, server, breaks=not calm).run(),
            receiver.run(),
            *(author.write(64 * n) for n in range(1, dispatches + 1)),
        ]
        if calm:
            stories.append(world.run(world.engine))
        else:
            stories += [keep_an_engine(world), set_the_clock(world)]
        with suppress(TimeoutError):
            async with asyncio.timeout(days * 86_400), asyncio.TaskGroup() as tasks:
                for one in stories:
                    tasks.create_task(one)
        return Story(server, journal.happened([FOLLOWER]), receiver, server.clock.now())

    return play(story)


def check_each_dispatch(story: Story) -> None:
    for id, facts in story.announced.items():
        last: RunChange | None = None
        version = facts[0].followed.dispatch
        started: dict[datetime, datetime] = {}
        for fact in facts:
            if isinstance(fact, Noticed):
                assert fact.followed.dispatch.update_time >= version.update_time
                version = fact.followed.dispatch
                continue
            change = fact.change
            going = last is not None and last.edge is not Edge.STOPPED
            assert change.seq == (last.seq if last else 0) + 1, id
            match change.edge:
                case Edge.STARTED:
                    earlier = started.get(change.run_start)
                    assert earlier != version.update_time, "told again, as another change"
                    started[change.run_start] = version.update_time
                case Edge.STOPPED | Edge.RECONFIGURED:
                    assert going
                    assert last is not None
                    assert change.run_start == last.run_start
            last = change
        if last and last.edge is not Edge.STOPPED and last.run_end:
            assert last.run_end > story.end - MARGIN, "each stop comes"


def due_runs(story: Story, margin: timedelta) -> Iterator[tuple[int, datetime, datetime]]:
    """Dispatch, start and version of each run that nobody may overlook."""
    for id, versions in story.server.versions.items():
        ends = [version.update_time for version in versions[1:]]
        ends.append(story.server.deleted.get(id, story.end))
        for version, end in zip(versions, ends, strict=True):
            for run in runs_between(version, version.update_time + margin, end - margin):
                yield id, run.start, version.update_time


def told_and_missed(
    story: Story,
) -> tuple[set[tuple[int, datetime]], dict[int, list[tuple[datetime, datetime]]]]:
    told, missed = set(), defaultdict[int, list[tuple[datetime, datetime]]](list)
    for _, fact, _ in story.happened:
        followed: Followed = fact.followed
        if isinstance(fact, Announced) and fact.change.edge is Edge.STARTED:
            told.add((followed.dispatch.id, fact.change.run_start))
        if followed.missed:
            missed[followed.dispatch.id].append((followed.missed.first, followed.missed.last))
    return told, missed


def check_all_are_told(story: Story, margin: timedelta = MARGIN) -> tuple[int, int]:
    """Returns how many were told, and how many were not and are known to be missed."""
    told, missed = told_and_missed(story)
    seen = {(f.followed.dispatch.id, f.followed.dispatch.update_time) for _, f, _ in story.happened}
    count = [0, 0]
    for id, start, version in due_runs(story, margin):
        if (id, version) in seen:
            is_told = (id, start) in told
            assert is_told or any(a <= start <= b for a, b in missed[id]), (id, start)
            count[not is_told] += 1
    return count[0], count[1]


def check_receiver(story: Story) -> None:
    for id, facts in story.announced.items():
        changes = [fact.change for fact in facts if isinstance(fact, Announced)]
        by_seq = {change.seq: change for change in changes}
        heard = story.receiver.heard[id]
        assert all(by_seq[change.seq] == change for change in heard), "as it was told before"
        late = [change for change in changes if change.at < story.end - MARGIN]
        if late:
            assert heard, id
            assert max(change.seq for change in heard) >= late[-1].seq


@pytest.mark.parametrize("seed", SEEDS)
def test_each_run_is_told_once_or_known_to_be_missed(seed: int) -> None:
    story = simulate(seed, 25, 3)
    check_each_dispatch(story)
    check_receiver(story)
    check_all_are_told(story)


def test_a_season_of_many_dispatches() -> None:
    story = simulate(1, DISPATCHES, DAYS)
    check_each_dispatch(story)
    check_receiver(story)
    told, missed = check_all_are_told(story)
    assert told > DISPATCHES / 2
    assert 0 < missed < told / 5, "most come in time though much goes wrong"


def test_calm_runs_are_told_within_a_second() -> None:
    story = simulate(1, 150, 10, calm=True)
    check_each_dispatch(story)
    check_receiver(story)
    told, missed = check_all_are_told(story, timedelta(minutes=1))
    assert told > 100
    assert missed == 0
    for facts in story.announced.values():
        for fact in facts:
            if isinstance(fact, Announced) and fact.change.edge is Edge.STARTED:
                change, dispatch = fact.change, fact.followed.dispatch
                late = change.at - max(change.run_start, dispatch.update_time)
                assert late < timedelta(seconds=2)
