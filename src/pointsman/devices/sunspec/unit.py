"""One simulated SunSpec device: its registers, the equipment behind them, its revert timers.

    write --> registers --> react --> equipment      timers: wall seconds --> revert
    read  <-- registers <-- refresh <-- equipment

Nothing here waits. Two kinds of time come in: `now` for the equipment, `wall` (seconds of a
clock that nobody sets) for the timers.
"""

from collections.abc import Mapping
from datetime import datetime
from math import ceil, inf
from typing import Final

from pointsman.core.assets import Asset
from pointsman.devices.simulated.faults import Fate
from pointsman.devices.simulated.physics import Equipment
from pointsman.devices.sunspec.content import METER, content_of, rated_kw
from pointsman.devices.sunspec.image import Content, image_of
from pointsman.devices.sunspec.models import (
    CONTROLS,
    DER_CONTROLS,
    DER_METER,
    DER_OPERATION,
    DER_SERVICE,
    DER_STORAGE,
    STORAGE,
)

_W_PER_KW: Final = 1000.0
_STATES: Final = {"faulted": 6, "unavailable": 0}
_RUNNING, _STANDBY = 3, 7
_CHARGING, _DISCHARGING, _HOLDING = 4, 3, 6


class Unit:
    """A battery, charger, inverter or meter that speaks SunSpec."""

    def __init__(self, asset: Asset, equipment: Equipment, base: int, control: int) -> None:
        self.asset = asset
        self.equipment = equipment
        self.rated_kw = rated_kw(asset)
        self.image = image_of(base, content_of(asset, control))
        self.reverts_at = inf
        """When the power setpoint ends, in wall seconds."""
        self.limit_reverts_at = inf
        self._gives_up_at = inf
        self._follows = True
        self._fallen_back = False
        self._has = frozenset(self.image.starts)

    def pass_time(self, now: datetime, wall: float) -> None:
        """Let timers run out and equipment live up to `now`, and show it in the registers."""
        if wall >= min(self.reverts_at, self._gives_up_at):
            self._revert(now)
        if wall >= self.limit_reverts_at:
            self.limit_reverts_at = inf
            for id, switch in ((DER_CONTROLS, "WMaxLimPctEna"), (CONTROLS, "WMaxLim_Ena")):
                self._set(id, {switch: 0})
            self.equipment.limit(None, now)
        self.equipment.advance(now)
        self._show(wall)

    def react(self, points: Mapping[int, set[str]], fate: Fate, now: datetime, wall: float) -> None:
        """Do what the registers say, after these points of these models were written.

        Raises:
            Unsupported: If equipment of its kind cannot do it.
        """
        power = points.get(DER_CONTROLS, set()) | points.get(STORAGE, set())
        if power & {"WSetEna", "WSet", "WSetMod", "WSetPct", "StorCtl_Mod", "InWRte", "OutWRte"}:
            self._follows = fate.follows
            self._fallen_back = False
            self.equipment.tell(self._setpoint_kw(), now, follows=self._follows)
        if power & {"WSetEna", "StorCtl_Mod"}:
            self.reverts_at = self._deadline(wall)
            gives_up = fate.revert_seconds
            self._gives_up_at = inf if gives_up is None else wall + gives_up
        limit = points.get(DER_CONTROLS, set()) | points.get(CONTROLS, set())
        if limit & {"WMaxLimPct", "WMaxLimPctEna", "WMaxLim_Ena"}:
            self._limit(now, wall)
        if "MinRsvPct" in power:
            self.equipment.soc_target(self.image.value(STORAGE, "MinRsvPct"), now)
        for id, switch in ((DER_SERVICE, "ES"), (CONTROLS, "Conn")):
            if switch in points.get(id, ()):
                self.equipment.available(self.image.raw(id, switch) == 1, now)
        if "OpCtl" in points.get(DER_OPERATION, ()):
            start = self.image.raw(DER_OPERATION, "OpCtl") == 1
            (self.equipment.start if start else self.equipment.stop)(now)

    def _setpoint_kw(self) -> float | None:
        """What the registers say that it is to do. None: whatever it likes."""
        if DER_CONTROLS in self._has:
            if not self.image.raw(DER_CONTROLS, "WSetEna"):
                return None
            if self.image.raw(DER_CONTROLS, "WSetMod"):
                return -self.image.value(DER_CONTROLS, "WSet") / _W_PER_KW
            return -self.image.value(DER_CONTROLS, "WSetPct") / 100 * self.rated_kw
        mode = self.image.raw(STORAGE, "StorCtl_Mod")
        if not mode:
            return None
        most_kw = self.image.value(STORAGE, "WChaMax") / _W_PER_KW / 100
        charge_kw = self.image.value(STORAGE, "InWRte") * most_kw if mode & 1 else inf
        discharge_kw = self.image.value(STORAGE, "OutWRte") * most_kw if mode & 2 else inf
        return max(min(self.equipment.own_kw, charge_kw), -discharge_kw)

    def _deadline(self, wall: float) -> float:
        """When the timer that was just armed runs out. Never, if it is 0 or nothing is on."""
        if DER_CONTROLS in self._has:
            on = self.image.raw(DER_CONTROLS, "WSetEna")
            seconds = self.image.raw(DER_CONTROLS, "WSetRvrtTms")
        else:
            on = self.image.raw(STORAGE, "StorCtl_Mod")
            seconds = self.image.raw(STORAGE, "InOutWRte_RvrtTms")
        return wall + seconds if on and seconds else inf

    def _revert(self, now: datetime) -> None:
        """Fall back: to the reversion setpoint where it is on, else to its own control."""
        on_time = self.reverts_at <= self._gives_up_at
        self.reverts_at = self._gives_up_at = inf
        if on_time and DER_CONTROLS in self._has and self.image.raw(DER_CONTROLS, "WSetEnaRvrt"):
            safe_kw = -self.image.value(DER_CONTROLS, "WSetRvrt") / _W_PER_KW
            self._fallen_back = True
            self.equipment.tell(safe_kw, now, follows=self._follows)
            return
        self._set(DER_CONTROLS, {"WSetEna": 0})
        self._set(STORAGE, {"StorCtl_Mod": 0})
        self.equipment.tell(None, now)

    def _limit(self, now: datetime, wall: float) -> None:
        new = DER_CONTROLS in self._has
        id = DER_CONTROLS if new else CONTROLS
        on = self.image.raw(id, "WMaxLimPctEna" if new else "WMaxLim_Ena")
        percent = self.image.value(id, "WMaxLimPct")
        seconds = self.image.raw(id, "WMaxLimPctRvrtTms" if new else "WMaxLimPct_RvrtTms")
        self.equipment.limit(percent / 100 * self.rated_kw if on else None, now)
        self.limit_reverts_at = wall + seconds if on and seconds else inf

    def _show(self, wall: float) -> None:
        meter, watts = self.equipment.sample(), -self.equipment.power_kw * _W_PER_KW
        running = _RUNNING if self.equipment.power_kw else _STANDBY
        inverter = _STATES.get(self.equipment.state, running)
        self._set(METER, {"W": watts, "St": inverter + 1 if inverter else 1})
        self._set(
            DER_METER,
            {
                "W": watts,
                "InvSt": inverter,
                "St": int(self.equipment.session_running is not False),
                "TotWhAbs": (meter.charged_kwh or 0.0) * _W_PER_KW,
                "TotWhInj": (meter.discharged_kwh or 0.0) * _W_PER_KW,
            },
        )
        left = max(ceil(self.reverts_at - wall), 0) if self.reverts_at < inf else 0
        self._set(DER_CONTROLS, {"WSetRvrtRem": left})
        if meter.soc_percent is not None:
            self._set(DER_STORAGE, {"SoC": meter.soc_percent})
            status = _CHARGING if watts < 0 else _DISCHARGING if watts > 0 else _HOLDING
            self._set(STORAGE, {"ChaState": meter.soc_percent, "ChaSt": status})

    def _set(self, id: int, content: Content) -> None:
        if id in self._has:
            self.image.set(id, content)
