"""A run that is killed goes on, and its simulated equipment with it."""

import signal
from datetime import timedelta
from pathlib import Path
from time import sleep

import pytest

from pointsman.schedules.facts import Measured, Opened
from pointsman.schedules.model import CommandStatus
from tests.protocols.run_bench import BATTERY, BAY, START, Scene, one_line

SESSIONS = """\
vehicle_id,arrival,departure,requested_energy (kWh),delivered_energy (kWh),station_id
ev_1,2026-06-01T12:00:00Z,2026-06-01T15:00:00Z,6.0,6.0,bay
"""
KILLED_AFTER_SECONDS = (0.9, 0.6)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Two hours in four seconds: a setpoint that stands all the time, one that changes, and a car
    that is full after an hour.
    """
    scene = Scene(tmp_path)
    (tmp_path / "sessions.csv").write_text(SESSIONS)
    car = BAY + 'device = { protocol = "simulated", sessions = "sessions.csv" }\n'
    steady = BATTERY.replace('"battery"', '"steady"', 1)
    scene.site(BATTERY, steady, car, more='[asset_map]\nev_1 = "bay"\n')
    scene.plan(
        {
            "battery_charge_kw": [12, 12, 6, 0, 0, 0, 0, 0, 9, 9, 3, 0],
            "battery_discharge_kw": [0, 0, 0, 0, 6, 6, 12, 3, 0, 0, 0, 3],
            "steady_charge_kw": [20.0] * 12,
            "steady_discharge_kw": [0.0] * 12,
            "ev_1_kw": [6.0] * 12,
        }
    )
    return scene


def kill_after(scene: Scene, seconds: float) -> None:
    with scene.started(*scene.words(speed=1800.0)) as run:
        run.says("Opened")
        sleep(seconds)
        assert run.process.poll() is None, "it ended before it was killed"
        run.send(signal.SIGKILL)
        assert run.end().status == -signal.SIGKILL


def test_a_killed_run_goes_on_and_delivers_what_was_planned(scene: Scene) -> None:
    latest = START
    for seconds in KILLED_AFTER_SECONDS:
        kill_after(scene, seconds)
        killed_at = max(at for at, _ in scene.facts())
        assert killed_at > latest
        latest = killed_at
    report = scene.report("--report", "out.json")
    check_goes_on(scene)
    counts = scene.counts()
    assert counts["PlanActivated"] == 1
    assert counts["TimelineWritten"] == 3
    assert set(report["totals"]["commands"]) == {CommandStatus.COMPLETED}
    check_energy(report)
    measured = (fact.measurement for _, fact in scene.facts() if isinstance(fact, Measured))
    last = {measurement.asset_id: measurement for measurement in measured}
    assert last["steady"].soc_percent == pytest.approx(50 + 100 * 40 * 0.95 / 120, abs=0.5)
    assert last["bay"].soc_percent == pytest.approx(100.0)


def check_goes_on(scene: Scene) -> None:
    """Each run began when the last fact of the one before it had happened."""
    before = START
    for at, fact in scene.facts():
        if isinstance(fact, Opened):
            assert timedelta(0) <= fact.run.started_at - before < timedelta(seconds=5)
        before = max(before, at)


def check_energy(report: dict[str, object]) -> None:
    assets = report["assets"]
    assert isinstance(assets, dict)
    for asset_id in ("battery", "steady"):
        totals = assets[asset_id]
        for direction in ("charge", "discharge"):
            planned = totals[f"planned_{direction}_kwh"]
            for step in ("acknowledged", "delivered"):
                assert totals[f"{step}_{direction}_kwh"] == pytest.approx(planned, rel=0.02), step
    assert assets["bay"]["acknowledged_charge_kwh"] == pytest.approx(12.0, rel=0.02)
    assert assets["bay"]["delivered_charge_kwh"] == pytest.approx(6.0, rel=0.02)


def test_a_run_that_is_over_reports_again_and_changes_nothing(scene: Scene) -> None:
    first = scene.report()
    facts = scene.facts()
    assert scene.report() == first
    assert scene.report(speed=1.0) == first
    assert scene.facts() == facts


def test_a_rehearsal_and_the_real_thing_share_no_journal(scene: Scene) -> None:
    kill_after(scene, 0.2)
    assert "holds a real run; a dry run needs another --journal" in one_line(scene.run("--dry-run"))
    scene.journal = scene.folder / "dry.db"
    scene.report("--dry-run", speed=90_000)
    assert "holds a dry run; a real run needs another --journal" in one_line(scene.run())


def test_a_clock_of_another_kind_does_not_go_on(scene: Scene) -> None:
    kill_after(scene, 0.2)
    facts = scene.facts()
    line = one_line(scene.run(speed=1.0))
    assert "as it ran at speed 1800; --speed 1800 goes on with it" in line
    assert scene.facts() == facts
