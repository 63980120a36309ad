"""The loop of a dispatch engine: sends what is due, takes answers in, judges silence.

    Wake --Dispatched--> [ confirm, if doubtful ] --> send --> Answer | Acknowledge | (to come)
      ^                                                                  |
      +---- sleep until something is due, or somebody did something <----+

It holds no rule. One task a command in flight, and one command in flight an asset.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Final

from pointsman.core.entity import Wake
from pointsman.library.coordinator.adapters import Adapter, NoAdapterError
from pointsman.library.coordinator.book import Book
from pointsman.library.coordinator.carrying import Carrier
from pointsman.library.coordinator.commands import Command
from pointsman.library.coordinator.opening import ToldTime
from pointsman.library.coordinator.sending import Result, confirm, send_async
from pointsman.runtime.clock import Clock
from pointsman.runtime.codec import Happened
from pointsman.schedules.facts import Dispatched, Fact
from pointsman.schedules.intents import Answer, Open
from pointsman.schedules.model import Command as Value
from pointsman.schedules.model import Run

LEAST_REST_SECONDS: Final = 0.001


class Loop:
    """One life of the loop."""

    def __init__(
        self, carrier: Carrier, book: Book, time: ToldTime, clock: Clock, interval_seconds: float
    ) -> None:
        self._carrier = carrier
        self._owner = carrier.owner
        self._book = book
        self._time = time
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._news = asyncio.Event()

    async def run(self, until: datetime | None) -> None:
        with self._time.running(), self._hearing():
            self._begin()
            try:
                async with asyncio.TaskGroup() as tasks:
                    while until is None or self._time.now() < until:
                        self._news.clear()
                        facts = self._wake()
                        for fact in facts:
                            if isinstance(fact, Dispatched):
                                tasks.create_task(self._carry(fact.command))
                        if facts:
                            await asyncio.sleep(0)
                        else:
                            await self._rest(until)
            except BaseExceptionGroup as failed:
                raise failed.exceptions[0] from failed

    def _begin(self) -> None:
        """What was handed out before, by whomever, is in doubt from here on."""
        with self._owner.looking() as site:
            number = site.run_number + 1
        now = self._time.now()
        run = Run(number, self._clock.speed, dry_run=False, started_at=now, pid=os.getpid())
        self._owner.submit(Open(run), now)

    def _wake(self) -> list[Fact]:
        return list(self._owner.submit(Wake(), self._time.now()))

    async def _carry(self, value: Value) -> None:
        command, attempt = self._book.of(value), value.progress.attempt
        try:
            adapter = self._carrier.registry.get(command.asset_id)
        except NoAdapterError as error:
            no = Answer(value.id, attempt, success=False, error=str(error), refused=True)
            self._carrier.tell(command, no)
            return
        if value.dry_run:
            self._carrier.answered(command, attempt, sent=True)
            return
        self._carrier.answered(command, attempt, await self._sent(adapter, command, value))

    async def _sent(self, adapter: Adapter, command: Command, value: Value) -> Result:
        """What came of a try, which is no sending where an earlier one turns out to have worked."""
        if value.progress.doubtful:
            so = await confirm(adapter, command)
            if so is not False:
                return so
        if value.expires_at is not None and value.expires_at <= self._time.now():
            return False
        return await send_async(adapter, command)

    async def _rest(self, until: datetime | None) -> None:
        now = self._time.now()
        instants = [at for at in (self._owner.due(), until) if at is not None]
        rests = [(at - now).total_seconds() / self._clock.speed for at in instants]
        rest_seconds = max(min([self._interval_seconds, *rests]), LEAST_REST_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(rest_seconds):
                await self._news.wait()

    @contextmanager
    def _hearing(self) -> Iterator[None]:
        """Whatever happens, on whichever thread, ends the rest."""
        loop = asyncio.get_running_loop()

        def hear(_: Happened | None = None) -> None:
            with suppress(RuntimeError):  # The loop is closed.
                loop.call_soon_threadsafe(self._news.set)

        unsubscribe = self._owner.subscribe(hear)
        self._time.told_more = hear
        try:
            yield
        finally:
            unsubscribe()
            self._time.told_more = _nobody


def _nobody() -> None:
    """There is no loop to be woken."""
