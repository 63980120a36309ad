"""Actors that follow dispatches: made when one starts, told of changes, stopped when it stops.

    Dispatch --identity--> a task of its own: factory, start | told anew | stop

Each identity waits for nobody: a factory that takes long, or a stop that fails, is its own alone.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from inspect import isawaitable
from typing import Any, Final, Protocol

from frequenz.channels import Receiver
from frequenz.client.dispatch.types import TargetComponents

from pointsman.library.dispatch.dispatch import Dispatch
from pointsman.library.dispatch.inbox import Inbox, Message, Sort
from pointsman.library.dispatch.merging import DispatchActorId
from pointsman.library.dispatch.service import BackgroundService, Started

log = logging.getLogger(__name__)
RETRY_INTERVAL: Final = timedelta(seconds=60)
LATEST: Final = 1
"""An actor is told what is, not what was."""
ORDERS: Final = 3
"""Who is behind by more starts and stops need not carry out each of them."""


class Actor(Protocol):
    """What is managed. `start` and `stop` may be coroutines."""

    def start(self) -> object:
        """Begin."""

    def stop(self) -> object:
        """End, and be gone when this returns."""

    @property
    def is_running(self) -> bool:
        """Whether it was started, and has neither failed nor been stopped."""


class DispatchInfo:
    """What an actor is told of the dispatch that it carries out."""

    def __init__(
        self,
        *,
        target: TargetComponents | None = None,
        components: TargetComponents | None = None,
        dry_run: bool,
        options: dict[str, Any],
        _src: Dispatch,
    ) -> None:
        """`components` is an earlier name of `target`.

        Raises:
            ValueError: If both are given, or neither.
        """
        found = target if target is not None else components
        if found is None or (target is not None and components is not None):
            raise ValueError("give target, and not components, which is an earlier name of it")
        self.target = found
        self.dry_run = dry_run
        self.options = options
        self._src = _src

    @property
    def components(self) -> TargetComponents:
        """The target, as it was called earlier."""
        return self.target

    def __repr__(self) -> str:
        return (
            f"DispatchInfo(target={self.target!r}, dry_run={self.dry_run!r}, "
            f"options={self.options!r})"
        )


ActorFactory = Callable[[DispatchInfo, Receiver[DispatchInfo]], Awaitable[Actor]]


class ActorDispatcher(BackgroundService):
    """Manages the actors of all dispatches that a receiver tells of."""

    def __init__(
        self,
        actor_factory: ActorFactory,
        running_status_receiver: Receiver[Dispatch],
        dispatch_identity: Callable[[Dispatch], DispatchActorId] | None = None,
        retry_interval: timedelta = RETRY_INTERVAL,
    ) -> None:
        """Dispatches of one identity have one actor. Without it each one has its own.

        An actor that could not be made is tried again every `retry_interval`, until it can be or
        need not be.
        """
        super().__init__(name="dispatch")
        self._factory = actor_factory
        self._receiver = running_status_receiver
        self._identity = dispatch_identity or (lambda dispatch: dispatch.id)
        self._retry_seconds = retry_interval.total_seconds()
        self._seats: dict[DispatchActorId, _Seat] = {}
        self._seated: dict[Any, DispatchActorId] = {}
        """By dispatch, where it was told of last."""
        self._at_work: set[asyncio.Task[None]] = set()

    def start(self) -> Started:
        if not self.is_running:
            self._spawn(self._run())
        return Started()

    async def _run(self) -> None:
        """Until cancelled, or until the receiver ends. Then all actors are stopped."""
        async with asyncio.TaskGroup() as tasks:
            try:
                async for dispatch in self._receiver:
                    self._hear(dispatch, tasks)
            finally:
                for task in self._at_work:
                    task.cancel()
                self._seated.clear()

    def _hear(self, dispatch: Dispatch, tasks: asyncio.TaskGroup) -> None:
        try:
            identity = self._identity(dispatch)
        except Exception:  # It is the user's. The others must go on.
            log.exception("the identity of dispatch %s cannot be told", dispatch.id)
            return
        before = self._seated.pop(dispatch.id, identity)
        if before != identity and before not in self._seated.values():
            self._tell(before, dispatch, tasks, goes_on=False)
        if dispatch.started:
            self._seated[dispatch.id] = identity
        else:
            self._seated = {id: one for id, one in self._seated.items() if one != identity}
        self._tell(identity, dispatch, tasks, goes_on=dispatch.started)

    def _tell(
        self,
        identity: DispatchActorId,
        dispatch: Dispatch,
        tasks: asyncio.TaskGroup,
        *,
        goes_on: bool,
    ) -> None:
        seat = self._seats.get(identity)
        if seat is None or seat.empty:
            if not goes_on:
                return
            seat = self._seats[identity] = _Seat(self._factory, self._retry_seconds)
            task = tasks.create_task(seat.run())
            self._at_work.add(task)
            task.add_done_callback(partial(self._left, identity, seat))
        seat.hear(dispatch, goes_on=goes_on)

    def _left(self, identity: DispatchActorId, seat: "_Seat", task: asyncio.Task[None]) -> None:
        self._at_work.discard(task)
        if self._seats.get(identity) is seat:
            del self._seats[identity]


class _Seat:
    """The one actor of an identity, and what it is still to be told."""

    def __init__(self, factory: ActorFactory, retry_seconds: float) -> None:
        self._factory = factory
        self._retry_seconds = retry_seconds
        self._orders: deque[tuple[bool, Dispatch]] = deque()
        """Whether to go on, with what. Starts and stops take turns: later ones replace earlier."""
        self._news = asyncio.Event()
        self._actor: Actor | None = None
        self._infos: Inbox[DispatchInfo] | None = None
        self.empty = False

    def hear(self, dispatch: Dispatch, *, goes_on: bool) -> None:
        if self._orders and self._orders[-1][0] == goes_on:
            self._orders.pop()
        self._orders.append((goes_on, dispatch))
        while len(self._orders) > ORDERS:
            del self._orders[0], self._orders[0]
        self._news.set()

    async def run(self) -> None:
        """Carry out what is heard, until stopped or cancelled."""
        try:
            while not self.empty:
                await self._news.wait()
                goes_on, dispatch = self._orders.popleft()
                if not self._orders:
                    self._news.clear()
                if goes_on:
                    await self._go_on(dispatch)
                else:
                    await self._stop()
                    self.empty = not self._orders
        finally:
            self.empty = True
            await self._stop()

    async def _go_on(self, dispatch: Dispatch) -> None:
        info = DispatchInfo(
            target=dispatch.target,
            dry_run=dispatch.dry_run,
            options=dispatch.payload,
            _src=dispatch,
        )
        if self._actor is not None and self._infos is not None and self._runs(self._actor):
            self._infos.put(Message(0, Sort.GOING, lambda: info))
            return
        await self._stop()
        while not await self._make(info, dispatch):
            try:
                async with asyncio.timeout(self._retry_seconds):
                    await self._news.wait()
                return
            except TimeoutError:
                continue

    async def _make(self, info: DispatchInfo, dispatch: Dispatch) -> bool:
        """Make the actor and start it, unless there is no need any more. False: it failed."""
        infos = Inbox[DispatchInfo](name=f"dispatch {dispatch.id}", limit=LATEST)
        try:
            actor = await self._factory(info, infos)
            self._actor, self._infos = actor, infos
            started = actor.start()
            if isawaitable(started):
                await started
        except Exception:  # It is the user's. It is tried again.
            log.exception(
                "no actor for dispatch %s: trying again in %g s", dispatch.id, self._retry_seconds
            )
            await self._stop()
            return False
        return True

    def _runs(self, actor: Actor) -> bool:
        try:
            return bool(actor.is_running)
        except Exception:
            log.exception("%r cannot tell whether it is running", actor)
            return False

    async def _stop(self) -> None:
        actor, self._actor = self._actor, None
        infos, self._infos = self._infos, None
        if infos is not None:
            infos.close()
        if actor is None:
            return
        try:
            stopped = actor.stop()
            if isawaitable(stopped):
                await stopped
        except Exception:  # It is the user's. The others must go on.
            log.exception("%r failed when it was stopped", actor)
