"""What it costs to list, update and delete among 100,000 dispatches of one microgrid."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

from benchmarks.table import Row, at_most, show
from pointsman.api.dispatches import Dispatches, dispatch_projections
from pointsman.core.names import shard_of
from pointsman.dispatches import DISPATCHES, FOLLOWER, IDS, dispatches_id, ids_id
from pointsman.dispatches.components import TYPES, Category, ComponentKind, Target
from pointsman.dispatches.facts import Created
from pointsman.dispatches.following import Announced
from pointsman.dispatches.ids import Drawn
from pointsman.dispatches.model import Dispatch, DispatchData, Frequency, Rule
from pointsman.dispatches.views import Filter, Interval, Query, Sort, SortField
from pointsman.journal.sqlite import SqliteJournal
from pointsman.reactions import Claimed
from pointsman.runtime.clock import SystemClock
from pointsman.runtime.codec import Codec
from pointsman.runtime.engine import Engine
from pointsman.runtime.follow import follow
from pointsman.runtime.record import RecordKeeper, record_beside
from pointsman.runtime.turns import short_turns

MANY: Final = 100_000
FEW: Final = 1_000
QUERIES: Final = 400
CHANGES: Final = 200
LISTS_A_SECOND: Final = 10
STARTS_SECONDS: Final = 10
STARTS_A_SECOND: Final = 5
MICROGRID: Final = 7
CLAIMED: Final = 8
"""The microgrid whose starts are notified meanwhile."""
EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
DAYS: Final = 365
KINDS: Final = [
    ComponentKind(category, type)
    for category in Category
    for type in ("", *TYPES.get(category, ()))
]


def instant(dice: random.Random) -> datetime:
    return EPOCH + timedelta(seconds=dice.randrange(DAYS * 86_400))


def any_target(dice: random.Random) -> Target:
    """Of 200 components, or of kinds: nearly every dispatch has one of its own."""
    if dice.random() < 0.5:
        return Target(ids=tuple(dice.sample(range(1, 200), dice.randint(1, 4))))
    return Target(kinds=tuple(dice.sample(KINDS, dice.randint(1, 2))))


def dispatch(number: int, shard: int, dice: random.Random) -> Dispatch:
    start, made = instant(dice), EPOCH + timedelta(seconds=number)
    ends = dice.random() < 0.7
    data = DispatchData(
        f"type-{dice.randrange(50)}",
        start,
        any_target(dice),
        900 if ends else None,
        active=dice.random() < 0.9,
        dry_run=dice.random() < 0.1,
        payload={"power_kw": float(number % 100)},
        recurrence=Rule(Frequency.DAILY) if dice.random() < 0.3 else None,
    )
    end = None if data.recurrence or not ends else start + timedelta(minutes=15)
    changed = made + timedelta(seconds=dice.randrange(100_000))
    return Dispatch(64 * number + shard, MICROGRID, data, made, changed, None, end)


def filter_of(dice: random.Random, ids: list[int]) -> Filter:
    """Any filter: of each field a third."""

    def some(make: Callable[[], Any], otherwise: Any) -> Any:  # noqa: ANN401
        return make() if dice.random() < 1 / 3 else otherwise

    def interval() -> Interval:
        first, last = sorted((instant(dice), instant(dice)))
        return Interval(*dice.choice([(first, None), (None, last), (first, last)]))

    return Filter(
        targets=some(lambda: tuple(any_target(dice) for _ in range(dice.randint(1, 3))), ()),
        active=some(lambda: dice.random() < 0.5, None),
        dry_run=some(lambda: dice.random() < 0.5, None),
        recurring=some(lambda: dice.random() < 0.5, None),
        start_time=some(interval, Interval()),
        end_time=some(interval, Interval()),
        update_time=some(interval, Interval()),
        ids=tuple(dice.sample(ids, 500)) if dice.random() < 1 / 10 else (),
        queries=some(lambda: (f"-{dice.randrange(50)}", f"#{dice.choice(ids)}"), ()),
    )


@asynccontextmanager
async def serving(
    folder: Path, count: int
) -> AsyncIterator[tuple[Dispatches, list[int], SqliteJournal]]:
    """All of a service but its door, with so many dispatches in one microgrid."""
    path, dice = folder / f"{count}.db", random.Random(count)
    journal = SqliteJournal(path)
    shard = shard_of(f"microgrid-{MICROGRID}", journal.shards)
    codec, entity = Codec([DISPATCHES, IDS]), f"{DISPATCHES.name}/{dispatches_id(MICROGRID)}"
    all_of_them = [dispatch(number, shard, dice) for number in range(1, count + 1)]
    token = await journal.claim(shard)
    drawn = codec.record(f"{IDS.name}/{ids_id(shard)}", Drawn(count), EPOCH)
    await journal.append(token, [drawn])
    for start in range(0, count, FEW):
        page = all_of_them[start : start + FEW]
        records = [codec.record(entity, Created(one), one.update_time) for one in page]
        await journal.append(token, records)
    clock = SystemClock()
    engine = Engine([DISPATCHES, IDS, FOLLOWER], journal, clock)
    record = record_beside(path)
    keeper = RecordKeeper(journal, record, projections=dispatch_projections())
    dispatches = Dispatches(engine, journal, keeper, record)
    with short_turns():  # As a server does.
        async with asyncio.TaskGroup() as tasks:
            claimed = Claimed(journal, engine.submit, clock, [CLAIMED], nothing)
            lives = [tasks.create_task(one.run()) for one in (engine, keeper, claimed)]
            await engine.ready()
            await keeper.caught_up()
            await claimed.caught_up.wait()
            yield dispatches, [one.id for one in all_of_them], journal
            for life in lives:
                life.cancel()
    dispatches.close()
    await journal.close()


async def nothing(microgrid_id: int) -> AsyncIterator[tuple[Dispatch, ...]]:  # noqa: ARG001
    """There is nothing in it to begin with."""
    yield ()


def query(dice: random.Random, ids: list[int]) -> Query:
    sort = Sort(dice.choice(list(SortField)), descending=dice.random() < 0.5)
    return Query(MICROGRID, filter_of(dice, ids), sort)


async def milliseconds(work: Callable[[], Coroutine[Any, Any, object]]) -> float:
    begun = perf_counter()
    await work()
    return (perf_counter() - begun) * 1e3


def p99(values: list[float]) -> float:
    return quantiles(values, n=100)[98]


async def listing(dispatches: Dispatches, ids: list[int]) -> list[float]:
    """Of questions that are all different."""
    dice, found = random.Random(1), []
    await dispatches.page(Query(MICROGRID))  # The index is made with the first.
    for _ in range(QUERIES):
        asked = query(dice, ids)
        found.append(await milliseconds(lambda: dispatches.page(asked)))  # noqa: B023
    return found


async def listing_news(dispatches: Dispatches, ids: list[int]) -> list[float]:
    """The same, each right after something new."""
    dice, found = random.Random(4), []
    for number in range(CHANGES):
        await dispatches.create(MICROGRID, dispatch(number, 0, dice).data, start_now=True)
        asked = query(dice, ids)
        found.append(await milliseconds(lambda: dispatches.page(asked)))  # noqa: B023
    return found


async def noticing(dispatches: Dispatches, ids: list[int], journal: SqliteJournal) -> list[float]:
    """How late starts are notified, in milliseconds, while others list."""
    dice, found, clock = random.Random(2), list[float](), SystemClock()
    begin = clock.now().replace(microsecond=0) + timedelta(seconds=3)
    for n in range(STARTS_SECONDS * STARTS_A_SECOND):
        start = begin + timedelta(seconds=n // STARTS_A_SECOND)
        await dispatches.create(CLAIMED, DispatchData("t", start, Target((1,)), 3_600))

    async def list_often() -> None:
        while True:
            await dispatches.page(query(dice, ids))
            await asyncio.sleep(1 / LISTS_A_SECOND)

    async with asyncio.TaskGroup() as tasks:
        lists = tasks.create_task(list_often())
        async for _, happened in follow(journal, [FOLLOWER], await journal.end()):
            if isinstance(happened.fact, Announced):
                late = clock.now() - happened.fact.change.run_start
                found.append(late.total_seconds() * 1e3)
            if len(found) == STARTS_SECONDS * STARTS_A_SECOND:
                break
        lists.cancel()
    return found


async def changing(dispatches: Dispatches, ids: list[int]) -> list[float]:
    """One update, or one delete."""
    dice, found = random.Random(3), []
    for n, id in enumerate(dice.sample(ids, CHANGES)):
        if n % 2:
            found.append(await milliseconds(lambda: dispatches.delete(MICROGRID, id)))  # noqa: B023
        else:
            change = {"active": False}
            work = lambda: dispatches.update(MICROGRID, id, change)  # noqa: B023, E731
            found.append(await milliseconds(work))
    return found


async def measure() -> list[Row]:
    with TemporaryDirectory() as folder:
        async with serving(Path(folder), FEW) as (dispatches, ids, _):
            few = await changing(dispatches, ids)
        async with serving(Path(folder), MANY) as (dispatches, ids, journal):
            listed = await listing(dispatches, ids)
            fresh = await listing_news(dispatches, ids)
            late = await noticing(dispatches, ids, journal)
            many = await changing(dispatches, ids)
    ratio = sorted(many)[CHANGES // 2] / sorted(few)[CHANGES // 2]
    what = f"among {MANY:,} dispatches of a microgrid"
    return [
        at_most(f"list {what}, any filter, a page of 100: p99", [p99(listed)], 20, " ms"),
        at_most("the same, each right after a create: p99", [p99(fresh)], 20, " ms"),
        at_most(
            f"starts notified while {LISTS_A_SECOND} lists a second run, durable: late at p99",
            [p99(late)],
            10,
            " ms",
        ),
        at_most(f"update or delete one {what}, against {FEW:,}", [ratio], 2, " times"),
    ]


def rows() -> Iterator[Row]:
    yield from asyncio.run(measure())


if __name__ == "__main__":
    show(rows())
