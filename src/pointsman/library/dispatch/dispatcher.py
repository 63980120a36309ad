"""The dispatcher: the way in to a microgrid's dispatches, for those who act on them."""

import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Generic, Protocol, Self, SupportsInt, TypeVar

import grpc.aio
from frequenz.channels import Receiver

from pointsman.dispatches.runs import Overlap
from pointsman.library.dispatch.client import CALL_TIMEOUT, STREAM_TIMEOUT, Client
from pointsman.library.dispatch.dispatch import Dispatch
from pointsman.library.dispatch.events import DispatchEvent
from pointsman.library.dispatch.hub import Hub
from pointsman.library.dispatch.inbox import LIMIT
from pointsman.library.dispatch.life import Life
from pointsman.library.dispatch.managing import RETRY_INTERVAL, ActorDispatcher, ActorFactory
from pointsman.library.dispatch.merging import MergeStrategy
from pointsman.library.dispatch.service import BackgroundService, Started
from pointsman.runtime.clock import Clock, SystemClock

log = logging.getLogger(__name__)
ReceivedT_co = TypeVar("ReceivedT_co", covariant=True)


class ReceiverFetcher(Protocol[ReceivedT_co]):
    """Where receivers come from."""

    def new_receiver(
        self, *, name: str | None = None, limit: int = LIMIT
    ) -> Receiver[ReceivedT_co]:
        """A receiver of its own. Beyond `limit` messages it drops what has been overtaken."""


class Dispatcher(BackgroundService):
    """Follows the dispatches of a microgrid, and tells what happens to them and when they run.

    All forms in which it was ever documented work: with a `grpc_channel`, or with a `server_url`
    and a key under either name. With a `journal` it remembers, in that file, what it has seen and
    told: it then runs while the server is away, and goes on from there after a restart.
    """

    def __init__(  # noqa: PLR0913  All that was ever documented.
        self,
        microgrid_id: SupportsInt,
        grpc_channel: grpc.aio.Channel | None = None,
        svc_addr: str = "",
        key: str | None = None,
        *,
        server_url: str | None = None,
        auth_key: str | None = None,
        sign_secret: str | None = None,
        call_timeout: timedelta = CALL_TIMEOUT,
        stream_timeout: timedelta = STREAM_TIMEOUT,
        journal: str | Path | None = None,
        clock: Clock | None = None,
        overlap: Overlap = Overlap.RESTART,
    ) -> None:
        """`overlap` says what becomes of a run while which another one of its dispatch starts.

        Raises:
            ValueError: If there is no way to the server or two, or two keys.
        """
        super().__init__(name=f"microgrid {int(microgrid_id)}")
        self._microgrid_id, self._clock = int(microgrid_id), clock or SystemClock()
        self._client = Client(
            grpc_channel,
            svc_addr,
            key,
            server_url=server_url,
            auth_key=auth_key,
            sign_secret=sign_secret,
            call_timeout=call_timeout,
            stream_timeout=stream_timeout,
            microgrid_id=microgrid_id,
            clock=self._clock,
        )
        self._overlap = Overlap(overlap)
        self._journal = Path(journal) if journal else None
        self._hub = Hub(self._clock)
        self._life: Life | None = None
        self._managed: dict[str, ActorDispatcher] = {}

    # Its life

    def start(self) -> Started:
        """Start it at once. May be awaited, which waits for nothing.

        Raises:
            InUse: If another process follows with the same journal.
            JournalUnreadable: If the journal is something else.
        """
        if not self.is_running:
            self._client.connect()
            self._life = Life(
                self._client,
                self._microgrid_id,
                self._hub,
                self._clock,
                overlap=self._overlap,
                journal=self._journal,
            )
            self._spawn(self._run(self._life))
        return Started()

    async def wait_for_initialization(self) -> None:
        """Return once it knows all dispatches: from the server, or from its journal.

        Raises:
            RuntimeError: If it was not started, or has ended instead.
        """
        life = self._started()
        await life.initialized.wait()
        if life.ended:
            raise RuntimeError(f"{self} has ended: await wait() to hear why")

    async def stop(self, msg: str | None = None) -> None:
        """Stop it and all actors that it manages, and disconnect. Its receivers end.

        Raises:
            BaseExceptionGroup: With what went wrong earlier.
        """
        try:
            await super().stop(msg)
        finally:
            await self._client.disconnect()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        try:
            await self.wait_for_initialization()
        except BaseException:
            await self.stop()
            raise
        return self

    async def _run(self, life: Life) -> None:
        try:
            await life.run()
        except Exception as error:
            log.error("%s has ended, and all its receivers: %s", self, error)
            raise
        finally:
            managed, self._managed = self._managed, {}
            for dispatcher in managed.values():
                await dispatcher.stop()

    # What it tells

    @property
    def client(self) -> Client:
        """For calls to the server. The microgrid need not be named."""
        return self._client

    @property
    def lifecycle_events(self) -> ReceiverFetcher[DispatchEvent]:
        """Where to hear of dispatches that are created, updated or deleted."""
        return _Fetcher(lambda name, limit: self._hub.new_event_inbox(None, name, limit))

    @property
    def running_status_change(self) -> ReceiverFetcher[Dispatch]:
        """Where to hear of dispatches that start, stop, or change in what they do meanwhile.

        A new receiver begins with the runs that nobody has been told of yet.
        """
        return _Fetcher(lambda name, limit: self._hub.new_run_inbox(None, name, limit))

    def new_lifecycle_events_receiver(self, dispatch_type: str) -> Receiver[DispatchEvent]:
        """Hears of dispatches of one type that are created, updated or deleted."""
        return self._hub.new_event_inbox(dispatch_type, None, LIMIT)

    async def new_running_state_event_receiver(
        self, dispatch_type: str, *, merge_strategy: MergeStrategy | None = None
    ) -> Receiver[Dispatch]:
        """Hears of dispatches of one type that start, stop, or change meanwhile.

        It begins with all that are running. With a strategy, several of them are as one.

        Raises:
            RuntimeError: If the dispatcher was not started.
        """
        self._started()
        return self._hub.new_run_inbox(dispatch_type, None, LIMIT, merge_strategy, going=True)

    def with_missed_runs(self) -> list[Dispatch]:
        """The dispatches of which runs were over before it could tell: see their `missed_runs`."""
        return self._hub.with_missed_runs()

    # Actors

    def is_managed(self, dispatch_type: str) -> bool:
        """Whether it manages actors for dispatches of this type."""
        return dispatch_type in self._managed

    async def start_managing(
        self,
        dispatch_type: str,
        *,
        actor_factory: ActorFactory,
        merge_strategy: MergeStrategy | None = None,
        retry_interval: timedelta = RETRY_INTERVAL,
    ) -> None:
        """Make, tell and stop actors for dispatches of this type. What is managed already stays.

        Without a strategy each dispatch has an actor of its own.

        Raises:
            RuntimeError: If the dispatcher was not started.
        """
        if self.is_managed(dispatch_type):
            return
        receiver = await self.new_running_state_event_receiver(
            dispatch_type, merge_strategy=merge_strategy
        )
        identity = merge_strategy.identity if merge_strategy else None
        dispatcher = ActorDispatcher(actor_factory, receiver, identity, retry_interval)
        self._managed[dispatch_type] = dispatcher
        await dispatcher.start()

    async def stop_managing(self, dispatch_type: str) -> None:
        """Stop the actors for dispatches of this type, if there are any."""
        if dispatcher := self._managed.pop(dispatch_type, None):
            await dispatcher.stop()

    def _started(self) -> Life:
        if self._life is None or not self.is_running:
            raise RuntimeError(f"{self} is not running: start() it first")
        return self._life


class _Fetcher(Generic[ReceivedT_co]):
    def __init__(self, make: Callable[[str | None, int], Receiver[ReceivedT_co]]) -> None:
        self._make = make

    def new_receiver(
        self, *, name: str | None = None, limit: int = LIMIT
    ) -> Receiver[ReceivedT_co]:
        return self._make(name, limit)
