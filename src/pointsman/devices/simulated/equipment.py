"""The equipment behind an asset, as its site file describes it."""

from collections.abc import Sequence
from typing import assert_never
from zoneinfo import ZoneInfo

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices.simulated import SIMULATION_KEYS
from pointsman.devices.simulated.battery import Battery
from pointsman.devices.simulated.charger import EvBay
from pointsman.devices.simulated.physics import Change, Equipment, Unsupported
from pointsman.devices.simulated.sessions import Session
from pointsman.devices.simulated.sun import Load, Meter, Pv

__all__ = [
    "Battery",
    "Change",
    "Equipment",
    "EvBay",
    "Load",
    "Meter",
    "Pv",
    "Session",
    "Unsupported",
    "equipment_of",
]


def equipment_of(
    asset: Asset,
    sessions: Sequence[Session] | None = None,
    seed: int = 0,
    *,
    timezone: str = "UTC",
    parts: Sequence[Equipment] = (),
) -> Equipment:
    """New equipment for an asset.

    Args:
        asset: What it is. Its `device` table may say more: see `SIMULATION_KEYS`.
        sessions: The cars that come to a charger. None: one is always there, and never full.
        seed: The noise of a load.
        timezone: Where the sun rises and people live.
        parts: What a meter sums up.
    """
    own_kw = _number(asset, "own_kw")
    match asset.kind:
        case AssetKind.EV_CHARGER:
            return EvBay(asset, sessions, own_kw=own_kw)
        case AssetKind.BATTERY:
            return Battery(
                asset,
                own_kw=own_kw,
                charge_efficiency=_number(asset, "charge_efficiency"),
                discharge_efficiency=_number(asset, "discharge_efficiency"),
            )
        case AssetKind.PV:
            return Pv(asset, ZoneInfo(timezone))
        case AssetKind.LOAD:
            return Load(asset, ZoneInfo(timezone), seed)
        case AssetKind.METER:
            return Meter(asset, parts)
        case unknown:
            assert_never(unknown)


def _number(asset: Asset, key: str) -> float:
    return float(asset.device.get(key, SIMULATION_KEYS[key].default))
