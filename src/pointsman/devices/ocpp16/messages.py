"""What each command is in OCPP 1.6: calls as they go over the wire.

    Command --calls_of--> Call, Call … --wire--> confirmation --taken--> Taken | DeviceFailed

Payloads are plain values in the words of the specification. Power is kW here, W or A there. Our
profiles have an id and a stack level of their own for each purpose, so a new one replaces ours
and nobody else's. A rate of 0 is a limit of 0: the transaction goes on.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from math import floor, isfinite
from typing import Any, Final, assert_never

from pointsman.core.assets import Asset
from pointsman.devices import DeviceFailed, Taken
from pointsman.schedules.model import Channel, Command, CommandType

SUBPROTOCOL: Final = "ocpp1.6"
CONTROL: Final = frozenset(
    {
        "SetChargingProfile",
        "ClearChargingProfile",
        "RemoteStartTransaction",
        "RemoteStopTransaction",
        "ChangeAvailability",
        "DataTransfer",
    }
)
"""Calls that move equipment. None of them is ever made in a dry run."""
RATE_UNIT_KEY: Final = "ChargingScheduleAllowedChargingRateUnit"
VENDOR: Final = "pointsman"
SOC_TARGET: Final = "SocTarget"
STACK_LEVEL: Final = 5
"""Above the 0 that vendors give to their own defaults, and no more than chargers take."""
_PROFILE_BASE: Final = 730_000
"""Ids of our profiles begin here, so that a vendor's small numbers are not met by chance."""
_TENTH_SLACK: Final = 1e-6
_PERMANENT: Final = frozenset(
    {
        "NotImplemented",
        "NotSupported",
        "FormationViolation",
        "FormatViolation",
        "PropertyConstraintViolation",
        "OccurenceConstraintViolation",
        "OccurrenceConstraintViolation",
        "TypeConstraintViolation",
        "ProtocolError",
    }
)
"""CALLERROR codes that the same call would meet again."""
_PERMANENT_STATUSES: Final = frozenset({"NotSupported", "UnknownMessageId", "UnknownVendorId"})
_AS_ASKED: Final = frozenset({"Accepted", "Scheduled"})


class Purpose(IntEnum):
    """What a charging profile is for. The number is the last digit of its id."""

    CHARGE_POINT_MAX = 1
    TX_DEFAULT = 2
    TX = 3


_PURPOSE_NAMES: Final = {
    Purpose.CHARGE_POINT_MAX: "ChargePointMaxProfile",
    Purpose.TX_DEFAULT: "TxDefaultProfile",
    Purpose.TX: "TxProfile",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One CALL, but for its unique id."""

    action: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What of a charger a command's translation depends on."""

    asset: Asset
    connector: int = 1
    id_tag: str = VENDOR
    unit: str = "W"
    """What its limits are in: W, or A a phase."""
    transaction_id: int | None = None
    """The running transaction. None: none runs, or its id is not known."""
    session_running: bool | None = None
    """Whether a transaction runs. None: not known."""


def calls_of(command: Command, at: Circumstances) -> tuple[Call, ...]:
    """The calls that carry out a command, in order. None: it is already as asked.

    Raises:
        DeviceFailed: If OCPP 1.6 cannot say it, or not now.
    """
    if command.release:
        return _release(command, at)
    match command.type:
        case CommandType.SET_CHARGE_RATE:
            return (_set_rate(command, at),)
        case CommandType.SET_DISCHARGE_RATE:
            raise DeviceFailed(
                f"{command.type} for {command.asset_id!r}: NotSupported, OCPP 1.6 cannot discharge",
                permanent=True,
            )
        case CommandType.SET_POWER_LIMIT:
            limit = _limit(_power_kw(command), at, down=True)
            profile = _profile(command, at, Purpose.CHARGE_POINT_MAX, limit)
            return (Call("SetChargingProfile", {"connectorId": 0, "csChargingProfiles": profile}),)
        case CommandType.START_CHARGING:
            return _start(command, at)
        case CommandType.STOP_CHARGING:
            return _stop(command, at)
        case CommandType.CHANGE_AVAILABILITY:
            kind = "Operative" if _available(command) else "Inoperative"
            return (Call("ChangeAvailability", {"connectorId": at.connector, "type": kind}),)
        case CommandType.SET_SOC_TARGET:
            return (_soc_target(command, at),)
        case unknown:
            assert_never(unknown)


def taken(command: Command, at: Circumstances, call: Call, answer: Mapping[str, Any]) -> Taken:
    """What a confirmation means. Accepting a rate is saying that it applies.

    A refusal is not for good: the transaction that a profile was for may just have ended, or the
    plug may just have been pulled. Only what the charger does not know it will never do.

    Raises:
        DeviceFailed: If the charger said no.
    """
    status = answer.get("status")
    nothing_to_clear = call.action == "ClearChargingProfile" and status == "Unknown"
    if status not in _AS_ASKED and not nothing_to_clear:
        raise DeviceFailed(
            f"{call.action} for {command.asset_id!r} was answered {status!r}",
            permanent=status in _PERMANENT_STATUSES,
        )
    return Taken(applied_kw=_applied_kw(at, call), later=status == "Scheduled")


def refusal(action: str, code: str, description: str) -> DeviceFailed:
    """What a CALLERROR means."""
    told = f": {description}" if description else ""
    why = f"{action} was answered with error {code}{told}"
    return DeviceFailed(why, permanent=code in _PERMANENT)


def composite_schedule(at: Circumstances, duration_seconds: int = 60) -> Call:
    """The question of what limit is in force."""
    asked = {"duration": duration_seconds, "chargingRateUnit": at.unit}
    return Call("GetCompositeSchedule", {"connectorId": at.connector, **asked})


def kw_of_limit(limit: float, unit: str, asset: Asset) -> float:
    """A limit of a charging schedule as power."""
    return limit / 1000 if unit == "W" else limit * asset.voltage_volts * asset.phases / 1000


def rate_unit(answer: Mapping[str, Any]) -> str | None:
    """The unit to use, by a charger's GetConfiguration.conf. None: it does not say."""
    for entry in answer.get("configurationKey", ()):
        if entry.get("key") == RATE_UNIT_KEY:
            words = {word.strip().lower() for word in str(entry.get("value", "")).split(",")}
            if words & {"power", "w"}:
                return "W"
            if words & {"current", "a"}:
                return "A"
    return None


def instant(at: datetime) -> str:
    """An instant as OCPP writes it, cut to milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def profile_id(purpose: Purpose, connector: int) -> int:
    """The id of our profile. Ids are unique in the whole charger, not on each connector."""
    where = 0 if purpose is Purpose.CHARGE_POINT_MAX else connector
    return _PROFILE_BASE + 10 * where + purpose


def _set_rate(command: Command, at: Circumstances) -> Call:
    purpose = Purpose.TX_DEFAULT if at.transaction_id is None else Purpose.TX
    profile = _profile(command, at, purpose, _limit(_power_kw(command), at))
    if at.transaction_id is not None:
        profile["transactionId"] = at.transaction_id
    return Call("SetChargingProfile", {"connectorId": at.connector, "csChargingProfiles": profile})


def _release(command: Command, at: Circumstances) -> tuple[Call, ...]:
    if command.channel is Channel.LIMIT:
        return (_clear(Purpose.CHARGE_POINT_MAX, at),)
    return _clear(Purpose.TX_DEFAULT, at), _clear(Purpose.TX, at)


def _clear(purpose: Purpose, at: Circumstances) -> Call:
    return Call("ClearChargingProfile", {"id": profile_id(purpose, at.connector)})


def _start(command: Command, at: Circumstances) -> tuple[Call, ...]:
    if at.session_running:
        return () if command.power_kw is None else (_set_rate(command, at),)
    payload: dict[str, Any] = {"idTag": at.id_tag, "connectorId": at.connector}
    if command.power_kw is not None:
        limit = _limit(_power_kw(command), at)
        payload["chargingProfile"] = _profile(command, at, Purpose.TX, limit)
    return (Call("RemoteStartTransaction", payload),)


def _stop(command: Command, at: Circumstances) -> tuple[Call, ...]:
    if at.transaction_id is not None:
        return (Call("RemoteStopTransaction", {"transactionId": at.transaction_id}),)
    if at.session_running is False:
        return ()
    raise DeviceFailed(
        f"{command.type} for {command.asset_id!r}: the charger has not said which transaction runs"
    )


def _soc_target(command: Command, at: Circumstances) -> Call:
    percent = (command.parameters or {}).get("soc_target_percent")
    if not _is_number(percent):
        raise _lacking(command, "soc_target_percent")
    data = json.dumps({"connectorId": at.connector, "socTargetPercent": percent})
    return Call("DataTransfer", {"vendorId": VENDOR, "messageId": SOC_TARGET, "data": data})


def _profile(command: Command, at: Circumstances, purpose: Purpose, limit: float) -> dict[str, Any]:
    period: dict[str, Any] = {"startPeriod": 0, "limit": limit}
    if at.unit == "A":
        period["numberPhases"] = at.asset.phases
    start = instant(command.scheduled_at)
    profile: dict[str, Any] = {
        "chargingProfileId": profile_id(purpose, at.connector),
        "stackLevel": STACK_LEVEL,
        "chargingProfilePurpose": _PURPOSE_NAMES[purpose],
        "chargingProfileKind": "Absolute",
        "validFrom": start,
        "chargingSchedule": {
            "startSchedule": start,
            "chargingRateUnit": at.unit,
            "chargingSchedulePeriod": [period],
        },
    }
    if command.expires_at is not None:
        profile["validTo"] = instant(command.expires_at)
    return profile


def _limit(power_kw: float, at: Circumstances, *, down: bool = False) -> float:
    """Power as a limit in the charger's unit: a multiple of 0.1, as the schema demands."""
    watts = power_kw * 1000
    value = watts if at.unit == "W" else watts / (at.asset.voltage_volts * at.asset.phases)
    return floor(value * 10 + _TENTH_SLACK) / 10 if down else round(value, 1)


def _applied_kw(at: Circumstances, call: Call) -> float | None:
    profile = call.payload.get("csChargingProfiles") or call.payload.get("chargingProfile")
    if profile is None or profile["chargingProfilePurpose"] == "ChargePointMaxProfile":
        return None
    schedule = profile["chargingSchedule"]
    limit = schedule["chargingSchedulePeriod"][0]["limit"]
    return kw_of_limit(limit, schedule["chargingRateUnit"], at.asset)


def _power_kw(command: Command) -> float:
    if command.power_kw is None or not isfinite(command.power_kw) or command.power_kw < 0:
        raise _lacking(command, "power_kw, 0 or more")
    return command.power_kw


def _available(command: Command) -> bool:
    available = (command.parameters or {}).get("available")
    if not isinstance(available, bool):
        raise _lacking(command, "available, true or false")
    return available


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _lacking(command: Command, what: str) -> DeviceFailed:
    return DeviceFailed(f"{command.type} for {command.asset_id!r} lacks {what}", permanent=True)
