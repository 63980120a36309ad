"""Which meter sums up what."""

from datetime import UTC, datetime

import pytest

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices import World
from pointsman.devices.simulated.equipment import Meter
from pointsman.devices.simulated.site import SimulatedSite, site_of
from pointsman.runtime.clock import SystemClock
from tests.unit.devices.simulated.bench import Ear

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def battery(id: str, parent: str | None = None) -> Asset:
    return Asset(id, AssetKind.BATTERY, max_charge_kw=10.0, parent=parent)


def meter(id: str, parent: str | None = None) -> Asset:
    return Asset(id, AssetKind.METER, parent=parent)


def site(*assets: Asset) -> SimulatedSite:
    return site_of(assets, World(SystemClock(), Ear()))


def parts(site: SimulatedSite, id: str) -> set[str]:
    found = site.equipment[id]
    assert isinstance(found, Meter)
    return {part.asset.id for part in found.parts}


def test_a_meter_that_nobody_names_sums_up_the_site() -> None:
    made = site(meter("main"), battery("a"), battery("b"))
    assert parts(made, "main") == {"a", "b"}
    assert {id: root.asset.id for id, root in made.root.items()} == dict.fromkeys(
        ["main", "a", "b"], "main"
    )


def test_a_meter_sums_up_those_that_name_it_and_the_main_one_all() -> None:
    made = site(meter("main"), meter("hall"), battery("a", "hall"), battery("b"))
    assert parts(made, "hall") == {"a"}
    assert parts(made, "main") == {"hall", "b"}
    assert made.root["a"].asset.id == "main"


def test_meters_may_be_inside_meters() -> None:
    made = site(meter("hall", "main"), meter("main"), battery("a", "hall"), battery("b"))
    assert (parts(made, "main"), parts(made, "hall")) == ({"hall"}, {"a"})
    assert {id: root.asset.id for id, root in made.root.items()} == {
        "main": "main",
        "hall": "main",
        "a": "main",
        "b": "b",
    }


def test_two_main_meters_read_the_same() -> None:
    made = site(meter("one"), meter("two"), battery("a"))
    made.root["a"].advance(NOON)
    made.equipment["a"].tell(4.0, NOON)
    made.root["a"].advance(NOON.replace(hour=13))
    registers = [made.equipment[id].charged_kwh for id in ("a", "one", "two")]
    assert registers == pytest.approx([4.0] * 3)


def test_meters_inside_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="is inside itself"):
        site(meter("one", "two"), meter("two", "one"))
