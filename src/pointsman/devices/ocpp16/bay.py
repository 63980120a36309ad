"""One connector of a simulated charger: equipment, what is in force there, and its news.

profiles --in force--> equipment --changes--> transaction, status, meter --news--> wire
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pointsman.core.assets import Asset
from pointsman.devices import Sample
from pointsman.devices.ocpp16.messages import VENDOR, Call, instant
from pointsman.devices.ocpp16.profiles import TX, InForce, Profiles
from pointsman.devices.ocpp16.reports import ENERGY, POWER, SOC
from pointsman.devices.simulated.equipment import equipment_of
from pointsman.devices.simulated.faults import LUCKY, Fate, fate_of
from pointsman.devices.simulated.sessions import sessions_of
from pointsman.devices.simulated.world import SimulatedWorld

_STATUSES: Final = {
    "available": "Available",
    "preparing": "Preparing",
    "charging": "Charging",
    "finishing": "Finishing",
    "faulted": "Faulted",
    "unavailable": "Unavailable",
}
_IN_TRANSACTION: Final = frozenset({"preparing", "charging", "suspended"})


@dataclass(frozen=True, slots=True)
class News:
    """Something to tell the central system, in its turn: what, and what was so at that instant."""

    action: str
    bay: "Bay"
    sample: Sample
    word: str = ""
    """The status, or why a transaction stopped."""

    def call(self) -> Call:
        """The call that tells it. Made when it is sent, since it may need an id told before."""
        bay, at = self.bay, instant(self.sample.at)
        match self.action:
            case "StatusNotification":
                fields = {"status": self.word, "errorCode": "NoError", "timestamp": at}
                return Call(self.action, {"connectorId": bay.number, **fields})
            case "StartTransaction":
                meter = {"meterStart": _wh(self.sample), "timestamp": at}
                return Call(self.action, {"connectorId": bay.number, "idTag": bay.id_tag, **meter})
            case "StopTransaction":
                meter = {"meterStop": _wh(self.sample), "timestamp": at}
                return Call(
                    self.action,
                    {"transactionId": bay.transaction_id, "reason": self.word, **meter},
                )
            case _:
                return Call("MeterValues", bay.meter_values(self.sample))


class Bay:
    """One connector, with its car if one is there."""

    def __init__(self, asset: Asset, world: SimulatedWorld, profiles: Profiles) -> None:
        self.asset = asset
        self.number: int = asset.device.get("connector", 1)
        self.id_tag: str = asset.device.get("id_tag", VENDOR)
        self.seed: int = asset.device.get("seed", 0)
        sessions = sessions_of(asset, world.folder, world.asset_map)
        self.equipment = equipment_of(asset, sessions, self.seed, timezone=world.timezone)
        self.faults = world.faults_of(asset)
        self.transaction_id: int | None = None
        """As the central system told it. None: none runs, or it has not told yet."""
        self.in_transaction = False
        self._profiles = profiles
        self._rate = self._cap = InForce(None, None)
        self._commands = 0

    def draw(self, now: datetime) -> Fate:
        """What becomes of the next command."""
        self._commands += 1
        return fate_of(self.faults, self.seed, self.asset.id, self._commands - 1, now)

    def runs(self, transaction_id: int | None) -> bool:
        """Whether this transaction runs here; None is any.

        One whose id is still on its way to us may have any id: who asks has just given it.
        """
        known = {None, self.transaction_id}
        return self.in_transaction and (self.transaction_id is None or transaction_id in known)

    def advance(self, now: datetime) -> list[News]:
        """Live up to `now`, with each profile in force at its own time."""
        while (turn := self._next_turn()) is not None and turn <= now:
            self.equipment.advance(turn)
            self.apply(turn)
        self.equipment.advance(now)
        return self._news(now)

    def apply(self, now: datetime, fate: Fate | None = None) -> None:
        """Bring into force what the profiles say. With `fate`, even if it is nothing new."""
        rate = self._profiles.rate(self.number, self.asset, now)
        if fate is not None or rate != self._rate:
            self._rate = rate
            doom = fate or LUCKY
            ends = doom.expiry(now, rate.until)
            self.equipment.tell(rate.kw, now, ends, follows=doom.follows)
        cap = self._profiles.cap(self.asset, now)
        if cap != self._cap:
            self._cap = cap
            self.equipment.limit(cap.kw, now, cap.until)

    def in_force_kw(self) -> float | None:
        """What it says that it may draw. None: nobody has set anything."""
        said = [
            kw for kw in (self.equipment.setpoint_kw, self.equipment.limit_kw) if kw is not None
        ]
        return min(said, default=None)

    def status(self) -> News:
        """Its state as it is now."""
        word = self._status(self.equipment.state, self.equipment.reason)
        return News("StatusNotification", self, self.equipment.sample(), word)

    def metered(self) -> News:
        """What its meter shows now."""
        return News("MeterValues", self, self.equipment.sample())

    def meter_values(self, sample: Sample) -> dict[str, Any]:
        """The payload that says what the meter showed."""
        values = [
            _value(POWER, sample.power_kw * 1000, "W"),
            _value(ENERGY, (sample.charged_kwh or 0.0) * 1000, "Wh"),
        ]
        if sample.soc_percent is not None:
            values.append(_value(SOC, sample.soc_percent, "Percent"))
        payload: dict[str, Any] = {
            "connectorId": self.number,
            "meterValue": [{"timestamp": instant(sample.at), "sampledValue": values}],
        }
        if self.transaction_id is not None:
            payload["transactionId"] = self.transaction_id
        return payload

    def told(self, news: News, answer: Mapping[str, Any]) -> None:
        """The central system has heard `news`, and answered."""
        if news.action == "StartTransaction":
            self.transaction_id = answer["transactionId"]
        elif news.action == "StopTransaction":
            self.transaction_id = None

    def _next_turn(self) -> datetime | None:
        turns = [pick.until for pick in (self._rate, self._cap) if pick.until is not None]
        return min(turns, default=None)

    def _news(self, now: datetime) -> list[News]:
        news: list[News] = []
        for change in self.equipment.changes():
            word = self._status(change.state, change.reason)
            runs = change.state in _IN_TRANSACTION
            if change.state == "preparing":
                news.append(News("StatusNotification", self, change.sample, "Preparing"))
                # A transaction that draws nothing yet is one that the charger holds back.
                word = "SuspendedEVSE"
            if runs and not self.in_transaction:
                news.append(News("StartTransaction", self, change.sample))
            elif self.in_transaction and not runs:
                why = "EVDisconnected" if change.state == "available" else "Remote"
                news.append(News("StopTransaction", self, change.sample, why))
                self._profiles.clear(connector=self.number, purpose=TX)
                self.apply(now)
            self.in_transaction = runs
            news.append(News("StatusNotification", self, change.sample, word))
            news.append(News("MeterValues", self, change.sample))
        return news

    def _status(self, state: str, reason: str) -> str:
        if state == "preparing" and self.in_transaction:
            return "SuspendedEVSE"
        return reason if state == "suspended" else _STATUSES[state]


def _wh(sample: Sample) -> int:
    return round((sample.charged_kwh or 0.0) * 1000)


def _value(measurand: str, value: float, unit: str) -> dict[str, str]:
    return {"measurand": measurand, "value": f"{value:.3f}", "unit": unit}
