"""All forms in which the library was ever documented, against a server."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, assert_never

import grpc
import pytest
from frequenz.client.common.microgrid import MicrogridId
from frequenz.client.common.microgrid.components import ComponentCategory
from frequenz.client.common.microgrid.electrical_components import ElectricalComponentCategory
from frequenz.client.dispatch import DispatchApiClient
from frequenz.client.dispatch.recurrence import EndCriteria, Frequency, RecurrenceRule, Weekday
from frequenz.client.dispatch.types import TargetCategories, TargetIds

from pointsman.app.serving import Doors, Serving, serve
from pointsman.config import Settings
from pointsman.dispatch import (
    Client,
    Created,
    Deleted,
    Dispatch,
    Dispatcher,
    DispatchEvent,
    Edge,
    RunningState,
    Updated,
)
from pointsman.dispatch.actor import DispatchingActor
from tests.protocols.library_bench import ANY_PORT, MICROGRID, create, next_of, serving, until

HOUR = timedelta(hours=1)
SECRET = "hush"  # noqa: S105
KEYS = """
[[key]]
name = "planner"
key = "top"
secret = "hush"
role = "operator"
microgrids = [1]

[[key]]
name = "plain"
key = "plain"
role = "operator"
microgrids = [1]
"""


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    async with serving(tmp_path) as url:
        yield url


def address(url: str) -> str:
    return url.removeprefix("grpc://").partition("?")[0]


async def test_a_channel_and_an_address_without_a_key(url: str) -> None:
    service_address = address(url)
    async with grpc.aio.insecure_channel(service_address) as grpc_channel:
        dispatcher = Dispatcher(1, grpc_channel, service_address)
        await dispatcher.start()
        runs = dispatcher.running_status_change.new_receiver()
        made = await create(dispatcher.client)
        assert (await next_of(runs)).id == made.id
        await dispatcher.stop()
        assert (await dispatcher.client.get(made.id)).id == made.id, "the channel is not ours"


async def test_an_example_of_old_creates_and_modifies(url: str) -> None:
    service_address = address(url)
    async with grpc.aio.insecure_channel(service_address) as grpc_channel:
        dispatcher = Dispatcher(1, grpc_channel, service_address)
        await dispatcher.start()
        new_dispatch = await dispatcher.client.create(
            microgrid_id=1,
            _type="ECHO_FREQUENCY",
            start_time=datetime.now(tz=UTC) + timedelta(minutes=10),  # noqa: TID251
            duration=timedelta(minutes=5),
            selector=ComponentCategory.INVERTER,
            payload={"font": "Times New Roman"},
        )
        await dispatcher.client.update(
            dispatch_id=new_dispatch.id, new_fields={"duration": timedelta(minutes=10)}
        )
        modified = await dispatcher.client.get(new_dispatch.id)
        assert modified.duration == timedelta(minutes=10)
        assert modified.selector == TargetCategories(ElectricalComponentCategory.INVERTER)
        await dispatcher.stop()


async def test_an_example_of_old_follows_running_states(url: str) -> None:
    done: list[str] = []
    dispatcher = Dispatcher(microgrid_id=1, server_url=url, key="some-key")
    await dispatcher.start()
    changed_running_status = dispatcher.running_status_change.new_receiver()
    await create(dispatcher.client, "OTHER_TYPE")
    made = await create(dispatcher.client, "DEMO_TYPE")
    async with asyncio.timeout(10):
        async for dispatch in changed_running_status:
            match dispatch.running("DEMO_TYPE"):
                case RunningState.RUNNING:
                    done.append(f"started until {dispatch.until == made.start_time + HOUR}")
                    await dispatcher.client.delete(dispatch.id)
                case RunningState.STOPPED:
                    done.append("stopped")
                    break
                case RunningState.DIFFERENT_TYPE:
                    done.append("other")
    assert sorted(done) == ["other", "started until True", "stopped"]
    await dispatcher.stop()


async def test_an_example_of_old_follows_lifecycles(url: str) -> None:
    said: list[str] = []
    dispatcher = Dispatcher(microgrid_id=MicrogridId(1), server_url=url, auth_key="some-key")
    dispatcher.start()
    events_receiver = dispatcher.lifecycle_events.new_receiver()
    await dispatcher.wait_for_initialization()
    made = await create(dispatcher.client)
    await dispatcher.client.update(made.id, {"active": False})
    await dispatcher.client.delete(made.id)
    async with asyncio.timeout(10):
        async for event in events_receiver:
            match event:
                case Created(dispatch):
                    said.append(f"created {dispatch.id}")
                case Updated(dispatch):
                    said.append(f"updated {dispatch.id}")
                case Deleted(dispatch):
                    said.append(f"deleted {dispatch.id}")
                    break
                case _ as unhandled:
                    assert_never(unhandled)
    assert said == [f"{what} {made.id}" for what in ("created", "updated", "deleted")]
    await dispatcher.stop()


class Kept:
    """A sender that keeps what it is given, and fails once."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.fails = 1

    async def send(self, message: object) -> None:
        if self.fails:
            self.fails -= 1
            raise ConnectionError("not now")
        self.messages.append(message)


async def test_an_actor_sends_to_the_channels_that_it_is_given(url: str) -> None:
    client = DispatchApiClient(server_url=url, auth_key="some-key")
    events, runs = Kept(), Kept()
    actor = DispatchingActor(1, client, events, runs)  # type: ignore[arg-type]
    assert (actor.name, actor.RESTART_DELAY, actor.is_running) == (
        "dispatch",
        timedelta(seconds=2),
        False,
    )
    ours = Client(server_url=url)
    async with client, ours, actor:
        actor.start()
        assert len(actor.tasks) == 1
        await create(ours, "lost")
        await until(lambda: not events.fails and not runs.fails)
        made = await create(ours)
        await until(lambda: len(events.messages) == 1 and len(runs.messages) == 1)
        event: DispatchEvent = events.messages[0]
        run: Dispatch = runs.messages[0]
        assert (type(event), event.dispatch.id, run.id) == (Created, made.id, made.id)
        assert run.change is not None
        assert run.change.edge is Edge.STARTED
    assert not actor.is_running


async def test_keys_and_signatures_are_shown(tmp_path: Path) -> None:
    keys = tmp_path / "keys.toml"
    keys.write_text(KEYS)
    keys.chmod(0o600)
    listening: asyncio.Future[Doors] = asyncio.get_running_loop().create_future()
    settings = Settings(data=tmp_path / "data", grpc=ANY_PORT, http=ANY_PORT, keys=keys)
    async with asyncio.TaskGroup() as tasks:
        server = tasks.create_task(serve(Serving(settings), listening.set_result))
        url = (await listening).grpc_url
        signed = Dispatcher(microgrid_id=1, server_url=url, auth_key="top", sign_secret=SECRET)
        async with asyncio.timeout(10), signed:
            await create(signed.client)
        async with grpc.aio.insecure_channel(address(url)) as channel:
            keyed = Dispatcher(1, channel, address(url), "plain")
            async with asyncio.timeout(10), keyed:
                await create(keyed.client)
            with pytest.raises(grpc.aio.AioRpcError, match="UNAUTHENTICATED"):
                await create(Client(channel, address(url), "wrong"))
        server.cancel()


async def test_updates_take_every_field(url: str) -> None:
    async with Client(server_url=url, microgrid_id=MICROGRID) as client:
        made = await create(client, start_time=datetime(2030, 1, 1, tzinfo=UTC))
        until_ = datetime(2031, 1, 1, tzinfo=UTC)
        changed = await client.update(
            microgrid_id=MicrogridId(1),
            dispatch_id=made.id,
            new_fields={
                "start_time": datetime(2030, 1, 2, tzinfo=UTC),
                "duration": None,
                "selector": TargetIds(9),
                "active": False,
                "payload": {"a": [1.0, {"b": None}]},
                "recurrence.frequency": Frequency.WEEKLY,
                "recurrence.interval": 2,
                "recurrence.end_criteria": EndCriteria(until=until_),
                "recurrence.byweekdays": [Weekday.MONDAY],
                "recurrence.byhours": [8, 9],
                "recurrence.byminutes": [15],
                "recurrence.bymonths": [1, 2],
            },
        )
        assert changed.start_time == datetime(2030, 1, 2, tzinfo=UTC)
        assert (changed.duration, changed.target, changed.active) == (None, TargetIds(9), False)
        assert changed.payload == {"a": [1.0, {"b": None}]}
        assert changed.recurrence == RecurrenceRule(
            frequency=Frequency.WEEKLY,
            interval=2,
            end_criteria=EndCriteria(until=until_),
            byweekdays=[Weekday.MONDAY],
            byhours=[8, 9],
            byminutes=[15],
            bymonths=[1, 2],
        )
        whole = RecurrenceRule(frequency=Frequency.DAILY, interval=1)
        again = await client.update(made.id, {"recurrence": whole, "payload": None})
        assert (again.recurrence, again.payload) == (whole, {})
        pages = [one.id async for page in client.list() for one in page]
        assert pages == [made.id]


async def test_what_makes_no_sense_is_refused_before_it_is_sent(url: str) -> None:
    naive = datetime(2030, 1, 1)  # noqa: DTZ001
    async with Client(server_url=url) as client:
        with pytest.raises(ValueError, match="must be timezone aware"):
            await create(client, start_time=naive)
        with pytest.raises(ValueError, match="must not be in the past"):
            await create(client, start_time=datetime(2020, 1, 1, tzinfo=UTC))
        with pytest.raises(ValueError, match="give a datetime"):
            await create(client, start_time="SOON")
        with pytest.raises(ValueError, match="target is FUSE"):
            await create(client, target=ComponentCategory.FUSE)
        with pytest.raises(TypeError, match="needs type, start_time, duration"):
            await client.create(1, "T", "NOW", target=TargetIds(1))
        with pytest.raises(TypeError, match="microgrid_id is missing"):
            await client.get(7)
        with pytest.raises(TypeError, match="something in it"):
            await client.update(7, {}, microgrid_id=1)
        for fields in ({"type": "U"}, {"recurrence.seconds": [1]}):
            with pytest.raises(ValueError, match="no field that can be updated"):
                await client.update(7, fields, microgrid_id=1)
        with pytest.raises(ValueError, match="must be timezone aware"):
            await client.update(7, {"start_time": naive}, microgrid_id=1)


def test_there_is_one_way_to_a_server() -> None:
    with pytest.raises(ValueError, match="either a server_url or a grpc_channel"):
        Dispatcher(1)
    with pytest.raises(ValueError, match="both key and auth_key"):
        Dispatcher(1, server_url="grpc://localhost", key="a", auth_key="b")
