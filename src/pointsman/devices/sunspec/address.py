"""Where a SunSpec device is, as its `device` table says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pointsman.core.assets import Asset
from pointsman.devices.protocols import DeviceTableError

_PORTS: Final = (1, 65535)
_UNITS: Final = (1, 247)
_BASES: Final = (0, 65533)
_MODELS: Final = (704, 124)


@dataclass(frozen=True, slots=True)
class Address:
    """One unit behind one Modbus TCP server."""

    host: str
    port: int
    unit: int
    base: int | None
    """Where "SunS" is. None: where it usually is."""
    model: int
    """The model that a simulator of it is controlled by."""


def addresses(assets: Sequence[Asset]) -> dict[str, Address]:
    """Where the assets' devices are, by asset id.

    Raises:
        DeviceTableError: If a number is out of its range, or two assets share one unit.
    """
    found: dict[str, Address] = {}
    owners: dict[tuple[str, int, int], str] = {}
    for asset in assets:
        where = found[asset.id] = _address(asset)
        unit = (where.host, where.port, where.unit)
        if unit in owners:
            raise DeviceTableError(
                f"assets {owners[unit]!r} and {asset.id!r} are both unit {where.unit}"
                f" at {where.host}:{where.port}; give each a unit of its own"
            )
        owners[unit] = asset.id
    return found


def _address(asset: Asset) -> Address:
    device = asset.device
    host = device.get("host", "")
    if not host:
        raise DeviceTableError(f"asset {asset.id!r}: device lacks the key 'host'")
    models = device.get("models", [_MODELS[0]])
    if models not in ([_MODELS[0]], [_MODELS[1]]):
        raise DeviceTableError(
            f"asset {asset.id!r}: device key 'models' must be [704] or [124], not {models!r}"
        )
    return Address(
        host,
        _ranged(asset, "port", device.get("port", 502), _PORTS),
        _ranged(asset, "unit", device.get("unit", 1), _UNITS),
        None if device.get("base") is None else _ranged(asset, "base", device["base"], _BASES),
        models[0],
    )


def _ranged(asset: Asset, key: str, value: object, bounds: tuple[int, int]) -> int:
    least, most = bounds
    if isinstance(value, int) and least <= value <= most:
        return value
    raise DeviceTableError(
        f"asset {asset.id!r}: device key {key!r} must be from {least} to {most}, not {value!r}"
    )
