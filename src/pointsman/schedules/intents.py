"""What may be asked of a site's schedules. Any of it may be rejected."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

from pointsman.core.values import Value
from pointsman.schedules.model import AssetState, Command, Context, Measurement, Plan, Run, Timeline


class Open(Value, frozen=True):
    """A run begins. What an earlier one left half sent becomes doubtful."""

    run: Run


class Write(Value, frozen=True):
    """Keep rows of a plan that is not in force yet. Repeated until all are written."""

    timelines: tuple[Timeline, ...] = ()
    contexts: tuple[Context, ...] = ()


class Activate(Value, frozen=True):
    """Put a plan in force whose timelines are written. Twice is once."""

    plan: Plan
    in_force: Mapping[str, float] = {}
    """Signed kW by asset that the plan's changes were told from: still so, or rejected."""


class Submit(Value, frozen=True):
    """Queue a command that comes from no plan. Twice is once."""

    command: Command


class Dispatch(Value, frozen=True):
    """Count a command as handed out now. For callers who carry commands themselves."""

    command: Command


class Acknowledge(Value, frozen=True):
    """The device took a command and will act on it later."""

    command_id: str
    attempt: int
    patient: bool = False
    """It may take as long as it takes, until the command's time is over."""


class Answer(Value, frozen=True):
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


class CheckTimeouts(Value, frozen=True):
    """Judge silence only, and send nothing. `Wake` does this too."""


class Sweep(Value, frozen=True):
    """Judge only what is over or replaced, and send nothing. `Wake` does this too."""


class Tidy(Value, frozen=True):
    """Forget what nobody needs any more: rows of plans that never came into force, plans that
    are over, and commands that ended before `before`. A part at a time: until nothing comes.
    """

    before: datetime


class Cancel(Value, frozen=True):
    command_id: str
    reason: str = ""


class Unplug(Value, frozen=True):
    """The vehicle left before its plan was over: what is left of its rows is cancelled."""

    asset_id: str


class Measure(Value, frozen=True):
    measurement: Measurement


class ReportState(Value, frozen=True):
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
