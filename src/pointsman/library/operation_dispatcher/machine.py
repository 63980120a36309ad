"""The machine of one resource: who owns its operations, and all that is moved by their facts."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from copy import copy
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Final, TypeAlias
from weakref import WeakValueDictionary

from pointsman.core.entity import Wake
from pointsman.journal import BlockingJournal, Fenced
from pointsman.library.journals import open_journal
from pointsman.library.operation_dispatcher.archive import Archive
from pointsman.library.operation_dispatcher.chronicle import Chronicle, Past
from pointsman.library.operation_dispatcher.errors import DispatcherError
from pointsman.library.operation_dispatcher.home import Home
from pointsman.library.operation_dispatcher.operation import Operation
from pointsman.library.operation_dispatcher.outbox import Outbox
from pointsman.library.operation_dispatcher.translating import follow, operation_of
from pointsman.library.operation_dispatcher.turner import Turner
from pointsman.library.operation_dispatcher.watches import Watches
from pointsman.operations import OPERATIONS, model, resource_id
from pointsman.operations.checks import Conflict
from pointsman.operations.facts import AboutOperation, Fact
from pointsman.operations.intents import Answer, Configure, Intent, StopResource
from pointsman.operations.policy import Policy
from pointsman.operations.queue import Resource
from pointsman.runtime.ask import Broken
from pointsman.runtime.clock import Clock
from pointsman.runtime.codec import Happened
from pointsman.runtime.direct import Direct

log = logging.getLogger(__name__)
Owner: TypeAlias = Direct[Resource, Intent, Fact]
Subscriber: TypeAlias = Callable[[Happened], None]
SITE: Final = "site"
"""Part of every name in the journal."""
ANEW: Final = "it begins anew"


class Machine:
    """Usable from any thread."""

    def __init__(
        self,
        name: str,
        policy: Policy,
        clock: Clock,
        journal: str | Path | BlockingJournal | None,
        events_kept: int,
    ) -> None:
        self.name = name
        self.clock = clock
        self.home = Home()
        self.watches = Watches()
        self.chronicle = Chronicle(events_kept)
        self.outbox: Outbox | None = None
        self.error: Exception | None = None
        """What ended it, if anything did."""
        self.on_end: Callable[[], None] = lambda: None
        self._own: WeakValueDictionary[str, Operation] = WeakValueDictionary()
        self._lock = Lock()
        self._closed = False
        self._minds_time = False
        self._heard = 0
        self._view: tuple[int, Resource] | None = None
        with ExitStack() as opening:
            kept = journal
            if kept is not None:
                kept = open_journal(kept, opening, DispatcherError, recorded=True)
            self.owner: Owner = Direct(OPERATIONS, resource_id(SITE, name), kept)
            self.past: Past = self.chronicle
            if isinstance(journal, str | Path):
                self.past = Archive(Path(journal), self.owner.name)
                for happened in self.past.last(None, None, events_kept):
                    self.chronicle.hear(happened)
            self._closing = opening.pop_all()
        self.turner = Turner(self.owner.due, self._take_turn, clock, self._end)
        self._subscribe(self.chronicle.hear, self._keep_up, self.watches.hear)
        self._begin(policy)

    def _begin(self, policy: Policy) -> None:
        """Nothing that an earlier life left behind runs or is asked for before somebody says so."""
        self.submit(Configure(policy))
        with self.owner.looking() as resource:
            runs = resource.header.running_since is not None
        if runs:
            self.submit(StopResource(meta={"reasoning": ANEW}))
        with self.owner.looking() as resource:
            values = resource.operations.values()
            pending = [(one.id, one.request.number) for one in values if one.request]
        for id, number in pending:  # Who asked for that is gone, and so is who was asked.
            with suppress(Conflict):  # Its time is over.
                self.submit(Answer(id, number, accepted=False, reasoning=ANEW))

    def follow(self, *subscribers: Subscriber, outbox: Outbox | None) -> None:
        """Tell these from now on; the outbox last, and then mind the time."""
        self.outbox = outbox
        self._subscribe(*subscribers)
        if outbox is not None:
            self._subscribe(outbox.hear)
        self._minds_time = True
        self.turner.hear()

    # What is asked

    def submit(self, intent: Intent | Wake) -> Sequence[Fact]:
        """What it caused. Whoever is to be notified, is so by the next `tell`.

        Raises:
            Rejected: If it makes no sense.
            Fenced, Broken: If the journal has another owner, or a rule is broken: that is the end.
            RuntimeError: If it is closed.
        """
        if self._closed:
            raise self._is_closed()
        if self.error is not None:
            raise self.error
        try:
            wakes = self._minds_time and not (self.outbox and self.outbox.is_telling())
            facts = self.owner.submit(intent, self.clock.now(), wakes=wakes)
        except (Fenced, Broken) as error:
            self._end(error)
            raise
        if facts and self._minds_time:
            self.turner.hear()
        return facts

    def ask(self, intent: Intent | Wake) -> Sequence[Fact]:
        """What it caused, told to all."""
        facts = self.submit(intent)
        self.tell()
        return facts

    def tell(self) -> None:
        if self.outbox is not None:
            self.outbox.empty()

    # Objects that callers hold

    def refuse_known(self, names: Collection[str]) -> None:
        """Raises: ValueError: If one of them was added before, as far as anybody remembers."""
        with self.owner.looking() as resource:
            known = next(filter(resource.operations.__contains__, names), None)
        known = known or next(filter(self.chronicle.knows, names), None)
        if known is not None:
            raise ValueError(f"operation {known} was added before")

    def adopt(self, operations: Mapping[str, Operation]) -> None:
        """Keep callers' objects up to date from now on."""
        with self.owner.looking() as resource, self._lock:
            for name, operation in operations.items():
                self._own[name] = operation
                known = resource.operations.get(name) or self.chronicle.operation(name)
                if known is not None:  # It may have ended by now, and be forgotten.
                    follow(operation, known)

    def object_of(self, value: model.Operation) -> Operation:
        """The one object that stands for an operation: the caller's, if they still hold it."""
        with self.owner.looking() as resource, self._lock:
            known = self._own.get(value.id)
            if known is None:
                now = resource.operations.get(value.id, value)
                known = self._own[value.id] = operation_of(now, self.name)
            return known

    def snapshot(self, value: model.Operation) -> Operation:
        return operation_of(value, self.name)

    def view(self) -> Resource:
        """A copy of the resource as it is, for whoever wants to look without hurry."""
        with self.owner.looking() as resource:
            if self._view is None or self._view[0] != self._heard:
                self._view = self._heard, copy(resource)
            return self._view[1]

    @contextmanager
    def looking(self) -> Iterator[tuple[Resource, datetime]]:
        """The resource and the time. Look, and keep nothing of it."""
        with self.owner.looking() as resource:
            yield resource, self.clock.now()

    def close(self) -> None:
        """Change nothing more, and let go of the journal and of all threads."""
        self.turner.close()  # First, for a turn that it is about to take would be refused.
        self._closed = True
        self.watches.give_up(self._is_closed())
        self._closing.close()
        self.home.close()

    def _is_closed(self) -> DispatcherError:
        return DispatcherError(f"the dispatcher of {self.name} is closed: make another")

    def _take_turn(self) -> None:
        self.ask(Wake())

    def _keep_up(self, happened: Happened) -> None:
        self._heard += 1
        fact = happened.fact
        known = self._own.get(fact.thing) if isinstance(fact, AboutOperation) else None
        if known is not None:  # Who takes one in from now on, sees what has happened by now.
            with self.owner.looking() as resource, self._lock:
                follow(known, resource.operations.get(fact.thing, fact.operation))

    def _end(self, error: Exception) -> None:
        self.error = error
        self.watches.give_up(error)
        self.on_end()

    def _subscribe(self, *subscribers: Subscriber) -> None:
        for subscriber in subscribers:
            self.owner.subscribe(subscriber)
