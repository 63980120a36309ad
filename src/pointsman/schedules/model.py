"""The nouns of schedules: plans, timelines, commands, and what assets report.

A **plan** is a table: a row a **slot**, a column an asset. Change detection turns each column
into a **timeline**: the rows at which something new must be said. A row becomes a **command**
when it is due or asked for, and only then has facts of its own.

Power is signed here: positive for charging, negative for discharging. A command's `power_kw`
alone is the documented positive magnitude; `signed_kw` is its signed form.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

SLOTS_LIMIT: Final = 20_000
"""Most slots of one plan, so that a timeline always fits one record."""


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


@dataclass(frozen=True, slots=True)
class Policy:
    """How hard to try. Total tries are 1 + `max_retries`."""

    max_retries: int = 3
    timeout_seconds: float = 30.0
    backoff_base_seconds: float = 2.0
    backoff_factor: float = 2.0


PATIENT: Final = Policy()


@dataclass(frozen=True, slots=True)
class Progress:
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


@dataclass(frozen=True, slots=True)
class Command:
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
    policy: Policy = PATIENT
    source: Source = Source.PLAN
    reason: str = ""
    """A `Mark`, or the words of whoever asked."""
    requested_kw: float | None = None
    """What the plan said, signed, before anything was rounded or clamped."""
    dry_run: bool = False
    sequence: int = 0
    """Grows with each command that comes to life at a site. Orders what is otherwise equal."""
    progress: Progress = UNTRIED

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


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to say of a schedule as a whole. Its rows are in its timelines."""

    id: str
    start: datetime
    offsets_seconds: tuple[float, ...]
    """From `start` to each slot's start, strictly increasing; one more, the last: the end."""
    assets: tuple[str, ...]
    created_at: datetime
    name: str = ""
    """The file, or what else the user knows it by."""
    rev: int | None = None
    policy: Policy = PATIENT
    whole_site: bool = False
    """Assets that it does not name are released too (`replace="site"`)."""
    context: tuple[str, ...] = ()
    """Names of columns that are kept for plots and command nothing."""
    unused_keys: tuple[str, ...] = ()
    dry_run: bool = False
    activation: int = 0
    """Grows with each plan that came into force here. 0: it has not."""
    activated_at: datetime | None = None
    """Older plans are over for its assets from here on, and before it from its first row on."""
    ended: bool = False
    """Its horizon has been over for a slot."""
    expired: bool = False
    """It ended, and no newer plan had come."""

    @property
    def slot_count(self) -> int:
        return len(self.offsets_seconds) - 1

    @property
    def end(self) -> datetime:
        return self.at(self.slot_count)

    @property
    def last_slot(self) -> timedelta:
        return self.end - self.at(self.slot_count - 1)

    def at(self, slot: int) -> datetime:
        """When `slot` begins; for `slot_count`, when the plan ends."""
        return self.start + timedelta(seconds=self.offsets_seconds[slot])

    def slot_at(self, instant: datetime) -> int:
        """The slot that holds `instant`: -1 before the plan, `slot_count` or more after it."""
        passed = (instant - self.start).total_seconds()
        return bisect_right(self.offsets_seconds, passed) - 1


@dataclass(frozen=True, slots=True)
class Timeline:
    """The rows of one plan for one channel of one asset: only where something new is said."""

    plan_id: str
    asset_id: str
    channel: Channel
    slots: tuple[int, ...]
    """Where each row begins, strictly increasing. The last one is the release."""
    values: tuple[float, ...]
    """What each row says: signed kW, or percent for a state of charge."""
    marks: dict[int, Mark] = field(default_factory=dict)
    """By row; a row that is not in here is a plain value of the plan."""
    requested: dict[int, float] = field(default_factory=dict)
    """By row: what the plan said, where the value is another one."""
    vehicles: dict[int, str] = field(default_factory=dict)
    """By row: whose column speaks from here on, where several vehicles share a charger."""
    assumed: float | None = None
    """The value in force that row 0 equals, so that nothing need be sent while it stands."""
    assumed_until: datetime | None = None
    """When the device stops to follow what is in force; then row 0 is said after all."""
    stop_at_zero: bool = False
    """`ZeroPolicy.STOP`: a value of 0 is `STOP_CHARGING`, the next one above it a
    `START_CHARGING` that carries its rate."""
    deadband: float = 0.0
    safe_default_kw: float | None = None
    """What the asset is told when a command of it failed for good. None: nothing."""
    release_offset_seconds: float = 0.0
    """How long after the plan's end the release is due (`end="hold"`: one slot)."""
    planned_charge_kwh: float = 0.0
    planned_discharge_kwh: float = 0.0
    gaps: int = 0
    """Slots inside the horizon without an instruction."""
    clamps: int = 0


@dataclass(frozen=True, slots=True)
class Context:
    """A column that commands nothing, kept as it came: forecasts, prices."""

    plan_id: str
    column: str
    values: tuple[float | str | None, ...]


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a meter said of one asset over one period of at most a minute."""

    asset_id: str
    from_: datetime
    until: datetime
    average_kw: float
    least_kw: float
    most_kw: float
    charged_kwh: float
    """Since the first run here, as is the next."""
    discharged_kwh: float
    soc_percent: float | None = None
    register_charged_kwh: float | None = None
    """What the meter's own register said at `until`. None: it has none."""
    register_discharged_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class AssetState:
    """The state that a device last reported: a word of the asset's state machine."""

    asset_id: str
    state: str
    previous: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One life of the program that carries out plans here."""

    number: int
    """Grows from 1."""
    speed: float
    dry_run: bool
    started_at: datetime
    """By the run's own clock."""
    pid: int = 0
    timezone: str = ""
    """The site's zone, by its IANA name, for whoever shows times. Empty: not known."""
