"""What the engine does when rules break their laws, or when there is too much of something."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pointsman.core.entity import Kind, Wake
from pointsman.journal import Misplaced, Token, Unknown
from pointsman.journal.memory import MemoryJournal
from pointsman.runtime.ask import Broken, Overloaded
from pointsman.runtime.clock import RunClock
from pointsman.runtime.codec import Codec, UnknownFact
from pointsman.runtime.engine import Engine
from pointsman.runtime.shard import SLICE, WAITING_LIMIT
from tests.queues import QUEUES
from tests.queues.model import Add, Added, Operation
from tests.simulation.world import EPOCH, FaultyJournal, World, play

LATER = EPOCH + timedelta(days=1)
ROBOT = "caltech/robot-1"


@dataclass(frozen=True, slots=True)
class Noted:
    text: str
    thing: str = ""


class Lawless:
    """Rules that fail on the word "fail", and otherwise are always overdue for nothing."""

    def __init__(self) -> None:
        self.woken = 0

    def initial(self) -> list[str]:
        return []

    def decide(self, _: list[str], intent: Any, now: datetime) -> Sequence[Noted]:  # noqa: ANN401
        if isinstance(intent, Wake):
            self.woken += 1
            return []
        return [Noted(f"{intent} at {now}")]

    def evolve(self, state: list[str], fact: Noted) -> list[str]:
        if fact.text.startswith("fail"):
            raise RuntimeError("cannot follow")
        return [*state, fact.text]

    def due(self, state: list[str]) -> datetime | None:
        return EPOCH if state else None


def lawless() -> tuple[Lawless, Kind[list[str], Any, Noted]]:
    rules = Lawless()
    return rules, Kind("lawless", rules, (Noted,))


def test_too_many_waiting_are_refused_and_the_others_answered() -> None:
    async def story() -> None:
        world = World([QUEUES], MemoryJournal(), random.Random(1))
        waiting = [
            asyncio.ensure_future(world.engine.submit(QUEUES, ROBOT, Add(Operation(f"{n}", LATER))))
            for n in range(WAITING_LIMIT)
        ]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match=r"Add for 'queues/caltech/robot-1' .* ask again"):
            await world.engine.submit(QUEUES, ROBOT, Add(Operation("one more", LATER)))
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(world.run(world.engine))
            assert sum([len(facts) for facts in await asyncio.gather(*waiting)]) == WAITING_LIMIT
            running.cancel()

    play(story)


def test_a_fact_that_cannot_be_followed_stops_the_engine_before_it_is_journaled() -> None:
    async def story() -> None:
        _, kind = lawless()
        journal = MemoryJournal()
        world = World([kind], journal, random.Random(1))
        running = asyncio.ensure_future(world.run(world.engine))
        await world.engine.submit(kind, ROBOT, "fine")
        asks = [world.engine.submit(kind, ROBOT, text) for text in ("fail", "fine")]
        answers = await asyncio.gather(*asks, return_exceptions=True)
        assert [type(answer) for answer in answers] == [Broken, Broken]
        assert "'lawless/caltech/robot-1' failed on one of" in str(answers[0])
        with pytest.raises(ExceptionGroup) as end:
            await running
        assert end.group_contains(Broken)
        with pytest.raises(Broken):
            await world.engine.submit(kind, ROBOT, "fine")
        assert len(world.journal.load_now(Token(_shard(journal), 1))) == 1

    play(story)


def _shard(journal: MemoryJournal) -> int:
    return journal._records[0].shard  # noqa: SLF001


def test_an_entity_that_is_always_overdue_is_looked_at_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> int:
        rules, kind = lawless()
        world = World([kind], MemoryJournal(), random.Random(1))
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(world.run(world.engine))
            await world.engine.submit(kind, ROBOT, "fine")
            await asyncio.sleep(3600)
            running.cancel()
        return rules.woken

    assert 55 <= play(story) <= 62
    assert "had nothing to do" in caplog.text


def test_ready_is_when_all_shards_are_loaded() -> None:
    async def story() -> None:
        journal = FaultyJournal(random.Random(1))
        world = World([QUEUES], journal, random.Random(1))
        async with asyncio.TaskGroup() as tasks:
            ready = tasks.create_task(world.engine.ready())
            await asyncio.sleep(10)
            assert not ready.done()
            running = tasks.create_task(world.run(world.engine))
            await ready
            assert all(shard._loaded for shard in world.engine._shards)  # noqa: SLF001
            running.cancel()
        with pytest.raises(Unknown):
            await world.engine.ready()

    play(story)


def test_other_work_goes_on_while_a_shard_is_loaded() -> None:
    async def story() -> int:
        journal = MemoryJournal(shards=1)
        token, codec = journal.claim_now(0), Codec([QUEUES])
        for start in range(0, 10 * SLICE, SLICE):
            facts = [Added(Operation(f"{n}", LATER)) for n in range(start, start + SLICE)]
            records = [codec.record(f"queues/{ROBOT}", fact, EPOCH) for fact in facts]
            journal.append_now(token, records)
        world, turns = World([QUEUES], journal, random.Random(1)), 0
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(world.run(world.engine))
            ready = tasks.create_task(world.engine.ready())
            while not ready.done():
                turns += 1
                await asyncio.sleep(0)
            running.cancel()
        return turns

    assert play(story) >= 10


def test_a_journal_of_a_newer_release_ends_the_engine_in_one_line() -> None:
    async def story() -> None:
        journal = MemoryJournal()
        data = b'{"fact":"Started","version":9,"at":"2026-01-01T00:00:00Z","value":{}}'
        journal.append_now(journal.claim_now(3), [(f"queues/{ROBOT}/lift", data)])
        world = World([QUEUES], journal, random.Random(1))
        with pytest.raises(ExceptionGroup) as end:
            await world.run(world.engine)
        assert end.group_contains(UnknownFact, match="Started of version 9, which this release")

    play(story)


def test_sites_of_one_placement_share_a_shard() -> None:
    async def story() -> set[int]:
        world = World([QUEUES], MemoryJournal(), random.Random(1))
        engine = Engine([QUEUES], world.journal, world.clock, place=lambda _: "microgrid-1")
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(world.run(engine))
            for site in ("caltech", "jpl", "office"):
                await engine.submit(QUEUES, f"{site}/robot", Add(Operation("lift", LATER)))
            running.cancel()
        return {record.shard for record in world.journal._records}  # noqa: SLF001

    assert len(play(story)) == 1


def test_a_placement_that_would_move_a_site_ends_the_engine() -> None:
    async def story() -> None:
        world = World([QUEUES], MemoryJournal(), random.Random(1))
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(world.run(world.engine))
            await world.engine.submit(QUEUES, ROBOT, Add(Operation("lift", LATER)))
            running.cancel()
        moved = Engine([QUEUES], world.journal, world.clock, place=lambda _: "microgrid-1")
        ending = asyncio.ensure_future(world.run(moved))
        with pytest.raises(Misplaced, match="'caltech' lives in shard"):
            await moved.submit(QUEUES, ROBOT, Add(Operation("turn", LATER)))
        with pytest.raises(ExceptionGroup) as end:
            await ending
        assert end.group_contains(Misplaced)

    play(story)


@pytest.mark.parametrize("id", ["robot", "a/b/c", "cal tech/robot", "caltech/"])
def test_an_id_is_checked_at_the_door(id: str) -> None:
    async def story() -> None:
        world = World([QUEUES], MemoryJournal(), random.Random(1))
        with pytest.raises(ValueError, match="is not a name"):
            await world.engine.submit(QUEUES, id, Add(Operation("lift", LATER)))

    play(story)


class SlowJournal(MemoryJournal):
    """Takes a while for each commit, as a slow disk does."""

    async def append(self, token: Token, records: Sequence[tuple[str, bytes]]) -> int:
        await asyncio.sleep(0.05)
        return await super().append(token, records)


async def test_a_run_stands_still_while_a_commit_is_in_flight() -> None:
    start = datetime(2026, 1, 1, 12, tzinfo=UTC)
    clock, passed = RunClock(start, 960), list[timedelta]()

    class Watching(SlowJournal):
        async def append(self, token: Token, records: Sequence[tuple[str, bytes]]) -> int:
            before = clock.now()
            position = await super().append(token, records)
            passed.append(clock.now() - before)
            return position

    engine = Engine([QUEUES], Watching(), clock)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(engine.run())
        await engine.submit(QUEUES, ROBOT, Add(Operation("lift", start + timedelta(days=9))))
        running.cancel()
    assert passed == [timedelta(0)]


async def test_at_speed_960_a_slow_disk_makes_nothing_late() -> None:
    """Eight operations a minute apart, each offered when due, although a commit takes 48 s."""
    start = datetime(2026, 1, 1, 12, tzinfo=UTC)
    journal, clock = SlowJournal(), RunClock(start, 960)
    engine = Engine([QUEUES], journal, clock)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(engine.run())
        with clock.held():
            await asyncio.gather(
                *(
                    engine.submit(
                        QUEUES,
                        f"site/robot-{n}",
                        Add(Operation("lift", start + timedelta(minutes=n))),
                    )
                    for n in range(1, 9)
                )
            )
        offers = dict[str, datetime]()
        async for _, record in journal.tail():
            if b'"fact":"Offered"' in record.data:
                name, _, at = Codec([QUEUES]).decode(record.key, record.data)
                offers.setdefault(name, at)
            if len(offers) == 8:
                break
        running.cancel()
    assert offers == {f"queues/site/robot-{n}": start + timedelta(minutes=n) for n in range(1, 9)}
