"""What is due at a site: which of several commands goes out, and what becomes of the others."""

from datetime import timedelta
from typing import Any

from pointsman.core.entity import Wake
from pointsman.schedules.facts import Added, Dispatched, Expired, Superseded
from pointsman.schedules.intents import Acknowledge, Submit, Unplug
from pointsman.schedules.model import Channel, CommandType
from pointsman.schedules.site import Site
from tests.unit.schedules.given import (
    BAY,
    ask,
    at,
    carried_out,
    hand_made,
    no,
    plan,
    simple,
    timeline,
    wake,
    yes,
)


def told(site: Site, hour: int, minute: int = 0) -> list[float | None]:
    """The powers that go out until nothing is due any more, each answered with yes."""
    powers: list[float | None] = []
    while flying := [f.command for f in wake(site, at(hour, minute)) if isinstance(f, Dispatched)]:
        for command in flying:
            powers.append(command.power_kw)
            ask(site, yes(command), at(hour, minute))
    return powers


def by_hand(id: str, hour: int, minute: int, power_kw: float, **also: Any) -> Submit:  # noqa: ANN401
    return Submit(hand_made(id, scheduled_at=at(hour, minute), power_kw=power_kw, **also))


def test_after_an_outage_an_older_row_does_not_undo_what_was_asked_for_since() -> None:
    """Without the outage the row would have been sent first, and the hand-made one after it."""
    site = simple({0: 22.0, 3: 0.0})
    ask(site, by_hand("cmd_since", 8, 30, 5.0), at(7))
    assert told(site, 8, 40) == [5.0]
    [row] = [c for c in site.commands.values() if c.row == 0]
    assert row.progress.superseded_by == "cmd_since"
    assert told(site, 11) == [0.0], "the next row is newer"


def test_a_row_of_a_plan_that_came_later_is_newer_than_what_was_asked_for_before() -> None:
    site = simple({0: 22.0})
    newer = plan("newer", created_at=at(8, 45), activated_at=at(8, 45))
    ask(site, by_hand("cmd_before", 8, 30, 5.0), at(7))
    carried_out(timeline(newer, {0: 11.0}), plan=newer, site=site)
    assert told(site, 8, 50) == [11.0], "though its slot began before"


def test_what_is_due_at_the_instant_of_a_row_gives_way_to_it() -> None:
    site = simple({0: 22.0})
    ask(site, by_hand("cmd_same", 8, 0, 5.0), at(7))
    assert told(site, 8) == [22.0]


def test_what_is_over_replaces_nothing() -> None:
    site = simple({3: 1.0})
    ask(site, by_hand("cmd_stays", 8, 0, 5.0), at(7))
    ask(site, by_hand("cmd_over", 8, 30, 9.0, expires_at=at(8, 35)), at(7))
    facts = wake(site, at(8, 40))
    assert [type(f) for f in facts] == [Expired, Dispatched]
    assert [f.command.id for f in facts] == ["cmd_over", "cmd_stays"]  # type: ignore[union-attr]


def test_commands_of_different_channels_replace_each_other_never() -> None:
    site = simple({3: 1.0})
    ask(site, by_hand("cmd_rate", 8, 0, 5.0), at(7))
    ask(site, by_hand("cmd_limit", 8, 30, 9.0, type=CommandType.SET_POWER_LIMIT), at(7))
    assert told(site, 8, 40) == [5.0, 9.0]


def test_after_an_outage_less_power_still_goes_first() -> None:
    """Else a limit that all share would be passed, for the increase has been due for longer."""
    both = plan(assets=("bay-1", "bay-2"))
    rows = {"bay-1": {0: 2.0, 1: 20.0}, "bay-2": {0: 20.0, 2: 2.0}}
    site = carried_out(*[timeline(both, r, a) for a, r in rows.items()], plan=both)
    assert told(site, 8) == [2.0, 20.0]
    assert told(site, 10) == [2.0, 20.0]
    assert [c.asset_id for c in site.commands.values()][-2:] == ["bay-2", "bay-1"]


def test_a_vehicle_that_left_ends_none_of_the_chargers_limits() -> None:
    morning = plan()
    power = timeline(morning, {0: 22.0, 1: 11.0, 2: 7.0}, vehicles={0: "a", 2: "b"})
    limit = timeline(morning, {0: 30.0, 1: 20.0, 2: 10.0}, channel=Channel.LIMIT)
    site = carried_out(power, limit, plan=morning)
    assert told(site, 8) == [30.0, 22.0]
    ask(site, Unplug(BAY), at(8, 30))
    assert told(site, 8, 30) == [0.0]
    assert told(site, 9) == [20.0], "only the power was the vehicle's"
    assert set(told(site, 10)) == {7.0, 10.0}


def test_a_try_of_a_plan_that_was_replaced_while_it_was_under_way_is_the_last() -> None:
    """Though the row that took its place began before it."""
    site = simple({0: 22.0, 1: 11.0, 3: 0.0})
    assert told(site, 8) == [22.0]
    [sent] = wake(site, at(9))
    assert isinstance(sent, Dispatched)
    newer = plan("newer", created_at=at(9), activated_at=at(9))
    carried_out(timeline(newer, {0: 5.0}), plan=newer, site=site)
    ask(site, no(sent.command), at(9, 0, 1))
    assert told(site, 9, 1) == [5.0]
    assert site.commands[sent.command.id].progress.superseded_by == "newer"


def test_a_try_that_failed_gives_way_to_an_equal_that_came_after_it() -> None:
    site = simple({3: 1.0})
    ask(site, by_hand("cmd_first", 8, 0, 5.0), at(7))
    [first] = wake(site, at(8))
    assert isinstance(first, Dispatched)
    ask(site, by_hand("cmd_second", 8, 0, 6.0), at(8))
    ask(site, no(first.command), at(8))
    assert told(site, 8) == [6.0]
    assert told(site, 8, 1) == []
    assert site.commands["cmd_first"].progress.superseded_by == "cmd_second"


def test_the_urgent_of_an_asset_goes_before_what_has_been_due_for_longer() -> None:
    site = simple({3: 1.0})
    ask(site, by_hand("cmd_long", 8, 0, 5.0), at(7))
    limit = CommandType.SET_POWER_LIMIT
    ask(site, by_hand("cmd_urgent", 8, 30, 9.0, type=limit, priority=2), at(7))
    assert told(site, 8, 40) == [9.0, 5.0]


def test_silence_is_judged_command_by_command() -> None:
    """A promise is over, while what was sent just now may still be answered."""
    site = simple({3: 1.0})
    later = {"type": CommandType.CHANGE_AVAILABILITY, "expires_at": at(9)}
    ask(site, by_hand("cmd_later", 8, 0, 0.0, **later), at(7))
    [promise] = wake(site, at(8))
    assert isinstance(promise, Dispatched)
    ask(site, Acknowledge("cmd_later", 1, patient=True), at(8))
    ask(site, by_hand("cmd_now", 8, 59, 5.0), at(8))
    flying = [f.command.id for f in wake(site, at(8, 59)) if isinstance(f, Dispatched)]
    assert flying == ["cmd_now"]
    assert site.look(BAY).due(0, timedelta()) == at(8, 59, 30)
    ask(site, Acknowledge("cmd_now", 1, patient=True), at(8, 59))
    assert [f.command.id for f in ask(site, Wake(), at(9))] == ["cmd_later"]  # type: ignore[union-attr]


def test_of_equals_on_two_channels_the_same_goes_first_after_every_restart() -> None:
    morning = plan()
    rows = [timeline(morning, {0: 9.0}, channel=c) for c in (Channel.LIMIT, Channel.POWER)]
    first = [wake(carried_out(*order, plan=morning), at(8)) for order in (rows, rows[::-1])]
    assert first[0] == first[1]


def test_what_is_safe_is_not_sent_over_a_newer_plan() -> None:
    site = simple({0: 22.0, 3: 0.0}, safe_default_kw=4.0)
    [sent] = wake(site, at(8))
    assert isinstance(sent, Dispatched)
    _, safe = ask(site, no(sent.command, permanent=True), at(8, 1))
    assert isinstance(safe, Added)
    newer = plan("newer", created_at=at(8, 2), activated_at=at(8, 2))
    carried_out(timeline(newer, {0: 9.0}), plan=newer, site=site)
    facts = wake(site, at(8, 2))
    assert [type(f) for f in facts] == [Superseded, Dispatched]
    assert facts[-1].command.power_kw == 9.0  # type: ignore[union-attr]
