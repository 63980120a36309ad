"""What a simulated charger does on each call of the central system, and what it answers."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from pointsman.devices.ocpp16.bay import Bay, News
from pointsman.devices.ocpp16.link import Payload, Refusal
from pointsman.devices.ocpp16.messages import RATE_UNIT_KEY, SOC_TARGET, VENDOR, instant
from pointsman.devices.ocpp16.profiles import TX, Profiles, profile_of
from pointsman.devices.simulated.faults import Fate
from pointsman.devices.simulated.physics import Unsupported

ANSWERED: Final = (
    "SetChargingProfile",
    "ClearChargingProfile",
    "GetCompositeSchedule",
    "RemoteStartTransaction",
    "RemoteStopTransaction",
    "ChangeAvailability",
    "GetConfiguration",
    "TriggerMessage",
    "DataTransfer",
)
_ACCEPTED: Final[Payload] = {"status": "Accepted"}
_REJECTED: Final[Payload] = {"status": "Rejected"}
_ALLOWED_UNITS: Final = {"W": "Power", "A": "Current"}


class Answers:
    """The part of a charger that does as it is told."""

    def __init__(self, bays: Sequence[Bay], profiles: Profiles) -> None:
        self._bays = bays
        self._profiles = profiles
        self._asked: list[News] = []

    def bay_of(self, action: str, payload: Payload) -> Bay:
        """The bay that a call is about; the first, if it is about the whole charger."""
        number = payload.get("connectorId")
        if action == "RemoteStopTransaction":
            ours = [b for b in self._bays if b.runs(payload["transactionId"])]
        elif action == "ClearChargingProfile" and number is None:
            held = self._profiles.connector_of(payload.get("id"))
            ours = [b for b in self._bays if b.number == held]
        elif action == "DataTransfer":
            wanted = _data(payload).get("connectorId")
            ours = [b for b in self._bays if b.number == wanted]
        else:
            ours = [b for b in self._bays if b.number == number]
        return ours[0] if ours else self._bays[0]

    def take_asked(self) -> list[News]:
        """What it was asked to report. Takes it."""
        asked, self._asked = self._asked, []
        return asked

    def refuse(self, action: str) -> Payload:
        """No, in the words of the call.

        Raises:
            Refusal: If the call has no such word.
        """
        if action in {"ClearChargingProfile", "GetConfiguration"}:
            raise Refusal("GenericError", "not now")
        return _REJECTED

    def answer(self, action: str, payload: Payload, now: datetime, fate: Fate) -> Payload:
        """Do it.

        Raises:
            Refusal: If it cannot be done.
        """
        bay = self.bay_of(action, payload)
        number = payload.get("connectorId")
        if number not in {None, 0, bay.number}:
            raise Refusal("PropertyConstraintViolation", f"there is no connector {number}")
        try:
            return self._do(action, payload, bay, now, fate)
        except Unsupported as error:
            raise Refusal("NotSupported", str(error)) from error

    def _do(self, action: str, payload: Payload, bay: Bay, now: datetime, fate: Fate) -> Payload:
        match action:
            case "SetChargingProfile":
                return self._set(payload, bay, now, fate)
            case "ClearChargingProfile":
                return self._clear(payload, now)
            case "GetCompositeSchedule":
                return _composite(payload, bay, now)
            case "RemoteStartTransaction":
                return self._start(payload, bay, now, fate)
            case "RemoteStopTransaction":
                return self._stop(payload, bay, now)
            case "ChangeAvailability":
                return self._serve(payload, bay, now)
            case "GetConfiguration":
                return self._configuration(payload)
            case "TriggerMessage":
                return self._trigger(payload)
            case _:
                return _data_transfer(payload, bay, now)

    def _set(self, payload: Payload, bay: Bay, now: datetime, fate: Fate) -> Payload:
        profile = payload["csChargingProfiles"]
        if profile["chargingProfilePurpose"] == TX and not bay.runs(profile.get("transactionId")):
            return _REJECTED
        self._profiles.put(profile_of(payload["connectorId"], profile, now))
        bay.apply(now, fate)
        self._apply(now)
        return _ACCEPTED

    def _clear(self, payload: Payload, now: datetime) -> Payload:
        cleared = self._profiles.clear(
            payload.get("id"),
            payload.get("connectorId"),
            payload.get("chargingProfilePurpose"),
            payload.get("stackLevel"),
        )
        self._apply(now)
        return {"status": "Accepted" if cleared else "Unknown"}

    def _apply(self, now: datetime) -> None:
        for bay in self._bays:
            bay.apply(now)

    def _start(self, payload: Payload, bay: Bay, now: datetime, fate: Fate) -> Payload:
        if bay.in_transaction:
            return _REJECTED
        bay.equipment.start(now)
        if not bay.equipment.session_running:
            return _REJECTED
        if profile := payload.get("chargingProfile"):
            self._profiles.put(profile_of(bay.number, profile, now))
            bay.apply(now, fate)
        return _ACCEPTED

    def _stop(self, payload: Payload, bay: Bay, now: datetime) -> Payload:
        if not bay.runs(payload["transactionId"]):
            return _REJECTED
        bay.equipment.stop(now)
        return _ACCEPTED

    def _serve(self, payload: Payload, bay: Bay, now: datetime) -> Payload:
        bays = self._bays if payload["connectorId"] == 0 else [bay]
        done = [each.equipment.available(payload["type"] == "Operative", now) for each in bays]
        return {"status": "Accepted" if all(done) else "Scheduled"}

    def _configuration(self, payload: Payload) -> Payload:
        unit = self._bays[0].asset.device.get("unit", "")
        values = {
            RATE_UNIT_KEY: _ALLOWED_UNITS.get(unit, "Current,Power"),
            "NumberOfConnectors": str(len(self._bays)),
        }
        keys = payload.get("key") or list(values)
        return {
            "configurationKey": [
                {"key": key, "readonly": True, "value": values[key]}
                for key in keys
                if key in values
            ],
            "unknownKey": [key for key in keys if key not in values],
        }

    def _trigger(self, payload: Payload) -> Payload:
        number = payload.get("connectorId")
        bays = [bay for bay in self._bays if number in {None, 0, bay.number}]
        match payload["requestedMessage"]:
            case "StatusNotification":
                self._asked += [bay.status() for bay in bays]
            case "MeterValues":
                self._asked += [bay.metered() for bay in bays]
            case _:
                return {"status": "NotImplemented"}
        return _ACCEPTED


def _composite(payload: Payload, bay: Bay, now: datetime) -> Payload:
    kw = bay.in_force_kw()
    if kw is None:
        return _ACCEPTED
    unit = payload.get("chargingRateUnit", "W")
    watts_a_unit = 1.0 if unit == "W" else bay.asset.voltage_volts * bay.asset.phases
    period = {"startPeriod": 0, "limit": round(kw * 1000 / watts_a_unit, 1)}
    return {
        **_ACCEPTED,
        "connectorId": payload["connectorId"],
        "scheduleStart": instant(now),
        "chargingSchedule": {
            "duration": payload["duration"],
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [period],
        },
    }


def _data_transfer(payload: Payload, bay: Bay, now: datetime) -> Payload:
    if payload["vendorId"] != VENDOR:
        return {"status": "UnknownVendorId"}
    if payload.get("messageId") != SOC_TARGET:
        return {"status": "UnknownMessageId"}
    percent = _data(payload).get("socTargetPercent")
    if not isinstance(percent, int | float):
        return _REJECTED
    bay.equipment.soc_target(percent, now)
    return _ACCEPTED


def _data(payload: Payload) -> dict[str, Any]:
    try:
        data = json.loads(payload.get("data", ""))
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
