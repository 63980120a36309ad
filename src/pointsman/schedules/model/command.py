"""A command: what one asset is told at one instant, and how far that got."""

from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, TypeVar

from msgspec.structs import force_setattr

from pointsman.core.values import Value

Shared = TypeVar("Shared")

SHARED_LIMIT: Final = 4_096
"""Values that many commands have in common, and that are kept once."""


class CommandType(StrEnum):
    SET_CHARGE_RATE = "SET_CHARGE_RATE"
    SET_DISCHARGE_RATE = "SET_DISCHARGE_RATE"
    SET_POWER_LIMIT = "SET_POWER_LIMIT"
    START_CHARGING = "START_CHARGING"
    STOP_CHARGING = "STOP_CHARGING"
    CHANGE_AVAILABILITY = "CHANGE_AVAILABILITY"
    SET_SOC_TARGET = "SET_SOC_TARGET"


class Channel(StrEnum):
    """What of an asset a command sets. A newer command of a channel replaces an older one."""

    POWER = "power"
    LIMIT = "limit"
    SESSION = "session"
    AVAILABILITY = "availability"
    SOC = "soc"


CHANNEL_OF: Final = {
    CommandType.SET_CHARGE_RATE: Channel.POWER,
    CommandType.SET_DISCHARGE_RATE: Channel.POWER,
    CommandType.SET_POWER_LIMIT: Channel.LIMIT,
    CommandType.START_CHARGING: Channel.SESSION,
    CommandType.STOP_CHARGING: Channel.SESSION,
    CommandType.CHANGE_AVAILABILITY: Channel.AVAILABILITY,
    CommandType.SET_SOC_TARGET: Channel.SOC,
}


class CommandStatus(StrEnum):
    PENDING = "PENDING"
    DISPATCHED = "DISPATCHED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    SUPERSEDED = "SUPERSEDED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"


class Source(StrEnum):
    """Who wants a command."""

    PLAN = "plan"
    OPERATOR = "operator"
    DR_EVENT = "dr_event"
    WINDOW = "window"
    SAFETY = "safety"


class Mark(StrEnum):
    """Why a row of a timeline is there, where it is not simply a new value of the plan."""

    AWAY = "away"
    """The vehicle is gone and no other has come: the setpoint ends."""
    SAFE = "safe"
    """The plan says nothing for too long: the asset's safe default."""
    MINIMUM = "minimum"
    """Rounded to 0 or to `min_kw`."""
    RELEASE = "release"
    """The plan is over: control goes back to the device. Always the last row, never expires."""


class Policy(Value, frozen=True):
    """How hard to try. Total tries are 1 + `max_retries`."""

    max_retries: int = 3
    timeout_seconds: float = 30.0
    backoff_base_seconds: float = 2.0
    backoff_factor: float = 2.0


PATIENT: Final = Policy()


class Progress(Value, frozen=True):
    """How far a command got."""

    status: CommandStatus = CommandStatus.PENDING
    attempt: int = 0
    """Tries so far. An answer names the try that it answers."""
    not_before: datetime | None = None
    doubtful: bool = False
    """An earlier try may have arrived: read back before sending again."""
    patient: bool = False
    """The device took it and will act when it can: silence is no failure."""
    run: int = 0
    """In which run the latest try was handed out. A later run cannot know how it ended."""
    dispatched_at: datetime | None = None
    """When the latest try was handed out."""
    answered_at: datetime | None = None
    error: str = ""
    late: bool = False
    """Completed by an answer that came after the time-out."""
    lateness_seconds: float | None = None
    """From due to handed to the device, in seconds of the wall clock."""
    applied_kw: float | None = None
    """What the device says that it applied, signed. None: it did not say."""
    superseded_by: str = ""


UNTRIED: Final = Progress()


class Command(Value, frozen=True):
    """What one asset is told at one instant, and how far that got."""

    id: str
    asset_id: str
    type: CommandType
    scheduled_at: datetime
    expires_at: datetime | None = None
    """From here on it must not be sent. None: due until done or superseded."""
    power_kw: float | None = None
    """Magnitude, of rates and limits."""
    parameters: dict[str, Any] | None = None
    """Whatever else the asset is told: `soc_target_percent`, `available`, the caller's own."""
    plan_id: str = ""
    row: int = -1
    """Which row of the plan's timeline. -1: it does not come from a plan."""
    slot: int = -1
    """Which slot of the plan the row begins in."""
    priority: int = 1
    """Higher goes first."""
    source: Source = Source.PLAN
    reason: str = ""
    """A `Mark`, or the words of whoever asked."""
    requested_kw: float | None = None
    """What the plan said, signed, before anything was rounded or clamped."""
    dry_run: bool = False
    sequence: int = 0
    """Grows with each command that comes to life at a site. Orders what is otherwise equal."""
    policy: Policy = PATIENT
    progress: Progress = UNTRIED

    def __post_init__(self) -> None:
        """A third less memory for a command that waits, if it was read from a journal."""
        force_setattr(self, "asset_id", _shared(self.asset_id))
        if self.policy is not PATIENT:
            force_setattr(self, "policy", _shared(self.policy))
        if self.progress is not UNTRIED and self.progress == UNTRIED:
            force_setattr(self, "progress", UNTRIED)

    @property
    def channel(self) -> Channel:
        """A plan starts and stops sessions only as a way to set power."""
        channel = CHANNEL_OF[self.type]
        return Channel.POWER if self.row >= 0 and channel is Channel.SESSION else channel

    @property
    def signed_kw(self) -> float | None:
        """Positive for charging. None for a command that sets no power."""
        if self.power_kw is None:
            return None
        return -self.power_kw if self.type is CommandType.SET_DISCHARGE_RATE else self.power_kw

    @property
    def release(self) -> bool:
        return self.reason == Mark.RELEASE


@lru_cache(SHARED_LIMIT)
def _shared(value: Shared) -> Shared:
    """The first of all equal values."""
    return value
