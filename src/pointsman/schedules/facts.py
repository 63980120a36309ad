"""What happened at a site. Each fact carries the whole new value of the thing it is about."""

from typing import TypeAlias

from pointsman.core.entity import Forgotten
from pointsman.core.names import part
from pointsman.core.values import Value
from pointsman.schedules.model import (
    AssetState,
    Channel,
    Command,
    Context,
    Measurement,
    Plan,
    Run,
    Timeline,
)


class AboutCommand(Value, frozen=True):
    command: Command

    @property
    def thing(self) -> str:
        return self.command.id


class Added(AboutCommand, frozen=True):
    """Queued, from no plan."""


class Dispatched(AboutCommand, frozen=True):
    """About to be sent. Durable before the first byte is."""


class Acknowledged(AboutCommand, frozen=True):
    pass


class Completed(AboutCommand, frozen=True):
    pass


class Requeued(AboutCommand, frozen=True):
    """A try failed; another will follow."""


class Failed(AboutCommand, frozen=True):
    pass


class TimedOut(AboutCommand, frozen=True):
    pass


class Refused(AboutCommand, frozen=True):
    pass


class Superseded(AboutCommand, frozen=True):
    pass


class Expired(AboutCommand, frozen=True):
    pass


class Cancelled(AboutCommand, frozen=True):
    pass


class AboutPlan(Value, frozen=True):
    plan: Plan

    @property
    def thing(self) -> str:
        return part("plan", self.plan.id)


class PlanActivated(AboutPlan, frozen=True):
    """In force for its assets from now on, and any older plan is not."""


class PlanEnded(AboutPlan, frozen=True):
    """It has been over for a slot; `plan.expired` if nothing newer had come by then."""


class AboutTimeline(Value, frozen=True):
    timeline: Timeline

    @property
    def thing(self) -> str:
        t = self.timeline
        return part("slots", t.plan_id, t.asset_id, t.channel)


class TimelineWritten(AboutTimeline, frozen=True):
    pass


class ContextWritten(Value, frozen=True):
    context: Context

    @property
    def thing(self) -> str:
        return part("context", self.context.plan_id, self.context.column)


class Measured(Value, frozen=True):
    measurement: Measurement

    @property
    def thing(self) -> str:
        return part("meter", self.measurement.asset_id)


class StateChanged(Value, frozen=True):
    state: AssetState

    @property
    def thing(self) -> str:
        return part("state", self.state.asset_id)


class Unplugged(Value, frozen=True):
    """Rows of vehicles that left before their plan was over are cancelled."""

    asset_id: str
    plan_id: str
    rows: tuple[tuple[int, int], ...]
    """All such spans of this plan so far: from a row, up to and without another."""

    @property
    def thing(self) -> str:
        return part("unplugged", self.plan_id, self.asset_id)


class Passed(Value, frozen=True):
    """Rows up to this one are over, unsaid, and nothing need be said in their place."""

    asset_id: str
    plan_id: str
    channel: Channel
    row: int

    @property
    def thing(self) -> str:
        return part("passed", self.plan_id, self.asset_id, self.channel)


class Opened(Value, frozen=True):
    run: Run

    @property
    def thing(self) -> str:
        return ""


CommandFact: TypeAlias = (
    Added
    | Dispatched
    | Acknowledged
    | Completed
    | Requeued
    | Failed
    | TimedOut
    | Refused
    | Superseded
    | Expired
    | Cancelled
)
Fact: TypeAlias = (
    CommandFact
    | PlanActivated
    | PlanEnded
    | TimelineWritten
    | ContextWritten
    | Measured
    | StateChanged
    | Unplugged
    | Passed
    | Opened
    | Forgotten
)
