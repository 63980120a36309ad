"""`why`, `report`, `status` and `log`, asked of a small journal."""

import asyncio
import json
import subprocess
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pointsman.journal.ownership import owning
from pointsman.journal.sqlite import SqliteJournal
from pointsman.runtime.record import RecordKeeper
from pointsman.schedules.facts import Fact
from pointsman.schedules.model import Command, Progress
from tests.unit.cli.given import ENVIRONMENT, PYTHON, Shell, morning, write_journal
from tests.unit.schedules.given import at, plan, timeline

SIDECARS = {"pointsman.db-shm", "pointsman.db-wal"}
"""What SQLite needs beside a file to read it while somebody may write."""


@pytest.fixture
def told(shell: Shell) -> Shell:
    write_journal(shell.folder / "pointsman.db", morning().facts)
    return shell


def answer(shell: Shell, *words: str) -> Any:  # noqa: ANN401  JSON.
    ended = shell(*words, "--json")
    assert (ended.status, ended.error) == (0, "")
    return json.loads(ended.out)


def test_why_tells_the_command_in_force_and_its_facts(told: Shell) -> None:
    ended = told("why", "bay-1", "2026-01-01T09:30:00Z")
    assert ended.status == 0
    first, *rest = ended.lines()
    assert first == (
        "bay-1 at 2026-01-01 10:30:00+01:00: 20 kW in force, until 2026-01-01 11:00:00+01:00"
    )
    text = "\n".join(rest)
    for part in (
        "SET_CHARGE_RATE 20 kW",
        "row 0 of morning.csv (morning), from slot 0 at 2026-01-01 09:00:00+01:00",
        "tries: 2; busy",
        "2026-01-01 09:01:00+01:00 Requeued try 1: busy",
        "2026-01-01 09:03:00+01:00 Completed try 2",
        "next: SET_DISCHARGE_RATE 10 kW at 2026-01-01 11:00:00+01:00 of morning.csv",
        "state: charging since 2026-01-01 09:00:00+01:00",
        "measured: 18 kW until 2026-01-01 10:00:00+01:00, SoC 55 %",
    ):
        assert part in text


def test_why_answers_programs_too(told: Shell) -> None:
    found = answer(told, "why", "bay-1")
    assert found["standing"]["in_force_kw"] == -10.0
    assert [step["what"] for step in found["steps"]] == ["Dispatched", "Completed"]


def test_a_time_without_an_offset_is_one_of_the_sites_zone(told: Shell) -> None:
    assert answer(told, "why", "bay-1", "2026-01-01T10:30")["at"] == "2026-01-01T09:30:00Z"
    shown = told("why", "bay-1", "2026-01-01T10:30", "--tz", "America/New_York").lines()[0]
    assert "2026-01-01 10:30:00-05:00" in shown


def test_a_time_without_an_offset_is_refused_where_no_zone_is_known(shell: Shell) -> None:
    facts = [f for f in morning().facts if type(f[1]).__name__ != "Opened"]
    write_journal(shell.folder / "pointsman.db", facts)
    ended = shell("why", "bay-1", "2026-01-01T10:30")
    assert (ended.status, ended.out) == (1, "")
    assert ended.error.startswith("pointsman: TIME: time 2026-01-01 10:30:00 has no zone")
    assert "+00:00" in shell("why", "bay-1").lines()[0]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("why", "bay1"), "nothing was ever heard of 'bay1'; did you mean 'bay-1'?"),
        (("why", "bay-1", "noon"), "TIME: 'noon' is no time; ISO 8601"),
        (("report", "--day", "2026-13-01"), "--day '2026-13-01' is no day"),
        (
            ("report", "--day", "2026-02-01"),
            "no plan of 2026-02-01 was in force; there are plans of 2026-01-01",
        ),
        (("report", "--plan", "x"), "no plan 'x' was ever in force here; known: morning"),
        (("status", "--journal", "other.db"), "there is no journal at other.db"),
        (("log", "--journal", "plan.csv"), "plan.csv is no journal of pointsman"),
        (("status", "--data", "nowhere"), "there is no journal at nowhere/journal.db"),
        (("log", "--data", ".", "--journal", "x.db"), "--journal and --data name two journals"),
        (("status", "--tz", "Mars"), "tz='Mars' is no time zone"),
        (("status", "--site-id", "homes"), "has no site 'homes'; did you mean 'home'?"),
    ],
)
def test_what_cannot_be_answered_is_one_line(
    told: Shell, words: tuple[str, ...], line: str
) -> None:
    before = told.files()
    ended = told(*words)
    assert (ended.status, ended.out) == (1, "")
    assert line in ended.error
    assert ended.error.count("\n") == 1
    assert told.files() - SIDECARS == before


def test_a_question_never_writes(told: Shell) -> None:
    journal = told.folder / "pointsman.db"
    before, bytes_before = told.files(), journal.read_bytes()
    for words in (("why", "bay-1"), ("report",), ("status",), ("log",)):
        assert told(*words).status == 0
    assert told.files() - SIDECARS == before
    assert journal.read_bytes() == bytes_before


def test_the_report_is_that_of_the_newest_plan(told: Shell) -> None:
    found = answer(told, "report")
    assert (found["plan"]["id"], found["site"], found["speed"]) == ("morning", "home", 2.0)
    # 20 kW from 8:03 to 10:00, and -10 kW from 10:00 to 12:00.
    assert found["totals"]["acknowledged_charge_kwh"] == 39.0
    assert found["totals"]["acknowledged_discharge_kwh"] == 20.0
    shown = told("report").out
    for part in ("morning.csv", "40.00 / 20.00", "39.00 / 20.00", "2 COMPLETED", "at most 1.0 ms"):
        assert part in shown


def test_a_day_means_the_plan_that_reaches_into_it(shell: Shell) -> None:
    story = morning()
    next_day = plan("tomorrow", start=at(32), activated_at=at(11), created_at=at(11))
    story.imports(next_day, timeline(next_day, {0: 1.0}))
    write_journal(shell.folder / "pointsman.db", story.facts)
    assert answer(shell, "report")["plan"]["id"] == "tomorrow"
    assert answer(shell, "report", "--day", "2026-01-02")["plan"]["id"] == "tomorrow"
    assert answer(shell, "report", "--day", "2026-01-01")["plan"]["id"] == "morning"
    assert answer(shell, "report", "--plan", "morning")["plan"]["id"] == "morning"
    # By the clocks of Tokyo, the morning's plan ends at 21:00, and tomorrow's begins at 17:00.
    tokyo = ("--day", "2026-01-02", "--tz", "Asia/Tokyo")
    assert answer(shell, "report", *tokyo)["plan"]["id"] == "tomorrow"


def test_the_status_shows_run_plan_and_assets(told: Shell) -> None:
    found = answer(told, "status")
    assert (found["site"], found["pid"], found["run"]["number"]) == ("home", None, 1)
    [bay] = found["assets"]
    assert (bay["in_force_kw"], bay["state"]["state"]) == (-10.0, "charging")
    shown = told("status").out
    for part in ("home at 2026-01-01 11:00:00+01:00", "run 1", "ended", "slot 3 of 4", "50%"):
        assert part in shown


def test_the_status_names_the_process_that_writes(told: Shell) -> None:
    with owning(told.folder / "pointsman.db"):
        assert isinstance(answer(told, "status")["pid"], int)
        assert "is running it" in told("status").out


def test_the_log_has_a_line_for_each_fact_in_order(told: Shell) -> None:
    lines = told("log").lines()
    facts = morning().facts
    assert len(lines) == len(facts)
    assert [line.split()[2] for line in lines][:2] == ["run", "bay-1"]
    sent = next(line for line in lines if "Dispatched" in line)
    assert sent.startswith("2026-01-01 09:00:00+01:00 bay-1 Dispatched cmd_")
    assert sent.endswith("SET_CHARGE_RATE 20 kW try 1")


def test_the_log_is_a_line_of_json_for_each_fact(told: Shell) -> None:
    ended = told("log", "--json")
    found = [json.loads(line) for line in ended.lines()]
    assert [one["fact"] for one in found] == [type(f).__name__ for _, f, _ in morning().facts]
    assert found[0]["entity"] == "schedules/home/engine"
    assert found[0]["value"]["run"]["pid"] == 77
    sent = next(one["value"]["command"] for one in found if one["fact"] == "Dispatched")
    assert set(sent) == set(Command.__match_args__), "also what is as by default"
    assert set(sent["progress"]) == set(Progress.__match_args__)


def test_following_the_log_shows_what_comes(told: Shell) -> None:
    child = subprocess.Popen(
        [*PYTHON, "log", "--follow"],
        cwd=told.folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    try:
        facts = morning().facts
        early = [child.stdout.readline() for _ in facts]
        more = morning()
        del more.facts[:]
        more.becomes("suspended", at(11), previous="charging")
        write_journal(told.folder / "pointsman.db", more.facts)
        late = child.stdout.readline()
        assert "Opened" in early[0]
        assert late == "2026-01-01 12:00:00+01:00 bay-1 StateChanged charging -> suspended\n"
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
        child.stderr.close()


def test_several_sites_in_a_journal_are_told_apart_by_name(shell: Shell) -> None:
    other: list[tuple[str, Fact, datetime]] = [
        ("schedules/farm/engine", fact, happened_at) for _, fact, happened_at in morning().facts
    ]
    write_journal(shell.folder / "pointsman.db", [*morning().facts, *other])
    ended = shell("status")
    assert ended.status == 1
    assert "has several sites; add --site-id: farm, home" in ended.error
    assert answer(shell, "status", "--site-id", "farm")["site"] == "farm"


def test_a_data_directory_holds_a_journal_too(shell: Shell) -> None:
    (shell.folder / "data").mkdir()
    write_journal(Path("data") / "journal.db", morning().facts)
    assert answer(shell, "status", "--data", "data")["site"] == "home"


async def test_the_record_of_a_data_directory_tells_what_its_journal_forgot(shell: Shell) -> None:
    (shell.folder / "data").mkdir()
    path = Path("data") / "journal.db"
    write_journal(path, morning().facts)
    before = shell("log", "--data", "data").lines()
    journal = SqliteJournal(path)
    keeper = RecordKeeper(journal, path.with_name("record.db"))
    keeping = asyncio.ensure_future(keeper.run())
    await keeper.caught_up()
    assert await journal.forget(await journal.end(), keep=1) > 0
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
    await journal.close()
    assert shell("log", "--data", "data").lines() == before
    path.with_name("record.db").unlink()
    assert len(shell("log", "--data", "data").lines()) < len(before)


def test_the_environment_may_name_the_journal(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_journal(Path("mine.db"), morning().facts)
    monkeypatch.setenv("POINTSMAN_JOURNAL", "mine.db")
    assert answer(shell, "status")["site"] == "home"


def test_a_journal_without_facts_says_so(shell: Shell) -> None:
    write_journal(Path("pointsman.db"), [])
    assert "has no plan of any site yet" in shell("status").error
    assert (shell("log").status, shell("log").out) == (0, "")


def test_at_speed_1_the_present_is_the_wall_clocks_while_it_runs(shell: Shell) -> None:
    write_journal(shell.folder / "pointsman.db", morning(speed=1.0).facts)
    assert answer(shell, "status")["at"] == "2026-01-01T10:00:00Z"
    with owning(shell.folder / "pointsman.db"):
        assert answer(shell, "status")["at"] > "2026-01-01T10:00:00Z"
