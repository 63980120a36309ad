"""Plans in the library: what becomes of a table, and of the plan before it."""

import gc
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pointsman.coordinator import (
    Command,
    CommandStatus,
    CommandType,
    CoordinatorConfig,
    DispatchEngine,
    DispatchError,
    EventBus,
    EventType,
    ScheduleError,
    StaleScheduleError,
)
from pointsman.library.coordinator.rows import CommandSequence
from tests.unit.library.coordination import (
    BAY,
    MAP,
    Charger,
    Heard,
    at,
    engine_with_ears,
    in_force,
    table,
)

SITE = """
[site]
id = "depot"
[[asset]]
id = "ast_bay_1"
kind = "ev_charger"
rating_kw = 22.0
deadband_kw = 2.0
safe_default_kw = 1.5
"""


def power(commands: Iterable[Command]) -> list[tuple[int, float]]:
    """Hours of the day, and kW."""
    return [(c.scheduled_at.hour, c.parameters["power_kw"]) for c in commands]


def test_only_what_changes_becomes_a_command_and_the_end_is_a_release() -> None:
    _, _, commands = in_force()
    assert power(commands) == [(8, 22.0), (11, 0.0), (12, 0.0)]
    assert [c.parameters.get("release") for c in commands] == [None, None, True]
    assert {c.command_type for c in commands} == {CommandType.SET_CHARGE_RATE}


def test_a_data_frame_is_a_table_too() -> None:
    frame = pd.DataFrame(
        {"battery_charge_kw": [5.0, 0.0], "battery_discharge_kw": [0.0, 4.0]},
        index=pd.date_range(at(8), periods=2, freq="1h"),
    )
    commands = DispatchEngine().schedule_to_commands(frame, asset_map={"battery": "ast_batt"})
    assert [(c.command_type, c.parameters["power_kw"]) for c in commands] == [
        (CommandType.SET_CHARGE_RATE, 5.0),
        (CommandType.SET_DISCHARGE_RATE, 4.0),
        (CommandType.SET_CHARGE_RATE, 0.0),
    ]


def test_a_row_expires_when_the_next_one_is_due_and_a_release_never() -> None:
    _, _, commands = in_force()
    assert [c.expires_at for c in commands] == [at(11), at(12), None]
    assert [c.slot for c in commands] == [0, 3, 4]


def test_commands_are_ordered_by_time_and_then_as_the_columns_are() -> None:
    columns: dict[str, Any] = {"ev_b_kw": [1.0, 2.0], "ev_a_kw": [3.0, 4.0]}
    commands = DispatchEngine().schedule_to_commands(
        table(**columns), asset_map={"a": "asset-a", "b": "asset-b"}
    )
    assert [(c.scheduled_at.hour, c.asset_id) for c in commands[:4]] == [
        (8, "asset-b"),
        (8, "asset-a"),
        (9, "asset-b"),
        (9, "asset-a"),
    ]


def test_the_sequence_is_a_list_that_nobody_can_change() -> None:
    engine, _, commands = in_force()
    as_list = list(commands)
    assert commands == as_list
    assert as_list == commands
    assert commands[-1] is as_list[-1]
    assert commands[0:2] == as_list[0:2]
    assert as_list[1] in commands
    assert commands != as_list[:2]
    assert not hasattr(commands, "append")
    with pytest.raises(IndexError):
        commands[3]
    assert repr(commands).startswith("<3 commands of plan_")
    assert engine.get_command(as_list[0].command_id) is as_list[0]


def test_many_cells_become_commands_only_when_they_are_touched() -> None:
    rows, columns = 200, 100
    cells = {f"ev_{n}_kw": [float(row % 2 + 1) for row in range(rows)] for n in range(columns)}
    engine = DispatchEngine()
    commands = engine.schedule_to_commands(
        {"timestamp": [at(0) + timedelta(minutes=row) for row in range(rows)], **cells},
        asset_map={str(n): f"asset-{n}" for n in range(columns)},
    )
    assert len(commands) == (rows + 1) * columns
    assert len(engine.get_pending_commands(at(0))) == columns
    last = commands[-1]
    assert (last.asset_id, last.parameters.get("release")) == (f"asset-{columns - 1}", True)
    alive = [one for one in gc.get_objects() if isinstance(one, Command)]
    assert len(alive) < rows, "and nobody keeps those that were let go"


def test_an_id_finds_its_row_though_nobody_has_touched_it() -> None:
    engine, _, commands = in_force()
    ids = [(c.command_id, c.scheduled_at) for c in commands]
    again = DispatchEngine()
    again.schedule_to_commands(table(), asset_map=MAP)
    for id, scheduled_at in ids:
        found = again.get_command(id)
        assert found is not None
        assert found.scheduled_at == scheduled_at
        assert found is again.get_command(id)
    assert engine.get_command("cmd_0123456789ab") is None
    assert engine.get_command("plan") is None


def test_the_same_plan_again_yields_nothing_and_tells_nobody() -> None:
    engine, heard, commands = in_force()
    first = engine.last_import
    again = engine.schedule_to_commands(table(), asset_map=MAP)
    assert (len(again), list(again)) == (0, [])
    assert heard.types == [EventType.SCHEDULE_RECEIVED]
    assert engine.last_import is first
    assert commands[0].status is CommandStatus.PENDING


def test_the_report_is_on_the_event_and_on_the_engine() -> None:
    engine, heard, commands = in_force()
    payload = heard.events[0].payload
    assert payload["plan_id"] == commands[0].plan_id
    assert (payload["commands"], payload["assets"]) == (3, (BAY,))
    assert payload["report"] is engine.last_import
    assert engine.last_import is not None
    assert engine.last_import.commands == 3


def test_created_is_told_of_each_row_to_whoever_asked_for_that() -> None:
    bus, heard, all_of_it = EventBus(), Heard(), Heard()
    bus.subscribe(EventType.COMMAND_CREATED, heard)
    bus.subscribe(None, all_of_it)
    commands = DispatchEngine(event_bus=bus).schedule_to_commands(table(), asset_map=MAP)
    assert [e.payload["command_id"] for e in heard.events] == [c.command_id for c in commands]
    assert all_of_it.types[0] is EventType.SCHEDULE_RECEIVED


def test_a_plan_that_makes_no_sense_changes_nothing() -> None:
    engine, heard, commands = in_force()
    wrong: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (table((float("inf"), 1.0)), {}),
        (table((-1.0, 1.0)), {}),
        (table(ev_ghost_kw=[1.0, 2.0]), {}),
        (table((3.0, 1.0)), {"nan": "zero"}),
        (table((3.0, 1.0)), {"now": at(20)}),
        (table((3.0, 1.0)), {"created_at": at(8).replace(tzinfo=None)}),
    ]
    for rows, options in wrong:
        with pytest.raises(ScheduleError):
            engine.schedule_to_commands(rows, asset_map=MAP, **options)
    assert heard.types == [EventType.SCHEDULE_RECEIVED]
    assert engine.get_pending_commands(at(8)) == [commands[0]]


def test_slots_are_past_only_if_now_is_told() -> None:
    told = DispatchEngine().schedule_to_commands(table((1.0, 2.0, 3.0)), MAP, now=at(9, 30))
    assert power(told) == [(9, 2.0), (10, 3.0), (11, 0.0)]
    untold = DispatchEngine().schedule_to_commands(table((1.0, 2.0, 3.0)), MAP)
    assert power(untold)[0] == (8, 1.0)
    assert {c.status for c in untold} == {CommandStatus.PENDING}


def test_what_pandas_does_not_say_is_told_by_keywords() -> None:
    rows = {"step": [0, 1], "ev_ev_001_kw": [4.0, 2.0]}
    commands = DispatchEngine().schedule_to_commands(rows, MAP, start=at(8), freq="30min")
    assert [c.scheduled_at for c in commands] == [at(8), at(8, 30), at(9)]


def test_the_engine_goes_by_the_time_that_came_with_a_plan() -> None:
    engine = DispatchEngine()
    commands = engine.schedule_to_commands(table((1.0, 2.0, 3.0)), MAP, now=at(9, 30))
    assert engine.get_pending_commands() == [commands[0]]


def test_a_plan_that_is_refused_leaves_nothing_behind() -> None:
    engine, _, _ = in_force()

    def kept() -> int:
        return sum(isinstance(one, CommandSequence) for one in gc.get_objects())

    before = kept()
    with pytest.raises(StaleScheduleError):
        engine.schedule_to_commands(table((7.0, 1.0)), MAP, created_at=at(0))
    gc.collect()
    assert kept() == before


# A plan after another


def test_a_newer_plan_supersedes_rows_that_nobody_has_sent() -> None:
    engine, _, old = in_force()
    new = engine.schedule_to_commands(table((11.0, 5.0), start=9), asset_map=MAP)
    assert [c.status for c in old] == ["PENDING", "SUPERSEDED", "SUPERSEDED"]
    assert old[1].superseded_by == new[0].plan_id
    assert engine.dispatch_command(old[1], Charger()) is False
    assert engine.get_pending_commands(at(8)) == [old[0]]
    assert engine.get_pending_commands(at(9)) == [new[0]]


def test_an_older_row_is_over_once_the_newer_plan_begins() -> None:
    engine, _, old = in_force()
    engine.schedule_to_commands(table((11.0, 5.0), start=9), asset_map=MAP)
    first, charger = old[0], Charger()
    engine.get_pending_commands(at(9))
    assert first.status is CommandStatus.SUPERSEDED
    assert engine.dispatch_command(first, charger) is False
    assert charger.sent == []


def test_a_row_that_was_over_before_the_newer_plan_came_is_expired() -> None:
    engine, _, old = in_force((1.0, 2.0, 3.0))
    engine.get_pending_commands(at(10, 30))
    engine.schedule_to_commands(table((4.0, 5.0, 6.0)), asset_map=MAP)
    assert [c.status for c in old] == ["EXPIRED", "EXPIRED", "SUPERSEDED", "SUPERSEDED"]
    assert old[0].superseded_by is None


def test_superseded_rows_are_told_with_both_ids_to_whoever_asked_for_that() -> None:
    engine, _, old = in_force()
    heard = Heard()
    engine.bus.subscribe(EventType.COMMAND_SUPERSEDED, heard)
    ids = [c.command_id for c in old]
    second = engine.schedule_to_commands(table((11.0, 5.0), start=9), asset_map=MAP)
    told = [(e.payload["command_id"], e.payload["superseded_by"]) for e in heard.events]
    assert told == [(ids[1], second[0].plan_id), (ids[2], second[0].plan_id)]
    heard.events.clear()
    ids = [c.command_id for c in second]
    third = engine.schedule_to_commands(table((6.0, 3.0), start=9), asset_map=MAP)
    told = [(e.payload["command_id"], e.payload["superseded_by"]) for e in heard.events]
    assert told == [(id, third[0].plan_id) for id in ids], "of the first plan, nothing is left"


def test_what_is_under_way_is_left_to_finish() -> None:
    engine, _, old = in_force()
    engine.get_pending_commands(at(8))
    engine.dispatch_command(old[0], Charger(None))
    engine.schedule_to_commands(table((11.0, 5.0)), asset_map=MAP)
    assert old[0].status == "DISPATCHED"
    assert engine.handle_response(old[0], success=True)
    assert old[0].status == "COMPLETED"


def test_a_retry_of_the_older_plan_ends_with_it() -> None:
    engine, heard, old = in_force()
    engine.get_pending_commands(at(8))
    engine.dispatch_command(old[0], Charger(answer=False))
    assert old[0].status == "PENDING"
    new = engine.schedule_to_commands(table((11.0, 5.0)), asset_map=MAP)
    assert old[0].status is CommandStatus.SUPERSEDED
    [event] = heard.of(EventType.COMMAND_SUPERSEDED)
    assert event.payload["superseded_by"] == new[0].plan_id


def test_assets_that_the_new_plan_does_not_name_keep_the_old_one() -> None:
    columns: dict[str, Any] = {"ev_a_kw": [3.0, 3.0], "ev_b_kw": [4.0, 4.0]}
    both = {"a": "asset-a", "b": "asset-b"}
    engine = DispatchEngine()
    engine.schedule_to_commands(table(**columns), asset_map=both)
    engine.schedule_to_commands(table(ev_a_kw=[1.0, 1.0]), asset_map=both)
    pending = {c.asset_id: c.parameters["power_kw"] for c in engine.get_pending_commands(at(8))}
    assert pending == {"asset-a": 1.0, "asset-b": 4.0}


def test_a_plan_for_the_whole_site_lets_the_others_go() -> None:
    columns: dict[str, Any] = {"ev_a_kw": [3.0, 3.0], "ev_b_kw": [4.0, 4.0]}
    both = {"a": "asset-a", "b": "asset-b"}
    engine = DispatchEngine()
    engine.schedule_to_commands(table(**columns), asset_map=both)
    engine.schedule_to_commands(table(ev_a_kw=[1.0, 1.0]), asset_map=both, replace="site")
    pending = {c.asset_id: c.parameters for c in engine.get_pending_commands(at(8))}
    assert pending["asset-a"] == {"power_kw": 1.0}
    assert pending["asset-b"] == {"power_kw": 0.0, "release": True}


def test_an_older_plan_is_refused_and_the_newer_one_stays() -> None:
    engine, _, _ = in_force()
    newer = engine.schedule_to_commands(table((9.0, 1.0)), MAP, plan_rev=2)
    with pytest.raises(StaleScheduleError, match="rev 1"):
        engine.schedule_to_commands(table((7.0, 1.0)), MAP, plan_rev=1)
    with pytest.raises(StaleScheduleError, match="created"):
        engine.schedule_to_commands(table((7.0, 1.0)), MAP, created_at=at(0))
    assert engine.get_pending_commands(at(8)) == [newer[0]]
    assert newer[0].plan_rev == 2


def test_time_that_is_told_does_not_make_a_plan_older_than_the_clock_said() -> None:
    engine, _, _ = in_force()
    engine.get_pending_commands(at(8))
    assert len(engine.schedule_to_commands(table((9.0, 1.0)), MAP, now=at(8, 30))) == 3


def test_a_plan_may_come_back_after_another_one() -> None:
    engine, _, first = in_force((22.0, 0.0))
    engine.schedule_to_commands(table((9.0, 1.0)), MAP)
    back = engine.schedule_to_commands(table((22.0, 0.0)), MAP)
    assert back[0].plan_id == f"{first[0].plan_id}-2"
    assert back[0].command_id != first[0].command_id
    assert len(engine.schedule_to_commands(table((22.0, 0.0)), MAP)) == 0, "it is in force"


def test_a_plan_id_of_ones_own_is_never_changed() -> None:
    engine, _, _ = in_force()
    engine.schedule_to_commands(table((9.0, 1.0)), MAP, plan_id="monday")
    engine.schedule_to_commands(table((8.0, 1.0)), MAP, plan_id="tuesday")
    with pytest.raises(ScheduleError, match="monday"):
        engine.schedule_to_commands(table((9.0, 1.0)), MAP, plan_id="monday")


def follow(engine: DispatchEngine, power_kw: float) -> None:
    """Let the bay follow a plan's first value."""
    engine.schedule_to_commands(table((power_kw, power_kw, power_kw)), MAP)
    [command] = engine.get_pending_commands(at(8))
    engine.dispatch_command(command, Charger())


def test_a_value_in_force_is_not_said_again() -> None:
    engine, _ = engine_with_ears()
    follow(engine, 22.0)
    commands = engine.schedule_to_commands(table((22.0, 22.0, 7.0)), MAP, now=at(8, 10))
    assert power(commands) == [(10, 7.0), (11, 0.0)]
    assert engine.get_pending_commands(at(8, 20)) == []


def test_a_value_in_force_counts_only_for_the_present() -> None:
    engine, _ = engine_with_ears()
    follow(engine, 22.0)
    commands = engine.schedule_to_commands(table((22.0, 7.0), start=10), MAP, now=at(8, 10))
    assert power(commands)[0] == (10, 22.0), "who knows what it follows by then"


def test_a_device_that_stops_to_follow_is_told_anew() -> None:
    engine, _ = engine_with_ears()
    follow(engine, 22.0)  # Until 11:00, when that plan ends.
    engine.schedule_to_commands(table((22.0, 22.0, 22.0, 22.0, 7.0)), MAP, now=at(8, 10))
    assert engine.get_pending_commands(at(10, 59)) == []
    [command] = engine.get_pending_commands(at(11))
    assert command.parameters == {"power_kw": 22.0}


def test_what_a_site_file_says_of_an_asset_is_respected(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(SITE)
    engine = DispatchEngine(site=file)
    commands = engine.schedule_to_commands(table((10.0, 11.0, 14.0)), asset_map=MAP)
    assert power(commands) == [(8, 10.0), (10, 14.0), (11, 1.5)]
    with pytest.raises(ValueError, match="depot"):
        DispatchEngine(site=file, config=CoordinatorConfig(site_id="elsewhere"))


def test_a_plan_that_is_over_and_has_no_successor_is_an_alarm_once() -> None:
    engine, heard, _ = in_force()
    engine.get_pending_commands(at(12, 59))
    assert heard.of(EventType.SCHEDULE_EXPIRED) == []
    engine.get_pending_commands(at(13))
    engine.get_pending_commands(at(14))
    [event] = heard.of(EventType.SCHEDULE_EXPIRED)
    assert event.payload["assets"] == (BAY,)


def test_a_plan_that_has_a_successor_ends_without_an_alarm() -> None:
    engine, heard, _ = in_force()
    engine.schedule_to_commands(table((5.0,) * 12), asset_map=MAP)
    engine.get_pending_commands(at(14))
    assert heard.of(EventType.SCHEDULE_EXPIRED) == []


def test_rows_whose_vehicle_left_are_cancelled() -> None:
    engine, _, commands = in_force((22.0, 11.0, 5.0))
    held = list(commands)
    [first] = engine.get_pending_commands(at(8))
    engine.dispatch_command(first, Charger())
    engine.vehicle_unplugged(BAY)
    assert [c.status for c in held] == ["COMPLETED", "CANCELLED", "CANCELLED", "PENDING"]
    [stop] = engine.get_pending_commands(at(8))
    assert (stop.parameters, stop.reason) == ({"power_kw": 0.0}, "unplugged")
    assert engine.dispatch_command(held[1], Charger()) is False


def test_the_configuration_tells_how_hard_plans_are_tried() -> None:
    config = CoordinatorConfig(max_retries=1, command_timeout_seconds=7.0)
    _, _, commands = in_force(config=config)
    assert (commands[0].max_retries, commands[0].timeout_seconds) == (1, 7.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"site_id": ""},
        {"dispatch_interval_seconds": 0.0},
        {"command_timeout_seconds": -1.0},
        {"max_retries": -1},
        {"max_retries": 1.5},
        {"retry_backoff_factor": 0.5},
        {"stale_state_seconds": float("nan")},
    ],
)
def test_a_configuration_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CoordinatorConfig(**wrong)


def test_a_row_of_a_plan_can_be_cancelled_by_another_plan_only() -> None:
    engine, _, commands = in_force()
    with pytest.raises(DispatchError, match="not known"):
        engine.cancel(commands[1])
