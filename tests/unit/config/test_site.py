"""The site file: what it may say, and the one line that answers each mistake in it."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pointsman.config import Approval, Site, SiteError, read_site
from pointsman.config.site import ASSET
from pointsman.core.assets import Asset, AssetKind, ZeroPolicy

GOOD = """\
[site]
id = "caltech"
timezone = "America/Los_Angeles"
import_limit_kw = 60

[[asset]]
id = "CA-311"
kind = "ev_charger"
rating_kw = 6.6
zero_policy = "stop"

[[asset]]
id = "batt"
kind = "battery"
max_charge_kw = 30.0
max_discharge_kw = 25.0
capacity_kwh = 120.0
safe_default_kw = -5
device = { protocol = "sunspec", host = "127.0.0.1", port = 1502 }

[[resource]]
id = "robot-1"
approve = "always"

[asset_map]
ev_001 = "CA-311"
ev_002 = "CA-311"
battery = "batt"

[microgrid]
id = 1
components = { 101 = "CA-311", 102 = "batt" }
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "site.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def good(folder: Path) -> Site:
    return read_site(written(folder, GOOD))


def complaint(folder: Path, text: str | bytes) -> str:
    """What is said of a bad file, without the folder."""
    path = written(folder, text)
    with pytest.raises(SiteError) as caught:
        read_site(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


def test_a_site_knows_its_limits_and_its_zone(tmp_path: Path) -> None:
    site = good(tmp_path)
    assert (site.id, site.import_limit_kw, site.export_limit_kw) == ("caltech", 60.0, None)
    assert site.timezone == ZoneInfo("America/Los_Angeles")


def test_relative_paths_start_at_the_site_file(tmp_path: Path) -> None:
    assert good(tmp_path).folder == tmp_path


def test_assets_are_as_described_and_in_order(tmp_path: Path) -> None:
    assets = good(tmp_path).assets
    assert list(assets) == ["CA-311", "batt"]
    charger, battery = assets.values()
    assert (charger.kind, charger.rating_kw) == (AssetKind.EV_CHARGER, 6.6)
    assert charger.zero_policy is ZeroPolicy.STOP
    assert (battery.charge_limit_kw, battery.discharge_limit_kw) == (30.0, 25.0)
    assert battery.safe_default_kw == -5.0
    assert battery.device == {"protocol": "sunspec", "host": "127.0.0.1", "port": 1502}


def test_an_asset_is_simulated_unless_it_says_otherwise(tmp_path: Path) -> None:
    assert good(tmp_path).assets["CA-311"].device == {"protocol": "simulated"}


def test_several_vehicles_may_share_a_charger(tmp_path: Path) -> None:
    site = good(tmp_path)
    assert site.asset_map == {"ev_001": "CA-311", "ev_002": "CA-311", "battery": "batt"}


def test_component_ids_become_numbers(tmp_path: Path) -> None:
    microgrid = good(tmp_path).microgrid
    assert microgrid is not None
    assert (microgrid.id, microgrid.components) == (1, {101: "CA-311", 102: "batt"})


def test_resources_are_kept(tmp_path: Path) -> None:
    robot = good(tmp_path).resources["robot-1"]
    assert (robot.approve, robot.answer_within_seconds) == (Approval.ALWAYS, 30.0)


def test_only_an_id_and_one_asset_are_needed(tmp_path: Path) -> None:
    site = read_site(written(tmp_path, '[site]\nid="s"\n[[asset]]\nid="a"\nkind="pv"\n'))
    assert (site.timezone, site.microgrid, dict(site.resources)) == (UTC, None, {})


def test_a_site_cannot_be_changed(tmp_path: Path) -> None:
    site = good(tmp_path)
    for mapping in (site.assets, site.asset_map, site.resources):
        with pytest.raises(TypeError):
            mapping["new"] = "value"  # type: ignore[index]


def test_each_field_of_an_asset_is_a_key_of_the_file() -> None:
    assert set(ASSET) == {field.name for field in fields(Asset)}


def test_a_byte_order_mark_and_windows_line_ends_are_harmless(tmp_path: Path) -> None:
    text = "\ufeff" + GOOD.replace("\n", "\r\n")
    assert read_site(written(tmp_path, text)).id == "caltech"


def test_each_asset_has_a_place_for_messages(tmp_path: Path) -> None:
    site = good(tmp_path)
    assert site.places["batt"] == f"{site.path}, line 12, [[asset]] 'batt'"


MISTAKES = """
rating_kw = 6.6 -> ratng_kw = 6.6
  line 9, [[asset]] 'CA-311': unknown key 'ratng_kw'; did you mean 'rating_kw'?
capacity_kwh -> capacity_kw
  line 17, [[asset]] 'batt': unknown key 'capacity_kw'; did you mean 'capacity_kwh'?
import_limit_kw -> import_limit
  line 4, [site]: unknown key 'import_limit'; did you mean 'import_limit_kw'?
[asset_map] -> [assetmap]
  line 25: unknown key 'assetmap'; did you mean 'asset_map'?
[asset_map] -> [asset_map
  line 25, column 11: not TOML: expected ']' at the end of a table declaration
[site] -> [[site]]
  line 1: must be one table, written [site]

id = "caltech" ->
  line 1, [site]: id is missing
id = "caltech" -> id = " "
  line 2, [site]: id must be printable text without spaces around it, and not empty; it is ' '
id = "CA-311" -> id = 311
  line 7, [[asset]] number 1: id must be text in quotes, not 311
id = "CA-311" ->
  line 6, [[asset]] number 1: id is missing
id = "batt" -> id = "CA-311"
  line 13, [[asset]] 'CA-311': id 'CA-311' is taken by the one at line 7
kind = "battery" ->
  line 12, [[asset]] 'batt': kind is missing
"ev_charger" -> "ev_charge"
  line 8, [[asset]] 'CA-311': kind is 'ev_charge', which is none of its words; did you mean 'ev_…

rating_kw = 6.6 -> rating_kw = "6.6"
  line 9, [[asset]] 'CA-311': rating_kw must be a number above 0, not '6.6'
rating_kw = 6.6 -> rating_kw = true
  line 9, [[asset]] 'CA-311': rating_kw must be a number above 0, not True
rating_kw = 6.6 -> rating_kw = nan
  line 9, [[asset]] 'CA-311': rating_kw must be a number above 0, not nan
rating_kw = 6.6 -> rating_kw = inf
  line 9, [[asset]] 'CA-311': rating_kw must be a number above 0, not inf
rating_kw = 6.6 -> rating_kw = -6.6
  line 9, [[asset]] 'CA-311': rating_kw must be a number above 0, not -6.6
rating_kw = 6.6 -> rating_kw = 0
  line 9, [[asset]] 'CA-311': rating_kw must be a number above 0, not 0
rating_kw = 6.6 -> rating_kw = 1e10
  line 9, [[asset]] 'CA-311': rating_kw must be a number above 0, not 10000000000.0
import_limit_kw = 60 -> import_limit_kw = -1
  line 4, [site]: import_limit_kw must be a number of 0 or more, not -1
rating_kw = 6.6 -> soc_max_percent = 101
  line 9, [[asset]] 'CA-311': soc_max_percent must be a number of 0 or more and at most 100, not 101
rating_kw = 6.6 -> soc_min_percent = 100
  line 9, [[asset]] 'CA-311': soc_min_percent = 100 is not below soc_max_percent = 100
rating_kw = 6.6 -> phases = 4
  line 9, [[asset]] 'CA-311': phases must be a whole number from 1 to 3, not 4
rating_kw = 6.6 -> phases = 1.5
  line 9, [[asset]] 'CA-311': phases must be a whole number from 1 to 3, not 1.5
rating_kw = 6.6 -> writes_per_day = 0
  line 9, [[asset]] 'CA-311': writes_per_day must be a whole number of 1 or more, not 0
zero_policy -> min_kw = 7 #
  line 10, [[asset]] 'CA-311': min_kw = 7 is above the most that it can take, 6.6 kW
zero_policy -> safe_default_kw = 7 #
  line 10, [[asset]] 'CA-311': safe_default_kw = 7 is above the most that it can take, 6.6 kW
zero_policy -> safe_default_kw = -1 #
  line 10, [[asset]] 'CA-311': safe_default_kw = -1 is below the most that it can give, 0 kW
safe_default_kw = -5 -> safe_default_kw = -26
  line 18, [[asset]] 'batt': safe_default_kw = -26 is below the most that it can give, -25 kW

{ protocol = "sunspec", host = "127.0.0.1", port = 1502 } -> "sunspec"
  line 19, [[asset]] 'batt': device must be a table { … }, not 'sunspec'
protocol = "sunspec", ->
  line 19, [[asset]] 'batt': device must name its protocol, as in { protocol = "simulated" }; it…
ev_002 = "CA-311" -> ev_002 = "CA-331"
  line 27, [asset_map]: ev_002 names no asset: 'CA-331'; did you mean 'CA-311'?
ev_002 = "CA-311" -> ev_002 = 311
  line 27, [asset_map]: ev_002 must be text in quotes, not 311
102 = "batt" -> 102 = "bat"
  line 32, [microgrid.components]: 102 names no asset: 'bat'; did you mean 'batt'?
102 = "batt" -> bat = "batt"
  line 32, [microgrid.components]: component id 'bat' must be a whole number, as in 101
102 = "batt" -> 0102 = "batt"
  line 32, [microgrid.components]: component id '0102' must be a whole number, as in 101
id = 1 -> id = "1"
  line 31, [microgrid]: id must be a whole number of 1 or more, not '1'
"always" -> "never"
  line 23, [[resource]] 'robot-1': approve is 'never', which is none of its words; known: always…

America/Los_Angeles -> America/LosAngeles
  line 3, [site]: timezone is 'America/LosAngeles', which is no time zone; did you mean 'America…
America/Los_Angeles -> America
  line 3, [site]: timezone is 'America', which is no time zone; …
America/Los_Angeles -> ../../etc/passwd
  line 3, [site]: timezone is '../../etc/passwd', which is no time zone; write it as in 'Europe/…
"""
"""What is changed in the good file, and what is said of it. … stands for the rest."""


def mistakes() -> Iterator[tuple[str, str, str]]:
    lines = [line for line in MISTAKES.split("\n") if line]
    for change, said in zip(lines[::2], lines[1::2], strict=True):
        old, new = change.split(" ->")
        yield old, new.strip(), said.strip()


@pytest.mark.parametrize(("old", "new", "said"), list(mistakes()))
def test_a_mistake_is_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    met = complaint(tmp_path, GOOD.replace(old, new, 1)).removeprefix(", ")
    if said.endswith("…"):
        assert met.startswith(said.removesuffix("…"))
    else:
        assert met == said


def test_a_site_has_assets_or_resources(tmp_path: Path) -> None:
    text = '[site]\nid = "s"\n'
    said = complaint(tmp_path, text)
    assert said.startswith(": no assets; describe each in an [[asset]] table")


def test_assets_stand_in_double_brackets(tmp_path: Path) -> None:
    text = '[site]\nid = "s"\n[asset]\nid = "a"\nkind = "pv"\n'
    assert complaint(tmp_path, text) == ", line 3: each must be a table, written [[asset]]"


@pytest.mark.parametrize("digits", [400, 5000])
def test_a_number_of_many_digits_is_refused(tmp_path: Path, digits: int) -> None:
    met = complaint(tmp_path, GOOD.replace("6.6", "9" * digits))
    assert "must be a number above 0" in met or "not TOML: exceeds the limit" in met
    assert len(met) < 200


def test_a_table_of_components_is_searched_for_the_line(tmp_path: Path) -> None:
    start, _ = GOOD.split("components =")
    text = start + '[microgrid.components]\n101 = "CA-311"\n102 = "bat"\n'
    assert complaint(tmp_path, text).startswith(", line 34, [microgrid.components]: 102 names")


def test_brackets_without_end_are_refused(tmp_path: Path) -> None:
    text = GOOD.replace("6.6", "[" * 100_000)
    assert "not a site file: nested too deeply" in complaint(tmp_path, text)


def test_binary_is_refused(tmp_path: Path) -> None:
    assert "not binary" in complaint(tmp_path, b"\x89PNG\r\n\x1a\n\0\0")
    assert "not binary" in complaint(tmp_path, b"[site]\0")


def test_a_file_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    assert "not a site file" in complaint(tmp_path, b"#" * 4_000_001)


def test_a_missing_file_offers_the_one_beside_it(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    with pytest.raises(SiteError, match=r"sit\.toml: there is no such site file; did .*site\.toml"):
        read_site(tmp_path / "sit.toml")


def test_a_folder_is_no_site_file(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="this is a folder; name the site file in it"):
        read_site(tmp_path)


def test_an_impossible_name_is_refused() -> None:
    with pytest.raises(SiteError, match="cannot be read"):
        read_site("a\0b")
