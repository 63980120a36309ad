"""The library with a journal: it outlives its server, and its own process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from frequenz.channels import Receiver

from pointsman.dispatch import Created, Deleted, Dispatch, Dispatcher, DispatchInfo, Edge, Updated
from pointsman.journal import Fenced, JournalUnreadable
from pointsman.journal.ownership import InUse
from pointsman.journal.sqlite import SqliteJournal
from tests.protocols.library_bench import (
    SetClock,
    create,
    free_port,
    next_of,
    nothing_of,
    reader_process,
    server_process,
    serving,
    soon,
    until,
)

NOWHERE = "grpc://127.0.0.1:1?ssl=false"
SECOND = timedelta(seconds=1)


@asynccontextmanager
async def edge(
    folder: Path, url: str = NOWHERE, clock: SetClock | None = None
) -> AsyncIterator[Dispatcher]:
    """A dispatcher with a journal, initialized."""
    one = Dispatcher(microgrid_id=1, server_url=url, journal=folder / "edge.db", clock=clock)
    async with asyncio.timeout(20), one:
        yield one


class Machine:
    """An actor."""

    def __init__(self, info: DispatchInfo, infos: Receiver[DispatchInfo]) -> None:
        self.info, self.infos, self.is_running = info, infos, False

    def start(self) -> None:
        self.is_running = True

    async def stop(self) -> None:
        self.is_running = False


async def test_without_its_server_it_runs_from_disk_at_once(tmp_path: Path) -> None:
    start = soon(3)
    async with serving(tmp_path) as url, edge(tmp_path, url) as one:
        events = one.lifecycle_events.new_receiver()
        made = await create(one.client, start_time=start, duration=SECOND)
        await next_of(events)
    async with edge(tmp_path) as one:
        runs = one.running_status_change.new_receiver()
        told = [await next_of(runs) for _ in range(2)]
        assert [run.id for run in told] == [made.id, made.id]
        assert [run.change and run.change.edge for run in told] == [Edge.STARTED, Edge.STOPPED]


async def test_after_a_restart_only_news_are_told(tmp_path: Path) -> None:
    async with serving(tmp_path) as url:
        async with edge(tmp_path, url) as one:
            events = one.lifecycle_events.new_receiver()
            runs = one.running_status_change.new_receiver()
            kept, changed, gone = [await create(one.client) for _ in range(3)]
            assert [type(await next_of(events)) for _ in range(3)] == [Created] * 3
            for _ in range(3):
                await next_of(runs)
            client = one.client
            await asyncio.sleep(0.05)
        async with client:
            await client.update(changed.id, {"duration": 2 * timedelta(hours=1)})
            await client.delete(gone.id)
            fresh = await create(client)
        again = Dispatcher(microgrid_id=1, server_url=url, journal=tmp_path / "edge.db")
        events = again.lifecycle_events.new_receiver()
        runs = again.running_status_change.new_receiver()
        async with asyncio.timeout(20), again:
            seen = [await next_of(events) for _ in range(3)]
            assert {(type(event), event.dispatch.id) for event in seen} == {
                (Updated, changed.id),
                (Deleted, gone.id),
                (Created, fresh.id),
            }
            told = {await _edge_of(runs) for _ in range(3)}
            assert told == {
                (Edge.RECONFIGURED, changed.id),
                (Edge.STOPPED, gone.id),
                (Edge.STARTED, fresh.id),
            }
            await nothing_of(events, 0.1)
            await nothing_of(runs, 0.1)
            assert kept.id not in {id for _, id in told}


async def test_what_nobody_took_is_told_again_as_it_was(tmp_path: Path) -> None:
    async with serving(tmp_path) as url:
        async with edge(tmp_path, url) as one:
            first = one.running_status_change.new_receiver()
            made = await create(one.client)
            async with asyncio.timeout(5):
                await first.ready()  # And nobody reads it: the process could die here.
        async with edge(tmp_path, url) as one:
            told = await next_of(one.running_status_change.new_receiver())
            assert (told.id, told.change and told.change.seq) == (made.id, 1)
            await asyncio.sleep(0.05)
        async with edge(tmp_path, url) as one:
            await nothing_of(one.running_status_change.new_receiver(), 0.2)


async def test_it_knows_which_runs_it_missed(tmp_path: Path) -> None:
    clock = SetClock()
    async with serving(tmp_path) as url, edge(tmp_path, url, clock) as one:
        events = one.lifecycle_events.new_receiver()
        start = soon(30)
        made = await create(one.client, start_time=start, duration=SECOND)
        await next_of(events)
    clock.by = timedelta(hours=2)
    async with edge(tmp_path, clock=clock) as one:
        runs = one.running_status_change.new_receiver()
        await until(lambda: bool(one.with_missed_runs()))
        (missed,) = one.with_missed_runs()
        assert (missed.id, list(missed.missed_runs)) == (made.id, [start])
        await nothing_of(runs, 0.1)


async def test_a_stop_is_told_however_late(tmp_path: Path) -> None:
    clock = SetClock()
    async with serving(tmp_path) as url, edge(tmp_path, url, clock) as one:
        runs = one.running_status_change.new_receiver()
        made = await create(one.client, duration=timedelta(minutes=1))
        assert await _edge_of(runs) == (Edge.STARTED, made.id)
        await asyncio.sleep(0.05)
    clock.by = timedelta(days=2)
    async with edge(tmp_path, clock=clock) as one:
        runs = one.running_status_change.new_receiver()
        assert await _edge_of(runs) == (Edge.STOPPED, made.id)


async def test_actors_of_what_goes_on_start_again_and_all_stop_with_it(tmp_path: Path) -> None:
    machines: list[Machine] = []

    async def factory(info: DispatchInfo, infos: Receiver[DispatchInfo]) -> Machine:
        machines.append(Machine(info, infos))
        return machines[-1]

    async with serving(tmp_path) as url:
        async with edge(tmp_path, url) as one:
            await one.start_managing("T", actor_factory=factory)
            await one.start_managing("T", actor_factory=factory)
            assert one.is_managed("T")
            await create(one.client)
            await until(lambda: [machine.is_running for machine in machines] == [True])
        assert [machine.is_running for machine in machines] == [False]
        async with edge(tmp_path) as one:  # Its server is not reached.
            await one.start_managing("T", actor_factory=factory)
            await until(lambda: [machine.is_running for machine in machines] == [False, True])
            await one.stop_managing("T")
            assert [machine.is_running for machine in machines] == [False, False]
            assert not one.is_managed("T")


async def test_one_process_has_one_journal(tmp_path: Path) -> None:
    async with serving(tmp_path) as url, edge(tmp_path, url):
        other = Dispatcher(microgrid_id=1, server_url=url, journal=tmp_path / "edge.db")
        with pytest.raises(InUse, match="in use by process"):
            other.start()
    (tmp_path / "other.db").write_text("a letter to my aunt, which is no journal of anything")
    wrong = Dispatcher(microgrid_id=1, server_url=NOWHERE, journal=tmp_path / "other.db")
    with pytest.raises(JournalUnreadable):
        wrong.start()


async def test_who_was_replaced_says_so_and_ends(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path) as url:
        one = Dispatcher(microgrid_id=1, server_url=url, journal=tmp_path / "edge.db")
        await one.start()
        runs = one.running_status_change.new_receiver()
        await one.wait_for_initialization()
        other = SqliteJournal(tmp_path / "edge.db")
        await other.claim(0)
        await create(one.client)
        async with asyncio.timeout(5):
            assert [run async for run in runs] == []
            with pytest.raises(BaseExceptionGroup) as ended:
                await one.stop()
        await other.close()
    assert ended.group_contains(Fenced, match=r"edge\.db: another process took over")
    assert "has ended, and all its receivers" in caplog.text


async def test_who_gives_up_waiting_leaves_nothing_running() -> None:
    one = Dispatcher(microgrid_id=1, server_url=NOWHERE)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), one:
            raise AssertionError("there is no server")
    assert not one.is_running


async def test_a_server_that_is_killed_is_followed_again(tmp_path: Path) -> None:
    port = free_port()
    one = Dispatcher(microgrid_id=1, server_url=f"grpc://127.0.0.1:{port}?ssl=false")
    runs = one.running_status_change.new_receiver()
    events = one.lifecycle_events.new_receiver()
    with server_process(tmp_path, port) as server:
        async with asyncio.timeout(30):
            await one.start()
            await one.wait_for_initialization()
            made = await create(one.client)
            assert await _edge_of(runs) == (Edge.STARTED, made.id)
            end = soon(2)
            short = await create(one.client, start_time=end - SECOND, duration=SECOND)
            assert [type(await next_of(events)) for _ in range(2)] == [Created, Created]
            server.kill()
            assert await _edge_of(runs) == (Edge.STARTED, short.id)
            assert await _edge_of(runs) == (Edge.STOPPED, short.id)
    with server_process(tmp_path, port):
        async with asyncio.timeout(30):
            await _deleted_once_reached(one, made)
            assert await _edge_of(runs, 20) == (Edge.STOPPED, made.id)
            assert type(await next_of(events)) is Deleted
            await nothing_of(events, 0.1)
            await one.stop()


def test_a_loop_that_ends_while_it_follows_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()

    async def takes_one() -> None:
        one = Dispatcher(microgrid_id=1, server_url=f"grpc://127.0.0.1:{port}?ssl=false")
        runs = one.running_status_change.new_receiver()
        async with asyncio.timeout(30):
            await one.start()
            await one.wait_for_initialization()
            await create(one.client)
            assert (await runs.receive()).started

    with server_process(tmp_path, port):
        asyncio.run(takes_one())
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_what_was_told_is_known_after_the_process_was_killed(tmp_path: Path) -> None:
    async with serving(tmp_path) as url:
        with reader_process(tmp_path, url) as process:
            assert process.stdout is not None
            line = await asyncio.to_thread(process.stdout.readline)
            assert line == "STARTED\n"
            await asyncio.sleep(0.2)
            process.kill()
        async with edge(tmp_path, url) as one:
            await nothing_of(one.running_status_change.new_receiver(), 0.3)
            again = await one.new_running_state_event_receiver("T")
            assert (await next_of(again)).started


async def _edge_of(runs: Receiver[Dispatch], seconds: float = 5) -> tuple[Edge, object]:
    run = await next_of(runs, seconds)
    assert run.change is not None
    return run.change.edge, run.id


async def _deleted_once_reached(one: Dispatcher, made: Dispatch) -> None:
    import grpc

    while True:
        try:
            await one.client.delete(made.id)
            return
        except grpc.aio.AioRpcError:
            await asyncio.sleep(0.1)
