"""The charging profiles that a charger holds, and what limit they make at an instant.

TxProfile > TxDefaultProfile, then the higher stack level; ChargePointMaxProfile caps both
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pointsman.core.assets import Asset
from pointsman.devices.ocpp16.messages import kw_of_limit
from pointsman.devices.ocpp16.reports import parse_instant

MAX: Final = "ChargePointMaxProfile"
TX_DEFAULT: Final = "TxDefaultProfile"
TX: Final = "TxProfile"
_RATES: Final = {TX: 1, TX_DEFAULT: 0}


@dataclass(frozen=True, slots=True)
class Profile:
    """One charging profile, on one connector; 0 is the whole charger."""

    id: int
    connector: int
    purpose: str
    stack_level: int
    unit: str
    starts: tuple[datetime, ...]
    """When each period begins, in order."""
    limits: tuple[float, ...]
    ends: datetime | None = None
    valid_from: datetime | None = None

    def limit_at(self, now: datetime) -> float | None:
        """None: it is not in force."""
        early = self.valid_from is not None and now < self.valid_from
        if early or (self.ends is not None and now >= self.ends):
            return None
        begun = [
            limit for start, limit in zip(self.starts, self.limits, strict=True) if start <= now
        ]
        return begun[-1] if begun else None

    def turns(self) -> Iterable[datetime]:
        """The instants at which it may say something else."""
        return [at for at in (*self.starts, self.ends, self.valid_from) if at is not None]


@dataclass(frozen=True, slots=True)
class InForce:
    """What the profiles say from now on, until `until`. None: for ever."""

    kw: float | None
    """None: nothing."""
    until: datetime | None


def profile_of(connector: int, said: Mapping[str, Any], now: datetime) -> Profile:
    """A profile as a SetChargingProfile.req says it. What has no start starts now."""
    schedule = said["chargingSchedule"]
    valid_from = parse_instant(said.get("validFrom"))
    start = parse_instant(schedule.get("startSchedule")) or valid_from or now
    periods = sorted(schedule["chargingSchedulePeriod"], key=lambda period: period["startPeriod"])
    ends = [parse_instant(said.get("validTo"))]
    if "duration" in schedule:
        ends.append(start + timedelta(seconds=schedule["duration"]))
    return Profile(
        id=said["chargingProfileId"],
        connector=connector,
        purpose=said["chargingProfilePurpose"],
        stack_level=said["stackLevel"],
        unit=schedule["chargingRateUnit"],
        starts=tuple(start + timedelta(seconds=period["startPeriod"]) for period in periods),
        limits=tuple(float(period["limit"]) for period in periods),
        ends=min((end for end in ends if end is not None), default=None),
        valid_from=valid_from,
    )


class Profiles:
    """All profiles of one charger."""

    def __init__(self) -> None:
        self._held: list[Profile] = []

    def put(self, profile: Profile) -> None:
        """Hold a profile, instead of the one with its id, or with its purpose and level."""
        place = profile.connector, profile.purpose, profile.stack_level
        self._held = [
            held
            for held in self._held
            if held.id != profile.id and (held.connector, held.purpose, held.stack_level) != place
        ]
        self._held.append(profile)

    def clear(
        self,
        id: int | None = None,
        connector: int | None = None,
        purpose: str | None = None,
        stack_level: int | None = None,
    ) -> bool:
        """Drop what fits all that is said. Returns: whether anything did."""

        def fits(held: Profile) -> bool:
            if id is not None:
                return held.id == id
            return (
                connector in {None, held.connector}
                and purpose in {None, held.purpose}
                and stack_level in {None, held.stack_level}
            )

        kept = [held for held in self._held if not fits(held)]
        cleared = len(kept) < len(self._held)
        self._held = kept
        return cleared

    def connector_of(self, id: int | None) -> int | None:
        """Where the profile of that id is. None: there is none."""
        return next((held.connector for held in self._held if held.id == id), None)

    def rate(self, connector: int, asset: Asset, now: datetime) -> InForce:
        """What a connector may draw, by the profiles of transactions."""
        ours = [p for p in self._held if p.purpose in _RATES and p.connector in {0, connector}]
        return _in_force(ours, asset, now)

    def cap(self, asset: Asset, now: datetime) -> InForce:
        """What the whole charger may draw."""
        return _in_force([p for p in self._held if p.purpose == MAX], asset, now)


def _in_force(profiles: list[Profile], asset: Asset, now: datetime) -> InForce:
    ranked = sorted(profiles, key=lambda p: (_RATES.get(p.purpose, 0), p.stack_level), reverse=True)
    until = min((at for p in profiles for at in p.turns() if at > now), default=None)
    for profile in ranked:
        limit = profile.limit_at(now)
        if limit is not None:
            return InForce(kw_of_limit(limit, profile.unit, asset), until)
    return InForce(None, until)
