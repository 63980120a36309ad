"""Where devices are, as the site file says."""

from typing import Any

import pytest

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices.protocols import DeviceTableError, check_devices
from pointsman.devices.sunspec.address import Address, addresses


def asset(id: str = "b", **device: Any) -> Asset:  # noqa: ANN401 - as a site file has it
    return Asset(id, AssetKind.BATTERY, {"protocol": "sunspec", "host": "10.0.0.1", **device})


def test_what_is_not_said_is_usual() -> None:
    assert addresses([asset()]) == {"b": Address("10.0.0.1", 502, 1, None, 704)}


def test_the_site_file_s_keys_are_known() -> None:
    keys: dict[str, Any] = {
        "port": 1502,
        "unit": 3,
        "base": 0,
        "models": [124],
        "seed": 1,
        "faults": {"drop": 0.5},
    }
    check_devices([asset(**keys)])
    assert addresses([asset(**keys)]) == {"b": Address("10.0.0.1", 1502, 3, 0, 124)}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"unit": 0}, "'unit' must be from 1 to 247, not 0"),
        ({"unit": 248}, "'unit' must be from 1 to 247, not 248"),
        ({"port": 70000}, "'port' must be from 1 to 65535"),
        ({"base": -1}, "'base' must be from 0 to 65533"),
        ({"models": [705]}, "'models' must be [704] or [124], not [705]"),
        ({"host": ""}, "lacks the key 'host'"),
    ],
)
def test_what_cannot_be_is_refused(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(DeviceTableError) as refused:
        addresses([asset(**keys)])
    assert said in str(refused.value)


def test_two_assets_never_share_a_unit() -> None:
    with pytest.raises(DeviceTableError, match=r"'a' and 'b' are both unit 1 at 10.0.0.1:502"):
        addresses([asset("a"), asset("b")])
