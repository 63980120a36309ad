"""Which protocols there are, found by their folders, so that a new one costs a folder.

    site file --check_devices--> open_fleets --connect--> Fleet a protocol --> Fleets
                                 open_simulations --simulate--> Simulation a protocol

A protocol is a package in `pointsman.devices` whose `__init__.py` has a `PROTOCOL`. Only what
the site uses is imported any further.
"""

import asyncio
import logging
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

import pointsman.devices as home
from pointsman.core.assets import Asset
from pointsman.devices import Device, Fleet, Key, Protocol, Reading, Taken, World
from pointsman.devices.simulated.world import SimulatedWorld, Simulation
from pointsman.schedules.model import Command

COMMON_KEYS: Final[Mapping[str, Key]] = {
    "protocol": Key(str, default="simulated", help="how to talk to it"),
    "simulated": Key(bool, default=False, help="a simulator that speaks the real protocol"),
}
_WORDS: Final = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    dict: "a table",
    list: "a list",
    datetime: "a time with its zone, such as 2019-06-05T12:00:00-07:00",
}


class DeviceTableError(ValueError):
    """A `device` table of the site file says what no device can be made of."""


class MissingExtraError(DeviceTableError):
    """A protocol's optional dependency is not installed."""


@cache
def protocols() -> Mapping[str, Protocol]:
    """All protocols there are, by name."""
    found = {}
    for module in pkgutil.iter_modules(home.__path__):
        if module.ispkg:
            package = import_module(f"{home.__name__}.{module.name}")
            if isinstance(protocol := getattr(package, "PROTOCOL", None), Protocol):
                found[protocol.name] = protocol
    return MappingProxyType(found)


def protocol_of(asset: Asset) -> Protocol:
    """The protocol that the asset's device speaks.

    Raises:
        DeviceTableError: If there is none of that name.
    """
    name = asset.device.get("protocol", "simulated")
    if isinstance(name, str) and name in protocols():
        return protocols()[name]
    raise DeviceTableError(
        f"asset {asset.id!r}: device protocol {name!r} is not known{nearest(name, protocols())}"
    )


def check_devices(assets: Iterable[Asset], speed: float = 1.0) -> None:
    """Refuse what no device can be made of. Opens and imports nothing.

    Raises:
        DeviceTableError: If a protocol or key is unknown, a key is missing or of the wrong
            type, or a real device would be driven faster than time goes by.
    """
    for asset in assets:
        protocol = protocol_of(asset)
        keys = {**COMMON_KEYS, **protocol.keys}
        check_table(f"asset {asset.id!r}: device", asset.device, keys)
        if speed > 1 and not (protocol.simulated or asset.device.get("simulated", False)):
            raise DeviceTableError(
                f"asset {asset.id!r}: speed {speed:g} would drive a real {protocol.name} device"
                " faster than time goes by; use speed 1, or say simulated = true"
            )


def nearest(word: object, right: Iterable[str]) -> str:
    """The end of a message about a word that is not one of the right ones."""
    choices = sorted(right)
    if close := get_close_matches(str(word), choices, n=1, cutoff=0.5):
        return f"; did you mean {close[0]!r}?"
    return f"; there is {', '.join(map(repr, choices))}"


class DryDevice:
    """Says yes to everything, and passes nothing on."""

    async def send(self, command: Command) -> Taken:  # noqa: ARG002 - the shape of a device
        return Taken()

    async def read(self) -> Reading:
        return Reading()


class Fleets:
    """All devices of a site, whatever they speak."""

    def __init__(self, fleets: Sequence[Fleet], *, dry_run: bool) -> None:
        self._fleets = fleets
        devices: dict[str, Device] = {}
        for fleet in fleets:
            devices.update(fleet.devices)
        if dry_run:
            devices = {asset_id: DryDevice() for asset_id in devices}
        self.devices: Mapping[str, Device] = MappingProxyType(devices)
        """By asset id. In a dry run, none of them reaches any equipment."""

    async def run(self) -> None:
        """Keep all connections, until cancelled.

        Raises:
            Exception: Whatever ended one protocol's fleet, such as a port in use.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for fleet in self._fleets:
                    group.create_task(fleet.run())
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from failed

    async def reached(self) -> None:
        """Return once each device has been reached. May take for ever: give it a limit."""
        await asyncio.gather(*(fleet.reached() for fleet in self._fleets))


def open_fleets(assets: Sequence[Asset], world: World) -> Fleets:
    """Make the devices of a site. They connect when the fleets run.

    Raises:
        DeviceTableError: If a device table is wrong, or an extra is missing.
    """
    check_devices(assets, world.speed)
    fleets = [_load(p, p.connect)(group, world) for p, group in _by_protocol(assets)]
    return Fleets(fleets, dry_run=world.dry_run)


def open_simulations(assets: Sequence[Asset], world: SimulatedWorld) -> list[Simulation]:
    """Make the simulators of a site's devices, which speak their real protocols.

    An asset whose protocol has no wire is left out, and named in a warning.

    Raises:
        DeviceTableError: If a device table is wrong, or an extra is missing.
    """
    check_devices(assets)
    simulations = []
    for protocol, group in _by_protocol(assets):
        if protocol.simulate:
            simulations.append(_load(protocol, protocol.simulate)(group, world))
            continue
        for asset in group:
            logging.getLogger(__name__).warning(
                "asset %r is left out: protocol %r has no wire to simulate",
                asset.id,
                protocol.name,
            )
    return simulations


def _by_protocol(assets: Sequence[Asset]) -> list[tuple[Protocol, list[Asset]]]:
    groups: dict[str, list[Asset]] = {}
    for asset in assets:
        groups.setdefault(protocol_of(asset).name, []).append(asset)
    return [(protocols()[name], group) for name, group in groups.items()]


def _load(protocol: Protocol, where: str) -> Callable[..., Any]:
    module, _, function = where.partition(":")
    try:
        loaded: Callable[..., Any] = getattr(import_module(module), function)
    except ModuleNotFoundError as missing:
        if not protocol.extra or (missing.name or "").startswith("pointsman"):
            raise
        raise MissingExtraError(
            f"protocol {protocol.name!r} needs the extra: pip install 'pointsman[{protocol.extra}]'"
        ) from missing
    return loaded


def check_table(where: str, table: Mapping[str, Any], keys: Mapping[str, Key]) -> None:
    for name, value in table.items():
        if name not in keys:
            raise DeviceTableError(f"{where} key {name!r} is not known{nearest(name, keys)}")
        key = keys[name]
        if not _fits(value, key.type):
            wanted = _WORDS.get(key.type, key.type.__name__)
            raise DeviceTableError(f"{where} key {name!r} must be {wanted}, not {value!r}")
        if key.keys:
            check_table(f"{where} {name}", value, key.keys)
    for name, key in keys.items():
        if key.required and name not in table:
            raise DeviceTableError(f"{where} lacks the key {name!r}: {key.help or 'required'}")


def _fits(value: object, wanted: type) -> bool:
    if isinstance(value, bool):
        return wanted is bool
    if wanted is float:
        return isinstance(value, int | float)
    if wanted is datetime:
        return isinstance(value, datetime) and value.tzinfo is not None
    return isinstance(value, Mapping if wanted is dict else wanted)
