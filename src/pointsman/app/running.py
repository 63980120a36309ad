"""A run: a plan, a site, a journal and devices, joined.

plan --read_table, plan_of--> Import --steps--> engine --> journal --tail--> driver --> devices
                                                  ^                   |         |
                                                  +--- Answer --------(---------+
                                                  +--- Measure -- telemetry <---+
                                                                      `--> record, mirror, view
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

from pointsman.app.endings import LEAVE_SECONDS, LOOK_SECONDS, one_cause, replaced
from pointsman.app.places import placement
from pointsman.config import Site, read_site
from pointsman.core.entity import Forgotten
from pointsman.devices import World
from pointsman.devices.driver import AHEAD_SECONDS, Driver
from pointsman.devices.earlier import earlier_of
from pointsman.devices.protocols import Fleets, check_devices, open_fleets
from pointsman.devices.telemetry import Telemetry
from pointsman.journal import Cursor, Journal
from pointsman.journal.memory import MemoryJournal
from pointsman.journal.ownership import owning
from pointsman.journal.sqlite import SqliteJournal
from pointsman.journal.sqlite_file import is_begun
from pointsman.journal.sqlite_reader import SqliteReader
from pointsman.library.frames import read_table
from pointsman.library.housekeeping import Submit, stay_tidy
from pointsman.library.planning import Planning
from pointsman.library.running import (
    EXAMPLES,
    Guarded,
    Options,
    Unwatched,
    Watcher,
)
from pointsman.runtime.clock import Clock, RunClock, SystemClock
from pointsman.runtime.engine import Engine
from pointsman.runtime.follow import follow
from pointsman.runtime.history import recorded, remembered
from pointsman.runtime.loading import collector_paused, keep_what_is_loaded, unfrozen
from pointsman.runtime.mirror import Known, Mirror
from pointsman.runtime.record import RecordKeeper, record_beside
from pointsman.runtime.turns import short_turns
from pointsman.schedules import SCHEDULES, schedules_id
from pointsman.schedules.facts import Fact, Measured
from pointsman.schedules.intents import Open
from pointsman.schedules.model import Plan, Run
from pointsman.schedules.plans import carried_out
from pointsman.schedules.report import Report, report
from pointsman.schedules.table import Table

REACH_SECONDS: Final = 15.0
"""How long a run waits at its start for devices to be reached, by the wall clock."""
DEMO_SPEED: Final = 960.0
"""A day in 90 seconds."""


async def run(
    plan: object, site: str | Path | Site, options: Options, watcher: Watcher | None = None
) -> Report:
    """Carry out a plan to its end, and report. A run that was cut short goes on where it was.

    Raises:
        ScheduleError, SiteError, DeviceTableError, InUse, JournalUnreadable: If it cannot begin.
            Nothing was written, and a plan in force was kept.
        Replaced: If another process took over meanwhile.
        JournalFailed: If nothing more can be written. Once it can, start again: it goes on.
    """
    where = site if isinstance(site, Site) else read_site(Path(site))
    check_devices(where.assets.values(), options.speed)
    table = read_table(plan, tz=options.tz)
    carried = _Running(where, table, options, Guarded(watcher or Unwatched()))
    carried.planning.refuse_what_cannot_be()
    if options.path is None:
        return await carried.to_the_end(lambda: False)
    with owning(
        options.path, take_over=options.take_over, patience_seconds=LEAVE_SECONDS
    ) as is_replaced:
        return await carried.to_the_end(is_replaced)


async def demo(watcher: Watcher | None = None) -> tuple[Report, Path]:
    """Carry out a day of the Caltech garage, simulated. Returns its journal too, to look into."""
    journal = Path(mkdtemp(prefix="pointsman-demo-")) / "demo.db"
    options = Options(speed=DEMO_SPEED, journal=journal)
    plan = EXAMPLES / "caltech_2019-06-05_plan.csv"
    return await run(plan, EXAMPLES / "caltech_site.toml", options, watcher), journal


class _Running:
    """One life of a run: from opening the journal to the report."""

    def __init__(self, site: Site, table: Table, options: Options, watcher: Watcher) -> None:
        self._site, self._options, self._watcher = site, options, watcher
        self._mirror = Mirror(SCHEDULES, schedules_id(site.id))
        self.planning = Planning(site, table, options, self._mirror)
        self._carried_out = asyncio.Event()
        self._still = ExitStack()
        """Holds the run's clock, and the garbage collector, until the plan is in force."""
        self._loaded_at: Cursor | None = None
        """What the mirror knows of. None: there was no journal."""
        self._known: Known | None = None
        """What the engine begins with, as an earlier run has left it."""

    async def to_the_end(self, is_replaced: Callable[[], bool]) -> Report:
        """`is_replaced` tells whether another process has taken over."""
        with self._still:
            return await self._from_its_beginning(is_replaced)

    async def _from_its_beginning(self, is_replaced: Callable[[], bool]) -> Report:
        path = self._options.path
        self._still.enter_context(collector_paused())
        if path is not None and is_begun(path):
            with closing(SqliteReader(path)) as reader:
                self._loaded_at, self._known = self._mirror.read(reader)
        clock = self._clock()
        self._still.enter_context(clock.held())
        plan = self.planning.plan(clock)
        journal: Journal = SqliteJournal(path) if path else MemoryJournal()
        try:
            if not self.planning.done(plan):
                with one_cause(path), short_turns(), unfrozen():
                    await self._carry_out(plan, journal, clock, is_replaced)
            return await self._report(plan, journal)
        finally:
            if isinstance(journal, SqliteJournal):
                await journal.close()

    async def _report(self, plan: Plan, journal: Journal) -> Report:
        path, id = self._options.path, schedules_id(self._site.id)
        report_on = partial(report, plan_id=plan.id, site_id=self._site.id)
        if path is None:
            return report_on([fact async for fact in remembered(journal, SCHEDULES, id)])
        return await asyncio.to_thread(lambda: report_on(recorded(path, SCHEDULES, id)))

    def _clock(self) -> Clock:
        """The wall clock; faster, the run's own, which goes on where an earlier run ended."""
        if self._options.speed == 1:
            return SystemClock()
        start = self.planning.start
        return RunClock(max(start, self._mirror.at or start), self._options.speed)

    # While it runs

    async def _carry_out(
        self, plan: Plan, journal: Journal, clock: Clock, is_replaced: Callable[[], bool]
    ) -> None:
        engine = Engine([SCHEDULES], journal, clock, place=placement(self._site), known=self._known)
        submit: Submit = partial(engine.submit, SCHEDULES, schedules_id(self._site.id))
        run, assets = self._life(clock), self._site.assets
        earlier = self._mirror.state
        telemetry = Telemetry(
            submit, assets, earlier=dict(earlier.measured), states=dict(earlier.states)
        )
        fleets = open_fleets(list(assets.values()), self._world(clock, telemetry))
        driver = Driver(
            submit, fleets.devices, assets, clock, run_number=run.number, opened_at=run.started_at
        )
        cursor = await journal.end() if self._loaded_at is None else self._loaded_at
        self._watcher.begins(self._site, plan, clock)
        lives = [
            engine.run(),
            fleets.run(),
            telemetry.run(),
            driver.run(self._facts(journal, cursor)),
            self._follow(journal, cursor, plan),
            self._tick(clock, is_replaced),
            *self._record(journal),
        ]
        async with asyncio.TaskGroup() as tasks:
            opened = tasks.create_task(submit(Open(run)))  # Decided first, once it is loaded.
            await asyncio.sleep(0)
            background = [tasks.create_task(life) for life in lives]
            await opened
            await self._begin(plan, fleets, submit, clock)
            background.append(tasks.create_task(stay_tidy(submit, clock)))
            await self._carried_out.wait()
            await telemetry.flush()
            for task in background:
                task.cancel()

    def _life(self, clock: Clock) -> Run:
        return Run(
            self._mirror.state.run_number + 1,
            self._options.speed,
            self._options.dry_run,
            clock.now(),
            os.getpid(),
            str(self._site.timezone),
            AHEAD_SECONDS if self._options.speed == 1 else 0.0,
        )

    def _record(self, journal: Journal) -> Iterator[Coroutine[Any, Any, None]]:
        if self._options.path:
            yield RecordKeeper(journal, record_beside(self._options.path)).run()

    async def _begin(self, plan: Plan, fleets: Fleets, submit: Submit, clock: Clock) -> None:
        """Wait for the devices, put the plan in force, and let time pass."""
        with suppress(TimeoutError):
            async with asyncio.timeout(REACH_SECONDS):
                await fleets.reached()
        await self.planning.put_in_force(plan, submit, clock)
        keep_what_is_loaded()
        self._still.close()

    def _world(self, clock: Clock, telemetry: Telemetry) -> World:
        return World(
            clock,
            telemetry,
            site_id=self._site.id,
            timezone=str(self._site.timezone),
            folder=str(self._site.folder),
            asset_map=self._site.asset_map,
            ocpp=self._options.ocpp,
            dry_run=self._options.dry_run,
            speed=self._options.speed,
            earlier=earlier_of(self._mirror.state),
        )

    async def _facts(self, journal: Journal, cursor: Cursor) -> AsyncIterator[Fact]:
        async for _, happened in follow(journal, [SCHEDULES], cursor):
            if happened.entity == self._mirror.name:
                yield happened.fact

    async def _follow(self, journal: Journal, cursor: Cursor, plan: Plan) -> None:
        """Keep the mirror, tell the watcher, and notice the end."""
        async for _, happened in follow(journal, [SCHEDULES], cursor, forgotten=True):
            self._mirror.take(happened)
            if isinstance(happened.fact, Forgotten):
                continue
            self._watcher.saw(happened.fact, happened.at)
            over = happened.at >= plan.end and not isinstance(happened.fact, Measured)
            if over and carried_out(self._mirror.state, plan.id):
                self._carried_out.set()

    async def _tick(self, clock: Clock, is_replaced: Callable[[], bool]) -> None:
        """Raises Replaced soon, so that whoever took over finds ports and devices free."""
        while not is_replaced():
            self._watcher.tick(clock.now())
            await asyncio.sleep(LOOK_SECONDS)
        raise replaced(self._options.path)
