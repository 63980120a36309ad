"""Dispatches of the client as values of the rules, and back.

Legacy component categories have other numbers than today's, so they are taken by name.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from datetime import timedelta
from typing import Any, Final, SupportsInt, TypeAlias

from frequenz.client.common.microgrid.components import ComponentCategory
from frequenz.client.common.microgrid.electrical_components import ElectricalComponentCategory
from frequenz.client.dispatch.recurrence import EndCriteria, RecurrenceRule, Weekday
from frequenz.client.dispatch.recurrence import Frequency as ClientFrequency
from frequenz.client.dispatch.types import (
    BatteryType,
    DispatchId,
    EvChargerType,
    InverterType,
    TargetCategories,
    TargetCategory,
    TargetComponents,
    TargetIds,
)
from frequenz.client.dispatch.types import Dispatch as ClientDispatch

from pointsman.dispatches.components import Category, ComponentKind, Target
from pointsman.dispatches.model import Dispatch, DispatchData, Frequency, Rule

Kind: TypeAlias = (
    TargetCategory
    | ComponentCategory
    | ElectricalComponentCategory
    | BatteryType
    | InverterType
    | EvChargerType
)
Selector: TypeAlias = TargetComponents | Kind | SupportsInt | Iterable[Kind | SupportsInt]
"""Whatever the documented interfaces take as the components that a dispatch is for."""

RENAMED: Final = {
    "GRID": "GRID_CONNECTION_POINT",
    "RELAY": "BREAKER",
    "VOLTAGE_TRANSFORMER": "POWER_TRANSFORMER",
}
_TYPED: Final[Mapping[Category, type[BatteryType | InverterType | EvChargerType]]] = {
    Category.BATTERY: BatteryType,
    Category.INVERTER: InverterType,
    Category.EV_CHARGER: EvChargerType,
}


def target_of(selector: Selector) -> Target:
    """The components that are meant.

    Raises:
        ValueError: If no component can be meant.
    """
    match selector:
        case TargetIds():
            return Target(ids=tuple(sorted(selector)))
        case (
            TargetCategory()
            | ComponentCategory()
            | ElectricalComponentCategory()
            | BatteryType()
            | InverterType()
            | EvChargerType()
        ):
            return Target(kinds=(kind_of(selector),))
        case str() | bytes():
            raise ValueError(f"target is {selector!r}: give component ids, or categories")
        case Iterable():
            return _target_of_several(tuple(selector))
        case _:
            return Target(ids=(int(selector),))


def _target_of_several(selected: tuple[Any, ...]) -> Target:
    kinds = [one for one in selected if isinstance(one, Kind)]
    if kinds and len(kinds) < len(selected):
        raise ValueError("target mixes component ids with categories: give one or the other")
    if kinds:
        return Target(kinds=tuple(sorted(kind_of(kind) for kind in kinds)))
    return Target(ids=tuple(sorted({int(one) for one in selected})))


def kind_of(kind: Kind) -> ComponentKind:
    """What a category or type means, by its name.

    Raises:
        ValueError: If the Dispatch API has nothing of that name.
    """
    match kind:
        case TargetCategory():
            return kind_of(kind.target)
        case BatteryType() | InverterType() | EvChargerType():
            category = next(c for c, types in _TYPED.items() if isinstance(kind, types))
            return ComponentKind(category, "" if kind.name == "UNSPECIFIED" else kind.name)
        case _:
            name = RENAMED.get(kind.name, kind.name)
            if name not in Category.__members__:
                raise ValueError(
                    f"target is {kind.name}, which is no category that dispatches can be for:"
                    f" {', '.join(Category)} are"
                )
            return ComponentKind(Category(name))


def target_components(target: Target) -> TargetComponents:
    if target.ids:
        return TargetIds(*target.ids)
    return TargetCategories(*(_client_kind(kind) for kind in target.kinds))


def _client_kind(kind: ComponentKind) -> TargetCategory:
    if kind.type:
        return TargetCategory(_TYPED[kind.category][kind.type])
    return TargetCategory(ElectricalComponentCategory[kind.category.name])


def rule_of(rule: RecurrenceRule | None) -> Rule | None:
    """The rule that is meant. None: it does not recur.

    Raises:
        ValueError: If it names a weekday that is none.
    """
    if rule is None or not rule.frequency:
        return None
    if Weekday.UNSPECIFIED in rule.byweekdays:
        raise ValueError("recurrence.byweekdays is UNSPECIFIED: MONDAY to SUNDAY are allowed")
    end = rule.end_criteria or EndCriteria()
    return Rule(
        Frequency[rule.frequency.name],
        rule.interval or 1,
        end.count,
        end.until if end.count is None else None,
        tuple(rule.byminutes),
        tuple(rule.byhours),
        tuple(day.value - 1 for day in rule.byweekdays),
        tuple(rule.bymonthdays),
        tuple(rule.bymonths),
    )


def recurrence_of(rule: Rule | None) -> RecurrenceRule:
    if rule is None:
        return RecurrenceRule()
    ends = rule.count is not None or rule.until is not None
    return RecurrenceRule(
        frequency=ClientFrequency[rule.frequency.name],
        interval=rule.interval,
        end_criteria=EndCriteria(count=rule.count, until=rule.until) if ends else None,
        byminutes=list(rule.minutes),
        byhours=list(rule.hours),
        byweekdays=[Weekday(day + 1) for day in rule.weekdays],
        bymonthdays=list(rule.month_days),
        bymonths=list(rule.months),
    )


def value_of(dispatch: ClientDispatch, microgrid_id: int) -> Dispatch:
    """The value that the client's object stands for.

    Raises:
        ValueError: If it has a target or a rule that mean nothing.
    """
    duration = dispatch.duration
    recurrence = rule_of(dispatch.recurrence)
    data = DispatchData(
        dispatch.type,
        dispatch.start_time,
        target_of(dispatch.target),
        None if duration is None else round(duration.total_seconds()),
        dispatch.active,
        dispatch.dry_run,
        dispatch.payload,
        recurrence,
    )
    return Dispatch(
        int(dispatch.id),
        microgrid_id,
        data,
        dispatch.create_time,
        dispatch.update_time,
        None if recurrence else dispatch.start_time,
        dispatch.end_time,
    )


def client_of(value: Dispatch) -> ClientDispatch:
    """The client's object for a value. Whoever gets it may change its payload."""
    data = value.data
    seconds = data.duration_seconds
    return ClientDispatch(
        id=DispatchId(value.id),
        type=data.type,
        start_time=data.start_time,
        duration=None if seconds is None else timedelta(seconds=seconds),
        target=target_components(data.target),
        active=data.active,
        dry_run=data.dry_run,
        payload=deepcopy(dict(data.payload)),
        recurrence=recurrence_of(data.recurrence),
        create_time=value.create_time,
        update_time=value.update_time,
        end_time=value.end_time,
    )
