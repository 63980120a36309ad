"""Laws of change detection: whatever the plan, its rows say it, and say nothing twice."""

import itertools
from datetime import timedelta
from math import fsum

from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.assets import Asset, AssetKind
from pointsman.schedules.changes import Import, rows_of
from pointsman.schedules.model import Channel, Mark
from pointsman.schedules.table import Table
from tests.unit.schedules.tables import START, Columns, imported, timeline_of

DEADBAND_KW = 0.5
EXACT_KW = 1e-6
COARSE = [
    Asset("bay", AssetKind.EV_CHARGER, deadband_kw=DEADBAND_KW),
    Asset("batt", AssetKind.BATTERY, deadband_kw=DEADBAND_KW),
]
powers = st.floats(-3, 3).map(lambda kw: round(kw, 2))
signed = st.lists(powers, min_size=2, max_size=30)
vehicle = st.lists(st.none() | powers.map(abs), min_size=2, max_size=30)
steps = st.lists(st.integers(1, 120), min_size=30, max_size=30)


def uneven(columns: Columns, minutes: list[int]) -> Table:
    rows = max(map(len, columns.values()))
    times = [START]
    for step in minutes[: rows - 1]:
        times.append(times[-1] + timedelta(minutes=step))
    return Table("plan", tuple(times), columns)


def replayed(result: Import) -> list[float]:
    """What is said last in each slot."""
    timeline, values = timeline_of(result), list[float]()
    for slot in range(result.plan.slot_count):
        row = max(row for row, at in enumerate(timeline.slots) if at <= slot)
        values.append(timeline.values[row])
    return values


@given(signed)
def test_a_replay_is_every_cell_within_the_deadband(cells: list[float]) -> None:
    result = imported(columns={"batt_setpoint_kw": cells}, site=COARSE)
    for cell, value in zip(cells, replayed(result), strict=True):
        assert abs(cell - value) <= DEADBAND_KW + EXACT_KW


@given(vehicle)
def test_a_replay_of_a_vehicle_is_zero_where_it_is_away(cells: list[float | None]) -> None:
    result = imported(columns={"ev_1_kw": cells}, site=COARSE)
    for cell, value in zip(cells, replayed(result), strict=True):
        assert value == 0.0 if cell is None else abs(cell - value) <= DEADBAND_KW + EXACT_KW


@given(signed)
def test_no_row_says_what_the_last_one_said(cells: list[float]) -> None:
    *values, _ = timeline_of(imported(columns={"batt_setpoint_kw": cells}, site=COARSE)).values
    for before, after in itertools.pairwise(values):
        assert abs(after - before) > DEADBAND_KW


@given(vehicle)
def test_each_departure_is_told_once(cells: list[float | None]) -> None:
    marks = timeline_of(imported(columns={"ev_1_kw": cells}, site=COARSE)).marks.values()
    before = [0.0, *cells]
    departures = sum(a is not None and b is None for a, b in zip(before, cells, strict=False))
    assert list(marks).count(Mark.AWAY) == departures


@given(signed, steps)
def test_the_energy_of_a_replay_is_the_plans_within_the_deadband(
    cells: list[float], minutes: list[int]
) -> None:
    result = imported(uneven({"batt_setpoint_kw": cells}, minutes), site=COARSE)
    timeline, offsets = timeline_of(result), result.plan.offsets_seconds
    hours = [(b - a) / 3600 for a, b in itertools.pairwise(offsets)]
    energy = fsum(kw * length for kw, length in zip(replayed(result), hours, strict=True))
    planned = timeline.planned_charge_kwh - timeline.planned_discharge_kwh
    assert abs(energy - planned) <= (DEADBAND_KW + EXACT_KW) * sum(hours)
    exact = fsum(kw * length for kw, length in zip(cells, hours, strict=True))
    assert abs(planned - exact) < EXACT_KW


@given(signed, st.floats(-DEADBAND_KW, DEADBAND_KW))
def test_a_value_in_force_saves_one_command(cells: list[float], off: float) -> None:
    plain = imported(columns={"batt_setpoint_kw": cells}, site=COARSE)
    equal = imported(columns={"batt_setpoint_kw": cells}, site=COARSE, in_force={"batt": cells[0]})
    assert equal.report.commands == plain.report.commands - 1
    assert equal.timelines[0].slots == plain.timelines[0].slots
    near = cells[0] + off
    result = imported(columns={"batt_setpoint_kw": cells}, site=COARSE, in_force={"batt": near})
    first, *_ = timeline_of(result).slots[1:]
    for cell in cells[:first]:
        assert abs(cell - near) <= DEADBAND_KW + EXACT_KW


@given(signed, st.integers(0, 29))
def test_what_is_past_never_changes_what_is_said_later(cells: list[float], hour: int) -> None:
    slot = hour % len(cells)
    now = START + timedelta(hours=slot, minutes=30)
    whole = imported(columns={"batt_setpoint_kw": cells}, site=COARSE, now=now)
    rest = imported(columns={"batt_setpoint_kw": cells[slot:]}, site=COARSE, horizon_end=END)
    assert timeline_of(whole).values == timeline_of(rest).values
    assert [at - slot for at in timeline_of(whole).slots] == list(timeline_of(rest).slots)


END = START + timedelta(days=9)


@given(vehicle, signed)
def test_rows_follow_each_other_without_a_gap(
    cells: list[float | None], others: list[float]
) -> None:
    rows = min(len(cells), len(others))
    columns: Columns = {"ev_1_kw": cells[:rows], "batt_setpoint_kw": others[:rows]}
    result = imported(columns=columns)
    for timeline in result.timelines:
        assert timeline.channel is Channel.POWER
        told = list(rows_of(timeline, result.plan))
        assert [row.expires_at for row in told[:-1]] == [row.starts_at for row in told[1:]]
        assert (told[0].starts_at, told[-1].starts_at) == (START, result.plan.end)
        assert (told[-1].mark, told[-1].expires_at) == (Mark.RELEASE, None)
