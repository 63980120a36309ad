"""A run that is killed again and again, judged by what its devices wrote down themselves."""

import json
import random
import signal
import socket
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from pointsman.config import read_site
from pointsman.library.frames import read_table
from pointsman.schedules.changes import plan_of
from pointsman.schedules.model import CommandStatus, Mark
from pointsman.schedules.rows import ends_at
from tests.seeds import KILLS

ROOT: Final = Path(__file__).parents[2]
PLAN: Final = ROOT / "examples" / "caltech_2019-06-05_plan.csv"
SITE: Final = ROOT / "examples" / "caltech_sockets_site.toml"
POINTSMAN: Final = (sys.executable, "-m", "pointsman.cli")
SPEED: Final = 1920 if KILLS <= 10 else 720
"""A day that lasts about as long as all the lives together."""
TOLERANCE: Final = 0.01 * SPEED / 720
"""Of energies. While nobody runs it, a device does what it was told last."""
ALIVE_SECONDS: Final = (1.0, 5.0)


@dataclass(frozen=True)
class Scene:
    """A site whose devices live in a process of their own, on ports of their own."""

    site: Path
    ocpp: str
    log: Path
    journal: Path
    report: Path

    def command(self) -> list[str]:
        run = [*POINTSMAN, "run", str(PLAN), "--site", str(self.site), "--speed", str(SPEED)]
        flags = ["--ocpp", self.ocpp, "--journal", str(self.journal), "--report", str(self.report)]
        return [*run, *flags]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    text = SITE.read_text().replace("port = 1502", f"port = {free_port()}")
    text = text.replace('sessions = "', f'sessions = "{SITE.parent}/')
    site = tmp_path / "site.toml"
    site.write_text(text)
    ocpp, log = f"127.0.0.1:{free_port()}", tmp_path / "devices.jsonl"
    command = [*POINTSMAN, "simulate", "--site", str(site), "--ocpp", ocpp, "--log", str(log)]
    with subprocess.Popen(command, env=environment()) as devices:
        try:
            yield Scene(site, ocpp, log, tmp_path / "run.db", tmp_path / "report.json")
        finally:
            devices.terminate()
            devices.wait(20)


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin", "PYTHONWARNINGS": "error"}


@pytest.mark.timeout(3600)
def test_whenever_it_is_killed_it_goes_on_and_nothing_is_lost_stale_or_repeated_unread(
    scene: Scene,
) -> None:
    dice = random.Random(KILLS)
    killed = sum(kill_after(scene, dice.uniform(*ALIVE_SECONDS)) for _ in range(KILLS))
    assert killed == KILLS, "the plan was over before all its kills"
    ended = subprocess.run(
        scene.command(), env=environment(), capture_output=True, text=True, timeout=900, check=False
    )
    assert ended.returncode == 0, ended.stderr
    report = json.loads(scene.report.read_text())
    rows = expected_rows(scene)
    assert report["totals"]["commands"] == {CommandStatus.COMPLETED: len(rows)}
    check_energy(report["totals"])
    told = list(read_log(scene.log))
    check_none_is_lost(told, rows)
    check_none_is_stale(told)
    check_none_is_repeated_unread(told)


def check_energy(totals: dict[str, float]) -> None:
    """Within a hundredth at the pace of the long form, kills and all."""
    for direction in ("charge", "discharge"):
        planned_kwh = totals[f"planned_{direction}_kwh"]
        for step in ("requested", "acknowledged", "delivered"):
            assert totals[f"{step}_{direction}_kwh"] == pytest.approx(planned_kwh, rel=TOLERANCE), (
                step
            )


def kill_after(scene: Scene, seconds: float) -> bool:
    """Start a run and kill it. False: it came to its end first."""
    with subprocess.Popen(
        scene.command(), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as run:
        try:
            output, _ = run.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            return True
    assert run.returncode == 0, output.decode()
    return False


@dataclass(frozen=True)
class Told:
    """What one device wrote down of one thing that reached it."""

    asset_id: str
    kw: float | None
    """Of a setpoint, signed. None: a release, or a reading."""
    until: datetime | None = None
    at: datetime | None = None
    """The run's time, as far as the device knew it."""
    reading: bool = False
    profile: int | None = None
    """Which charging profile: a release clears each of ours."""


def read_log(path: Path) -> Iterator[Told]:
    """Setpoints, releases and readings, in the order that they came."""
    setpoints: dict[str, float] = {}
    enabled: set[str] = set()
    for entry in map(json.loads, path.read_text().splitlines()):
        if entry.get("protocol") == "ocpp1.6":
            if told := from_charger(entry):
                yield told
        elif entry["event"] == "read":
            if 704 in entry.get("models", ()):
                yield Told(entry["asset"], None, reading=True)
        elif entry["event"] == "write":
            yield from from_battery(entry, setpoints, enabled)


def from_battery(
    entry: dict[str, Any], setpoints: dict[str, float], enabled: set[str]
) -> Iterator[Told]:
    """A setpoint holds from its own write on where setpoints are enabled already: a run that is
    killed before it enables them once more has told it, and the next one finds it there.
    """
    asset_id, points = entry["asset"], entry["points"]
    if "704.WSet" in points:
        setpoints[asset_id] = -points["704.WSet"] / 1000
        if asset_id in enabled:
            yield Told(asset_id, setpoints[asset_id])
    match points.get("704.WSetEna"):
        case 0:
            enabled.discard(asset_id)
            yield Told(asset_id, None)
        case 1 if asset_id not in enabled:
            enabled.add(asset_id)
            yield Told(asset_id, setpoints[asset_id])


def from_charger(entry: dict[str, Any]) -> Told | None:
    at = datetime.fromisoformat(entry["told"]) if entry.get("told") else None
    match entry["action"]:
        case "SetChargingProfile":
            profile = entry["payload"]["csChargingProfiles"]
            [period] = profile["chargingSchedule"]["chargingSchedulePeriod"]
            until = profile.get("validTo")
            return Told(
                entry["asset"],
                period["limit"] / 1000,
                datetime.fromisoformat(until) if until else None,
                at,
            )
        case "ClearChargingProfile":
            return Told(entry["asset"], None, at=at, profile=entry["payload"].get("id"))
        case "GetCompositeSchedule":
            return Told(entry["asset"], None, at=at, reading=True)
    return None


def expected_rows(scene: Scene) -> list[tuple[str, float | None, datetime | None]]:
    """What each asset has to be told: how much, and until when. A release is None."""
    site, table = read_site(scene.site), read_table(PLAN)
    plan = plan_of(table, site.asset_map, created_at=table.times[0], assets=site.assets)
    return [
        (t.asset_id, None, None)
        if t.marks.get(row) is Mark.RELEASE
        else (t.asset_id, value, ends_at(plan.plan, t, row))
        for t in plan.timelines
        for row, value in enumerate(t.values)
    ]


def check_none_is_lost(
    told: list[Told], rows: list[tuple[str, float | None, datetime | None]]
) -> None:
    setpoints = {(t.asset_id, t.kw, t.until) for t in told if not t.reading}
    for asset_id, kw, until in rows:
        if asset_id == "battery":  # Modbus tells seconds left, not until when.
            assert any(t.asset_id == asset_id and near(t.kw, kw) for t in told)
        else:
            rounded = None if kw is None else round(kw, 4)
            assert (asset_id, rounded, until) in setpoints, f"{asset_id} was never told {kw} kW"


def near(told_kw: float | None, kw: float | None) -> bool:
    return told_kw is kw if told_kw is None or kw is None else abs(told_kw - kw) < 0.01


def check_none_is_stale(told: list[Told]) -> None:
    for t in told:
        if t.until is not None and t.at is not None:
            assert t.at < t.until, f"{t} came after its time"


def check_none_is_repeated_unread(told: list[Told]) -> None:
    last: defaultdict[str, Told | None] = defaultdict(lambda: None)
    for t in told:
        if t.reading:
            last[t.asset_id] = None
            continue
        before = last[t.asset_id]
        same = before is not None and replace(before, at=None) == replace(t, at=None)
        assert not same, f"{t} came twice, and nobody had read the device between"
        last[t.asset_id] = t
