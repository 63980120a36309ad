"""Actors follow dispatches: one each, told of changes, stopped with them, whatever fails."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from frequenz.channels import Receiver
from frequenz.client.dispatch.types import TargetIds

from pointsman.dispatches.components import Target
from pointsman.dispatches.following import Edge
from pointsman.library.dispatch.dispatch import Dispatch
from pointsman.library.dispatch.inbox import Inbox, Message, Sort
from pointsman.library.dispatch.managing import ActorDispatcher, DispatchInfo
from pointsman.library.dispatch.merging import MergeByType, MergeByTypeTarget, MergeStrategy
from tests.unit.library.dispatch.given import told


@dataclass
class Machine:
    """An actor that notes what is done with it."""

    info: DispatchInfo
    infos: Receiver[DispatchInfo]
    is_running: bool = False
    starts: int = 0
    stops: int = 0

    def start(self) -> None:
        self.is_running, self.starts = True, self.starts + 1

    async def stop(self) -> None:
        await asyncio.sleep(0)
        self.is_running, self.stops = False, self.stops + 1


@dataclass
class Factory:
    machines: list[Machine] = field(default_factory=list)
    failures: int = 0
    open: asyncio.Event | None = None
    asked: int = 0

    async def __call__(self, info: DispatchInfo, infos: Receiver[DispatchInfo]) -> Machine:
        self.asked += 1
        if self.open is not None and info.options.get("slow"):
            await self.open.wait()
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the machine does not answer")
        self.machines.append(Machine(info, infos))
        return self.machines[-1]

    @property
    def running(self) -> list[bool]:
        return [machine.is_running for machine in self.machines]


class Hall:
    """Actors, and the receiver that says what they are to do."""

    def __init__(
        self, merging: MergeStrategy | None = None, retry: timedelta = timedelta(minutes=1)
    ) -> None:
        self.factory = Factory()
        self.inbox = Inbox[Dispatch]()
        identity = merging.identity if merging else None
        self.actors = ActorDispatcher(self.factory, self.inbox, identity, retry)

    def tell(self, dispatch: Dispatch) -> None:
        self.inbox.put(Message(int(dispatch.id), Sort.GOING, lambda: dispatch))


@asynccontextmanager
async def hall(
    merging: MergeStrategy | None = None, retry: timedelta = timedelta(minutes=1)
) -> AsyncIterator[Hall]:
    one = Hall(merging, retry)
    async with asyncio.timeout(5), one.actors:
        yield one


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110  The limit is the hall's.
        await asyncio.sleep(0.001)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_an_actor_starts_and_stops_with_its_dispatch() -> None:
    async with hall() as one:
        one.tell(told(Edge.STARTED, payload={"power": 1.0}))
        await until(lambda: one.factory.running == [True])
        info = one.factory.machines[0].info
        assert (info.target, info.dry_run, info.options) == (TargetIds(1, 2), False, {"power": 1.0})
        assert info.components == info.target
        one.tell(told(Edge.STOPPED))
        await until(lambda: one.factory.running == [False])


async def test_a_change_is_told_to_the_one_that_runs_and_only_the_latest() -> None:
    async with hall() as one:
        one.tell(told(Edge.STARTED))
        await until(lambda: one.factory.running == [True])
        for power in range(3):
            one.tell(told(Edge.RECONFIGURED, payload={"power": power}))
        await settled()
        infos = one.factory.machines[0].infos
        assert (await infos.receive()).options == {"power": 2}
        assert isinstance(infos, Inbox)
        assert (len(infos), len(one.factory.machines)) == (0, 1)


async def test_each_dispatch_has_an_actor_of_its_own() -> None:
    async with hall() as one:
        one.tell(told(Edge.STARTED, 1))
        one.tell(told(Edge.STARTED, 2))
        await until(lambda: one.factory.running == [True, True])
        one.tell(told(Edge.STOPPED, 1))
        await until(lambda: sorted(one.factory.running) == [False, True])


async def test_merged_they_share_one() -> None:
    async with hall(MergeByType()) as one:
        one.tell(told(Edge.STARTED, 1))
        one.tell(told(Edge.STARTED, 2))
        one.tell(told(Edge.STARTED, 3, dry_run=True))
        await until(lambda: one.factory.running == [True, True])
        one.tell(told(Edge.STOPPED, 2))
        await until(lambda: sorted(one.factory.running) == [False, True])


async def test_on_one_target_there_is_one_however_it_is_written() -> None:
    async with hall(MergeByTypeTarget()) as one:
        one.tell(told(Edge.STARTED, 1, target=Target(ids=(1, 9))))
        one.tell(told(Edge.STARTED, 2, target=Target(ids=(9, 1))))
        await until(lambda: one.factory.running == [True])
        await settled()
        assert len(one.factory.machines) == 1


async def test_what_moves_to_another_target_leaves_none_behind() -> None:
    async with hall(MergeByTypeTarget()) as one:
        one.tell(told(Edge.STARTED, 1, target=Target(ids=(1,))))
        await until(lambda: one.factory.running == [True])
        one.tell(told(Edge.RECONFIGURED, 1, target=Target(ids=(2,))))
        await until(lambda: one.factory.running == [False, True])


async def test_what_starts_and_stops_at_once_is_carried_out() -> None:
    async with hall() as one:
        one.tell(told(Edge.STARTED))
        one.tell(told(Edge.STOPPED))
        await until(lambda: one.factory.running == [False])
        assert (one.factory.machines[0].starts, one.factory.machines[0].stops) == (1, 1)


async def test_one_that_failed_is_made_anew_at_the_next_start() -> None:
    async with hall() as one:
        one.tell(told(Edge.STARTED))
        await until(lambda: one.factory.running == [True])
        one.factory.machines[0].is_running = False  # It crashed.
        one.tell(told(Edge.STARTED, seq=2))
        await until(lambda: one.factory.running == [False, True])


async def test_a_slow_factory_holds_up_nobody_else() -> None:
    async with hall() as one:
        one.factory.open = asyncio.Event()
        one.tell(told(Edge.STARTED, 1, payload={"slow": True}))
        one.tell(told(Edge.STARTED, 2))
        await until(lambda: one.factory.running == [True])
        one.tell(told(Edge.STOPPED, 1))
        one.factory.open.set()
        await until(lambda: one.factory.running == [True, False])


async def test_what_could_not_be_made_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL):
        async with hall(retry=timedelta(milliseconds=1)) as one:
            one.factory.failures = 3
            one.tell(told(Edge.STARTED))
            await until(lambda: one.factory.running == [True])
            assert one.factory.asked == 4


async def test_what_need_not_be_made_any_more_is_not() -> None:
    async with hall(retry=timedelta(milliseconds=20)) as one:
        one.factory.failures = 1
        one.tell(told(Edge.STARTED))
        await until(lambda: one.factory.asked == 1)
        one.tell(told(Edge.STOPPED))
        await asyncio.sleep(0.05)
        assert (one.factory.asked, one.factory.machines) == (1, [])


async def test_a_stop_that_fails_is_reported_and_stops_nobody_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Stubborn(Machine):
        async def stop(self) -> None:
            raise RuntimeError("no")

    async def factory(info: DispatchInfo, infos: Receiver[DispatchInfo]) -> Machine:
        kind = Stubborn if info.options else Machine
        one.factory.machines.append(kind(info, infos))
        return one.factory.machines[-1]

    one = Hall()
    one.actors = ActorDispatcher(factory, one.inbox)
    async with asyncio.timeout(5), one.actors:
        one.tell(told(Edge.STARTED, 1, payload={"stubborn": True}))
        one.tell(told(Edge.STARTED, 2))
        await until(lambda: one.factory.running == [True, True])
        one.tell(told(Edge.STOPPED, 1))
        one.tell(told(Edge.STOPPED, 2))
        await until(lambda: one.factory.running == [True, False])
    assert "failed when it was stopped" in caplog.text


@pytest.mark.parametrize("how", ["stop", "end of the receiver"])
async def test_all_actors_stop_with_it(how: str) -> None:
    one = Hall()
    async with asyncio.timeout(5):
        one.actors.start()
        one.tell(told(Edge.STARTED, 1))
        one.tell(told(Edge.STARTED, 2))
        await until(lambda: one.factory.running == [True, True])
        if how == "stop":
            await one.actors.stop()
        else:
            one.inbox.close()
            await one.actors.wait()
    assert one.factory.running == [False, False]
    assert [machine.stops for machine in one.factory.machines] == [1, 1]


def test_a_target_is_said_once() -> None:
    target, src = TargetIds(1), told(Edge.STARTED)
    assert DispatchInfo(components=target, dry_run=False, options={}, _src=src).target == target
    with pytest.raises(ValueError, match="give target"):
        DispatchInfo(dry_run=False, options={}, _src=src)
    with pytest.raises(ValueError, match="give target"):
        DispatchInfo(target=target, components=target, dry_run=False, options={}, _src=src)
