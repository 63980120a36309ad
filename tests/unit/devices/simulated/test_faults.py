"""Faults are the same for the same seed, and as frequent as was asked for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pointsman.core.assets import Asset, AssetKind
from pointsman.devices.simulated.faults import (
    FAULTLESS,
    LUCKY,
    Fate,
    Faults,
    FaultsError,
    fate_of,
    faults_of_table,
    read_faults,
)
from pointsman.devices.simulated.world import SimulatedWorld
from pointsman.runtime.clock import SystemClock

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SOME = Faults(drop=0.2, lose=0.1, delay=0.3, refuse=0.1, revert=0.2, ignore=0.1)


def fates(faults: Faults, seed: int = 1, asset_id: str = "bay", count: int = 2_000) -> list[Fate]:
    return [fate_of(faults, seed, asset_id, number, NOW) for number in range(count)]


def test_the_same_seed_has_the_same_fate() -> None:
    assert fates(SOME) == fates(SOME)


def test_fates_are_pinned_across_releases() -> None:
    dropped = [not fate.answers for fate in fates(Faults(drop=0.3), count=16)]
    assert "".join("x" if each else "." for each in dropped) == "..x..xx.......x."


def test_another_seed_asset_or_number_has_another_fate() -> None:
    assert fates(SOME) != fates(SOME, seed=2)
    assert fates(SOME) != fates(SOME, asset_id="bay2")
    assert len(set(fates(SOME))) > 5


def test_one_more_fault_does_not_move_the_others() -> None:
    before = [fate.delay_seconds for fate in fates(Faults(delay=0.3))]
    after = [fate.delay_seconds for fate in fates(Faults(delay=0.3, drop=0.5, ignore=0.5))]
    assert before == after


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        ("drop", replace(LUCKY, answers=False)),
        ("lose", Fate(acts=False, answers=False)),
        ("delay", replace(LUCKY, delay_seconds=5.0)),
        ("refuse", Fate(acts=False, refused=True)),
        ("revert", replace(LUCKY, revert_seconds=60.0)),
        ("ignore", replace(LUCKY, follows=False)),
    ],
)
def test_each_fault_strikes_as_often_as_asked_and_only_so(fault: str, struck: Fate) -> None:
    drawn = fates(faults_of_table("", {fault: 0.25}))
    assert set(drawn) == {LUCKY, struck}
    assert drawn.count(struck) == pytest.approx(500, abs=80)
    assert set(fates(faults_of_table("", {fault: 1.0}), count=50)) == {struck}


def test_without_faults_all_goes_well() -> None:
    assert set(fates(FAULTLESS)) == {LUCKY}


def test_silence_has_a_first_and_no_last_instant() -> None:
    silence = Faults(silent_from=NOW, silent_until=NOW + timedelta(hours=1))
    tick = timedelta(microseconds=1)
    instants = [NOW - tick, NOW, NOW + timedelta(hours=1) - tick, NOW + timedelta(hours=1)]
    assert [silence.silent_at(at) for at in instants] == [False, True, True, False]
    assert Faults(silent_from=NOW).silent_at(NOW + timedelta(days=999))
    assert Faults(silent_until=NOW).silent_at(NOW - timedelta(days=999))
    assert not FAULTLESS.silent_at(NOW)
    assert fate_of(silence, 1, "bay", 0, NOW) == Fate(acts=False, answers=False)


def test_a_setpoint_ends_by_its_expiry_or_by_reverting_whichever_is_first() -> None:
    reverting, soon, late = Fate(revert_seconds=60.0), timedelta(seconds=5), timedelta(hours=1)
    assert LUCKY.expiry(NOW, None) is None
    assert LUCKY.expiry(NOW, NOW + late) == NOW + late
    assert reverting.expiry(NOW, None) == NOW + timedelta(seconds=60)
    assert reverting.expiry(NOW, NOW + late) == NOW + timedelta(seconds=60)
    assert reverting.expiry(NOW, NOW + soon) == NOW + soon


def test_a_file_has_a_table_an_asset_and_one_for_all_others(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(
        '["*"]\ndrop = 0.1\n[bay]\nlose = 1\nsilent_from = 2026-06-01T00:00:00Z\n', "utf-8"
    )
    own = {"faults": {"refuse": 0.5}}
    world = SimulatedWorld(SystemClock(), faults=read_faults(path))
    bay, other = (Asset(id, AssetKind.EV_CHARGER, own) for id in ("bay", "other"))
    assert world.faults_of(bay) == Faults(lose=1, silent_from=NOW)
    assert world.faults_of(other) == Faults(drop=0.1)
    assert SimulatedWorld(SystemClock()).faults_of(other) == Faults(refuse=0.5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[bay]\ndorp = 0.1", r"\[bay\]: fault 'dorp' is not known; did you mean 'drop'\?"),
        ("[bay]\ndrop = 1.1", "fault 'drop' must be a share from 0 to 1, not 1.1"),
        ("[bay]\ndrop = true", "fault 'drop' must be a share from 0 to 1, not True"),
        ("[bay]\ndrop = nan", "fault 'drop' must be a share"),
        ('[bay]\ndelay_seconds = "5"', "fault 'delay_seconds' must be seconds, 0 or more"),
        ("[bay]\nrevert_seconds = -1", "fault 'revert_seconds' must be seconds"),
        ("[bay]\nsilent_from = 2026-06-01T00:00:00", "'silent_from' must be a time with its zone"),
        ("drop = 0.1", r"key 'drop' is in no table; write \[\"\*\"\] above it"),
        ("[bay", "no faults can be read"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(content)
    with pytest.raises(FaultsError, match=message) as refused:
        read_faults(path)
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FaultsError, match="no faults can be read"):
        read_faults(tmp_path / "none.toml")


def test_a_table_of_a_device_is_judged_too() -> None:
    with pytest.raises(FaultsError, match="asset 'bay': fault 'refuse' must be a share"):
        faults_of_table("asset 'bay'", {"refuse": 7})
