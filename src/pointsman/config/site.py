"""The site file: one site, its equipment, and which plan column means which of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from pointsman.config.checks import choice, device, number, table, text, whole, zone
from pointsman.config.resources import Resource, resource_of
from pointsman.config.tables import (
    Check,
    Document,
    SiteError,
    Table,
    check_keys,
    many,
    nearest,
    only,
    place,
    read_document,
    shown,
)
from pointsman.core.assets import Asset, AssetKind, MinPolicy, ZeroPolicy


@dataclass(frozen=True, slots=True)
class Microgrid:
    """Which microgrid of the Dispatch API the site is."""

    id: int
    components: Mapping[int, str]
    """Component id to asset id."""


@dataclass(frozen=True, slots=True)
class Site:
    """All that a site file says."""

    id: str
    path: Path
    assets: Mapping[str, Asset]
    """By id, in the order of the file."""
    asset_map: Mapping[str, str]
    """What a plan's column calls it, to asset id."""
    timezone: tzinfo = UTC
    """For showing times. It never gives a plan a zone."""
    import_limit_kw: float | None = None
    export_limit_kw: float | None = None
    microgrid: Microgrid | None = None
    resources: Mapping[str, Resource] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Asset id to where the file describes it: the opening of a message about it."""

    @property
    def folder(self) -> Path:
        """What relative paths in the site file are relative to."""
        return self.path.parent


_POWER: Final = number(above=0)
SITE: Final[Mapping[str, Check]] = {
    "id": text,
    "timezone": zone,
    "import_limit_kw": number(least=0),
    "export_limit_kw": number(least=0),
}
ASSET: Final[Mapping[str, Check]] = {
    "id": text,
    "kind": choice(AssetKind),
    "device": device,
    "rating_kw": _POWER,
    "min_kw": number(least=0),
    "max_charge_kw": number(least=0),
    "max_discharge_kw": number(least=0),
    "capacity_kwh": _POWER,
    "phases": whole(least=1, most=3),
    "voltage_volts": number(above=0),
    "deadband_kw": number(least=0),
    "ramp_kw_per_minute": number(above=0),
    "soc_min_percent": number(least=0, most=100),
    "soc_max_percent": number(least=0, most=100),
    "soc_start_percent": number(least=0, most=100),
    "safe_default_kw": number(),
    "lease_seconds": number(above=0),
    "min_dwell_seconds": number(least=0),
    "writes_per_day": whole(least=1),
    "parent": text,
    "zero_policy": choice(ZeroPolicy),
    "min_policy": choice(MinPolicy),
}
"""What `[[asset]]` may say. A field of `Asset` each."""
MICROGRID: Final[Mapping[str, Check]] = {"id": whole(least=1), "components": table}
_TABLES: Final = ("site", "asset", "resource", "asset_map", "microgrid")

Thing = TypeVar("Thing", Asset, Resource)


def read_site(path: str | Path) -> Site:
    """The site that the file at `path` describes.

    Raises:
        SiteError: If there is no such file, or anything in it is not as it must be.
    """
    document = read_document(Path(path))
    for header in document.values:
        check_keys({header: None}, _TABLES, place(document, header))
    head = only(document, "site").read(SITE, required=["id"])
    tables, resources = many(document, "asset"), many(document, "resource")
    if not tables and not resources:
        raise SiteError(
            f"{document.path}: no assets; describe each in an [[asset]] table, or each robot and"
            " machine in a [[resource]] table"
        )
    assets = _by_id(tables, _asset)
    return Site(
        **head,
        path=document.path,
        assets=assets,
        asset_map=_asset_map(only(document, "asset_map"), assets),
        microgrid=_microgrid(document, assets),
        resources=_by_id(resources, resource_of),
        places=MappingProxyType({one.values["id"]: one.where() for one in tables}),
    )


def _asset(here: Table) -> Asset:
    asset = Asset(**here.read(ASSET, required=["id", "kind"]))
    if asset.soc_min_percent >= asset.soc_max_percent:
        met = f"{asset.soc_min_percent:g} is not below soc_max_percent = {asset.soc_max_percent:g}"
        raise here.error("soc_min_percent", f"soc_min_percent = {met}")
    most, least = asset.charge_limit_kw, asset.discharge_limit_kw
    if asset.min_kw is not None and most is not None and asset.min_kw > most:
        met = f"{asset.min_kw:g} is above the most that it can take, {most:g} kW"
        raise here.error("min_kw", f"min_kw = {met}")
    safe = asset.safe_default_kw
    if safe is not None and most is not None and safe > most:
        met = f"{safe:g} is above the most that it can take, {most:g} kW"
        raise here.error("safe_default_kw", f"safe_default_kw = {met}")
    if safe is not None and least is not None and safe < -least:
        met = f"{safe:g} is below the most that it can give, {0 - least:g} kW"
        raise here.error("safe_default_kw", f"safe_default_kw = {met}")
    return asset


def _asset_map(here: Table, assets: Mapping[str, Asset]) -> Mapping[str, str]:
    named = {key: here.value(key, text) for key in here.values}
    for key, asset_id in named.items():
        _known(here, key, asset_id, assets)
    return MappingProxyType(named)


def _microgrid(document: Document, assets: Mapping[str, Asset]) -> Microgrid | None:
    if "microgrid" not in document.values:
        return None
    here = only(document, "microgrid")
    read = here.read(MICROGRID, required=["id"])
    inner = Table(document, "microgrid.components", read.get("components", {}))
    components = {}
    for key in inner.values:
        if not (key.isascii() and key.isdigit() and key == str(int(key))):
            raise inner.error(key, f"component id {shown(key)} must be a whole number, as in 101")
        components[int(key)] = asset_id = inner.value(key, text)
        _known(inner, key, asset_id, assets)
    return Microgrid(read["id"], MappingProxyType(components))


def _known(here: Table, key: str, asset_id: str, assets: Mapping[str, Asset]) -> None:
    if asset_id not in assets:
        raise here.error(
            key, f"{key} names no asset: {shown(asset_id)}; {nearest(asset_id, assets)}"
        )


def _by_id(tables: list[Table], make: Callable[[Table], Thing]) -> Mapping[str, Thing]:
    found: dict[str, Thing] = {}
    first: dict[str, Table] = {}
    for here in tables:
        thing = make(here)
        if thing.id in found:
            earlier = first[thing.id].document.line(here.header, first[thing.id].number, "id")
            at = f"line {earlier}" if earlier else f"number {first[thing.id].number}"
            raise here.error("id", f"id {shown(thing.id)} is taken by the one at {at}")
        found[thing.id], first[thing.id] = thing, here
    return MappingProxyType(found)
