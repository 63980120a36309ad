"""Columns: which of a plan's columns command an asset, decided by their names.

    ev_{vehicle}_kw                         a vehicle, on the charger that it is mapped to
    battery_charge_kw, battery_{id}_charge_kw, and the same with discharge
    {asset}_charge_kw, {asset}_discharge_kw, {asset}_setpoint_kw (signed), {asset}_limit_kw
    {asset}_soc_target_percent

Every other column is context. A column of one of these shapes that no asset answers to is never
a command, and by default an error.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from pointsman.core.assets import Asset, AssetKind
from pointsman.schedules.model import Channel
from pointsman.schedules.table import ScheduleError

OnUnmapped: TypeAlias = Literal["error", "warn", "ignore"]

SHAPES: Final = (
    "ev_{id}_kw, battery_charge_kw, battery_discharge_kw, {asset}_setpoint_kw, {asset}_limit_kw "
    "or {asset}_soc_target_percent"
)
_VEHICLE: Final = re.compile(r"ev_(?P<id>.+)_kw")
_BATTERY: Final = re.compile(r"battery_(?P<id>.+)_(?P<role>charge|discharge)_kw")
_ASSET: Final = re.compile(r"(?P<id>.+)_(?P<role>setpoint|limit|charge|discharge)_kw")
_SOC: Final = re.compile(r"(?P<id>.+)_soc_target_percent")


class Role(StrEnum):
    """What a column's cells say of its asset."""

    VEHICLE = "vehicle"
    """Charging power of one vehicle. An empty cell: it is away."""
    CHARGE = "charge"
    DISCHARGE = "discharge"
    SETPOINT = "setpoint"
    """Signed: positive for charging."""
    LIMIT = "limit"
    SOC = "soc"

    @property
    def channel(self) -> Channel:
        match self:
            case Role.LIMIT:
                return Channel.LIMIT
            case Role.SOC:
                return Channel.SOC
            case _:
                return Channel.POWER


@dataclass(frozen=True, slots=True)
class Target:
    """A column that commands, and what it commands."""

    column: str
    asset_id: str
    role: Role
    key: str
    """The key of the asset map that led there. "": the column names the asset itself."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What each column of a table is for."""

    targets: tuple[Target, ...]
    context: tuple[str, ...]
    """Columns that command nothing, the unmapped ones among them."""
    unmapped: tuple[str, ...] = ()
    """Columns shaped like a command that no asset answers to, where these are to be told."""
    unused_keys: tuple[str, ...] = ()

    def of_channel(self) -> dict[tuple[str, Channel], list[Target]]:
        """The columns of each channel of each asset, in the table's order."""
        groups: dict[tuple[str, Channel], list[Target]] = {}
        for target in self.targets:
            groups.setdefault((target.asset_id, target.role.channel), []).append(target)
        return groups


def assign(
    name: str,
    columns: Sequence[str],
    asset_map: Mapping[str, str],
    assets: Mapping[str, Asset],
    on_unmapped: OnUnmapped = "error",
) -> Assignment:
    """Decide what each column is for.

    `assets` are the site's, by id. Empty: the site is not known, and whatever `asset_map` says
    is taken as it is.

    Raises:
        ScheduleError: If a name is ambiguous, leads to no asset or to one of the wrong kind.
    """
    _check_map(asset_map, assets)
    targets: list[Target] = []
    context: list[str] = []
    unmapped: list[str] = []
    used: set[str] = set()
    for column in columns:
        readings = list(_readings(column))
        hits = [hit for reading in readings for hit in _hits(column, *reading, asset_map, assets)]
        if hits:
            targets.append(_one(name, column, hits, assets))
            used.update(hit.key for hit in hits)
            continue
        context.append(column)
        if readings and on_unmapped == "error":
            raise _nobody(name, column, readings, asset_map)
        if readings and on_unmapped == "warn":
            unmapped.append(column)
    _check_groups(name, targets)
    unused = tuple(key for key in asset_map if key not in used)
    return Assignment(tuple(targets), tuple(context), tuple(unmapped), unused)


def _readings(column: str) -> Iterator[tuple[Role, tuple[str, ...], str]]:
    """How the column's name may be read: role, keys to look up in order, the asset it names.

    The most specific reading comes first.
    """
    stem = column.removesuffix("_kw")
    if found := _SOC.fullmatch(column):
        yield Role.SOC, (found["id"], column), found["id"]
    if found := _BATTERY.fullmatch(column):
        id = found["id"]
        yield Role(found["role"]), (id, f"battery_{id}", stem, column), f"battery_{id}"
    if found := _ASSET.fullmatch(column):
        yield Role(found["role"]), (found["id"], stem, column), found["id"]
    if found := _VEHICLE.fullmatch(column):
        yield Role.VEHICLE, (found["id"], f"ev_{found['id']}", column), ""


def _hits(
    column: str,
    role: Role,
    keys: tuple[str, ...],
    named: str,
    asset_map: Mapping[str, str],
    assets: Mapping[str, Asset],
) -> Iterator[Target]:
    for key in keys:
        if key in asset_map:
            yield Target(column, asset_map[key], role, key)
    if named in assets:
        yield Target(column, named, role, "")


def _one(name: str, column: str, hits: list[Target], assets: Mapping[str, Asset]) -> Target:
    """The first hit, if all lead to the same asset and it can do what is asked."""
    first = hits[0]
    for other in hits:
        if other.asset_id != first.asset_id:
            raise ScheduleError(
                f"{name}, column {column!r}: ambiguous, {_by(first)} and {_by(other)}; "
                "rename the column or one of the keys"
            )
    asset = assets.get(first.asset_id)
    wrong = asset is not None and (
        asset.kind is AssetKind.METER
        or (first.role is Role.VEHICLE and asset.kind is not AssetKind.EV_CHARGER)
    )
    if asset is not None and wrong:
        hint = "map it to an ev_charger" if first.role is Role.VEHICLE else "a meter only measures"
        raise ScheduleError(
            f"{name}, column {column!r}: asset {asset.id!r} is of kind {asset.kind.value!r}; {hint}"
        )
    return first


def _by(hit: Target) -> str:
    how = f"key {hit.key!r} leads" if hit.key else "its own name leads"
    return f"{how} to {hit.asset_id!r}"


def _nobody(
    name: str,
    column: str,
    readings: list[tuple[Role, tuple[str, ...], str]],
    asset_map: Mapping[str, str],
) -> ScheduleError:
    tried = list(dict.fromkeys(key for _, keys, _ in readings for key in keys))
    near = [key for word in tried for key in get_close_matches(word, asset_map, n=1)]
    hint = f" (near: {near[0]!r})" if near else ""
    return ScheduleError(
        f"{name}, column {column!r}: looks like a command, but no asset answers to it{hint}; "
        f'add {tried[0]} = "ASSET" to the asset map, or keep it as context with '
        'on_unmapped="ignore"'
    )


def _check_map(asset_map: Mapping[str, str], assets: Mapping[str, Asset]) -> None:
    for key, asset_id in asset_map.items() if assets else ():
        if asset_id not in assets:
            near = get_close_matches(asset_id, assets, n=1) or sorted(assets)[:1]
            raise ScheduleError(
                f"asset_map key {key!r}: the site has no asset {asset_id!r}; nearest: {near[0]!r}"
            )


def _check_groups(name: str, targets: list[Target]) -> None:
    """Only vehicles, and the two directions, may share a channel; no two vehicles a key."""
    seen: dict[tuple[str, Channel], list[Target]] = {}
    for target in targets:
        others = seen.setdefault((target.asset_id, target.role.channel), [])
        for other in others:
            roles = {other.role, target.role}
            if roles == {Role.VEHICLE} and other.key == target.key:
                problem = f"and column {other.column!r} both answer to key {target.key!r}"
            elif roles not in ({Role.VEHICLE}, {Role.CHARGE, Role.DISCHARGE}):
                problem = (
                    f"and column {other.column!r} both set the {target.role.channel.value} of "
                    f"{target.asset_id!r}"
                )
            else:
                continue
            raise ScheduleError(
                f"{name}, column {target.column!r}: ambiguous, it {problem}; keep one of them"
            )
        others.append(target)
