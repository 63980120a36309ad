"""A charger's bay: cars come, take what they want while they may, and leave.

    available --arrives--> preparing --power--> charging <--power or none--> suspended
        ^                                   \\--stopped--> finishing            |
        +------------------------------ leaves ----------------------------------+

A car is plugged in by its session, and its session runs until it is stopped. It takes what the
charger offers, until it has what it wants. `suspended` says who does not want to: the car
(SuspendedEV, it is full) or the charger (SuspendedEVSE).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import inf
from typing import ClassVar, Final

from pointsman.core.assets import Asset
from pointsman.devices.simulated.physics import EMPTY_KWH, NEVER, Equipment
from pointsman.devices.simulated.sessions import Session
from pointsman.schedules.model import Channel

USUAL_CURRENT_AMPERES: Final = 32.0
_ALWAYS: Final = Session("", datetime.min.replace(tzinfo=UTC), NEVER, inf)


class EvBay(Equipment):
    """One connector. Without sessions a car is always plugged in, and never full."""

    channels: ClassVar = frozenset(Channel)

    def __init__(
        self, asset: Asset, sessions: Sequence[Session] | None = None, *, own_kw: float = 0.0
    ) -> None:
        super().__init__(asset, own_kw=own_kw)
        coming = [_ALWAYS] if sessions is None else sessions
        self._coming = sorted(coming, key=lambda session: session.arrival, reverse=True)
        self._car: Session | None = None
        self._taken_kwh = 0.0
        self._begun = self._stopped = self._leaving_service = False

    @property
    def vehicle_id(self) -> str | None:
        """Whose car is plugged in. None: nobody's."""
        return None if self._car is None else self._car.vehicle_id

    @property
    def soc_percent(self) -> float | None:
        """How much the car has of what it wants. None: no car, or it is never full."""
        if self._car is None or self._car.wanted_kwh == inf:
            return None
        return 100 * min(self._taken_kwh / max(self._car.wanted_kwh, EMPTY_KWH), 1.0)

    @property
    def session_running(self) -> bool:
        return self._car is not None and not self._stopped

    def _rated(self) -> tuple[float, float]:
        asset = self.asset
        usual_kw = asset.phases * asset.voltage_volts * USUAL_CURRENT_AMPERES / 1000
        return 0.0, usual_kw if asset.charge_limit_kw is None else asset.charge_limit_kw

    def _aim_kw(self) -> float:
        if not self.session_running:
            return 0.0
        aim_kw = min(super()._aim_kw(), self.most_kw)
        return 0.0 if self.asset.min_kw is not None and aim_kw < self.asset.min_kw else aim_kw

    def _room_kwh(self) -> tuple[float, float]:
        if self._car is None:
            return 0.0, 0.0
        share = 1.0 if self.soc_target_percent is None else self.soc_target_percent / 100
        wanted_kwh = self._car.wanted_kwh
        if wanted_kwh != inf:
            wanted_kwh *= min(share, 1.0)
        return 0.0, max(wanted_kwh - self._taken_kwh, 0.0)

    def _next(self) -> datetime:
        leaves = NEVER if self._car is None else self._car.departure
        comes = self._coming[-1].arrival if self._coming else NEVER
        return min(leaves, comes, self._emptied_or_full())

    def _turn(self, at: datetime) -> None:
        if self._car is not None and self._car.departure <= at:
            self._leave()
        while self._coming and self._coming[-1].arrival <= at:
            car = self._coming.pop()
            if car.departure > at:
                self._leave()
                # Noted apart, so that every stay is seen to begin with preparing.
                self._settle()
                self._car = car
                if self.in_service:
                    self._note("preparing", "")

    def _recall(self, soc_percent: float | None, state: str) -> None:
        self._stopped = state == "finishing"
        self._begun = self._stopped or state in {"charging", "suspended"}
        if self._car is not None and soc_percent is not None:
            self._taken_kwh = self._car.wanted_kwh * soc_percent / 100

    def _leave(self) -> None:
        self._car, self._taken_kwh = None, 0.0
        self._begun = self._stopped = False
        if self._leaving_service:
            self.in_service = self._leaving_service = False

    def _store(self, energy_kwh: float) -> None:
        self._taken_kwh += energy_kwh

    def _serve(self, available: bool) -> bool:
        self._leaving_service = not available and self.session_running
        self.in_service = available or self._leaving_service
        return not self._leaving_service

    def _session(self, now: datetime, *, running: bool) -> None:
        self.advance(now)
        self._stopped = not running
        self._settle()

    def _describe(self) -> tuple[str, str]:
        if not self.in_service:
            return "unavailable", ""
        if self._car is None:
            return "available", ""
        if self._stopped:
            return "finishing", ""
        if self.power_kw > 0:
            self._begun = True
            return "charging", ""
        if self._room_kwh()[1] <= EMPTY_KWH:
            return "suspended", "SuspendedEV"
        return ("suspended", "SuspendedEVSE") if self._begun else ("preparing", "")
