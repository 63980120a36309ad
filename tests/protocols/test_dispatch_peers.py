"""Programs that others wrote for the Dispatch API, unmodified, against this server."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from frequenz.channels import Receiver
from frequenz.client.common.microgrid import MicrogridId
from frequenz.client.dispatch.types import BatteryType, TargetCategories, TargetIds
from frequenz.dispatch import (
    Created,
    Deleted,
    Dispatch,
    Dispatcher,
    DispatchInfo,
    MergeByType,
    Updated,
)
from frequenz.sdk.actor import Actor

from tests.protocols.dispatch_bench import (
    MICROGRID,
    SOON_SECONDS,
    Serving,
    client,
    created,
    restartable,
    server,
    soon,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
COMMAND: Final = (sys.executable, "-W", "ignore", "-m", "frequenz.client.dispatch", "--raw")
MOMENT: Final = timedelta(seconds=1)
PATIENT_SECONDS: Final = 3 * SOON_SECONDS
"""The library that is tested here comes back a second or two after a restart."""


async def cli(url: str, *arguments: str) -> tuple[int, str]:
    """Exit status and output of the API's own command."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments,
        env={**os.environ, "DISPATCH_API_URL": url, "DISPATCH_API_AUTH_KEY": "anything"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        stdin=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(PATIENT_SECONDS):
        output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_the_apis_own_command_does_all_that_it_can(tmp_path: Path) -> None:
    async with server(Serving(tmp_path)) as served:
        code, output = await cli(
            served.url, "create", "7", "charge", "BATTERY", "NOW", "1 hour",
            "-p", '"power_kw": 5', "-f", "daily", "--count", "3",
        )  # fmt: skip
        assert code == 0, output
        number = re.search(r"DispatchId\((\d+)\)|DID(\d+)", output)
        assert number is not None, output
        id = next(filter(None, number.groups()))
        for arguments, said in (
            (("list", "7"), "1 dispatches"),
            (("get", "7", id), "charge"),
            (("update", "7", id, "--duration", "2 hours", "--active", "false"), "updated"),
            (("list", "7", "--active", "true"), "0 dispatches"),
            (("delete", "7", id), "deleted"),
            (("list", "7"), "0 dispatches"),
        ):
            code, output = await cli(served.url, *arguments)
            assert (code, said in output) == (0, True), output
        code, output = await cli(served.url, "get", "7", id)
        assert (code, "failed" in output) == (1, True), output


async def test_the_apis_own_command_hears_what_happens(tmp_path: Path) -> None:
    async with server(Serving(tmp_path)) as served, client(served.url) as api:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "stream", "7",
            env={
                **os.environ, "DISPATCH_API_URL": served.url,
                "DISPATCH_API_AUTH_KEY": "anything", "PYTHONUNBUFFERED": "1",
            },
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            async with asyncio.timeout(PATIENT_SECONDS):
                heard = b""
                while b"heard-of" not in heard:
                    await created(api, type="heard-of")  # Until it is there to hear it.
                    with suppress(TimeoutError):
                        heard += await asyncio.wait_for(process.stdout.read(10_000), 0.5)
        finally:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def following(url: str) -> AsyncIterator[Dispatcher]:
    dispatcher = Dispatcher(microgrid_id=MICROGRID, server_url=url, auth_key="anything")
    async with asyncio.timeout(PATIENT_SECONDS):
        await dispatcher.__aenter__()
    try:
        yield dispatcher
    finally:
        await dispatcher.stop()
        await dispatcher.client.disconnect()


async def until(receiver: Receiver[Any], wanted: Callable[[Any], bool]) -> Any:  # noqa: ANN401
    """The first message that is wanted: this library may say things more than once."""
    async with asyncio.timeout(PATIENT_SECONDS):
        async for message in receiver:
            if wanted(message):
                return message
    raise AssertionError("the receiver has ended")


async def test_the_other_library_hears_of_a_dispatchs_life(tmp_path: Path) -> None:
    async with server(Serving(tmp_path)) as served, following(served.url) as dispatcher:
        events = dispatcher.new_lifecycle_events_receiver("charge")
        api = dispatcher.client
        await asyncio.sleep(0.3)
        dispatch = await created(api)
        event = await until(events, lambda one: isinstance(one, Created))
        assert event.dispatch.id == dispatch.id
        named: dict[str, Any] = {"microgrid_id": MICROGRID, "dispatch_id": dispatch.id}
        await api.update(**named, new_fields={"payload": {"power_kw": 5.0}})
        event = await until(events, lambda one: isinstance(one, Updated))
        assert event.dispatch.payload == {"power_kw": 5.0}
        await api.delete(**named)
        event = await until(events, lambda one: isinstance(one, Deleted))
        assert event.dispatch.id == dispatch.id


async def test_the_other_library_starts_and_stops_in_time(tmp_path: Path) -> None:
    async with server(Serving(tmp_path)) as served, following(served.url) as dispatcher:
        running = await dispatcher.new_running_state_event_receiver("charge")
        start = soon(2)
        dispatch = await created(dispatcher.client, start_time=start, duration=MOMENT)
        started = await until(running, lambda one: one.id == dispatch.id and one.started)
        assert started.start_time == start
        await until(running, lambda one: one.id == dispatch.id and not one.started)
        assert soon(0) >= start + MOMENT


async def test_the_other_library_forwards_the_stop_of_what_was_deleted(tmp_path: Path) -> None:
    """It does so only if what it hears of the deletion is newer than all it has heard before."""
    async with server(Serving(tmp_path)) as served, following(served.url) as dispatcher:
        running = await dispatcher.new_running_state_event_receiver(
            "charge", merge_strategy=MergeByType()
        )
        await asyncio.sleep(0.3)
        dispatch = await created(dispatcher.client, start_time="NOW", duration=None)
        await until(running, lambda one: one.started)
        await dispatcher.client.delete(microgrid_id=MICROGRID, dispatch_id=dispatch.id)
        stopped: Dispatch = await until(running, lambda one: not one.started)
        assert stopped.id == dispatch.id


class Charging(Actor):
    """Remembers what it was told to do."""

    def __init__(self, info: DispatchInfo, updates: Receiver[DispatchInfo]) -> None:
        super().__init__(name="charging")
        self.told = [info]
        self._updates = updates

    async def _run(self) -> None:
        async for info in self._updates:
            self.told.append(info)


async def test_the_other_library_manages_actors_by_our_dispatches(tmp_path: Path) -> None:
    actors: list[Charging] = []

    async def make(info: DispatchInfo, updates: Receiver[DispatchInfo]) -> Actor:
        actors.append(Charging(info, updates))
        return actors[-1]

    async with server(Serving(tmp_path)) as served, following(served.url) as dispatcher:
        await dispatcher.start_managing("charge", actor_factory=make)
        target = TargetCategories(BatteryType.LI_ION)
        dispatch = await created(
            dispatcher.client, start_time=soon(2), duration=None, target=target
        )
        await happens(lambda: bool(actors) and actors[0].is_running)
        assert actors[0].told[0].target == target
        named: dict[str, Any] = {"microgrid_id": MICROGRID, "dispatch_id": dispatch.id}
        await dispatcher.client.update(**named, new_fields={"payload": {"power_kw": 7.0}})
        await happens(lambda: actors[0].told[-1].options == {"power_kw": 7.0})
        await dispatcher.client.delete(**named)
        await happens(lambda: not actors[0].is_running)
        await dispatcher.stop_managing("charge")


async def happens(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENT_SECONDS):
        while not condition():  # noqa: ASYNC110  What is watched here rings no bell.
            await asyncio.sleep(0.02)


async def test_the_other_library_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with restartable(tmp_path) as served, following(served.url) as dispatcher:
        events = dispatcher.new_lifecycle_events_receiver("charge")
        running = await dispatcher.new_running_state_event_receiver("charge")
        await asyncio.sleep(0.3)
        before = await created(dispatcher.client)
        await until(events, lambda one: one.dispatch.id == before.id)
        await served.stop()
        await served.start()
        async with client(served.url) as api:
            missed = await created(api, start_time="NOW", duration=None, target=TargetIds(5))
        event = await until(events, lambda one: one.dispatch.id == missed.id)
        assert isinstance(event, Created)
        await until(running, lambda one: one.id == missed.id and one.started)
        await dispatcher.client.delete(microgrid_id=MicrogridId(7), dispatch_id=missed.id)
        await until(running, lambda one: one.id == missed.id and not one.started)
