"""What a dispatch may be for: electrical components, by their ids or by what they are."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from pointsman.core.values import Value


class Category(StrEnum):
    """As the Dispatch API names them, less the prefix."""

    GRID_CONNECTION_POINT = "GRID_CONNECTION_POINT"
    METER = "METER"
    INVERTER = "INVERTER"
    CONVERTER = "CONVERTER"
    BATTERY = "BATTERY"
    EV_CHARGER = "EV_CHARGER"
    BREAKER = "BREAKER"
    PRECHARGER = "PRECHARGER"
    CHP = "CHP"
    ELECTROLYZER = "ELECTROLYZER"
    POWER_TRANSFORMER = "POWER_TRANSFORMER"
    HVAC = "HVAC"
    PLC = "PLC"
    CRYPTO_MINER = "CRYPTO_MINER"
    STATIC_TRANSFER_SWITCH = "STATIC_TRANSFER_SWITCH"
    UNINTERRUPTIBLE_POWER_SUPPLY = "UNINTERRUPTIBLE_POWER_SUPPLY"
    CAPACITOR_BANK = "CAPACITOR_BANK"
    WIND_TURBINE = "WIND_TURBINE"
    STEAM_BOILER = "STEAM_BOILER"


TYPES: Final[Mapping[Category, tuple[str, ...]]] = {
    Category.BATTERY: ("LI_ION", "NA_ION"),
    Category.INVERTER: ("BATTERY", "PV", "HYBRID"),
    Category.EV_CHARGER: ("AC", "DC", "HYBRID"),
}
"""Types of the categories that have any."""


class ComponentKind(Value, frozen=True, order=True):
    category: Category
    type: str = ""
    """One of `TYPES` of its category. Empty: whatever type."""


class Target(Value, frozen=True):
    """Either ids or kinds, at least one."""

    ids: tuple[int, ...] = ()
    kinds: tuple[ComponentKind, ...] = ()
