"""What chargers report by themselves, in our words: states, meter values, limits in force."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, Final

from pointsman.core.assets import Asset
from pointsman.devices import Reading, Sample
from pointsman.devices.ocpp16.messages import kw_of_limit

_STATES: Final = {
    "Available": "available",
    "Preparing": "preparing",
    "Charging": "charging",
    "SuspendedEV": "suspended",
    "SuspendedEVSE": "suspended",
    "Finishing": "finishing",
    "Reserved": "unavailable",
    "Unavailable": "unavailable",
    "Faulted": "faulted",
}
_TELLING: Final = frozenset({"SuspendedEV", "SuspendedEVSE", "Reserved"})
"""Statuses that say more than the state that they are."""
RUNNING_STATES: Final = frozenset({"charging", "suspended"})
IDLE_STATES: Final = frozenset({"available", "preparing", "finishing"})
POWER: Final = "Power.Active.Import"
ENERGY: Final = "Energy.Active.Import.Register"
SOC: Final = "SoC"
_UNITS: Final = {
    (POWER, ""): 0.001,
    (POWER, "W"): 0.001,
    (POWER, "kW"): 1.0,
    (ENERGY, ""): 0.001,
    (ENERGY, "Wh"): 0.001,
    (ENERGY, "kWh"): 1.0,
    (SOC, ""): 1.0,
    (SOC, "Percent"): 1.0,
}
"""To kW, kWh and percent. "": the unit that the specification gives to a value without one."""
_TO_NEUTRAL: Final = {"L1-N": "L1", "L2-N": "L2", "L3-N": "L3"}
_CLOCK_TRUST: Final = timedelta(hours=1)
_HOUR_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Metered:
    """What one meter value says. None: it does not say."""

    at: datetime
    power_kw: float | None = None
    energy_kwh: float | None = None
    soc_percent: float | None = None


def state_of(status: Mapping[str, Any]) -> tuple[str, str]:
    """An asset's state by a StatusNotification.req, and what more it tells."""
    word = status["status"]
    if word in _TELLING:
        return _STATES[word], word
    error = status.get("errorCode", "NoError")
    if error == "NoError":
        return _STATES[word], ""
    return _STATES[word], ": ".join(filter(None, (error, status.get("info"))))


def metered(report: Mapping[str, Any], now: datetime) -> list[Metered]:
    """The meter values of a MeterValues.req, oldest first. What cannot be read is left out."""
    values = [_metered(value, now) for value in report["meterValue"]]
    return sorted(values, key=lambda value: value.at)


def sample_of(value: Metered, last: Metered | None) -> Sample | None:
    """A meter's sample. None: nothing can be said of power yet.

    A charger that only counts energy has the average power since its last value.
    """
    power_kw = value.power_kw
    if power_kw is None and value.energy_kwh is not None and last is not None:
        hours = (value.at - last.at).total_seconds() / _HOUR_SECONDS
        if last.energy_kwh is not None and hours > 0:
            power_kw = max(value.energy_kwh - last.energy_kwh, 0.0) / hours
    if power_kw is None:
        return None
    return Sample(value.at, power_kw, value.energy_kwh, None, value.soc_percent)


def reading_of(
    answer: Mapping[str, Any], asset: Asset, available: bool | None, running: bool | None
) -> Reading:
    """What a GetCompositeSchedule.conf says, with what the charger said of itself."""
    schedule = answer.get("chargingSchedule")
    if answer.get("status") != "Accepted" or schedule is None:
        accepted = answer.get("status") == "Accepted"
        return Reading(
            controlled=False if accepted else None, available=available, session_running=running
        )
    now_in_force = [p for p in schedule["chargingSchedulePeriod"] if p["startPeriod"] <= 0]
    if not now_in_force:
        return Reading(controlled=False, available=available, session_running=running)
    limit = float(now_in_force[-1]["limit"])
    return Reading(
        setpoint_kw=kw_of_limit(limit, schedule["chargingRateUnit"], asset),
        controlled=True,
        available=available,
        session_running=running,
    )


def parse_instant(text: object) -> datetime | None:
    """An instant as chargers write it; without a zone it is UTC, as OCPP recommends."""
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def trusted(told: object, now: datetime) -> datetime:
    """When something happened: as told, unless that is later than now or far from it."""
    at = parse_instant(told)
    return at if at is not None and timedelta(0) <= now - at <= _CLOCK_TRUST else now


def _metered(value: Mapping[str, Any], now: datetime) -> Metered:
    sampled = value["sampledValue"]
    return Metered(
        trusted(value.get("timestamp"), now),
        _total(sampled, POWER),
        _total(sampled, ENERGY),
        _total(sampled, SOC),
    )


def _total(sampled: Iterable[Mapping[str, Any]], measurand: str) -> float | None:
    """The value without a phase; without one, the sum over the phases."""
    whole: float | None = None
    phases: dict[str, float] = {}
    for value in sampled:
        if value.get("measurand", ENERGY) != measurand or not _at_outlet(value, measurand):
            continue
        number = _number(value, measurand)
        phase = value.get("phase")
        if number is None:
            continue
        if phase is None:
            whole = number
        else:
            phases[_TO_NEUTRAL.get(phase, phase)] = number
    if whole is not None:
        return whole
    lines = [number for phase, number in phases.items() if phase in {"L1", "L2", "L3"}]
    return sum(lines) if lines else None


def _at_outlet(value: Mapping[str, Any], measurand: str) -> bool:
    return measurand == SOC or value.get("location", "Outlet") == "Outlet"


def _number(value: Mapping[str, Any], measurand: str) -> float | None:
    factor = _UNITS.get((measurand, value.get("unit", "")))
    if factor is None or value.get("format", "Raw") != "Raw":
        return None
    try:
        number = float(value["value"]) * factor
    except ValueError:
        return None
    return number if isfinite(number) else None
