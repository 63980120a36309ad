"""What may be asked of a site's schedules. Any of it may be rejected."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from pointsman.schedules.model import AssetState, Command, Context, Measurement, Plan, Run, Timeline


@dataclass(frozen=True, slots=True)
class Open:
    """A run begins. What an earlier one left half sent becomes doubtful."""

    run: Run


@dataclass(frozen=True, slots=True)
class Write:
    """Keep rows of a plan that is not in force yet. Repeated until all are written."""

    timelines: tuple[Timeline, ...] = ()
    contexts: tuple[Context, ...] = ()


@dataclass(frozen=True, slots=True)
class Activate:
    """Put a plan in force whose timelines are written. Twice is once."""

    plan: Plan
    in_force: dict[str, float] = field(default_factory=dict)
    """Signed kW by asset that the plan's changes were told from: still so, or rejected."""


@dataclass(frozen=True, slots=True)
class Submit:
    """Queue a command that comes from no plan. Twice is once."""

    command: Command


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Count a command as handed out now. For callers who carry commands themselves."""

    command: Command


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The device took a command and will act on it later."""

    command_id: str
    attempt: int
    patient: bool = False
    """It may take as long as it takes, until the command's time is over."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How one try ended, as the device says or as a read-back shows."""

    command_id: str
    attempt: int
    success: bool
    error: str = ""
    permanent: bool = False
    """Trying again is of no use."""
    doubtful: bool = False
    """It failed without an answer: the device may have acted all the same."""
    refused: bool = False
    """A guard said no before anything was sent. Permanent."""
    applied_kw: float | None = None
    lateness_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class CheckTimeouts:
    """Judge silence only, and send nothing. `Wake` does this too."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Judge only what is over or replaced, and send nothing. `Wake` does this too."""


@dataclass(frozen=True, slots=True)
class Tidy:
    """Forget what nobody needs any more: rows of plans that never came into force, plans that
    are over, and commands that ended before `before`. A part at a time: until nothing comes.
    """

    before: datetime


@dataclass(frozen=True, slots=True)
class Cancel:
    command_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unplug:
    """The vehicle left before its plan was over: what is left of its rows is cancelled."""

    asset_id: str


@dataclass(frozen=True, slots=True)
class Measure:
    measurement: Measurement


@dataclass(frozen=True, slots=True)
class ReportState:
    state: AssetState


Intent: TypeAlias = (
    Open
    | Write
    | Activate
    | Submit
    | Dispatch
    | Acknowledge
    | Answer
    | CheckTimeouts
    | Sweep
    | Tidy
    | Cancel
    | Unplug
    | Measure
    | ReportState
)
