"""The story of a site: its facts in order, as far as a report of one plan needs them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from pointsman.schedules.energy import Registers
from pointsman.schedules.facts import (
    AboutCommand,
    Dispatched,
    Fact,
    Measured,
    Opened,
    PlanActivated,
    PlanEnded,
    TimelineWritten,
    Unplugged,
)
from pointsman.schedules.model import Channel, Command, Plan, Run, Timeline
from pointsman.schedules.rows import starts_at


class UnknownPlan(ValueError):
    """No such plan was ever in force here."""


@dataclass(slots=True)
class Story:
    """Follows facts. Of meters it keeps only what is since the plan came into force."""

    plan_id: str | None = None
    """None: whichever plan comes into force last."""
    plans: dict[str, Plan] = field(default_factory=dict)
    timelines: dict[tuple[str, Channel], dict[str, Timeline]] = field(default_factory=dict)
    """By asset and channel, then by plan."""
    commands: dict[str, dict[str, Command]] = field(default_factory=dict)
    """By asset, then by id."""
    asked_at: dict[str, datetime] = field(default_factory=dict)
    """By command: when it was first handed out."""
    cut: dict[tuple[str, str], tuple[tuple[int, int], ...]] = field(default_factory=dict)
    """By plan and asset: rows whose vehicle had left."""
    meters: dict[str, Registers] = field(default_factory=dict)
    run: Run | None = None
    now: datetime | None = None
    """When the last fact happened."""

    def take(self, fact: Fact, at: datetime) -> None:
        self.now = at if self.now is None else max(self.now, at)
        match fact:
            case AboutCommand(command=command):
                self.commands.setdefault(command.asset_id, {})[command.id] = command
                if isinstance(fact, Dispatched):
                    self.asked_at.setdefault(command.id, command.progress.dispatched_at or at)
            case TimelineWritten(timeline):
                lane = timeline.asset_id, timeline.channel
                self.timelines.setdefault(lane, {})[timeline.plan_id] = timeline
            case PlanActivated(plan) | PlanEnded(plan):
                if isinstance(fact, PlanActivated) and self.plan_id in {None, plan.id}:
                    self._forget_readings()
                self.plans[plan.id] = plan
            case Unplugged(asset_id, plan_id, rows):
                self.cut[plan_id, asset_id] = rows
            case Measured(measurement):
                self.meters.setdefault(measurement.asset_id, Registers()).take(measurement)
                told = self.plans if self.plan_id is None else self.plan_id in self.plans
                if not told:
                    self.meters[measurement.asset_id].forget()
            case Opened(run):
                self.run = run

    def plan(self) -> Plan:
        """The plan that is told of.

        Raises:
            UnknownPlan: If it was never in force.
        """
        if not self.plans:
            raise UnknownPlan("no plan was ever in force here, so there is nothing to report")
        if self.plan_id is None:
            return max(self.plans.values(), key=lambda plan: plan.activation)
        if self.plan_id not in self.plans:
            known = ", ".join(self.plans)
            raise UnknownPlan(f"no plan {self.plan_id!r} was ever in force here; known: {known}")
        return self.plans[self.plan_id]

    def of_asset(self, plan: Plan, asset_id: str) -> list[Timeline]:
        """The plan's timelines for one asset."""
        lanes = ((asset_id, channel) for channel in Channel)
        found = (self.timelines.get(lane, {}).get(plan.id) for lane in lanes)
        return [timeline for timeline in found if timeline is not None]

    def covers(self, plan: Plan, timeline: Timeline) -> Iterator[tuple[Plan, datetime]]:
        """The newer plans for the same channel of the asset, each with its first row's start."""
        lane = self.timelines[timeline.asset_id, timeline.channel]
        for plan_id, other in lane.items():
            newer = self.plans.get(plan_id)
            if newer is not None and newer.activation > plan.activation:
                yield newer, starts_at(newer, other, 0)

    def _forget_readings(self) -> None:
        for meter in self.meters.values():
            meter.forget()
