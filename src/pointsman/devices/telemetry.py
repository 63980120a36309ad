"""Telemetry: what devices report, in portions that are worth keeping.

    sampled --> the minute so far --> Measure     once a minute, and at each change of state
    changed ---------------------> ReportState, and Unplug if a vehicle left

Single readings live here and nowhere else. Energy is counted from a meter's own registers where
it has them, else from its power, each reading holding until the next one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from pointsman.core.assets import Asset, AssetKind
from pointsman.core.entity import Rejected
from pointsman.devices import Sample
from pointsman.schedules.intents import Answer, Intent, Measure, ReportState, Unplug
from pointsman.schedules.model import AssetState, Measurement

PERIOD: Final = timedelta(minutes=1)
WAITING_MOST: Final = 10_000
"""Reports that wait to become facts. Beyond it measurements are left out, and nothing else."""
TOGETHER: Final = 100
"""Most reports that share a commit."""
PLUGGED_IN: Final = ("preparing", "charging", "suspended", "finishing")

log = logging.getLogger(__name__)

Submit = Callable[[Intent], Awaitable[object]]


@dataclass(slots=True)
class Meter:
    """One asset's readings since the last `Measurement`."""

    asset_id: str
    charged_kwh: float = 0.0
    """Since the first run here, as is the next."""
    discharged_kwh: float = 0.0
    began: datetime | None = None
    last: Sample | None = None
    least_kw: float = 0.0
    most_kw: float = 0.0
    energy_kwh: float = 0.0
    """Net, in this period, from power alone: what the average is made of."""

    @classmethod
    def after(cls, earlier: Measurement) -> Self:
        """Go on where an earlier run ended: a register counted all the while."""
        last = Sample(
            earlier.until,
            0.0,
            earlier.register_charged_kwh,
            earlier.register_discharged_kwh,
            earlier.soc_percent,
        )
        return cls(earlier.asset_id, earlier.charged_kwh, earlier.discharged_kwh, last=last)

    def take(self, sample: Sample) -> None:
        if self.last is not None and sample.at < self.last.at:
            return  # It overtook another one. What it says is old.
        if self.last is not None:
            self._count(self.last, sample)
        if self.began is None:
            self.began, self.energy_kwh = sample.at, 0.0
            self.least_kw = self.most_kw = sample.power_kw
        self.least_kw = min(self.least_kw, sample.power_kw)
        self.most_kw = max(self.most_kw, sample.power_kw)
        self.last = sample

    def _count(self, before: Sample, now: Sample) -> None:
        hours = (now.at - before.at).total_seconds() / 3600
        energy_kwh = before.power_kw * hours
        self.energy_kwh += energy_kwh
        self.charged_kwh += _grown(before.charged_kwh, now.charged_kwh, max(energy_kwh, 0.0))
        self.discharged_kwh += _grown(
            before.discharged_kwh, now.discharged_kwh, max(-energy_kwh, 0.0)
        )

    def period_over(self) -> bool:
        return (
            self.began is not None and self.last is not None and self.last.at - self.began >= PERIOD
        )

    def close(self) -> Measurement | None:
        """The period so far, and a new one begins. None: nothing was read in it."""
        if self.began is None or self.last is None:
            return None
        hours = (self.last.at - self.began).total_seconds() / 3600
        measurement = Measurement(
            self.asset_id,
            self.began,
            self.last.at,
            self.energy_kwh / hours if hours else self.last.power_kw,
            self.least_kw,
            self.most_kw,
            self.charged_kwh,
            self.discharged_kwh,
            self.last.soc_percent,
            self.last.charged_kwh,
            self.last.discharged_kwh,
        )
        self.began, self.energy_kwh = self.last.at, 0.0
        self.least_kw = self.most_kw = self.last.power_kw
        return measurement


class Telemetry:
    """The listener of a site's devices. Its calls never wait; `run` journals what is worth it."""

    def __init__(
        self,
        submit: Submit,
        assets: Mapping[str, Asset],
        *,
        earlier: Mapping[str, Measurement] | None = None,
        states: Mapping[str, AssetState] | None = None,
    ) -> None:
        self._submit = submit
        self._assets = assets
        self._meters = {
            asset_id: Meter.after(measurement) for asset_id, measurement in (earlier or {}).items()
        }
        self._states = {id: (state.state, state.reason) for id, state in (states or {}).items()}
        self._waiting: asyncio.Queue[Intent] = asyncio.Queue()
        self.left_out = 0
        """Measurements that came faster than they could be journaled."""

    def sampled(self, asset_id: str, sample: Sample) -> None:
        meter = self._meters.setdefault(asset_id, Meter(asset_id))
        meter.take(sample)
        if meter.period_over():
            self._measure(meter)

    def changed(self, asset_id: str, state: str, reason: str = "") -> None:
        previous, why = self._states.get(asset_id, ("", ""))
        if previous == state and reason in {why, ""}:
            return
        self._states[asset_id] = state, reason
        if asset_id in self._meters:
            self._measure(self._meters[asset_id])
        self._put(ReportState(AssetState(asset_id, state, previous, reason)))
        asset = self._assets.get(asset_id)
        charger = asset is not None and asset.kind is AssetKind.EV_CHARGER
        if charger and state == "available" and previous in PLUGGED_IN:
            self._put(Unplug(asset_id))

    def answered_late(self, command_id: str, attempt: int, success: bool) -> None:
        self._put(Answer(command_id, attempt, success, error="" if success else "a late refusal"))

    async def run(self) -> None:
        """Journal what was reported, until cancelled."""
        while True:
            intents = [await self._waiting.get()]
            while len(intents) < TOGETHER and not self._waiting.empty():
                intents.append(self._waiting.get_nowait())
            await asyncio.gather(*map(self._tell, intents))
            for _ in intents:
                self._waiting.task_done()

    async def flush(self) -> None:
        """Close all periods, and return once everything reported so far is journaled."""
        for meter in self._meters.values():
            self._measure(meter)
        await self._waiting.join()

    def _measure(self, meter: Meter) -> None:
        if measurement := meter.close():
            self._put(Measure(measurement))

    def _put(self, intent: Intent) -> None:
        if isinstance(intent, Measure) and self._waiting.qsize() >= WAITING_MOST:
            self.left_out += 1
        else:
            self._waiting.put_nowait(intent)

    async def _tell(self, intent: Intent) -> None:
        try:
            await self._submit(intent)
        except Rejected as late:
            log.info("%s", late)


def _grown(before_kwh: float | None, now_kwh: float | None, otherwise_kwh: float) -> float:
    """What a register counted. One that went back was reset, and is no use for once."""
    if before_kwh is None or now_kwh is None or now_kwh < before_kwh:
        return otherwise_kwh
    return now_kwh - before_kwh
