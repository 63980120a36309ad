"""Assets: the equipment of a site, as its owner describes it. Power is positive for charging."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

DEADBAND_LEAST_KW: Final = 0.05
DEADBAND_OF_RATING: Final = 0.001


class AssetKind(StrEnum):
    EV_CHARGER = "ev_charger"
    BATTERY = "battery"
    PV = "pv"
    LOAD = "load"
    METER = "meter"


class ZeroPolicy(StrEnum):
    """What an EV charger is told when a plan says 0 kW."""

    SUSPEND = "suspend"
    """`SET_CHARGE_RATE 0`. The transaction goes on."""
    STOP = "stop"
    """`STOP_CHARGING`: for chargers that take a limit of 0 badly."""
    MIN_CURRENT = "min_current"
    """`SET_CHARGE_RATE` with the asset's `min_kw`."""


class MinPolicy(StrEnum):
    """What becomes of a value above zero and below `min_kw`."""

    ZERO = "zero"
    MINIMUM = "minimum"


@dataclass(frozen=True, slots=True)
class Asset:
    """One piece of equipment. A key of `[[asset]]` in the site file is a field here."""

    id: str
    kind: AssetKind
    device: Mapping[str, Any] = field(default_factory=lambda: {"protocol": "simulated"})
    """`protocol` and the protocol's own keys, as written. Its folder in `devices` checks them."""
    rating_kw: float | None = None
    min_kw: float | None = None
    """Least power above zero (IEC 61851: 6 A). None: every value passes as it is."""
    max_charge_kw: float | None = None
    max_discharge_kw: float | None = None
    capacity_kwh: float | None = None
    phases: int = 1
    voltage_volts: float = 230.0
    """Between a phase and neutral."""
    deadband_kw: float | None = None
    ramp_kw_per_minute: float | None = None
    soc_min_percent: float = 0.0
    soc_max_percent: float = 100.0
    soc_start_percent: float = 50.0
    safe_default_kw: float | None = None
    lease_seconds: float | None = None
    min_dwell_seconds: float | None = None
    writes_per_day: int | None = None
    parent: str | None = None
    zero_policy: ZeroPolicy = ZeroPolicy.SUSPEND
    min_policy: MinPolicy = MinPolicy.ZERO

    @property
    def charge_limit_kw(self) -> float | None:
        """Most power it can take in. None: not known."""
        return self.rating_kw if self.max_charge_kw is None else self.max_charge_kw

    @property
    def discharge_limit_kw(self) -> float | None:
        """Most power it can give, as a magnitude. None: not known."""
        if self.max_discharge_kw is None and self.kind is not AssetKind.BATTERY:
            return 0.0 if self.kind is AssetKind.EV_CHARGER else None
        return self.rating_kw if self.max_discharge_kw is None else self.max_discharge_kw

    @property
    def least_change_kw(self) -> float:
        """The deadband: a value this close to the last emitted one is the same value."""
        if self.deadband_kw is not None:
            return self.deadband_kw
        limits = (self.rating_kw, self.max_charge_kw, self.max_discharge_kw)
        return max(DEADBAND_LEAST_KW, DEADBAND_OF_RATING * max(v or 0.0 for v in limits))
