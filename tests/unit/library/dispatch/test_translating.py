"""Targets and rules mean what their names say, whatever numbers they have."""

import pytest
from frequenz.client.common.microgrid.components import ComponentCategory
from frequenz.client.common.microgrid.electrical_components import ElectricalComponentCategory
from frequenz.client.dispatch.types import (
    BatteryType,
    EvChargerType,
    InverterType,
    TargetCategories,
    TargetCategory,
    TargetIds,
)

from pointsman.dispatches.components import Category, ComponentKind, Target
from pointsman.dispatches.model import Frequency, Rule
from pointsman.library.dispatch.translating import (
    Selector,
    client_of,
    recurrence_of,
    rule_of,
    target_components,
    target_of,
    value_of,
)
from tests.unit.library.dispatch.given import NOON, value


@pytest.mark.parametrize(
    ("legacy", "category"),
    [
        (ComponentCategory.GRID, Category.GRID_CONNECTION_POINT),
        (ComponentCategory.CHP, Category.CHP),
        (ComponentCategory.ELECTROLYZER, Category.ELECTROLYZER),
        (ComponentCategory.CRYPTO_MINER, Category.CRYPTO_MINER),
        (ComponentCategory.RELAY, Category.BREAKER),
        (ComponentCategory.PRECHARGER, Category.PRECHARGER),
        (ComponentCategory.VOLTAGE_TRANSFORMER, Category.POWER_TRANSFORMER),
        (ComponentCategory.HVAC, Category.HVAC),
    ],
)
def test_a_legacy_category_means_its_name(legacy: ComponentCategory, category: Category) -> None:
    assert target_of(legacy) == Target(kinds=(ComponentKind(category),))
    assert target_of([TargetCategory(legacy)]) == Target(kinds=(ComponentKind(category),))


@pytest.mark.parametrize("legacy", [ComponentCategory.FUSE, ComponentCategory.UNSPECIFIED])
def test_what_no_dispatch_can_be_for_is_refused(legacy: ComponentCategory) -> None:
    with pytest.raises(ValueError, match=f"target is {legacy.name}, which is no category"):
        target_of(legacy)


@pytest.mark.parametrize(
    "selector",
    [
        TargetIds(9, 1),
        TargetCategories(ElectricalComponentCategory.STEAM_BOILER, BatteryType.LI_ION),
        TargetCategories(InverterType.PV, EvChargerType.DC, ElectricalComponentCategory.METER),
        TargetCategories(*(c for c in ElectricalComponentCategory if c.value)),
    ],
)
def test_targets_come_back_as_they_were(selector: TargetIds | TargetCategories) -> None:
    assert target_components(target_of(selector)) == selector


@pytest.mark.parametrize(
    ("selector", "ids"), [([2, 1, 2], (1, 2)), (7, (7,)), (TargetIds(3), (3,))]
)
def test_ids_may_be_given_in_any_way(selector: Selector, ids: tuple[int, ...]) -> None:
    assert target_of(selector) == Target(ids=ids)


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(ValueError, match="mixes component ids with categories"):
        target_of([1, ElectricalComponentCategory.METER])
    with pytest.raises(ValueError, match="target is 'battery'"):
        target_of("battery")  # type: ignore[arg-type]


def test_rules_come_back_as_they_were() -> None:
    for rule in (
        None,
        Rule(Frequency.YEARLY, count=3, months=(2,), month_days=(29,)),
        Rule(Frequency.WEEKLY, 2, until=NOON, weekdays=(0, 6), hours=(8,), minutes=(15, 45)),
    ):
        assert rule_of(recurrence_of(rule)) == rule


def test_dispatches_come_back_as_they_were() -> None:
    one = value(7, Rule(Frequency.DAILY), duration_seconds=None, payload={"a": {"b": [1.0]}})
    assert value_of(client_of(one), 1) == one
