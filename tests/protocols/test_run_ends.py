"""How runs end before their time: another one in the way, signals, ports, and full disks."""

import signal
import socket
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep

import pytest

from pointsman.devices.driver import AHEAD_SECONDS
from pointsman.runtime.clock import SystemClock
from pointsman.schedules.facts import Dispatched, Opened
from tests.protocols.run_bench import BATTERY, BAY, Scene, one_line
from tests.protocols.sunspec_bench import free_port

SOON: float = 2.0
CHARGER = BAY + 'device = { protocol = "ocpp1.6", charge_point = "CP-1", simulated = true }\n'


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Two hours, in two seconds unless told otherwise."""
    scene = Scene(tmp_path)
    scene.site(BATTERY)
    scene.plan({"battery_setpoint_kw": [float(n % 7) for n in range(12)]})
    return scene


def test_a_second_run_is_refused_and_the_first_goes_on(scene: Scene) -> None:
    with scene.started(*scene.words()) as first:
        first.says("Opened")
        line = one_line(scene.run())
        assert f"run.db is in use by process {first.pid}" in line
        assert "--take-over" in line
        assert first.end().status == 0
    assert scene.counts()["Opened"] == 1


def test_a_second_run_that_takes_over_ends_the_first_and_the_plan(scene: Scene) -> None:
    with scene.started(*scene.words(speed=600.0)) as first:
        first.says("Opened")
        sleep(1.0)
        report = scene.report("--take-over")
        line = one_line(first.end(seconds=10.0))
    assert line == "pointsman: run.db: another process took over; this one has stopped"
    assert set(report["totals"]["commands"]) == {"COMPLETED"}
    assert report["totals"]["acknowledged_charge_kwh"] == pytest.approx(
        report["totals"]["planned_charge_kwh"], rel=0.05
    )
    assert [fact.run.number for _, fact in scene.facts() if isinstance(fact, Opened)] == [1, 2]


def test_whoever_takes_over_finds_the_chargers_port_free(scene: Scene) -> None:
    scene.site(BATTERY, CHARGER)
    scene.plan({"battery_setpoint_kw": [6.0, 3.0]}, start=local(3600.0))
    words = scene.words("--ocpp", f"127.0.0.1:{free_port()}", speed=1.0)
    with scene.started(*words) as first:
        first.says("Opened")
        with scene.started(*words, "--take-over") as second:
            second.says("Opened 2")
            assert "another process took over" in one_line(first.end(seconds=SOON))
            assert second.process.poll() is None
            second.send(signal.SIGTERM)
            assert second.end().status == 143


@pytest.mark.parametrize(
    ("sent", "status", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_ends_a_run_soon_and_it_can_go_on(
    scene: Scene, sent: int, status: int, word: str
) -> None:
    with scene.started(*scene.words()) as run:
        run.says("PlanActivated")
        sleep(0.5)
        run.send(sent)
        begun = monotonic()
        ended = run.end()
        assert monotonic() - begun < SOON
    assert one_line(ended, status) == f"pointsman: {word}"
    assert not list(scene.folder.glob("*-wal")), "the journal was closed"
    assert set(scene.report()["totals"]["commands"]) == {"COMPLETED"}


def test_a_signal_ends_a_run_that_waits_for_a_charger(scene: Scene) -> None:
    scene.site(CHARGER)
    scene.plan({"bay_setpoint_kw": [6.0] * 12})
    with scene.started(*scene.words("--ocpp", "127.0.0.1:0")) as run:
        run.says("Opened")
        run.send(signal.SIGTERM)
        begun = monotonic()
        assert run.end().status == 143
        assert monotonic() - begun < SOON


def test_a_port_in_use_is_named(scene: Scene) -> None:
    scene.site(CHARGER)
    scene.plan({"bay_setpoint_kw": [6.0] * 12})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        line = one_line(scene.run("--ocpp", address))
    assert address in line
    assert "in use" in line


def test_a_journal_that_cannot_be_written_is_named(scene: Scene) -> None:
    for name, words in (
        ("no/such/folder/run.db", ("no such file or directory",)),
        (".", ("is a folder; name a file in it",)),
        ("/proc/run.db", ("no such file", "permission denied", "read-only")),
    ):
        line = one_line(scene.call(*scene.words(), "--journal", name))
        assert any(word in line.lower() for word in words), line


def test_a_full_disk_ends_a_run_in_one_line(scene: Scene) -> None:
    """A limit on the size of files is as good as a full disk."""
    begun = scene.words()
    line = one_line(scene.call("bash", "-c", 'ulimit -f 600; exec "$@"', "run", *begun))
    assert line.startswith("pointsman: run.db: cannot be written: ")
    assert set(scene.report()["totals"]["commands"]) == {"COMPLETED"}


def test_a_report_that_cannot_be_written_is_refused_first(scene: Scene) -> None:
    line = one_line(scene.run("--report", "no/such/out.json"))
    assert "--report no/such/out.json" in line
    assert not scene.journal.exists()


def local(seconds: float) -> datetime:
    return SystemClock().now() + timedelta(seconds=seconds)


def test_a_run_in_real_time_waits_for_its_plan_and_keeps_to_it(scene: Scene) -> None:
    start = local(3.0)
    scene.plan({"battery_setpoint_kw": [6.0, 0.0, 12.0]}, start=start, seconds=2.0)
    report = scene.report(speed=1.0)
    assert SystemClock().now() >= start + timedelta(seconds=6)
    totals = report["totals"]
    assert totals["commands"] == {"COMPLETED": 4}
    assert totals["acknowledged_charge_kwh"] == pytest.approx(36 / 3600, rel=0.1)
    assert totals["delivered_charge_kwh"] == pytest.approx(36 / 3600, rel=0.1)
    assert totals["lateness_seconds"]["max"] < 2.0
    [at, first] = next((at, fact) for at, fact in scene.facts() if isinstance(fact, Dispatched))
    assert start - 2 * timedelta(seconds=AHEAD_SECONDS) <= at < start + timedelta(seconds=2)
    sent_at = first.command.progress.dispatched_at
    assert sent_at is not None
    assert start <= sent_at < start + timedelta(seconds=2), "not before its time"


def test_a_run_that_begins_in_the_middle_of_its_plan_does_what_is_left(scene: Scene) -> None:
    start = local(-1.5)
    scene.plan(
        {"battery_setpoint_kw": [6.0, 9.0, 12.0, 3.0] + [15.0] * 3}, start=start, seconds=1.0
    )
    report = scene.report(speed=1.0)
    kw = [fact.command.power_kw for _, fact in scene.facts() if type(fact).__name__ == "Completed"]
    assert kw[-2:] == [15.0, 0.0]
    assert 6.0 not in kw
    late = {"EXPIRED"}  # On a slow computer a slot may pass before it can be told.
    assert {"COMPLETED"} <= set(report["totals"]["commands"]) <= {"COMPLETED"} | late


def test_a_plan_that_is_over_is_refused_before_anything_is_opened(scene: Scene) -> None:
    scene.plan({"battery_setpoint_kw": [6.0, 0.0]}, start=local(-3600.0), seconds=60.0)
    line = one_line(scene.run(speed=1.0))
    assert "it ended at" in line
    assert "--speed" in line
    assert {path.name for path in scene.folder.iterdir()} == {"site.toml", "plan.csv"}


def test_nobody_who_reads_its_lines_is_no_reason_to_stop(scene: Scene) -> None:
    with scene.started(*scene.words()) as run:
        run.says("Opened")
        assert run.process.stdout is not None
        run.process.stdout.close()
        assert run.process.wait(20) == 1, "nobody reads its report either"
    facts = scene.facts()
    assert set(scene.report()["totals"]["commands"]) == {"COMPLETED"}
    assert scene.facts() == facts
