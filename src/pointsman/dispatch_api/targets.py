"""Targets: which components a dispatch is for, by ids or by what they are."""

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from frequenz.api.common.v1alpha8.microgrid.electrical_components.electrical_components_pb2 import (
    BatteryType,
    ElectricalComponentCategory,
    EvChargerType,
    InverterType,
)
from frequenz.api.dispatch.v1.dispatch_pb2 import TargetComponents

from pointsman.dispatches.checks import Invalid
from pointsman.dispatches.components import TYPES, Category, ComponentKind, Target

CategoryAndType = TargetComponents.CategoryAndType
UNSPECIFIED: Final = 0
NameT = TypeVar("NameT", bound=str)

CATEGORIES: Final[Mapping[int, Category]] = {
    ElectricalComponentCategory.Value(f"ELECTRICAL_COMPONENT_CATEGORY_{category}"): category
    for category in Category
}
TYPES_OF: Final[Mapping[str, tuple[Category, Mapping[int, str]]]] = {
    field: (category, {numbers.Value(f"{prefix}{name}"): name for name in TYPES[category]})
    for field, category, numbers, prefix in (
        ("battery", Category.BATTERY, BatteryType, "BATTERY_TYPE_"),
        ("inverter", Category.INVERTER, InverterType, "INVERTER_TYPE_"),
        ("ev_charger", Category.EV_CHARGER, EvChargerType, "EV_CHARGER_TYPE_"),
    )
}
"""By the field of a `CategoryAndType` that says the type: whose types, and their names."""

_NUMBER: Final = {category: number for number, category in CATEGORIES.items()}
_TYPE_NUMBER: Final = {
    (category, name): (field, number)
    for field, (category, names) in TYPES_OF.items()
    for number, name in names.items()
}


def target_of(field: str, pb: TargetComponents) -> Target:
    """The target that a message says.

    Raises:
        Invalid: If it has numbers that mean nothing, or types of another category.
    """
    match pb.WhichOneof("components"):
        case "component_ids":
            return Target(ids=tuple(pb.component_ids.ids))
        case "component_categories_types" as kind:
            of_types = pb.component_categories_types.categories
            return Target(kinds=tuple(_kind_of(f"{field}.{kind}", one) for one in of_types))
        case "component_categories" as kind:
            categories = pb.component_categories.categories
            return Target(
                kinds=tuple(
                    ComponentKind(_known(f"{field}.{kind}", number, CATEGORIES))
                    for number in categories
                )
            )
        case _:
            raise Invalid(f"{field} is empty: give component_ids, or component_categories_types")


def pb_target(target: Target) -> TargetComponents:
    if target.ids:
        return TargetComponents(component_ids=TargetComponents.IdSet(ids=target.ids))
    return TargetComponents(
        component_categories_types=TargetComponents.CategoryTypeSet(
            categories=_pb_kinds(target.kinds)
        )
    )


def _pb_kinds(kinds: Iterable[ComponentKind]) -> Iterable[CategoryAndType]:
    for kind in kinds:
        pb = CategoryAndType(category=_NUMBER[kind.category])  # type: ignore[arg-type]
        if kind.type:
            setattr(pb, *_TYPE_NUMBER[kind.category, kind.type])
        yield pb


def _kind_of(place: str, pb: CategoryAndType) -> ComponentKind:
    category = _known(f"{place}.category", pb.category, CATEGORIES)
    field = pb.WhichOneof("type")
    if field is None or (number := getattr(pb, field)) == UNSPECIFIED:
        return ComponentKind(category)
    of, names = TYPES_OF[field]
    if of is not category:
        allowed = next((f for f, (c, _) in TYPES_OF.items() if c is category), "no type")
        raise Invalid(f"{place} has a type of {field} with {category}: {allowed} is allowed")
    return ComponentKind(category, _known(f"{place}.{field}", number, names))


def _known(place: str, number: int, names: Mapping[int, NameT]) -> NameT:
    try:
        return names[number]
    except KeyError:
        allowed = ", ".join(f"{n} ({name})" for n, name in sorted(names.items()))
        raise Invalid(f"{place} is {number}: {allowed} are allowed") from None
