"""The equipment of a site: which meter sums up what, and so what must be advanced together."""

from collections.abc import Sequence
from dataclasses import dataclass

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices import World
from pointsman.devices.simulated.equipment import Equipment, Meter, equipment_of
from pointsman.devices.simulated.sessions import sessions_of


@dataclass(frozen=True, slots=True)
class SimulatedSite:
    """Equipment by asset id, and by asset id the outermost meter around it, or itself."""

    equipment: dict[str, Equipment]
    root: dict[str, Equipment]


def site_of(assets: Sequence[Asset], world: World) -> SimulatedSite:
    """New equipment for all assets.

    A meter sums up the assets that name it as their `parent`. One that nobody names sums up the
    whole site; a second of that sort sums up the first.

    Raises:
        SessionsError: If a sessions file is bad.
        ValueError: If meters are each other's parents.
    """
    equipment = {
        asset.id: _single(asset, world) for asset in assets if asset.kind is not AssetKind.METER
    }
    meters = {asset.id: asset for asset in assets if asset.kind is AssetKind.METER}
    children: dict[str, list[str]] = {}
    for asset in assets:
        if asset.parent in meters:
            children.setdefault(asset.parent, []).append(asset.id)

    def build(meter_id: str, inside: tuple[str, ...]) -> Equipment:
        if meter_id in inside:
            raise ValueError(f"asset {meter_id!r} is inside itself: {' < '.join(inside)}")
        for child in children.get(meter_id, ()):
            if child not in equipment:
                equipment[child] = build(child, (*inside, meter_id))
        parts = [equipment[child] for child in children.get(meter_id, ())]
        return Meter(meters[meter_id], parts)

    for meter_id in meters:
        if meter_id in children and meter_id not in equipment:
            equipment[meter_id] = build(meter_id, ())
    for meter_id, meter in meters.items():
        if meter_id not in equipment:
            equipment[meter_id] = Meter(meter, _outermost(equipment))
    root = {inside: top for top in _outermost(equipment) for inside in _inside(top)}
    return SimulatedSite({asset.id: equipment[asset.id] for asset in assets}, root)


def _single(asset: Asset, world: World) -> Equipment:
    sessions = sessions_of(asset, world.folder, world.asset_map)
    return equipment_of(asset, sessions, asset.device.get("seed", 0), timezone=world.timezone)


def _outermost(equipment: dict[str, Equipment]) -> list[Equipment]:
    within = {
        part.asset.id
        for meter in equipment.values()
        if isinstance(meter, Meter)
        for part in meter.parts
    }
    return [one for asset_id, one in equipment.items() if asset_id not in within]


def _inside(top: Equipment) -> list[str]:
    parts = top.parts if isinstance(top, Meter) else ()
    return [top.asset.id, *(inside for part in parts for inside in _inside(part))]
