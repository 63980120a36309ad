"""`pointsman run` and `simulate`, called as users call them."""

import json
from pathlib import Path

import pytest

from pointsman.cli.plans import options
from pointsman.journal.ownership import owning
from tests.unit.cli.given import PLAN, SITE, Shell, morning, write_journal

RUN = ("run", "plan.csv", "--site", "site.toml", "--speed", "50000")


def test_a_run_ends_with_its_report(shell: Shell) -> None:
    ended = shell(*RUN, "--report", "out.json", "--json")
    assert ended.status == 0
    found = json.loads(ended.out)
    assert found == json.loads((shell.folder / "out.json").read_text())
    assert (found["site"], found["speed"], found["dry_run"]) == ("home", 50000.0, False)
    totals = found["totals"]
    assert totals["planned_charge_kwh"] == 15.0
    assert set(totals["commands"]) == {"COMPLETED"}
    assert "plan.csv at home" in ended.error  # Lines go where they are not in the way of JSON.


def test_a_run_tells_people_how_it_goes(shell: Shell) -> None:
    ended = shell(*RUN, "--speed", "20000")  # Some views of it before it is over.
    assert (ended.status, ended.error) == (0, "")
    assert ended.lines()[0].startswith("plan.csv at home: 3 slots for 2 assets from ")
    for part in ("run Opened 1", "PlanActivated", "commanded", "acknowledged kWh", "lateness: p50"):
        assert part in ended.out


def test_what_a_run_wrote_answers_questions(shell: Shell) -> None:
    report = json.loads(shell(*RUN, "--json").out)
    assert json.loads(shell("report", "--json").out) == report
    assert shell("log").lines()[0].split()[2:4] == ["run", "Opened"]
    assert "release" in shell("why", "bay-1").out


def test_a_dry_run_leaves_no_journal(shell: Shell) -> None:
    before = shell.files()
    ended = shell(*RUN, "--dry-run", "--json")
    assert (ended.status, json.loads(ended.out)["dry_run"]) == (0, True)
    assert shell.files() == before


def test_a_plan_that_is_over_needs_speed(shell: Shell) -> None:
    ended = shell("run", "plan.csv", "--site", "site.toml")
    assert (ended.status, ended.out) == (1, "")
    assert "2026-01-01T11:00:00Z" in ended.error
    assert "--speed" in ended.error
    assert "pointsman.db" not in shell.files()


def test_real_devices_are_not_driven_faster_than_time(shell: Shell) -> None:
    ocpp = '{ protocol = "ocpp1.6", charge_point = "CA-311", connector = 1 }'
    shell.write("site.toml", SITE.replace("rating_kw = 11.0", f"device = {ocpp}"))
    ended = shell(*RUN)
    assert ended.status == 1
    assert "'bay-1'" in ended.error
    assert "simulated = true" in ended.error


def test_flags_that_cannot_be_used_are_refused_before_anything_is_read(shell: Shell) -> None:
    for flag, value, part in (
        ("--speed", "0", "speed"),
        ("--speed", "nan", "speed"),
        ("--ocpp", "localhost", "HOST:PORT"),
        ("--report", "no/such/out.json", "there is no folder no/such"),
    ):
        ended = shell("run", "missing.csv", "--site", "missing.toml", flag, value)
        assert (ended.status, ended.error.count("\n")) == (1, 1)
        assert part in ended.error


def test_a_file_that_is_no_journal_is_kept(shell: Shell) -> None:
    shell.write("pointsman.db", PLAN)
    ended = shell(*RUN)
    assert ended.status == 1
    assert "pointsman.db is no journal of pointsman" in ended.error
    assert (shell.folder / "pointsman.db").read_text() == PLAN


def test_a_journal_in_use_is_refused(shell: Shell) -> None:
    write_journal(shell.folder / "mine.db", morning().facts)
    with owning(shell.folder / "mine.db"):
        ended = shell(*RUN, "--journal", "mine.db")
    assert ended.status == 1
    assert "mine.db is in use by process" in ended.error
    assert "--take-over" in ended.error


def test_simulated_equipment_that_has_no_wire_needs_no_process(shell: Shell) -> None:
    ended = shell("simulate", "--site", "site.toml")
    assert (ended.status, ended.error.count("\n")) == (1, 1)
    assert "wire" in ended.error


def test_the_environment_names_the_journal_where_no_flag_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("POINTSMAN_JOURNAL", str(tmp_path / "elsewhere.db"))
    monkeypatch.setenv("POINTSMAN_OCPP", "127.0.0.1:9100")
    assert options(dry_run=False).path == tmp_path / "elsewhere.db"
    assert options(journal=tmp_path / "flag.db").path == tmp_path / "flag.db"
    assert options(dry_run=True).path is None, "a rehearsal stays out of the real journal"
    assert options().ocpp == "127.0.0.1:9100"
