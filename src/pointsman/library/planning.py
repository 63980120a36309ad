"""A run's plan: told from its table, checked against the journal, and put in force."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from pointsman.config import Site
from pointsman.core.entity import Rejected
from pointsman.core.values import replace
from pointsman.journal.sqlite_file import is_begun
from pointsman.library.housekeeping import Submit, tidy
from pointsman.library.running import (
    Options,
    refuse_other_kind,
    refuse_other_time,
    refuse_what_is_over,
)
from pointsman.runtime.clock import Clock, SystemClock
from pointsman.runtime.mirror import Mirror
from pointsman.schedules.changes import Import, plan_of
from pointsman.schedules.facts import Fact
from pointsman.schedules.importing import in_force_at, steps
from pointsman.schedules.intents import Intent
from pointsman.schedules.model import Plan
from pointsman.schedules.plans import Stale, carried_out
from pointsman.schedules.site import Site as SiteState
from pointsman.schedules.table import ScheduleError, Table

IMPORT_TRIES: Final = 5


class Planning:
    """What a run is about to do, and what of it an earlier run has done."""

    def __init__(
        self, site: Site, table: Table, options: Options, mirror: Mirror[SiteState, Intent, Fact]
    ) -> None:
        self._site, self._table, self._options, self._mirror = site, table, options, mirror

    @property
    def start(self) -> datetime:
        return self._table.times[0]

    def refuse_what_cannot_be(self) -> None:
        """Before anything is opened or written: what no journal could make right."""
        path = self._options.path
        fresh = self._options.speed == 1 and (path is None or not is_begun(path))
        now = SystemClock().now()
        self._make(created_at=now, now=now if fresh else None)

    def plan(self, clock: Clock) -> Plan:
        """The plan as a whole; or as it was put in force in an earlier run.

        Raises:
            ScheduleError: If it cannot be carried out from what the journal holds.
        """
        now, state, at = clock.now(), self._mirror.state, self._mirror.at
        new = self._make(created_at=now).plan
        known = state.plans.get(new.id)
        if state.run is not None and at is not None:
            refuse_other_kind(self._options, state.run)
            if not carried_out(state, new.id):
                refuse_other_time(self._options, state.run, at, now, begun=known is not None)
        if known is None:
            refuse_what_is_over(self._options, new, now)
        return known or new

    def _make(self, **how: Any) -> Import:  # noqa: ANN401  Keywords of `plan_of`.
        site, dry_run = self._site, self._options.dry_run
        return plan_of(self._table, site.asset_map, assets=site.assets, dry_run=dry_run, **how)

    def done(self, plan: Plan) -> bool:
        state = self._mirror.state
        if plan.id in state.plans and not state.newest_for(state.plans[plan.id]):
            newest = state.newest.id if state.newest else "another plan"
            raise ScheduleError(
                f"{plan.name}: was replaced by {newest} in {self._options.path}; "
                "a plan that is newer than that one, or another --journal, would work"
            )
        return carried_out(state, plan.id)

    async def put_in_force(self, plan: Plan, submit: Submit, clock: Clock) -> None:
        """Write the plan and activate it, unless that was done in an earlier run."""
        await tidy(submit, clock)
        for tries_left in reversed(range(IMPORT_TRIES)):
            if plan.id in self._mirror.state.plans:
                return
            try:
                for step in self._steps(clock.now()):
                    await submit(step)
            except Rejected as rejected:
                if isinstance(rejected, Stale) or not tries_left:
                    raise  # Else what is in force has just changed: tell the changes from that.
            else:
                return

    def _steps(self, now: datetime) -> Iterator[Intent]:
        """The import, told from the present instant and from what is in force then."""
        state = self._mirror.state
        begun = self._table.times[0] <= now
        known = in_force_at(state, now) if begun else {}
        made = self._make(created_at=now, now=now, in_force=known)
        plan = replace(made.plan, activated_at=now)
        return steps(plan, made.timelines, made.contexts, state, known)
