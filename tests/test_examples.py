"""The examples fit each other: plan, sessions, site files, and the script that made these."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pointsman.config import read_site
from pointsman.core.assets import AssetKind
from pointsman.devices.protocols import check_devices

EXAMPLES = Path(__file__).parent.parent / "examples"
SITES = {"caltech_site.toml": [], "caltech_sockets_site.toml": ["--sockets"]}


def rows(name: str) -> list[dict[str, str]]:
    with (EXAMPLES / name).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", SITES)
def test_a_site_file_is_what_the_script_writes(name: str) -> None:
    sessions = EXAMPLES / "caltech_2019-06-05_sessions.csv"
    words: list[str | Path] = [
        sessions,
        "--id",
        "caltech",
        "--timezone",
        "America/Los_Angeles",
        *SITES[name],
    ]
    made = subprocess.run(
        [sys.executable, EXAMPLES / "make_site.py", *words], capture_output=True, check=True
    )
    assert made.stdout.decode() == (EXAMPLES / name).read_text()


@pytest.mark.parametrize("name", SITES)
def test_each_vehicle_of_the_plan_has_its_charger(name: str) -> None:
    site = read_site(EXAMPLES / name)
    vehicles = re.findall(r"ev_\d+(?=_kw)", ",".join(rows("caltech_2019-06-05_plan.csv")[0]))
    assert len(vehicles) == 35
    assert list(site.asset_map) == [*vehicles, "battery"]
    chargers = [one for one in site.assets.values() if one.kind is AssetKind.EV_CHARGER]
    assert len(chargers) == 29


@pytest.mark.parametrize("name", SITES)
def test_no_device_of_a_site_is_real(name: str) -> None:
    check_devices(read_site(EXAMPLES / name).assets.values(), speed=960)


def test_the_battery_starts_where_the_plan_says() -> None:
    battery = read_site(EXAMPLES / "caltech_site.toml").assets["battery"]
    start_kwh = float(rows("caltech_2019-06-05_plan.csv")[0]["battery_soc_kwh"])
    assert battery.capacity_kwh is not None
    assert battery.capacity_kwh * battery.soc_start_percent / 100 == start_kwh


def test_the_data_carries_its_attribution() -> None:
    text = " ".join((EXAMPLES / "README.md").read_text().split())
    for words in ("ACN-Data", "CC BY 4.0", "Lee", "Low", "e-Energy", "synthetic"):
        assert words in text
