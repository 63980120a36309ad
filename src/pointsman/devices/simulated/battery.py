"""A battery: a store with losses, between two bounds."""

from datetime import datetime
from math import inf
from typing import ClassVar

from pointsman.core.assets import Asset
from pointsman.devices.simulated.physics import EMPTY_KWH, Equipment
from pointsman.schedules.model import Channel


class Battery(Equipment):
    """Stores a share of what it takes in, and gives a share of what it takes out of store.

    Without a setpoint it goes to its state-of-charge target at full power, if it has one. An
    unknown capacity is never full and never empty.
    """

    channels: ClassVar = frozenset(
        {Channel.POWER, Channel.LIMIT, Channel.AVAILABILITY, Channel.SOC}
    )

    def __init__(
        self,
        asset: Asset,
        *,
        own_kw: float = 0.0,
        charge_efficiency: float = 0.95,
        discharge_efficiency: float = 0.95,
    ) -> None:
        super().__init__(asset, own_kw=own_kw)
        self._in = charge_efficiency
        self._out = discharge_efficiency
        self._stored_kwh = (asset.capacity_kwh or 0.0) * asset.soc_start_percent / 100

    @property
    def soc_percent(self) -> float | None:
        capacity_kwh = self.asset.capacity_kwh
        return 100 * self._stored_kwh / capacity_kwh if capacity_kwh else None

    def _recall(self, soc_percent: float | None, state: str) -> None:  # noqa: ARG002
        if soc_percent is not None:
            self._stored_kwh = self._kwh_at(soc_percent)

    def _aim_kw(self) -> float:
        if self.setpoint_kw is not None and self._follows:
            return self.setpoint_kw
        if self.soc_target_percent is None or not self.asset.capacity_kwh:
            return self.own_kw
        least_kw, most_kw = self._bounds()
        lack_kwh = self._kwh_at(self.soc_target_percent) - self._stored_kwh
        if abs(lack_kwh) <= EMPTY_KWH:
            return 0.0
        return most_kw if lack_kwh > 0 else least_kw

    def _room_kwh(self) -> tuple[float, float]:
        if not self.asset.capacity_kwh:
            return inf, inf
        least_kwh = self._kwh_at(self.asset.soc_min_percent)
        most_kwh = self._kwh_at(self.asset.soc_max_percent)
        if self.soc_target_percent is not None and (self.setpoint_kw is None or not self._follows):
            target_kwh = min(max(self._kwh_at(self.soc_target_percent), least_kwh), most_kwh)
            least_kwh = most_kwh = target_kwh
        give_kwh = max(self._stored_kwh - least_kwh, 0.0) * self._out
        return give_kwh, max(most_kwh - self._stored_kwh, 0.0) / self._in

    def _next(self) -> datetime:
        return self._emptied_or_full()

    def _store(self, energy_kwh: float) -> None:
        self._stored_kwh += energy_kwh * self._in if energy_kwh > 0 else energy_kwh / self._out

    def _kwh_at(self, percent: float) -> float:
        return (self.asset.capacity_kwh or 0.0) * percent / 100
