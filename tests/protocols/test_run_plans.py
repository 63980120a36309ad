"""Plans that follow one another in a journal, sites that share it, and devices that fail."""

import json
from datetime import timedelta
from pathlib import Path
from time import sleep

import pytest

from pointsman.core.names import shard_of, word
from pointsman.schedules.facts import PlanActivated
from tests.protocols.run_bench import BATTERY, BAY, START, Scene, one_line

FAST = 7200.0
HOUR = timedelta(hours=1)
NAMES = (
    "Ladesäule Süd / Tiefgarage 100 % ~ Platz 7 🔌",
    "..",
    "a/b//c~d%2Fe",
    "充电桩 #1 (" + "very " * 20 + "long)",
)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Two hours in a second."""
    scene = Scene(tmp_path)
    scene.site(BATTERY)
    scene.plan({"battery_setpoint_kw": [float(n % 7) for n in range(12)]})
    return scene


def test_a_newer_plan_takes_over_where_it_begins(scene: Scene) -> None:
    scene.report(speed=FAST)
    later = START + 2 * HOUR
    scene.plan({"battery_setpoint_kw": [-6.0] * 3 + [0.0] * 3}, start=later, name="later.csv")
    report = scene.report(plan="later.csv", speed=FAST)
    assert report["plan"]["file"].endswith("later.csv")
    assert report["totals"]["planned_discharge_kwh"] == 3.0
    assert report["totals"]["acknowledged_discharge_kwh"] == pytest.approx(3.0, rel=0.02)
    assert report["totals"]["delivered_discharge_kwh"] == pytest.approx(3.0, rel=0.02)
    activated = [fact.plan.name for _, fact in scene.facts() if isinstance(fact, PlanActivated)]
    assert len(activated) == 2


def test_a_plan_that_comes_while_another_is_in_force_replaces_what_is_left(scene: Scene) -> None:
    with scene.started(*scene.words(speed=1800.0)) as run:
        run.says("PlanActivated")
        sleep(0.5)
        run.process.kill()
        run.process.wait()
    scene.plan({"battery_setpoint_kw": [3.0, -3.0]}, start=START + HOUR, name="newer.csv")
    report = scene.report(plan="newer.csv", speed=FAST)
    assert set(report["totals"]["commands"]) == {"COMPLETED"}
    line = one_line(scene.run(speed=FAST))
    assert "was replaced by" in line


def test_a_plan_that_has_passed_by_the_clock_of_its_journal_is_refused(scene: Scene) -> None:
    scene.report(speed=FAST)
    facts = scene.facts()
    scene.plan({"battery_setpoint_kw": [3.0, 4.0]}, start=START - HOUR, name="older.csv")
    line = one_line(scene.run(plan="older.csv", speed=FAST))
    assert "the plan is over, it ended at 2026-06-01T11:20:00Z" in line
    assert "the clock of run.db is at 2026-06-01T14:" in line
    assert "another --journal" in line
    assert scene.facts() == facts


def test_two_sites_share_a_journal_one_after_the_other(scene: Scene) -> None:
    first = scene.report(speed=FAST)
    scene.site(BATTERY, id="summer house")
    second = scene.report(speed=FAST)
    assert (first["site"], second["site"]) == ("home", "summer house")
    for part in ("planned_charge_kwh", "acknowledged_charge_kwh", "commands"):
        assert second["totals"][part] == pytest.approx(first["totals"][part], rel=0.02)
    scene.site(BATTERY)
    assert scene.report(speed=FAST) == first


def test_a_site_that_its_microgrid_would_move_is_refused(scene: Scene) -> None:
    scene.report(speed=FAST)
    home = scene.home_of("home")
    assert home == shard_of(word("home"), 64)
    scene.site(BATTERY, more="[microgrid]\nid = 7\n")
    scene.plan({"battery_setpoint_kw": [1.0, 2.0]}, start=START + 3 * HOUR)
    line = one_line(scene.run(speed=FAST))
    assert "'home'" in line
    assert "cannot move" in line
    assert scene.home_of("home") == home


def test_whatever_an_asset_is_called_it_is_told_its_plan(scene: Scene) -> None:
    assets = [BAY.replace('"bay"', json.dumps(name, ensure_ascii=False)) for name in NAMES]
    keys = "\n".join(
        f"k{n} = {json.dumps(name, ensure_ascii=False)}" for n, name in enumerate(NAMES)
    )
    scene.site(*assets, id="Straße 1 / Hof ~%", more=f"[asset_map]\n{keys}\n")
    scene.plan({f"k{n}_setpoint_kw": [float(n + 1)] * 6 for n in range(len(NAMES))})
    report = scene.report(speed=FAST)
    assert report["site"] == "Straße 1 / Hof ~%"
    assert set(report["assets"]) == set(NAMES)
    for n, name in enumerate(NAMES):
        totals = report["assets"][name]
        assert totals["commands"] == {"COMPLETED": 2}
        assert totals["delivered_charge_kwh"] == pytest.approx(n + 1, rel=0.02)
        command = (*scene.words()[:3], "why", name, "--journal", "run.db", "--json")
        told = scene.call(*command)
        assert told.status == 0, told.error


def faulty(faults: str) -> str:
    return BATTERY + f'device = {{ protocol = "simulated", seed = 3, faults = {{ {faults} }} }}\n'


def test_devices_that_lose_and_delay_answers_are_told_all_the_same(scene: Scene) -> None:
    scene.site(faulty("drop = 0.3, delay = 0.3, delay_seconds = 5.0, lose = 0.2"))
    report = scene.report(speed=FAST)
    assert set(report["totals"]["commands"]) == {"COMPLETED"}
    assert scene.counts()["Requeued"] > 0


@pytest.mark.parametrize(
    ("faults", "status"),
    [
        ("refuse = 1.0", "FAILED"),
        ("silent_from = 2026-06-01T13:00:00Z", "TIMED_OUT"),
    ],
)
def test_a_run_whose_devices_fail_says_so(scene: Scene, faults: str, status: str) -> None:
    scene.site(faulty(faults))
    scene.plan({"battery_setpoint_kw": [5.0] * 6 + [7.0] * 6})
    ended = scene.run("--json", speed=FAST)
    report = json.loads(ended.out)
    counts = report["totals"]["commands"]
    assert counts.pop("PENDING", 0) + counts.pop("DISPATCHED", 0) == 0
    assert counts[status] > 0
    assert ended.status == 1
    last = ended.error.splitlines()[-1]
    failed = sum(counts.get(bad, 0) for bad in ("FAILED", "TIMED_OUT", "REJECTED"))
    assert last.startswith(f"pointsman: {failed} of {sum(counts.values())} commands failed")
    assert "pointsman log --journal run.db" in last
