"""Background services: started once, stopped for good, and heard when they fail."""

import asyncio

import pytest

from pointsman.library.dispatch.backoff import FIRST_SECONDS, MOST_SECONDS, Backoff
from pointsman.library.dispatch.service import BackgroundService, Started


class Service(BackgroundService):
    def __init__(self, *, fails: bool = False) -> None:
        super().__init__(name="one")
        self.fails, self.begun = fails, 0

    def start(self) -> Started:
        if not self.is_running:
            self._spawn(self._run())
        return Started()

    async def _run(self) -> None:
        self.begun += 1
        if self.fails:
            raise ValueError("it fails")
        await asyncio.Event().wait()


async def test_it_starts_at_once_whether_or_not_that_is_awaited() -> None:
    for awaited in (True, False):
        service = Service()
        started = service.start()
        if awaited:
            await started
        await asyncio.sleep(0)
        assert (service.begun, service.is_running) == (1, True)
        await service.stop()


async def test_to_start_it_twice_is_to_start_it_once() -> None:
    service = Service()
    service.start()
    await service.start()
    await asyncio.sleep(0)
    assert (service.begun, len(service.tasks)) == (1, 1)
    await service.stop()


async def test_it_can_be_stopped_and_started_again() -> None:
    service = Service()
    async with service:
        assert service.is_running
    assert not service.is_running
    await service.stop()
    async with service:
        await asyncio.sleep(0)
        assert service.begun == 1, "the first was stopped before it began"
    assert not service.tasks


async def test_whoever_waits_hears_that_it_ended() -> None:
    service = Service()
    service.start()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(service.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        service.cancel("enough")


async def test_whoever_waits_hears_what_went_wrong() -> None:
    service = Service(fails=True)
    service.start()
    with pytest.raises(BaseExceptionGroup, match=r"Service\[one\] failed") as failed:
        await service
    assert failed.group_contains(ValueError, match="it fails")
    await service.wait()


async def test_it_can_be_told_from_others() -> None:
    assert (Service().name, str(Service())) == ("one", "Service[one]")
    assert repr(Service()) == "Service(name='one', tasks=set())"


def test_who_fails_waits_longer_each_time_and_never_quite_alike() -> None:
    backoff = Backoff()
    waits = [backoff.next_seconds() for _ in range(12)]
    for n, seconds in enumerate(waits):
        most = min(FIRST_SECONDS * 2**n, MOST_SECONDS)
        assert most / 2 <= seconds <= most
    backoff.reset()
    assert backoff.next_seconds() <= FIRST_SECONDS
    assert len({Backoff().next_seconds() for _ in range(9)}) > 1
