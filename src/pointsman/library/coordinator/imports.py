"""Imports: a table is written row by row, and comes into force as a whole or not at all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Final, NamedTuple, TypedDict

from pointsman.core.assets import Asset
from pointsman.core.entity import Rejected
from pointsman.core.values import Value, replace
from pointsman.library.coordinator.book import Book, Owner
from pointsman.library.coordinator.opening import ToldTime
from pointsman.library.coordinator.rows import CommandSequence, first_row
from pointsman.library.frames import read_table
from pointsman.schedules.cells import Both
from pointsman.schedules.changes import Import, Replace, plan_of
from pointsman.schedules.columns import OnUnmapped
from pointsman.schedules.facts import Fact
from pointsman.schedules.importing import in_force_at, steps, to_release
from pointsman.schedules.intents import Activate, Write
from pointsman.schedules.model import Plan, Policy, Timeline
from pointsman.schedules.plans import Stale
from pointsman.schedules.reports import ImportReport
from pointsman.schedules.site import Site
from pointsman.schedules.table import ScheduleError, Table
from pointsman.schedules.timeline import End, Nan

TRIES: Final = 5
"""How often an import is told anew, because what assets follow changed while it was written."""


class StaleScheduleError(ScheduleError):
    """The plan is older than the one in force, which stays so."""


class Keywords(TypedDict, total=False):
    """How a table is to be read. Whatever is left out has the default named here."""

    now: datetime | None
    """Slots that are over by then are left out. None: no slot is past."""
    start: str | datetime | None
    """When step 0 begins, of a table that counts its rows."""
    freq: str | timedelta | None
    """How long such a step is: `1h`, `15min`."""
    tz: str | tzinfo | None
    """The zone of times that have none. None: such times are refused."""
    plan_id: str | None
    """None: a hash of the table and the asset map."""
    horizon_end: datetime | None
    """When the last slot ends. None: after the most frequent step."""
    on_unmapped: OnUnmapped
    """What a control column without an asset is: `error`, or else it is kept and not told."""
    nan: Nan
    """What an empty cell of a battery is: `hold` the last value, `error`, or `safe` default."""
    max_hold: int
    """How many slots a value is held, 2, before the safe default is told."""
    both: Both
    """What charge and discharge in one slot are: `error`, or their `net`."""
    end: End
    """What the release tells: the asset's `default`, the same a slot later (`hold`), or `zero`."""
    assume_initial: Mapping[str, float] | None
    """Signed kW that assets may be trusted to follow already."""
    replace: Replace
    """Whose older plans it ends: of the `assets` that it names, or of the whole `site`."""
    plan_rev: int | None
    """The planner's number. A lower one than that of the plan in force is refused."""
    created_at: datetime | None
    """When it was made. An older one than the plan in force is refused. None: just now."""
    dry_run: bool
    """Nothing of it reaches an adapter."""


class ImportOptions(Value, frozen=True, kw_only=True):
    """The keywords, each with a value."""

    now: datetime | None = None
    start: str | datetime | None = None
    freq: str | timedelta | None = None
    tz: str | tzinfo | None = None
    plan_id: str | None = None
    horizon_end: datetime | None = None
    on_unmapped: OnUnmapped = "error"
    nan: Nan = "hold"
    max_hold: int = 2
    both: Both = "error"
    end: End = "default"
    assume_initial: Mapping[str, float] | None = None
    replace: Replace = "assets"
    plan_rev: int | None = None
    created_at: datetime | None = None
    dry_run: bool = False


class Covered(NamedTuple):
    """Rows of an older plan that nobody has said, and that a newer one may end."""

    plan: Plan
    timeline: Timeline
    first: int
    until: datetime
    """Rows from here on were ended before, by a plan in between."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A plan that comes into force, with what its announcement needs."""

    report: ImportReport
    commands: CommandSequence
    covered: tuple[Covered, ...] = ()


@dataclass(slots=True)
class Importer:
    owner: Owner
    book: Book
    assets: Mapping[str, Asset]
    policy: Policy
    time: ToldTime
    wants_covered: Callable[[], bool]
    """Whether anybody wants to hear of each row that a plan ends."""
    arrivals: dict[str, Arrival] = field(default_factory=dict)
    """By plan id: what has not been announced yet."""

    def take(
        self, source: object, asset_map: Mapping[str, str], options: ImportOptions
    ) -> tuple[CommandSequence, ImportReport | None]:
        """Put a table in force. The report is None if it was so already.

        Raises:
            ScheduleError: If it cannot be carried out. The plan in force stays.
        """
        for name, instant in (("now", options.now), ("created_at", options.created_at)):
            if instant is not None and instant.tzinfo is None:
                raise ScheduleError(f"{name}={instant} has no zone; add a UTC offset")
        table = read_table(source, start=options.start, freq=options.freq, tz=options.tz)
        for _ in range(TRIES):
            try:
                return self._try(table, asset_map, options)
            except Stale as stale:
                raise StaleScheduleError(str(stale)) from stale
            except Rejected as rejected:
                reason = rejected
        raise ScheduleError(f"the plan was not put in force: {reason}") from reason

    def _try(
        self, table: Table, asset_map: Mapping[str, str], options: ImportOptions
    ) -> tuple[CommandSequence, ImportReport | None]:
        made, in_force = self._made(table, asset_map, options)
        with self.owner.looking() as site:
            plan_id = _free_id(site, made.plan.id, given=options.plan_id is not None)
        if plan_id is None:
            return CommandSequence(made.plan, (), self.book.row), None
        if plan_id != made.plan.id:
            made, in_force = self._made(table, asset_map, replace(options, plan_id=plan_id))
        self.time.tell(options.now)
        plan = replace(made.plan, activated_at=self.time.told)
        with self.owner.looking() as site:
            intents = list(steps(plan, made.timelines, made.contexts, site, in_force))
            covered = _covered(site, made) if self.wants_covered() else ()
        commands = CommandSequence(plan, made.timelines, self.book.row)
        self._submit(plan.id, intents, Arrival(made.report, commands, covered))
        return commands, made.report

    def _submit(self, plan_id: str, intents: Sequence[Write | Activate], arrival: Arrival) -> None:
        self.arrivals[plan_id] = arrival
        came: Sequence[Fact] = ()
        try:
            for intent in intents:
                facts = self.owner.submit(intent, self.time.now())
                came = facts if isinstance(intent, Activate) else ()
        finally:
            if not came:  # Nothing came into force, so nobody will announce it.
                self.arrivals.pop(plan_id, None)

    def _made(
        self, table: Table, asset_map: Mapping[str, str], options: ImportOptions
    ) -> tuple[Import, Mapping[str, float]]:
        """A plan, and what it relies on that assets follow. Planned without the lock: that
        takes long, and what changes meanwhile is found when the plan is put in force.
        """
        with self.owner.looking() as site:
            created_at = max([self.time.clock_now(), *(p.created_at for p in site.plans.values())])
            released = to_release(site, ()) if options.replace == "site" else ()
            in_force = self._in_force(table, options, site)
        made = plan_of(
            table,
            asset_map,
            created_at=options.created_at or created_at,
            assets=self.assets,
            now=options.now,
            plan_id=options.plan_id,
            plan_rev=options.plan_rev,
            horizon_end=options.horizon_end,
            on_unmapped=options.on_unmapped,
            nan=options.nan,
            max_hold=options.max_hold,
            both=options.both,
            end=options.end,
            assume_initial=options.assume_initial,
            in_force=in_force,
            replace=options.replace,
            policy=self.policy,
            dry_run=options.dry_run,
            released=released,
        )
        return made, in_force

    def _in_force(self, table: Table, options: ImportOptions, site: Site) -> dict[str, float]:
        """What assets follow, if that counts: the plan must speak of the present."""
        now = self.time.at(options.now)
        if not table.times[0] <= now < table.ends(options.horizon_end):
            return {}
        return in_force_at(site, now)


def _covered(site: Site, made: Import) -> tuple[Covered, ...]:
    found: list[Covered] = []
    for timeline in made.timelines:
        desk = site.look(timeline.asset_id)
        lane = desk.lanes.get(timeline.channel)
        for segment in lane.segments if lane else ():
            first = max(first_row(segment.timeline), desk.next_row(segment))
            found.append(Covered(segment.plan, segment.timeline, first, segment.until))
    return tuple(found)


def _free_id(site: Site, plan_id: str, *, given: bool) -> str | None:
    """The id to import a plan under. None: it is in force already."""
    number, id = 1, plan_id
    while plan := site.plans.get(id):
        if site.newest_for(plan):
            return None
        if given:
            raise ScheduleError(
                f"plan_id={plan_id!r} was in force before, and a newer plan took over; another"
                " plan_id, or none, would work"
            )
        number += 1
        id = f"{plan_id}-{number}"
    return id
