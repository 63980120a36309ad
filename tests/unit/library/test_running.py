"""How a run may be asked for, and what a journal refuses to go on with."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from pointsman.core.values import replace
from pointsman.library.running import (
    EXAMPLES,
    SPEED_MOST,
    Options,
    leaves,
    refuse_other_kind,
    refuse_other_time,
    refuse_what_is_over,
    write_report,
)
from pointsman.schedules.model import Run
from pointsman.schedules.report import report
from pointsman.schedules.table import ScheduleError
from tests.unit.cli.given import morning
from tests.unit.schedules.given import at, plan

REAL = Run(1, 60.0, dry_run=False, started_at=at(8))


def test_a_run_is_journaled_beside_the_caller() -> None:
    assert Options().path == Path("pointsman.db")
    assert Options(dry_run=True).path is None
    assert Options(dry_run=True, journal=Path("dry.db")).path == Path("dry.db")


@pytest.mark.parametrize("speed", [0.0, 0.99, -1.0, SPEED_MOST + 1, float("nan"), float("inf")])
def test_a_speed_is_from_1_to_what_can_be(speed: float) -> None:
    with pytest.raises(ValueError, match="speed must be from 1 to 100000"):
        Options(speed=speed)


def test_chargers_dial_somewhere() -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        Options(ocpp="9000:localhost")


def test_a_folder_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is a folder; name a file in it"):
        Options(journal=tmp_path)


def test_the_examples_are_there() -> None:
    assert (EXAMPLES / "caltech_site.toml").is_file()


def test_a_report_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    found = report(morning().facts, site_id="home")
    path = tmp_path / "out.json"
    path.write_text("before")
    write_report(found, path)
    assert json.loads(path.read_text()) == found
    assert [file.name for file in tmp_path.iterdir()] == ["out.json"]


def test_rehearsals_and_real_runs_are_kept_apart() -> None:
    refuse_other_kind(Options(), REAL)
    refuse_other_kind(Options(dry_run=True), replace(REAL, dry_run=True))
    with pytest.raises(ScheduleError, match="holds a real run; a dry run needs another"):
        refuse_other_kind(Options(dry_run=True, journal=Path("x.db")), REAL)
    with pytest.raises(ScheduleError, match=r"pointsman.db: holds a dry run; a real run needs"):
        refuse_other_kind(Options(), replace(REAL, dry_run=True))


def test_the_time_of_day_does_not_go_on_with_a_faster_clock() -> None:
    with pytest.raises(ScheduleError, match=r"its clock is at 2026-01-01T09:00:00Z.*speed 60"):
        refuse_other_time(Options(), REAL, at(9), at(20), begun=True)
    with pytest.raises(ScheduleError, match="another --journal begins anew"):
        refuse_other_time(Options(), REAL, at(9), at(8), begun=False)


def test_what_time_allows_goes_on() -> None:
    refuse_other_time(Options(), REAL, at(9), at(20), begun=False)
    refuse_other_time(Options(speed=2.0), REAL, at(9), at(9), begun=True)
    refuse_other_time(Options(), replace(REAL, speed=1.0), at(9), at(20), begun=True)


def test_a_plan_that_is_over_says_what_would_work() -> None:
    morning_plan = plan(name="plan.csv")
    refuse_what_is_over(Options(), morning_plan, morning_plan.end - timedelta(seconds=1))
    with pytest.raises(ScheduleError, match=r"plan.csv: .* ended at 2026-01-01T12.*--speed above"):
        refuse_what_is_over(Options(), morning_plan, morning_plan.end)
    with pytest.raises(ScheduleError, match=r"clock of pointsman.db is at .*another --journal"):
        refuse_what_is_over(Options(speed=2.0), morning_plan, morning_plan.end)


def test_the_errors_of_groups_in_groups_are_found() -> None:
    one, two, three = ValueError("1"), KeyError("2"), OSError("3")
    nested = BaseExceptionGroup("", [one, BaseExceptionGroup("", [two, three])])
    assert list(leaves(nested)) == [one, two, three]
    assert list(leaves(one)) == [one]
