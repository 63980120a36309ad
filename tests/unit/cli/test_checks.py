"""`pointsman check`: what a plan would do, told to programs and to people."""

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.cli.given import PLAN, Shell


def checked(shell: Shell, *also: str) -> Any:  # noqa: ANN401  JSON.
    ended = shell("check", "plan.csv", "--site", "site.toml", "--json", *also)
    assert (ended.status, ended.error) == (0, "")
    return json.loads(ended.out)


def test_a_check_tells_what_the_plan_would_do_to_each_asset(shell: Shell) -> None:
    found = checked(shell)
    assert (found["slots"], found["site_id"], found["file"]) == (3, "home", "plan.csv")
    bay = found["assets"]["bay-1"]
    assert bay["columns"] == ["ev_1_kw"]
    # 11 kW, 4 kW, away, and the release.
    assert bay["commands"] == {"SET_CHARGE_RATE": 4}
    assert (bay["planned_charge_kwh"], bay["least_kw"], bay["most_kw"]) == (15.0, 0.0, 11.0)
    batt = found["assets"]["batt"]
    assert batt["planned_discharge_kwh"] == 4.0
    assert (found["planned_charge_kwh"], found["planned_discharge_kwh"]) == (15.0, 4.0)
    assert found["commands"] == sum(
        sum(asset["commands"].values()) for asset in found["assets"].values()
    )


def test_a_check_tells_what_is_left_over(shell: Shell) -> None:
    found = checked(shell)
    assert found["context"] == ["price_per_kwh"]
    assert found["unused_keys"] == ["spare"]
    assert found["unplanned"] == []
    shell.write("plan.csv", "timestamp,ev_1_kw\n2026-01-01T08:00Z,1\n2026-01-01T09:00Z,1\n")
    assert checked(shell)["unplanned"] == ["batt"]


def test_a_check_tells_where_the_plan_asks_for_too_much(shell: Shell) -> None:
    shell.write("plan.csv", PLAN.replace("11.0", "14.0"))
    found = checked(shell)
    [rating] = found["over_rating"]
    assert (rating["what"], rating["limit_kw"], rating["worst_kw"]) == ("bay-1", 11.0, 14.0)
    [site] = found["over_import"]
    assert (site["limit_kw"], site["worst_kw"]) == (10.0, 12.0)  # 14 kW less 2 kW of the battery.


def test_people_get_the_same_in_words(shell: Shell) -> None:
    ended = shell("check", "plan.csv", "--site", "site.toml")
    assert ended.status == 0
    for part in (
        "plan.csv: 3 slots from 2026-01-01 00:00:00-08:00 to 2026-01-01 03:00:00-08:00",
        "15.00 kWh of charging and 4.00 kWh of discharging",
        "context, which commands nothing: price_per_kwh",
        "without a column: spare",
        "bay-1",
    ):
        assert part in ended.out


def test_a_check_writes_nothing(shell: Shell) -> None:
    before = shell.files()
    checked(shell)
    assert shell.files() == before


def test_a_plan_may_come_from_standard_input(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(PLAN.encode())))
    ended = shell("check", "-", "--site", "site.toml", "--json")
    assert json.loads(ended.out)["planned_charge_kwh"] == 15.0


def test_a_zone_makes_naive_times_certain(shell: Shell) -> None:
    shell.write("plan.csv", PLAN.replace("Z,", ","))
    assert checked(shell, "--tz", "Europe/Berlin")["start"] == "2026-01-01T07:00:00Z"


def test_a_check_looks_at_executors_too(shell: Shell) -> None:
    site = (shell.folder / "site.toml").read_text()
    robot = '\n[[resource]]\nid = "robot-1"\ndevice = { protocol = "simulatd" }\n'
    shell.write("site.toml", site + robot)
    ended = shell("check", "plan.csv", "--site", "site.toml")
    assert (ended.status, ended.out) == (1, "")
    assert "robot-1" in ended.error
    assert "did you mean 'simulated'?" in ended.error
