"""Which command a row of a timeline is."""

from datetime import datetime

import pytest

from pointsman.schedules.model import (
    Channel,
    CommandType,
    Mark,
)
from pointsman.schedules.rows import command_id, command_of, ends_at, idempotency_key, row_at
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


def test_a_row_is_told_on_the_channel_of_its_timeline() -> None:
    morning = plan()
    limit = command_of(morning, timeline(morning, {0: 9.0}, channel=Channel.LIMIT), 0)
    assert (limit.type, limit.power_kw) == (CommandType.SET_POWER_LIMIT, 9.0)
    assert (limit.parameters, limit.signed_kw) == (None, 9.0)
    soc = command_of(morning, timeline(morning, {0: 80.0}, channel=Channel.SOC), 0)
    assert (soc.type, soc.power_kw) == (CommandType.SET_SOC_TARGET, None)
    assert (soc.parameters, soc.signed_kw) == ({"soc_target_percent": 80.0}, None)


def test_an_id_is_the_first_digits_of_the_intention_and_no_other() -> None:
    morning = plan()
    row = command_of(morning, timeline(morning, {0: 5.0, 1: 6.0}), 1)
    key = idempotency_key("morning", BAY, at(9), CommandType.SET_CHARGE_RATE, 6.0)
    assert row.id == f"cmd_{key[:12]}"
    others = [
        idempotency_key("evening", BAY, at(9), CommandType.SET_CHARGE_RATE, 6.0),
        idempotency_key("morning", "bay-2", at(9), CommandType.SET_CHARGE_RATE, 6.0),
        idempotency_key("morning", BAY, at(10), CommandType.SET_CHARGE_RATE, 6.0),
        idempotency_key("morning", BAY, at(9), CommandType.SET_DISCHARGE_RATE, 6.0),
        idempotency_key("morning", BAY, at(9), CommandType.SET_CHARGE_RATE, 7.0),
    ]
    assert len({key, *others}) == 6


def test_where_every_length_of_an_id_is_taken_the_whole_key_is_it() -> None:
    class Everything:
        def __contains__(self, _: object) -> bool:
            return True

    key = "f" * 64
    assert command_id(key, Everything()) == f"cmd_{key}"


@pytest.mark.parametrize(
    ("instant", "row"),
    [
        (at(7, 59), -1),
        (at(8), 0),
        (at(8, 59), 0),
        (at(9), 1),
        (at(10, 59), 1),
        (at(11), 2),
        (at(12, 59), 2),
        (at(13), 3),
        (at(99), 3),
    ],
)
def test_a_row_speaks_until_the_next_and_the_release_for_ever(instant: datetime, row: int) -> None:
    morning = plan()
    held = timeline(morning, {0: 5.0, 1: 6.0, 3: 7.0}, release_offset_seconds=3600.0)
    assert row_at(morning, held, instant) == row
    assert [ends_at(morning, held, n) for n in range(4)] == [at(9), at(11), at(13), None]
