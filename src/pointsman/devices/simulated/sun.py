"""Equipment that follows the day: the sun, people's habits, and the meter that sums it up."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from math import pi, sin
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from pointsman.core.assets import Asset
from pointsman.devices.simulated.physics import EPOCH, Equipment
from pointsman.schedules.model import Channel, Measurement

SUNRISE_HOUR: Final = 6.0
SUNSET_HOUR: Final = 20.0
SUN_STEP: Final = timedelta(minutes=1)
HABIT_STEP: Final = timedelta(minutes=15)
_EVENING_HOUR: Final = 19.0
_NOISE: Final = 0.1


def grid_after(at: datetime, step: timedelta) -> datetime:
    """The next instant on a grid that is the same for everybody."""
    return EPOCH + ((at - EPOCH) // step + 1) * step


def hour_of(at: datetime, zone: ZoneInfo) -> float:
    """The hour of the local day, with its fraction."""
    local = at.astimezone(zone)
    return local.hour + local.minute / 60 + local.second / 3600


def clear_sky(hour: float) -> float:
    """The sun's share of its most, from 0 to 1, by the hour of the day."""
    if not SUNRISE_HOUR < hour < SUNSET_HOUR:
        return 0.0
    return sin(pi * (hour - SUNRISE_HOUR) / (SUNSET_HOUR - SUNRISE_HOUR)) ** 2


class Pv(Equipment):
    """Gives what the sun gives, up to its limit. Power is negative, as it injects."""

    channels: ClassVar = frozenset({Channel.LIMIT, Channel.AVAILABILITY})

    def __init__(self, asset: Asset, zone: ZoneInfo) -> None:
        super().__init__(asset)
        self._zone = zone
        self._sun_kw = 0.0
        self._most_kw = asset.rating_kw or asset.max_discharge_kw or 0.0

    def _rated(self) -> tuple[float, float]:
        return -self._most_kw, 0.0

    def _aim_kw(self) -> float:
        return -self._sun_kw

    def _turn(self, at: datetime) -> None:
        middle = grid_after(at, SUN_STEP) - SUN_STEP / 2
        self._sun_kw = self._most_kw * clear_sky(hour_of(middle, self._zone))

    def _next(self) -> datetime:
        return super()._next() if self._at is None else grid_after(self._at, SUN_STEP)


class Load(Equipment):
    """Takes what people take: less by night, most in the evening, a bit of noise by the seed."""

    def __init__(self, asset: Asset, zone: ZoneInfo, seed: int) -> None:
        super().__init__(asset)
        self._zone = zone
        self._seed = seed

    def _turn(self, at: datetime) -> None:
        middle = grid_after(at, HABIT_STEP) - HABIT_STEP / 2
        distance = abs(hour_of(middle, self._zone) - _EVENING_HOUR)
        habit = 0.3 + 0.6 * max(0.0, 1 - min(distance, 24 - distance) / 8)
        text = f"{self._seed}/{self.asset.id}/{middle.timestamp():.0f}"
        noise = blake2b(text.encode(), digest_size=1).digest()[0] / 255
        self.own_kw = (self.asset.charge_limit_kw or 0.0) * (habit + _NOISE * noise)

    def _next(self) -> datetime:
        return super()._next() if self._at is None else grid_after(self._at, HABIT_STEP)

    def _describe(self) -> tuple[str, str]:
        return "", ""


class Meter(Equipment):
    """Sums up its parts, which it advances. Whoever advances a part alone must do so first."""

    def __init__(self, asset: Asset, parts: Sequence[Equipment] = ()) -> None:
        super().__init__(asset)
        self.parts = tuple(parts)

    def begin_at(self, at: datetime, measured: Measurement) -> None:  # noqa: ARG002
        """Only its registers: its time begins with that of its parts."""
        self.charged_kwh = measured.register_charged_kwh or 0.0
        self.discharged_kwh = measured.register_discharged_kwh or 0.0

    def recall(self, soc_percent: float | None, state: str) -> None:
        """It has nothing of its own to recall."""

    def advance(self, now: datetime) -> None:
        """Let time pass for itself and its parts until `now`."""
        self.refresh()
        super().advance(now)

    def refresh(self) -> None:
        """Read anew: its parts may have been told something since."""
        for part in self.parts:
            if isinstance(part, Meter):
                part.refresh()
        self._settle()

    def _turn(self, at: datetime) -> None:
        for part in self.parts:
            part.advance(at)

    def _next(self) -> datetime:
        return min((part.next_event() for part in self.parts), default=super()._next())

    def _bounds(self) -> tuple[float, float]:
        return self._aim_kw(), self._aim_kw()

    def _aim_kw(self) -> float:
        return sum(part.power_kw for part in self.parts)

    def _describe(self) -> tuple[str, str]:
        return "", ""
