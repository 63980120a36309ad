"""What registers say of a device."""

from datetime import UTC, datetime

import pytest

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices import Reading, Sample
from pointsman.devices.sunspec.content import content_of
from pointsman.devices.sunspec.image import Image, image_of
from pointsman.devices.sunspec.layout import Layout, Place
from pointsman.devices.sunspec.messages import Blocks
from pointsman.devices.sunspec.reports import meter_models, read_models, reading, sample, state

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
BATTERY = Asset("b", AssetKind.BATTERY, {}, 30.0, capacity_kwh=100.0)
CHARGER = Asset("c", AssetKind.EV_CHARGER, {}, 11.0)


def device(asset: Asset = BATTERY, control: int = 704) -> Image:
    return image_of(40000, content_of(asset, control))


def blocks(image: Image) -> Blocks:
    return {id: image.block(id) for id in image.starts if id != 1}


def test_a_meter_counts_injected_power_as_discharging() -> None:
    image = device()
    image.set(701, {"W": 5000, "TotWhAbs": 7000, "TotWhInj": 2000})
    image.set(713, {"SoC": 61.5})
    assert sample(blocks(image), NOW) == Sample(NOW, -5.0, 7.0, 2.0, 61.5)


def test_the_older_meter_knows_power_and_no_energy() -> None:
    image = device(control=124)
    image.set(103, {"W": -5000})
    image.set(124, {"ChaState": 61.5})
    assert sample(blocks(image), NOW) == Sample(NOW, 5.0, None, None, 61.5)


def test_without_a_meter_nothing_is_made_up() -> None:
    bare = blocks(image_of(40000, {704: {"WSet_SF": 0, "WSet": 0, "WSetEna": 0}}))
    assert sample(bare, NOW) is None
    assert state(bare, BATTERY) is None


@pytest.mark.parametrize(
    ("asset", "watts", "word"),
    [
        (BATTERY, 0, "idle"),
        (BATTERY, 40, "idle"),
        (BATTERY, 1000, "discharging"),
        (BATTERY, -1000, "charging"),
        (CHARGER, 0, "available"),
        (CHARGER, -1000, "charging"),
    ],
)
def test_states_are_words_of_the_asset_s_kind(asset: Asset, watts: int, word: str) -> None:
    image = device(asset)
    image.set(701, {"W": watts})
    assert state(blocks(image), asset) == (word, "")


def test_a_fault_outranks_all_and_out_of_service_outranks_power() -> None:
    image = device()
    image.set(701, {"W": 1000})
    image.set(703, {"ES": 0})
    assert state(blocks(image), BATTERY) == ("unavailable", "model 703 says ES = 0")
    image.set(701, {"InvSt": 6})
    assert state(blocks(image), BATTERY) == ("faulted", "model 701 says InvSt = 6")


def test_a_free_device_has_no_setpoint() -> None:
    assert reading(blocks(device())) == Reading(None, False, available=True)


def test_a_timer_that_ran_out_ends_control_though_the_switch_is_on() -> None:
    image = device()
    on = {"WSetEna": 1, "WSetMod": 1, "WSet": -5000, "WSetRvrt": -2000, "WSetRvrtTms": 60}
    image.set(704, {**on, "WSetRvrtRem": 12})
    running = reading(blocks(image))
    image.set(704, {"WSetRvrtRem": 0})
    over = reading(blocks(image))
    image.set(704, {"WSetRvrtTms": 0})
    without = reading(blocks(image))
    assert (running.setpoint_kw, running.controlled) == (5.0, True)
    assert (over.setpoint_kw, over.controlled) == (2.0, False)
    assert (without.setpoint_kw, without.controlled) == (5.0, True)


def test_a_setpoint_in_percent_is_understood() -> None:
    image = device()
    image.set(704, {"WSetPct_SF": -1})
    image.set(704, {"WSetEna": 1, "WSetMod": 0, "WSetPct": 50})
    assert reading(blocks(image)).setpoint_kw == -15.0


def test_a_limit_counts_while_it_is_on() -> None:
    image = device()
    image.set(704, {"WMaxLimPct": 20})
    assert reading(blocks(image)).limit_kw is None
    image.set(704, {"WMaxLimPctEna": 1})
    assert reading(blocks(image)).limit_kw == 6.0


def test_only_models_that_are_there_are_asked_for() -> None:
    places = {id: Place(40000, 1) for id in (1, 103, 123, 124)}
    layout = Layout(40000, places)
    assert read_models(layout) == (124, 123)
    assert meter_models(layout) == (103, 124, 123)
