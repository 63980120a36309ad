"""Resources are run as their site files say, and as they were left."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pointsman.api.operation_stream import WAITING_LIMIT
from pointsman.api.operations import Operations, operation_projections
from pointsman.app.operating import (
    BY,
    ExecutorPort,
    Operating,
    executors_of,
    policy_of,
    resources_of,
)
from pointsman.config import Site, SiteError, read_site
from pointsman.config.resources import (
    RESOURCE,
    Approval,
    OrderDirection,
    OrderField,
    OrderRule,
    Resource,
)
from pointsman.devices.protocols import DeviceTableError
from pointsman.journal.sqlite import SqliteJournal
from pointsman.operations import OPERATIONS
from pointsman.operations.checks import check_policy
from pointsman.operations.events import EventType
from pointsman.operations.intents import Add, PauseResource, ResumeResource, StopResource
from pointsman.operations.model import State
from pointsman.operations.policy import Policy, SortDirection, SortField, SortRule
from pointsman.runtime.clock import SteadyClock, SystemClock
from pointsman.runtime.engine import Engine
from pointsman.runtime.operation_pages import Window
from pointsman.runtime.record import RecordKeeper, record_beside
from tests.unit.api.operating import new


def site(folder: Path, *resources: str, id: str = "mill") -> Site:
    path = folder / f"{id}.toml"
    tables = "".join(f"[[resource]]\n{resource}\n" for resource in resources)
    path.write_text(f'[site]\nid = "{id}"\n{tables}')
    return read_site(path)


def ids(*names: str) -> Sequence[str]:
    return [f'id = "{name}"' for name in names]


class Wall(SystemClock):
    """The time of day, which may be set."""

    step = timedelta()

    def now(self) -> datetime:
        return super().now() + self.step


@asynccontextmanager
async def served(folder: Path, *sites: Site, wall: Wall | None = None) -> AsyncIterator[Operations]:
    """All of a server but its doors."""
    path = folder / "journal.db"
    journal, record = SqliteJournal(path), record_beside(path)
    clock = SteadyClock(wall)
    engine = Engine([OPERATIONS], journal, clock)
    keeper = RecordKeeper(journal, record, projections=operation_projections(journal))
    try:
        with closing(Operating(engine, journal, keeper, record, sites, clock)) as operating:
            operating.operations.load(path)
            async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
                lives = (engine.run(), keeper.run(), operating.run(), operating.keep_time(clock))
                running = [tasks.create_task(life) for life in lives]
                await operating.begin()
                yield operating.operations
                for life in running:
                    life.cancel()
    finally:
        await journal.close()


async def test_a_resource_that_is_seen_for_the_first_time_is_started(tmp_path: Path) -> None:
    said = 'id = "robot-1"\napprove = "always"\nanswer_within_seconds = 5'
    async with served(tmp_path, site(tmp_path, said)) as operations:
        assert operations.resource_ids == ("robot-1",)
        header = (await operations.look("robot-1")).header
        assert header.running_since
        assert (header.policy.ask, header.policy.answer_within) == (False, timedelta(seconds=5))


async def test_what_was_stopped_or_paused_stays_so_and_is_run_by_the_newest_policy(
    tmp_path: Path,
) -> None:
    both = ids("stopped", "paused")
    async with served(tmp_path, site(tmp_path, *both)) as operations:
        await operations.ask("stopped", StopResource())
        await operations.ask("paused", PauseResource("lunch"))
    changed = [f"{resource}\nretries = 2" for resource in both]
    async with served(tmp_path, site(tmp_path, *changed)) as operations:
        stopped = (await operations.look("stopped")).header
        paused = (await operations.look("paused")).header
        assert (stopped.running_since, stopped.policy.retries) == (None, 2)
        assert (paused.paused, paused.why, paused.policy.retries) == (True, "lunch", 2)


async def test_a_restart_that_changes_nothing_writes_nothing(tmp_path: Path) -> None:
    counts = []
    for _ in range(2):
        async with served(tmp_path, site(tmp_path, *ids("a", "b"))) as operations:
            events = [await operations.events(id, Window(100), every=True) for id in "ab"]
            counts.append(sum(map(len, events)))
    assert counts[0] == counts[1] > 0, "each was configured if need be, and started"


async def test_what_is_taken_out_of_the_site_file_starts_nothing_until_it_is_back(
    tmp_path: Path,
) -> None:
    async with served(tmp_path, site(tmp_path, *ids("a", "b"))):
        pass
    for _ in range(2):
        async with served(tmp_path, site(tmp_path, *ids("a"))) as operations:
            assert operations.left() == ["mill/b"]
    async with served(tmp_path, site(tmp_path, *ids("a", "b"))) as operations:
        header = (await operations.look("b")).header
        assert (header.paused, header.why) == (False, "")
        events = await operations.events("b", Window(100))
        pauses = [one for one in events if one.type is EventType.OPERATION_DISPATCHER_PAUSED]
        assert [(one.by, one.at <= events[-1].at) for one in pauses] == [(BY, True)]


async def test_a_thousand_resources_begin_within_seconds(tmp_path: Path) -> None:
    many = site(tmp_path, *ids(*(f"robot-{n}" for n in range(1_000))))
    async with asyncio.timeout(20), served(tmp_path, many) as operations:
        for id in operations.resource_ids[::100]:
            assert (await operations.look(id)).header.running_since


async def test_executors_carry_out_what_may_start(tmp_path: Path) -> None:
    said = 'approve = "always"\ndevice = { protocol = "simulated", duration_seconds = 0.01 }'
    mill = site(tmp_path, *(f"{id}\n{said}" for id in ids("a", "b", "c")))
    async with served(tmp_path, mill) as operations:
        for id in operations.resource_ids:
            await operations.ask(id, Add((new("first"), new("second"))))
        with operations.subscribe(None, 0) as events:
            done = 0
            while done < 6:
                done += (await anext(events)).type is EventType.OPERATION_COMPLETED
        for id in operations.resource_ids:
            assert (await operations.get(id, "second")).state is State.COMPLETED
            assert (await operations.look(id)).header.policy.confirms


async def test_a_port_that_is_too_slow_rings_all_the_same(tmp_path: Path) -> None:
    async with served(tmp_path, site(tmp_path, *ids("a"))) as operations:
        await operations.ask("a", PauseResource())
        await operations.look("a")  # That is told.
        rings = ExecutorPort(operations, "a").follow()
        for start in range(0, WAITING_LIMIT + 100, 100):
            added = tuple(new(f"lift-{n}") for n in range(start, start + 100))
            await operations.ask("a", Add(added))
        assert (await operations.look("a")).queued > WAITING_LIMIT
        assert await anext(rings) is None, "something happened, and what exactly is gone"
        await operations.ask("a", ResumeResource())
        assert await anext(rings) is not None


def test_an_executor_that_is_none_is_refused(tmp_path: Path) -> None:
    mill = site(tmp_path, 'id = "a"\ndevice = { protocol = "simulted" }')
    with pytest.raises(DeviceTableError, match=r"resource 'a': device protocol 'simulted' is not"):
        executors_of(mill.resources)


def test_two_resources_do_not_share_a_vehicle(tmp_path: Path) -> None:
    named = 'protocol = "vda5050", manufacturer = "acme", serial_number = "v1"'
    said, meant = f"device = {{ {named} }}", f'device = {{ {named}, broker = "127.0.0.1:1883" }}'
    hall = site(tmp_path, f'id = "a"\n{said}', f'id = "b"\n{meant}')
    with pytest.raises(DeviceTableError, match="resource 'b': device is that of resource 'a'"):
        executors_of(hall.resources)
    other = said.replace("v1", "v2")
    executors_of(site(tmp_path, f'id = "a"\n{said}', f'id = "b"\n{other}').resources)


def test_two_resources_of_one_id_are_refused(tmp_path: Path) -> None:
    sites = [site(tmp_path, *ids("robot-1"), id=id) for id in ("mill", "dock")]
    with pytest.raises(SiteError, match=r"dock.toml: resource 'robot-1' was given already"):
        resources_of(sites)


def test_a_resource_of_which_nothing_is_said_has_the_default_policy() -> None:
    assert policy_of(Resource("robot-1")) == Policy()


def test_all_that_a_site_file_may_say_can_be_lived_by() -> None:
    rule = OrderRule(OrderField.PRIORITY, OrderDirection.DESC, none_last=False)
    most = {"pause_after_denials": 1_000, "retries": 1_000, "finished_kept": 100_000}
    seconds = {key: 86_400.0 * 365 for key in RESOURCE if key.endswith("_seconds")}
    said: dict[str, Any] = {**most, **seconds, "timeout_factor": 100.0, "order": (rule,)}
    policy = policy_of(Resource("robot-1", Approval.ALWAYS, **said))
    check_policy(policy)
    assert policy.order == (SortRule(SortField.PRIORITY, SortDirection.DESC, none_last=False),)
    assert policy.ask is False
    assert policy.heartbeat == timedelta(days=365)


@pytest.mark.parametrize("hours", [1, -1])
async def test_no_executor_is_lost_nor_kept_for_longer_because_somebody_sets_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    monkeypatch.setattr("pointsman.app.operating.LOOK_SECONDS", 0.02)
    wall = Wall()
    said = 'id = "robot-1"\napprove = "always"\nheartbeat_seconds = 3'
    async with served(tmp_path, site(tmp_path, said), wall=wall) as operations:
        await operations.ask("robot-1", Add((new("runs"),)))
        wall.step = timedelta(hours=hours)
        numbers = iter(range(1_000))
        while abs((await since_of(operations, "runs")) - wall.now()) > timedelta(minutes=1):
            await operations.ask("robot-1", Add((new(f"waits-{next(numbers)}"),)))
        assert (await operations.get("robot-1", "runs")).state is State.RUNNING
        async with asyncio.timeout(20):
            with operations.subscribe("robot-1") as events:
                async for event in events:
                    if event.type is EventType.OPERATION_FAILED:
                        break


async def since_of(operations: Operations, id: str) -> datetime:
    """Since when it runs."""
    since = (await operations.get("robot-1", id)).phase_since
    assert since is not None
    return since
