"""What happened at a site. Each fact carries the whole new value of the thing it is about."""

from dataclasses import dataclass
from typing import TypeAlias

from pointsman.core.entity import Forgotten
from pointsman.core.names import part
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


@dataclass(frozen=True, slots=True)
class AboutCommand:
    command: Command

    @property
    def thing(self) -> str:
        return self.command.id


@dataclass(frozen=True, slots=True)
class Added(AboutCommand):
    """Queued, from no plan."""


@dataclass(frozen=True, slots=True)
class Dispatched(AboutCommand):
    """About to be sent. Durable before the first byte is."""


@dataclass(frozen=True, slots=True)
class Acknowledged(AboutCommand):
    pass


@dataclass(frozen=True, slots=True)
class Completed(AboutCommand):
    pass


@dataclass(frozen=True, slots=True)
class Requeued(AboutCommand):
    """A try failed; another will follow."""


@dataclass(frozen=True, slots=True)
class Failed(AboutCommand):
    pass


@dataclass(frozen=True, slots=True)
class TimedOut(AboutCommand):
    pass


@dataclass(frozen=True, slots=True)
class Refused(AboutCommand):
    pass


@dataclass(frozen=True, slots=True)
class Superseded(AboutCommand):
    pass


@dataclass(frozen=True, slots=True)
class Expired(AboutCommand):
    pass


@dataclass(frozen=True, slots=True)
class Cancelled(AboutCommand):
    pass


@dataclass(frozen=True, slots=True)
class AboutPlan:
    plan: Plan

    @property
    def thing(self) -> str:
        return part("plan", self.plan.id)


@dataclass(frozen=True, slots=True)
class PlanActivated(AboutPlan):
    """In force for its assets from now on, and any older plan is not."""


@dataclass(frozen=True, slots=True)
class PlanEnded(AboutPlan):
    """It has been over for a slot; `plan.expired` if nothing newer had come by then."""


@dataclass(frozen=True, slots=True)
class AboutTimeline:
    timeline: Timeline

    @property
    def thing(self) -> str:
        t = self.timeline
        return part("slots", t.plan_id, t.asset_id, t.channel)


@dataclass(frozen=True, slots=True)
class TimelineWritten(AboutTimeline):
    pass


@dataclass(frozen=True, slots=True)
class ContextWritten:
    context: Context

    @property
    def thing(self) -> str:
        return part("context", self.context.plan_id, self.context.column)


@dataclass(frozen=True, slots=True)
class Measured:
    measurement: Measurement

    @property
    def thing(self) -> str:
        return part("meter", self.measurement.asset_id)


@dataclass(frozen=True, slots=True)
class StateChanged:
    state: AssetState

    @property
    def thing(self) -> str:
        return part("state", self.state.asset_id)


@dataclass(frozen=True, slots=True)
class Unplugged:
    """Rows of vehicles that left before their plan was over are cancelled."""

    asset_id: str
    plan_id: str
    rows: tuple[tuple[int, int], ...]
    """All such spans of this plan so far: from a row, up to and without another."""

    @property
    def thing(self) -> str:
        return part("unplugged", self.plan_id, self.asset_id)


@dataclass(frozen=True, slots=True)
class Passed:
    """Rows up to this one are over, unsaid, and nothing need be said in their place."""

    asset_id: str
    plan_id: str
    channel: Channel
    row: int

    @property
    def thing(self) -> str:
        return part("passed", self.plan_id, self.asset_id, self.channel)


@dataclass(frozen=True, slots=True)
class Opened:
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
