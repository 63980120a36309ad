"""What every door to dispatches gets: durable answers, ids of their own, and fresh lists."""

import asyncio
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pointsman.api.dispatches import Dispatches
from pointsman.core.entity import IntentT, Kind
from pointsman.core.names import shard_of
from pointsman.core.values import replace
from pointsman.dispatches import DISPATCHES, IDS
from pointsman.dispatches.checks import Invalid, NotFound
from pointsman.dispatches.components import Target
from pointsman.dispatches.ids import Draw
from pointsman.dispatches.views import Filter, Query
from pointsman.journal.memory import MemoryJournal
from pointsman.runtime.clock import SystemClock
from pointsman.runtime.engine import Engine
from pointsman.runtime.record import RecordKeeper
from tests.unit.api.creating import DATA, opened

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def dispatches(tmp_path: Path) -> AsyncIterator[Dispatches]:
    async with opened(tmp_path / "journal.db") as dispatches:
        yield dispatches


async def test_what_was_answered_is_seen_by_whoever_asks_next(dispatches: Dispatches) -> None:
    for n in range(20):
        made = await dispatches.create(7, DATA)
        assert await dispatches.get(7, made.id) == made
        assert (await dispatches.page(Query(7))).total == n + 1
        changed = await dispatches.update(7, made.id, {"active": False})
        assert await dispatches.get(7, made.id) == changed
        assert (await dispatches.page(Query(7, Filter(active=False)))).total == n + 1
    deleted = await dispatches.delete(7, made.id)
    assert deleted.update_time > changed.update_time
    assert deleted.data == changed.data
    with pytest.raises(NotFound):
        await dispatches.get(7, made.id)
    assert (await dispatches.page(Query(7))).total == 19


async def test_ids_grow_in_each_microgrid_however_many_ask_at_once(dispatches: Dispatches) -> None:
    async def create(microgrid_id: int) -> None:
        made = await dispatches.create(microgrid_id, DATA)
        order[microgrid_id].append(made.id)

    order: defaultdict[int, list[int]] = defaultdict(list)
    await asyncio.gather(*(create(grid) for _ in range(150) for grid in (1, 2, 3)))
    for grid, ids in order.items():
        assert len(ids) == 150
        assert ids == sorted(ids), "in the order in which they were asked for"
        assert {id % 64 for id in ids} == {shard_of(f"microgrid-{grid}", 64)}
    everything = [id for ids in order.values() for id in ids]
    assert len(set(everything)) == len(everything)


async def test_an_id_is_not_used_again_after_a_delete_and_a_restart(tmp_path: Path) -> None:
    ids: list[int] = []
    for _ in range(3):
        async with opened(tmp_path / "journal.db") as dispatches:
            for _ in range(3):
                ids.append((await dispatches.create(7, DATA)).id)
                await dispatches.delete(7, ids[-1])
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("id", [64, -1, 2**63, 2**64 - 1, 2**80])
async def test_what_is_not_there_is_not_found_whatever_its_id(
    dispatches: Dispatches, id: int
) -> None:
    made = await dispatches.create(8, DATA)
    for unknown in (id, made.id):
        for ask in (
            dispatches.get(7, unknown),
            dispatches.update(7, unknown, {"active": False}),
            dispatches.delete(7, unknown),
        ):
            with pytest.raises(NotFound, match=f"microgrid 7 has no dispatch {unknown}$"):
                await ask
    assert await dispatches.get(8, made.id) == made


async def test_what_is_refused_changes_nothing(dispatches: Dispatches) -> None:
    with pytest.raises(Invalid, match="target is empty"):
        await dispatches.create(7, replace(DATA, target=Target()))
    made = await dispatches.create(7, DATA)
    with pytest.raises(Invalid, match="duration is -1"):
        await dispatches.update(7, made.id, {"active": False, "duration_seconds": -1})
    assert (await dispatches.page(Query(7))).dispatches == (made,)


@pytest.mark.parametrize("size", [0, -1, 1_001])
async def test_a_page_has_a_place_and_not_too_many(dispatches: Dispatches, size: int) -> None:
    with pytest.raises(Invalid, match=f"page_size is {size}: 1 to 1000 are allowed"):
        await dispatches.page(Query(7, page_size=size))


async def test_a_start_right_now_is_given_by_the_server(dispatches: Dispatches) -> None:
    made = await dispatches.create(7, DATA, start_now=True)
    assert abs((made.data.start_time - made.create_time).total_seconds()) <= 0.5


class FirstDrawFails(Engine):
    """As one that was busy when it was first asked for ids."""

    failed = False

    async def submit(
        self, kind: Kind[Any, IntentT, Any], id: str, intent: IntentT
    ) -> Sequence[Any]:
        if isinstance(intent, Draw) and not self.failed:
            self.failed = True
            raise Invalid("not now")
        return await super().submit(kind, id, intent)


async def test_a_draw_that_failed_is_tried_again_by_the_next_one(tmp_path: Path) -> None:
    journal = MemoryJournal()
    engine = FirstDrawFails([DISPATCHES, IDS], journal, SystemClock())
    record = tmp_path / "record"
    dispatches = Dispatches(engine, journal, RecordKeeper(journal, record), record)
    with closing(dispatches):
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            life = tasks.create_task(engine.run())
            answers = await asyncio.gather(
                *(dispatches.create(7, DATA) for _ in range(3)), return_exceptions=True
            )
            life.cancel()
    assert [isinstance(answer, Invalid) for answer in answers] == [True, False, False]


def test_more_shards_than_ids_can_tell_apart_are_refused(tmp_path: Path) -> None:
    journal = MemoryJournal(shards=65)
    engine = Engine([], journal, SystemClock())
    with pytest.raises(ValueError, match="the journal has 65 shards: dispatches need one of at"):
        Dispatches(engine, journal, RecordKeeper(journal, tmp_path / "record"), tmp_path / "record")


async def test_no_kill_takes_back_an_answer_or_makes_an_id_come_twice(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    created: list[tuple[int, int]] = []
    gone, in_doubt = set[tuple[int, int]](), set[tuple[int, int]]()
    for n in range(3):
        for said, own_grid, own_id in said_before_it_was_killed(path, lines=90 + 40 * n):
            key = int(own_grid), int(own_id)
            if said == "created":
                created.append(key)
            else:
                (in_doubt if said == "asked" else gone).add(key)
    assert len(set(created)) == len(created)
    for grid in (1, 2, 3):
        ids = [id for own, id in created if own == grid]
        assert ids == sorted(ids), "also from one life to the next"
    async with opened(path) as dispatches:
        listed = {
            (grid, one.id)
            for grid in (1, 2, 3)
            for one in (await dispatches.page(Query(grid, page_size=1_000))).dispatches
        }
    assert set(created) - in_doubt <= listed
    assert not gone & listed


def said_before_it_was_killed(path: Path, *, lines: int) -> list[list[str]]:
    """What a process was told that creates dispatches, until it is killed in the middle of it."""
    command = [sys.executable, "-m", "tests.unit.api.creating", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as creating:
        assert creating.stdout
        try:
            said = [creating.stdout.readline() for _ in range(lines)]
        finally:
            creating.kill()
        said += creating.stdout.readlines()
    assert len(said) > lines / 2
    whole = [line.split() for line in said if line.endswith("\n")]
    return [words for words in whole if len(words) == 3]
