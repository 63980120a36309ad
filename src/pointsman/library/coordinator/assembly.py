"""What a dispatch engine is made of, and how it lives: opened, running, closed."""

from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from pointsman.config import Site
from pointsman.journal import BlockingJournal
from pointsman.library.coordinator.adapters import AdapterRegistry
from pointsman.library.coordinator.announcing import Announcer
from pointsman.library.coordinator.book import Book
from pointsman.library.coordinator.carrying import Carrier
from pointsman.library.coordinator.equipment import Equipment
from pointsman.library.coordinator.events import EventBus, EventType
from pointsman.library.coordinator.imports import Importer
from pointsman.library.coordinator.loop import Loop
from pointsman.library.coordinator.opening import ToldTime, open_site
from pointsman.library.coordinator.sending import close_all, open_all
from pointsman.library.coordinator.settings import CoordinatorConfig, DispatchError
from pointsman.library.journals import open_journal
from pointsman.runtime.clock import Clock, SystemClock
from pointsman.runtime.direct import Direct
from pointsman.schedules import SCHEDULES, schedules_id
from pointsman.schedules.reports import ImportReport


class Assembly:
    """The parts of an engine, which `DispatchEngine` describes."""

    def __init__(
        self,
        event_bus: EventBus | None = None,
        adapter_registry: AdapterRegistry | None = None,
        config: CoordinatorConfig | None = None,
        *,
        journal: str | Path | BlockingJournal | None = None,
        site: str | Path | Site | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.bus = event_bus if event_bus is not None else EventBus()
        self.registry = adapter_registry if adapter_registry is not None else AdapterRegistry()
        self.config = config or CoordinatorConfig()
        self.clock = clock or SystemClock()
        self.last_import: ImportReport | None = None
        """Of the last table that came into force by this engine. None: none has."""
        self._time = ToldTime(self.clock)
        site_id, assets = open_site(site, self.config.site_id)
        with ExitStack() as opening:
            kept = open_journal(journal, opening, DispatchError)
            self._owner = Direct(SCHEDULES, schedules_id(site_id), kept)
            self._closing = opening.pop_all()
        self._book = Book(self._owner, self._time)
        self._carrier = Carrier(
            self._owner, self._book, self.registry, self.bus, self._time, self.config.policy
        )
        self._importer = Importer(
            self._owner,
            self._book,
            assets,
            self.config.policy,
            self._time,
            lambda: self.bus.listens(EventType.COMMAND_SUPERSEDED),
        )
        stale = timedelta(seconds=self.config.stale_state_seconds)
        self._equipment = Equipment(self._owner, assets, stale)
        self._owner.subscribe(Announcer(self.bus, self._book, self._importer).hear)

    async def run(self, *, until: datetime | None = None) -> None:
        """Carry out what is due through the registered adapters, until cancelled.

        What an earlier life left half sent is confirmed or sent again. Subscribers are called
        on the thread of this loop.

        Args:
            until: By the engine's clock. None: for ever.
        """
        interval = self.config.dispatch_interval_seconds
        await Loop(self._carrier, self._book, self._time, self.clock, interval).run(until)

    def close(self) -> None:
        """Let go of the journal and of all threads. What is known can still be looked up."""
        self._closing.close()
        self._carrier.worker.close()
        self.bus.close()

    def __enter__(self) -> Self:
        self._carrier.worker.wait_for(open_all(self.registry.adapters(), self))
        return self

    def __exit__(self, *_: object) -> None:
        self._carrier.worker.wait_for(close_all(self.registry.adapters()))
        self.close()

    async def __aenter__(self) -> Self:
        await open_all(self.registry.adapters(), self)
        return self

    async def __aexit__(self, *_: object) -> None:
        await close_all(self.registry.adapters())
        self.close()
