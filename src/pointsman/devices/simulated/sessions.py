"""Which cars come to which charger, from a CSV file of charging sessions.

    vehicle_id,arrival,departure,requested_energy (kWh),delivered_energy (kWh),station_id,…

A car takes at most the energy that its driver **requested**. What the file says was delivered is
history: on that day most cars were full, or gone, before they had what was asked for. A plan
that was made from the requests can only be carried out on cars that want them. (The plan of
Caltech, 2019-06-05, gives each of its 35 vehicles what it requested or less, between arrival
and departure; 30 of them would be full too soon if what was delivered were all they could take.)
Where nothing was requested, what was delivered counts.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Final

from pointsman.core.assets import Asset

REQUESTED: Final = "requested_energy (kWh)"
DELIVERED: Final = "delivered_energy (kWh)"
_NEEDED: Final = ("vehicle_id", "arrival", "departure", REQUESTED)


class SessionsError(ValueError):
    """A file of sessions cannot be read, or says what cannot be."""


@dataclass(frozen=True, slots=True)
class Session:
    """One stay of one car."""

    vehicle_id: str
    arrival: datetime
    departure: datetime
    wanted_kwh: float
    """What it takes at most."""
    station_id: str = ""


def sessions_of(
    asset: Asset, folder: str = ".", asset_map: Mapping[str, str] | None = None
) -> tuple[Session, ...] | None:
    """The cars that come to an asset. None: its `device` table names no file.

    Raises:
        SessionsError: If the file is bad, or two cars would be on the charger at once.
    """
    if "sessions" not in asset.device:
        return None
    path = Path(folder, asset.device["sessions"])
    return belonging(asset, read_sessions(path), asset_map or {}, str(path))


def read_sessions(path: Path) -> tuple[Session, ...]:
    """All sessions of a file.

    Raises:
        SessionsError: In one line, with the row, where there is one.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return parse_sessions(file, str(path))
    except OSError as error:
        raise SessionsError(f"{path}: no sessions can be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SessionsError(f"{path}: is not a CSV file in UTF-8: {error}") from error


def parse_sessions(lines: Iterable[str], where: str) -> tuple[Session, ...]:
    """Sessions from the lines of a CSV file; `where` is its name in messages.

    Raises:
        SessionsError: If a column is missing, or a row says what cannot be.
    """
    rows = csv.DictReader(lines)
    columns = rows.fieldnames or ()
    if missing := [name for name in _NEEDED if name not in columns]:
        raise SessionsError(f"{where}: lacks the column {missing[0]!r}; it needs {_NEEDED}")
    return tuple(_session(row, f"{where}: row {rows.line_num}") for row in rows)


def belonging(
    asset: Asset, sessions: Iterable[Session], asset_map: Mapping[str, str], where: str
) -> tuple[Session, ...]:
    """The sessions of one asset, in order of arrival.

    The asset map decides, by the vehicle's id or "ev_" before it. A vehicle that is not in the
    map belongs to its station: the asset's id, or its device's `station` or `charge_point`.

    Raises:
        SessionsError: If a car comes before the last one left.
    """
    device = asset.device
    stations = {asset.id, device.get("station"), device.get("charge_point")}

    def belongs(session: Session) -> bool:
        for key in (session.vehicle_id, f"ev_{session.vehicle_id}"):
            if key in asset_map:
                return asset_map[key] == asset.id
        return session.station_id in stations

    ours = tuple(sorted(filter(belongs, sessions), key=lambda session: session.arrival))
    for first, second in pairwise(ours):
        if second.arrival < first.departure:
            raise SessionsError(
                f"{where}: vehicles {first.vehicle_id!r} and {second.vehicle_id!r} are both on"
                f" asset {asset.id!r} at {second.arrival.isoformat()}"
            )
    return ours


def _session(row: Mapping[str, str | None], where: str) -> Session:
    if not (vehicle_id := (row["vehicle_id"] or "").strip()):
        raise SessionsError(f"{where}: vehicle_id is empty")
    arrival, departure = _instant(row, "arrival", where), _instant(row, "departure", where)
    if departure <= arrival:
        raise SessionsError(f"{where}: departure {row['departure']!r} is not after arrival")
    wanted = REQUESTED if (row[REQUESTED] or "").strip() else DELIVERED
    return Session(
        vehicle_id,
        arrival,
        departure,
        _energy_kwh(row, wanted, where),
        (row.get("station_id") or "").strip(),
    )


def _instant(row: Mapping[str, str | None], column: str, where: str) -> datetime:
    text = (row[column] or "").strip()
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise SessionsError(f"{where}: {column} {text!r} is not a time") from None
    if instant.tzinfo is None:
        raise SessionsError(f"{where}: {column} {text!r} has no zone, such as -07:00 at its end")
    return instant


def _energy_kwh(row: Mapping[str, str | None], column: str, where: str) -> float:
    text = (row.get(column) or "").strip()
    try:
        energy_kwh = float(text)
    except ValueError:
        energy_kwh = -1.0
    if not (isfinite(energy_kwh) and energy_kwh >= 0):
        raise SessionsError(f"{where}: {column} {text!r} is not an energy, 0 or more")
    return energy_kwh
