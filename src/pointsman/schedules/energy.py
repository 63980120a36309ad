"""Energy of what holds from one instant to another: setpoints, and the registers of meters."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from math import fsum
from operator import attrgetter
from typing import NamedTuple

from pointsman.schedules.model import Measurement


class Energy(NamedTuple):
    """Two sums, each 0 or more."""

    charge_kwh: float
    discharge_kwh: float


class Hold(NamedTuple):
    """A power that counts from an instant on, until the next one counts or it expires."""

    since: datetime
    power_kw: float
    """Positive for charging."""
    until: datetime | None = None


class Window(NamedTuple):
    """A span of time that is looked at. It may be empty."""

    start: datetime
    end: datetime


class Reading(NamedTuple):
    """The registers of a meter at one instant."""

    at: datetime
    charged_kwh: float
    discharged_kwh: float


def energy_of(holds: Iterable[Hold], window: Window) -> Energy:
    """The energy of powers that replace one another, as far as it lies in the window."""
    ordered = sorted(holds, key=attrgetter("since"))
    charged: list[float] = []
    discharged: list[float] = []
    following = [*(hold.since for hold in ordered[1:]), window.end]
    for hold, next_since in zip(ordered, following, strict=False):
        end = min(window.end, next_since, hold.until or window.end)
        hours = (end - max(hold.since, window.start)).total_seconds() / 3600
        if hours > 0:
            (charged if hold.power_kw > 0 else discharged).append(abs(hold.power_kw) * hours)
    return Energy(fsum(charged), fsum(discharged))


@dataclass(slots=True)
class Registers:
    """What one meter counted, reading by reading, in order."""

    readings: list[Reading] = field(default_factory=list)

    def take(self, measurement: Measurement) -> None:
        m = measurement
        if not self.readings:
            hours = (m.until - m.from_).total_seconds() / 3600
            charged, discharged = max(m.average_kw * hours, 0.0), max(-m.average_kw * hours, 0.0)
            first = Reading(m.from_, m.charged_kwh - charged, m.discharged_kwh - discharged)
            self.readings.append(first)
        self.readings.append(Reading(m.until, m.charged_kwh, m.discharged_kwh))

    def forget(self) -> None:
        """Keep only what is needed to go on from here."""
        del self.readings[:-2]

    def counted(self, window: Window) -> Energy | None:
        """What was counted in the window. None: nothing was read in it."""
        if not self.readings or window.end <= window.start:
            return None
        if self.readings[-1].at <= window.start or self.readings[0].at >= window.end:
            return None
        before, after = self._at(window.start), self._at(window.end)
        return Energy(
            max(after.charged_kwh - before.charged_kwh, 0.0),
            max(after.discharged_kwh - before.discharged_kwh, 0.0),
        )

    def _at(self, instant: datetime) -> Reading:
        """The registers at an instant: between two readings in proportion to time."""
        index = bisect_right(self.readings, instant, key=attrgetter("at"))
        if index in {0, len(self.readings)}:
            return self.readings[min(index, len(self.readings) - 1)]
        before, after = self.readings[index - 1], self.readings[index]
        share = (instant - before.at) / (after.at - before.at)
        return Reading(
            instant,
            before.charged_kwh + share * (after.charged_kwh - before.charged_kwh),
            before.discharged_kwh + share * (after.discharged_kwh - before.discharged_kwh),
        )
