"""Which command a row of a timeline is."""

from pointsman.schedules.model import (
    Channel,
    CommandType,
    Mark,
)
from pointsman.schedules.rows import command_of
from pointsman.schedules.site import Site
from tests.unit.schedules.given import (
    BAY,
    at,
    plan,
    sent,
    simple,
    timeline,
)


def test_a_zero_keeps_the_type_of_the_command_before_it() -> None:
    morning = plan()
    rows = timeline(morning, {0: 0.0, 1: -4.0, 2: 0.0})
    types = [command_of(morning, rows, row).type for row in range(4)]
    charge, discharge = CommandType.SET_CHARGE_RATE, CommandType.SET_DISCHARGE_RATE
    assert types == [charge, discharge, discharge, charge]


def test_a_charger_that_takes_zero_badly_is_stopped_and_started() -> None:
    morning = plan()
    rows = timeline(morning, {0: 6.0, 1: 0.0, 2: 7.0}, stop_at_zero=True)
    commands = [command_of(morning, rows, row) for row in range(3)]
    assert [c.type for c in commands] == [
        CommandType.SET_CHARGE_RATE,
        CommandType.STOP_CHARGING,
        CommandType.START_CHARGING,
    ]
    assert commands[2].power_kw == 7.0
    assert {c.channel for c in commands} == {Channel.POWER}


def test_ids_are_lengthened_where_two_commands_would_share_one() -> None:
    morning = plan()
    row = command_of(morning, timeline(morning, {0: 1.0}), 0)
    longer = command_of(morning, timeline(morning, {0: 1.0}), 0, taken={row.id})
    assert longer.id.startswith(row.id)
    assert len(longer.id) == len(row.id) + 1


def test_a_rounded_value_says_so_and_what_was_asked_for() -> None:
    site = simple({0: 1.0}, marks={0: Mark.MINIMUM}, requested={0: 0.4})
    assert (sent(site, at(8)).reason, sent_kw(site)) == ("minimum", 0.4)


def sent_kw(site: Site) -> float | None:
    flying = site.desk(BAY).in_flight
    return flying.requested_kw if flying else None
