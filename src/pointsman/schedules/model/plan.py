"""A plan and its timelines: when each asset is to be told what."""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from pointsman.core.values import Value
from pointsman.schedules.model.command import PATIENT, Channel, Mark, Policy

SLOTS_LIMIT: Final = 20_000
"""Most slots of one plan, so that a timeline always fits one record."""


class Plan(Value, frozen=True):
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


class Timeline(Value, frozen=True):
    """The rows of one plan for one channel of one asset: only where something new is said."""

    plan_id: str
    asset_id: str
    channel: Channel
    slots: tuple[int, ...]
    """Where each row begins, strictly increasing. The last one is the release."""
    values: tuple[float, ...]
    """What each row says: signed kW, or percent for a state of charge."""
    marks: Mapping[int, Mark] = {}
    """By row; a row that is not in here is a plain value of the plan."""
    requested: Mapping[int, float] = {}
    """By row: what the plan said, where the value is another one."""
    vehicles: Mapping[int, str] = {}
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


class Context(Value, frozen=True):
    """A column that commands nothing, kept as it came: forecasts, prices."""

    plan_id: str
    column: str
    values: tuple[float | str | None, ...]
