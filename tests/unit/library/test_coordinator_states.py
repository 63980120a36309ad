"""What assets are said to be doing: state machines, and how the engine takes them."""

from pathlib import Path

import pytest

from pointsman.coordinator import (
    DispatchEngine,
    EventType,
    InvalidTransition,
    StateMachine,
    create_battery_state_machine,
    create_ev_charger_state_machine,
)
from pointsman.core.assets import AssetKind
from tests.unit.library.coordination import BAY, Charger, at, engine_with_ears, in_force

EV_TRIGGERS = {
    "plug_in",
    "start_charge",
    "suspend",
    "resume",
    "complete",
    "unplug",
    "fault",
    "reset",
    "disable",
    "enable",
}
BATTERY_TRIGGERS = {"charge", "discharge", "stop", "fault", "reset", "disable", "enable"}


@pytest.mark.parametrize(
    ("machine", "states", "triggers"),
    [
        (create_ev_charger_state_machine(), 7, EV_TRIGGERS),
        (create_battery_state_machine(), 5, BATTERY_TRIGGERS),
    ],
)
def test_a_machine_has_the_documented_states_and_triggers(
    machine: StateMachine, states: int, triggers: set[str]
) -> None:
    assert len(machine.states) == states
    assert {t for row in machine.moves.values() for t in row} == triggers
    assert {s for row in machine.moves.values() for s in row.values()} <= set(machine.states)
    assert all(machine.moves[s]["fault"] == "FAULTED" for s in machine.states if s != "FAULTED")


def test_a_car_comes_charges_and_goes() -> None:
    machine = create_ev_charger_state_machine()
    triggers = ["plug_in", "start_charge", "suspend", "resume", "complete", "unplug"]
    states = ["PREPARING", "CHARGING", "SUSPENDED", "CHARGING", "FINISHING", "AVAILABLE"]
    assert [machine.trigger(t) for t in triggers] == states
    assert [(step.before, step.trigger, step.after) for step in machine.history][:2] == [
        ("AVAILABLE", "plug_in", "PREPARING"),
        ("PREPARING", "start_charge", "CHARGING"),
    ]


def test_a_battery_turns_from_charge_to_discharge_directly() -> None:
    machine = create_battery_state_machine()
    triggers = ["charge", "discharge", "charge", "stop", "fault", "reset", "disable", "enable"]
    assert [machine.trigger(t) for t in triggers] == [
        *("CHARGING", "DISCHARGING", "CHARGING", "IDLE"),
        *("FAULTED", "IDLE", "UNAVAILABLE", "IDLE"),
    ]


def test_a_step_that_the_table_does_not_have_changes_nothing() -> None:
    machine = create_ev_charger_state_machine()
    with pytest.raises(InvalidTransition, match="'start_charge' does not fit AVAILABLE") as wrong:
        machine.trigger("start_charge")
    assert (wrong.value.current_state, wrong.value.trigger) == ("AVAILABLE", "start_charge")
    assert wrong.value.valid_triggers == machine.valid_triggers == ("plug_in", "fault", "disable")
    assert (machine.state, machine.history) == ("AVAILABLE", [])
    with pytest.raises(ValueError, match="no state"):
        create_battery_state_machine("CHARGED")


def test_a_reported_state_is_an_event_once() -> None:
    engine, heard = engine_with_ears()
    engine.state_machines[BAY] = create_ev_charger_state_machine()
    engine.report_state(BAY, "plug_in")
    engine.report_state(BAY, "charging", "the device says so")
    engine.report_state(BAY, "charging")
    told = [(e.payload["state"], e.payload["previous"], e.payload["reason"]) for e in heard.events]
    assert told == [
        ("PREPARING", "AVAILABLE", ""),
        ("CHARGING", "PREPARING", "the device says so"),
    ]
    assert set(heard.types) == {EventType.STATE_CHANGED}
    assert engine.asset_state(BAY) == "CHARGING"
    assert engine.asset_state("nobody") is None


def test_a_wrong_report_changes_nothing() -> None:
    engine, heard = engine_with_ears()
    engine.state_machines[BAY] = create_ev_charger_state_machine()
    with pytest.raises(InvalidTransition):
        engine.report_state(BAY, "resume")
    with pytest.raises(ValueError, match="SLEEPING"):
        engine.report_state(BAY, "sleeping")
    assert (heard.events, engine.state_is_stale(BAY)) == ([], True)


def test_nobody_guesses_what_an_asset_is(tmp_path: Path) -> None:
    engine = DispatchEngine()
    with pytest.raises(LookupError, match="no site tells"):
        engine.report_state(BAY, "plug_in")
    assert engine.report_state(BAY, "plug_in", kind=AssetKind.EV_CHARGER).state == "PREPARING"
    file = tmp_path / "site.toml"
    file.write_text('[site]\nid = "a"\n[[asset]]\nid = "batt"\nkind = "battery"\n')
    assert DispatchEngine(site=file).report_state("batt", "charge").state == "CHARGING"


def test_a_report_grows_old() -> None:
    engine = DispatchEngine()
    engine.get_pending_commands(at(8))
    assert engine.state_is_stale(BAY)
    engine.report_state(BAY, "plug_in", kind=AssetKind.EV_CHARGER)
    engine.get_pending_commands(at(8, 0, 59))
    assert not engine.state_is_stale(BAY)
    engine.get_pending_commands(at(8, 1))
    assert engine.state_is_stale(BAY)


@pytest.mark.parametrize("way", [["unplug"], ["fault", "available"], ["disable", "enable"]])
def test_a_car_that_leaves_ends_what_was_planned_for_it(way: list[str]) -> None:
    engine, _, commands = in_force((22.0, 11.0, 5.0))
    held = list(commands)
    engine.get_pending_commands(at(8))
    engine.report_state(BAY, "plug_in", kind=AssetKind.EV_CHARGER)
    engine.dispatch_command(held[0], Charger())
    for step in way:
        assert held[1].status == "PENDING"
        engine.report_state(BAY, step)
    assert held[1].status == "CANCELLED"
