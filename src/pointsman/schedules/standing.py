"""How an asset stands: what it follows, what it was told last, what it will be told next."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from pointsman.schedules.desk import FOREVER, Desk
from pointsman.schedules.facts import (
    AboutCommand,
    AboutPlan,
    AboutTimeline,
    Completed,
    Fact,
    Measured,
    Opened,
    StateChanged,
)
from pointsman.schedules.lifecycle import evolve, initial
from pointsman.schedules.model import (
    AssetState,
    Channel,
    Command,
    CommandStatus,
    Measurement,
    Plan,
)
from pointsman.schedules.rows import command_of, row_at
from pointsman.schedules.site import Site


@dataclass(frozen=True, slots=True)
class Upcoming:
    """What replaces the present value, as far as is known."""

    at: datetime
    command: Command
    plan: Plan | None
    """None: it comes from no plan."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One asset at one instant. Power is signed: positive for charging."""

    asset_id: str
    in_force: Command | None
    """Acknowledged and not expired. None: nobody commands it, or nobody knows."""
    in_force_kw: float | None
    in_flight: Command | None
    """Sent, and not answered yet."""
    last: Command | None
    """The power command that was sent last, whatever became of it."""
    uncertain: str
    """Why nobody knows what it follows. Empty: it is known."""
    upcoming: Upcoming | None
    state: AssetState | None
    state_since: datetime | None
    measured: Measurement | None


@dataclass(slots=True)
class Present:
    """Follows facts, and shows how things stand after them."""

    site: Site = field(default_factory=initial)
    completed: dict[str, Command] = field(default_factory=dict)
    """By asset: the power command that was acknowledged last."""
    plans: dict[str, Plan] = field(default_factory=dict)
    """Those that the site has forgotten among them."""
    known: set[str] = field(default_factory=set)
    """Every asset that anything was ever planned for, told to or heard of."""
    state_since: dict[str, datetime] = field(default_factory=dict)
    at: datetime | None = None
    """When the last fact happened."""
    opened_at: datetime | None = None

    def take(self, fact: Fact, at: datetime) -> None:
        evolve(self.site, fact)
        self.at = at
        self.known.update(assets_of(fact))
        match fact:
            case AboutPlan(plan=plan):
                self.plans[plan.id] = plan
            case Completed(command) if command.channel is Channel.POWER:
                self.completed[command.asset_id] = command
            case StateChanged(state):
                self.state_since[state.asset_id] = at
            case Opened():
                self.opened_at = at

    def standing(self, asset_id: str, now: datetime) -> Standing:
        desk = self.site.look(asset_id)
        lane = desk.lanes.get(Channel.POWER)
        last = lane.last if lane else None
        in_force = self.completed.get(asset_id)
        if in_force is not None and (in_force.expires_at or FOREVER) <= now:
            in_force = None
        return Standing(
            asset_id,
            in_force,
            in_force.signed_kw if in_force else None,
            desk.in_flight,
            last,
            _doubt(self.site, desk, last),
            min(_upcoming(self.site, desk, now), key=lambda up: up.at, default=None),
            self.site.states.get(asset_id),
            self.state_since.get(asset_id),
            self.site.measured.get(asset_id),
        )


def assets_of(fact: Fact) -> tuple[str, ...]:
    """The assets that a fact names."""
    match fact:
        case AboutCommand(command=command):
            return (command.asset_id,)
        case AboutPlan(plan=plan):
            return plan.assets
        case AboutTimeline(timeline=timeline):
            return (timeline.asset_id,)
        case Measured(measurement):
            return (measurement.asset_id,)
        case StateChanged(state):
            return (state.asset_id,)
    return ()


def _doubt(site: Site, desk: Desk, last: Command | None) -> str:
    flying = desk.in_flight
    if flying is not None and flying.progress.run < site.run_number:
        return f"{flying.id} was half sent when run {flying.progress.run} ended"
    if last is None or flying is not None:
        return ""
    progress = last.progress
    if progress.status is CommandStatus.COMPLETED or not progress.attempt:
        return ""
    if progress.status is CommandStatus.TIMED_OUT or progress.doubtful:
        return f"{last.id} got no answer: {progress.error}"
    return ""


def _upcoming(site: Site, desk: Desk, now: datetime) -> Iterator[Upcoming]:
    """What waits to be sent, and the next row of each plan."""
    for due_at, id in desk.queue.until(FOREVER):
        command = site.commands[id]
        if command.channel is Channel.POWER:
            yield Upcoming(max(due_at, now), command, site.plans.get(command.plan_id))
    lane = desk.lanes.get(Channel.POWER)
    for segment in lane.segments if lane else ():
        plan, timeline = segment.plan, segment.timeline
        next_at = desk.next_at(segment)
        at = None if next_at is None else max(next_at, now)
        if at is not None and at < segment.until:
            row = row_at(plan, timeline, at)
            yield Upcoming(at, command_of(plan, timeline, row, site.commands), plan)
