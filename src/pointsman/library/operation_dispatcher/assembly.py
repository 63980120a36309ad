"""What a dispatcher is made of, and how it lives: made, running, stopped, closed."""

import weakref
from asyncio import wrap_future
from logging import Logger
from pathlib import Path
from typing import Self, Unpack

from pointsman.journal import BlockingJournal
from pointsman.library.operation_dispatcher.coercing import text
from pointsman.library.operation_dispatcher.events import NotificationCallback, RequestCallback
from pointsman.library.operation_dispatcher.handshakes import Handshakes
from pointsman.library.operation_dispatcher.historian import Historian, HistoryCallback
from pointsman.library.operation_dispatcher.life import Life
from pointsman.library.operation_dispatcher.logbook import Logbook
from pointsman.library.operation_dispatcher.machine import Machine
from pointsman.library.operation_dispatcher.outbox import Outbox
from pointsman.library.operation_dispatcher.settings import Keywords, Settings
from pointsman.operations.checks import Conflict
from pointsman.operations.intents import (
    Intent,
    PauseResource,
    ResumeResource,
)
from pointsman.runtime.clock import Clock, SystemClock


class Assembly:
    """The parts of a dispatcher, which `OperationDispatcher` describes."""

    def __init__(
        self,
        resource_id: str,
        *,
        on_request_callback: RequestCallback | None = None,
        on_notification_callback: NotificationCallback | None = None,
        on_history_callback: HistoryCallback | None = None,
        none_means: bool | None = None,
        journal: str | Path | BlockingJournal | None = None,
        clock: Clock | None = None,
        logger: Logger | None = None,
        **settings: Unpack[Keywords],
    ) -> None:
        self.resource_id = text("resource_id", resource_id)
        self.settings = Settings(**settings)
        _check_callbacks(on_request_callback, on_notification_callback, on_history_callback)
        policy = self.settings.policy(ask=on_request_callback is not None)
        machine = Machine(
            resource_id, policy, clock or SystemClock(), journal, self.settings.events_kept
        )
        self._machine = machine
        self._life = Life(machine)
        machine.on_end = self._life.give_up
        if self.settings.start_paused:
            _told(machine, PauseResource("it begins paused"))
        self._handshakes = self._asking(on_request_callback, none_means)
        self._outbox = self._notifying(on_notification_callback)
        self._historian = self._retelling(on_history_callback)
        subscribers = [self._life.hear]
        if logger is not None:
            subscribers.append(Logbook(logger, resource_id).hear)
        if self._handshakes is not None:
            subscribers.append(self._handshakes.hear)
        machine.follow(*subscribers, outbox=self._outbox)
        self._finalizer = weakref.finalize(self, _close, machine, self._handshakes)

    def _asking(
        self, callback: RequestCallback | None, none_means: bool | None
    ) -> Handshakes | None:
        if callback is None:
            return None
        return Handshakes(
            callback,
            self._machine.home,
            self._machine.ask,
            self.resource_id,
            self._machine.clock,
            seconds=self.settings.request_event_timeout_seconds,
            none_means=none_means,
        )

    def _notifying(self, callback: NotificationCallback | None) -> Outbox | None:
        if callback is None:
            return None
        seconds = self.settings.request_event_timeout_seconds
        return Outbox(callback, self._machine.home, self.resource_id, seconds)

    def _retelling(self, callback: HistoryCallback | None) -> Historian | None:
        if callback is None:
            return None
        seconds = self.settings.request_event_timeout_seconds
        return Historian(callback, self._machine.home, seconds)

    # Running

    async def run(self) -> None:
        """Have operations started, one after the other, until somebody stops that.

        Callbacks are called on this loop, plain request callbacks beside it.

        Raises:
            RuntimeError: If it runs already.
            Fenced, Broken: What ended it, if the journal has another owner or a rule is broken.
        """
        ended = self._life.begin(here=True)
        if ended is None:
            return
        try:
            await wrap_future(ended)
        finally:
            self._life.finish()
            if self._outbox is not None:
                await self._outbox.emptied()

    def start(self) -> bool:
        """Begin as `run` does, without waiting for the end. No event loop is needed.

        Returns:
            False if it was told to stop before it began.

        Raises:
            RuntimeError: If it runs already.
        """
        return self._life.begin(here=False) is not None

    def run_until_stopped(self) -> None:
        """Begin, and wait in this thread until somebody stops it. As `run`, without a loop."""
        ended = self._life.begin(here=False)
        if ended is not None:
            try:
                ended.result()
            finally:
                self._life.finish()

    def stop(self) -> None:
        """Start nothing more, from now on. What goes on is left alone. Twice is once."""
        self._life.finish()

    def request_stop(self) -> None:
        """Stop. If it does not run yet, the next `run` ends at once."""
        self._life.request_stop()

    def pause(self) -> None:
        """Start nothing more until it is resumed. What goes on is left alone. Twice is once."""
        self._told(PauseResource())

    def resume(self) -> None:
        """Go on after a pause. Twice is once."""
        self._told(ResumeResource())

    pause_dispatcher_runtime = pause
    resume_dispatcher_runtime = resume

    @property
    def machine(self) -> Machine:
        """What a door of this project asks. Not for programs."""
        return self._machine

    @property
    def asks(self) -> bool:
        """Whether somebody is asked for leave."""
        return self._handshakes is not None

    @property
    def callback_failures(self) -> int:
        """How often a callback raised, or took too long."""
        parts = (self._handshakes, self._outbox, self._historian)
        return sum(part.failures for part in parts if part)

    @property
    def notifications_dropped(self) -> int:
        """How many events the notification callback was too slow for."""
        return self._outbox.dropped if self._outbox else 0

    def close(self) -> None:
        """Stop, and let go of the journal and of all threads. It cannot be used any more."""
        if self._finalizer.alive:
            try:
                self._life.finish()
            finally:
                self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._life.finish()
        if self._outbox is not None:
            await self._outbox.emptied()
        self.close()

    def _told(self, intent: Intent) -> None:
        _told(self._machine, intent)


def _told(machine: Machine, intent: Intent) -> None:
    """Ask for what may be so already."""
    try:
        machine.ask(intent)
    except Conflict:
        return


def _close(machine: Machine, handshakes: Handshakes | None) -> None:
    if handshakes is not None:
        handshakes.close()
    machine.close()


def _check_callbacks(*callbacks: object) -> None:
    for callback in callbacks:
        if callback is not None and not callable(callback):
            raise ValueError(f"a callback is {callback!r}: a function would work")
