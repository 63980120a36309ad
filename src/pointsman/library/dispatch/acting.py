"""The dispatching actor: what a dispatcher does, for those who bring channels of their own."""

import asyncio
import logging
from datetime import timedelta
from pathlib import Path
from typing import Final, SupportsInt, TypeVar

from frequenz.channels import Receiver, Sender
from frequenz.client.dispatch import DispatchApiClient

from pointsman.dispatches.runs import Overlap
from pointsman.library.dispatch.dispatch import Dispatch
from pointsman.library.dispatch.events import DispatchEvent
from pointsman.library.dispatch.hub import Hub
from pointsman.library.dispatch.inbox import LIMIT
from pointsman.library.dispatch.life import Life
from pointsman.library.dispatch.service import BackgroundService, Started
from pointsman.runtime.cancelling import insist_on_cancellation
from pointsman.runtime.clock import Clock, SystemClock

log = logging.getLogger(__name__)
MessageT = TypeVar("MessageT")


class DispatchingActor(BackgroundService):
    """Stays in sync with a server, and sends what it learns to two senders."""

    RESTART_DELAY: Final = timedelta(seconds=2)
    """How long it waits before it begins anew after a failure."""

    def __init__(
        self,
        microgrid_id: SupportsInt,
        client: DispatchApiClient,
        lifecycle_updates_sender: Sender[DispatchEvent],
        running_state_change_sender: Sender[Dispatch],
        *,
        journal: str | Path | None = None,
        clock: Clock | None = None,
        overlap: Overlap = Overlap.RESTART,
    ) -> None:
        """`journal`, `clock` and `overlap` are as in `Dispatcher`."""
        super().__init__(name="dispatch")
        self._microgrid_id = int(microgrid_id)
        self._client = client
        self._lifecycle = lifecycle_updates_sender
        self._running = running_state_change_sender
        self._journal = None if journal is None else Path(journal)
        self._clock = clock or SystemClock()
        self._overlap = Overlap(overlap)

    def start(self) -> Started:
        """Start it at once. May be awaited, which waits for nothing."""
        if not self.is_running:
            self._spawn(self._run())
        return Started()

    async def _run(self) -> None:
        while True:
            try:
                await self._live()
            except Exception:  # Whatever it was, it must not keep dispatches from running.
                log.exception("%s begins anew in %s", self, self.RESTART_DELAY)
            insist_on_cancellation()
            await asyncio.sleep(self.RESTART_DELAY.total_seconds())

    async def _live(self) -> None:
        hub = Hub(self._clock)
        events = hub.new_event_inbox(None, self.name, LIMIT)
        runs = hub.new_run_inbox(None, self.name, LIMIT)
        life = Life(
            self._client,
            self._microgrid_id,
            hub,
            self._clock,
            overlap=self._overlap,
            journal=self._journal,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_pass_on(events, self._lifecycle))
            tasks.create_task(_pass_on(runs, self._running))
            await life.run()


async def _pass_on(receiver: Receiver[MessageT], sender: Sender[MessageT]) -> None:
    async for message in receiver:
        try:
            await sender.send(message)
        except Exception:  # It is the user's. The next message may go through.
            log.exception("a message could not be sent: %s", message)
