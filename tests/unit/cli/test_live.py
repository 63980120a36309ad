"""What a run shows while it goes on."""

import io
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console

from pointsman.cli.live import LiveView, PlainView, Tally, watching
from pointsman.config import Site, read_site
from pointsman.core.values import replace
from pointsman.library.running import Watcher
from pointsman.runtime.clock import RunClock, SystemClock
from tests.unit.cli.given import SITE as TEXT
from tests.unit.cli.given import morning
from tests.unit.schedules.given import at, plan
from tests.unit.schedules.told import Told


@pytest.fixture
def site(tmp_path: Path) -> Site:
    path = tmp_path / "site.toml"
    path.write_text(TEXT)
    return read_site(path)


def watched(view: Watcher, site: Site, told: Told, until: datetime) -> None:
    """What a run would tell: each fact in its time, and the time every minute."""
    view.begins(site, plan(name="morning.csv"), RunClock(at(8), 60.0))
    facts = list(told.facts)
    now = at(8)
    while now <= until:
        while facts and facts[0][2] <= now:
            _, fact, happened_at = facts.pop(0)
            view.saw(fact, happened_at)
        view.tick(now)
        now += timedelta(minutes=1)


def test_plain_lines_tell_what_is_run_and_each_hour(site: Site) -> None:
    stream = io.StringIO()
    watched(PlainView(stream), site, morning(), at(10, 30))
    heading, *lines = stream.getvalue().splitlines()
    assert heading == (
        "morning.csv at home: 4 slots for 1 assets from 2026-01-01 00:00:00-08:00 to "
        "2026-01-01 04:00:00-08:00, 60 times as fast as the wall clock"
    )
    assert [line.split(" ", 2)[2] for line in lines] == [
        "run Opened 1 at 2 times by process 77",
        "morning.csv PlanActivated morning 4 slots for 1 assets",
        "1 commands completed; commanded 20 kW, measured 18 kW",
        "2 commands completed; commanded -10 kW, measured 18 kW",
    ]
    assert lines[2].startswith("2026-01-01 01:00:00-08:00 ")


def test_plain_lines_tell_each_failure_at_once(site: Site) -> None:
    told = morning()
    told.refuses(told.sends(at(12)), at(12), permanent=True, error="not supported")
    stream = io.StringIO()
    watched(PlainView(stream), site, told, at(12))
    assert stream.getvalue().splitlines()[-2].endswith("try 1: not supported")
    assert "1 failed" in stream.getvalue().splitlines()[-1]


def test_a_dry_run_at_the_pace_of_the_wall_clock_is_named_so(site: Site) -> None:
    stream = io.StringIO()
    PlainView(stream).begins(site, replace(plan(), dry_run=True), SystemClock())
    assert stream.getvalue().endswith("-08:00, a dry run: nothing is sent to any device\n")


def test_a_value_that_expired_is_commanded_no_more() -> None:
    tally = Tally()
    for _, fact, _ in morning().facts:
        tally.take(fact)
    assert tally.commanded_kw("bay-1", at(11)) == -10.0
    assert tally.commanded_kw("bay-1", at(12)) is None
    assert tally.commanded_kw("bay-2", at(11)) is None


def test_a_terminal_shows_a_table_and_a_bar(site: Site) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, height=20)
    with LiveView(console) as view:
        watched(view, site, morning(), at(10))
    shown = stream.getvalue()
    last = shown[shown.rindex("commanded kW") :]
    for part in ("bay-1", "charging", "-10", "18", "55", "2 commands completed", "50%"):
        assert part in last


def test_a_terminal_shows_what_is_being_sent(site: Site) -> None:
    told = morning()
    told.sends(at(12))
    stream = io.StringIO()
    with LiveView(Console(file=stream, force_terminal=True, width=100, height=20)) as view:
        watched(view, site, told, at(12))
    assert "sending" in stream.getvalue()[-2000:]


def test_a_small_terminal_shows_the_assets_with_the_latest_news(site: Site) -> None:
    stream = io.StringIO()
    many = plan(assets=[f"bay-{n}" for n in range(100, 200)])
    with LiveView(Console(file=stream, force_terminal=True, width=100, height=12)) as view:
        view.begins(site, many, SystemClock())
        for _, fact, happened_at in morning().facts:
            view.saw(fact, happened_at)
        view.tick(at(9))
    shown = stream.getvalue()
    assert "bay-1 " in shown
    assert "bay-199" in shown
    assert "bay-150" not in shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_view_fits_where_the_output_goes() -> None:
    with watching(io.StringIO()) as view:
        assert isinstance(view, PlainView)
    with watching(Terminal()) as view:
        assert isinstance(view, LiveView)
        cast("Watcher", view).tick(at(8))


def test_the_last_state_is_left_on_the_terminal(site: Site) -> None:
    told = morning()
    told.says(at(12))
    stream = io.StringIO()
    with LiveView(Console(file=stream, force_terminal=True, width=100, height=20)) as view:
        view.begins(site, plan(), SystemClock())
        for _, fact, happened_at in told.facts:
            view.saw(fact, happened_at)
    assert "3 commands completed" in stream.getvalue()
    assert "100%" in stream.getvalue()
