"""The coordinator's adapters: real chargers over OCPP, real batteries over Modbus.

`build_payload` shows what a command becomes on the wire, and needs no equipment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices import Fleet, World
from pointsman.devices.fleet_adapter import FleetAdapter, Told
from pointsman.runtime.clock import SystemClock


class OCPPAdapter(FleetAdapter):
    """OCPP 1.6J chargers, which dial in to `ws://LISTEN/CHARGE_POINT`."""

    protocol, extra, kind = "ocpp1.6", "ocpp", AssetKind.EV_CHARGER
    session = "pointsman.devices.ocpp16.session"

    def __init__(
        self,
        adapter_id: str,
        *,
        listen: str = "127.0.0.1:9000",
        charge_points: Mapping[str, str | tuple[str, int]] | None = None,
        assets: Iterable[Asset] = (),
    ) -> None:
        """
        Args:
            adapter_id: What messages call it.
            listen: HOST:PORT where chargers dial in. Port 0: a free one, which `address` tells.
            charge_points: By asset: the charger's id, or that and its connector. Default: as a
                site file says, else the asset's id and connector 1.
            assets: What is known of them. Default: what the engine's site file says.
        """
        super().__init__(adapter_id, assets)
        self._listen = listen
        self._charge_points = dict(charge_points or {})

    @property
    def address(self) -> str:
        """HOST:PORT where chargers dial in: the real one, once it is open."""
        return str(getattr(self._fleet, "address", self._listen))

    def build_payload(self, command: Told) -> dict[str, Any]:
        """The calls that a command becomes, for a charger that takes watts and has no session.

        Raises:
            DeviceFailed: If OCPP 1.6 cannot say it.
        """
        from pointsman.devices.ocpp16.messages import Circumstances, calls_of

        asset = self._placed(self._asset(command.asset_id))
        at = Circumstances(
            asset, asset.device.get("connector", 1), unit=asset.device.get("unit", "W")
        )
        calls = calls_of(command.value, at)
        return {"calls": [{"action": call.action, "payload": call.payload} for call in calls]}

    def _served(self) -> list[str]:
        return sorted({*super()._served(), *self._charge_points})

    def _placed(self, asset: Asset) -> Asset:
        described = asset.device if asset.device.get("protocol") == self.protocol else {}
        place = self._charge_points.get(asset.id, described.get("charge_point", asset.id))
        charge_point, connector = place if isinstance(place, tuple) else (place, None)
        device: dict[str, Any] = {"connector": 1, **described}
        device |= {"protocol": self.protocol, "charge_point": charge_point}
        if connector is not None:
            device["connector"] = connector
        return replace(asset, device=device)

    def _world(self) -> World:
        return World(SystemClock(), self, ocpp=self._listen)

    async def _ready(self, fleet: Fleet) -> None:
        await fleet.listening()  # type: ignore[attr-defined]  # A central system has it.


class ModbusAdapter(FleetAdapter):
    """SunSpec equipment behind one Modbus TCP server."""

    protocol, extra, kind = "sunspec", "modbus", AssetKind.BATTERY
    session = "pointsman.devices.sunspec.session"

    def __init__(
        self,
        adapter_id: str,
        host: str = "127.0.0.1",
        port: int = 502,
        unit: int = 1,
        *,
        units: Mapping[str, int] | None = None,
        assets: Iterable[Asset] = (),
    ) -> None:
        """
        Args:
            adapter_id: What messages call it.
            host: Where the server is.
            port: Its TCP port.
            unit: The unit of an asset that `units` does not name.
            units: By asset: its unit, where one server is a gateway to several.
            assets: What is known of them. Default: what the engine's site file says.
        """
        super().__init__(adapter_id, assets)
        self._host, self._port, self._unit = host, port, unit
        self._units = dict(units or {})

    def build_payload(self, command: Told) -> dict[str, Any]:
        """The writes that a command becomes, in order, for a device with model 704 at 40000.

        Raises:
            DeviceFailed: If the asset could not be told that, or its time is over.
        """
        from pointsman.devices.sunspec.content import content_of
        from pointsman.devices.sunspec.image import image_of
        from pointsman.devices.sunspec.layout import BASES
        from pointsman.devices.sunspec.messages import orders
        from pointsman.devices.sunspec.models import DER_CONTROLS

        asset, value = self._asset(command.asset_id), command.value
        image = image_of(BASES[0], content_of(asset, DER_CONTROLS))
        blocks = {id: image.block(id) for id in image.starts}
        found = orders(value, blocks, asset, value.scheduled_at)
        writes = [
            {"address": w.address, "registers": list(w.registers), "points": list(w.points)}
            for w in found.writes
        ]
        return {"unit": self._units.get(asset.id, self._unit), "writes": writes}

    def _served(self) -> list[str]:
        return sorted({*super()._served(), *self._units})

    def _placed(self, asset: Asset) -> Asset:
        described = asset.device if asset.device.get("protocol") == self.protocol else {}
        device: dict[str, Any] = {**described, "protocol": self.protocol}
        device |= {"host": self._host, "port": self._port}
        device["unit"] = self._units.get(asset.id, self._unit)
        return replace(asset, device=device)
