"""A command is handed out ahead of its time, so that it is durable when its time comes."""

from datetime import datetime

from pointsman.core.entity import Wake
from pointsman.core.values import replace
from pointsman.schedules.facts import Dispatched, Expired, Requeued, Superseded, Unplugged
from pointsman.schedules.intents import Open, Submit, Unplug
from pointsman.schedules.lifecycle import decide, due
from pointsman.schedules.model import Run
from pointsman.schedules.site import Site
from tests.unit.schedules.given import ask, at, hand_made, kinds, only, sent, simple, yes

AHEAD = Run(1, 1.0, dry_run=False, started_at=at(7), ahead_seconds=8.0)


def ahead() -> Site:
    """Rows at 8 and 9. Commands are handed out 8 seconds ahead, or up to 9."""
    site = simple({0: 22.0, 1: 11.0})
    ask(site, Open(AHEAD), at(7))
    return site


def test_a_row_is_handed_out_ahead_and_says_when_to_send_it() -> None:
    site = ahead()
    assert due(site) == at(7, 59, 52)
    command = sent(site, at(7, 59, 52))
    assert command.scheduled_at == command.progress.dispatched_at == at(8)


def test_so_is_a_command_made_by_hand() -> None:
    site = ahead()
    ask(site, Submit(hand_made(asset="bay-2", scheduled_at=at(7, 30))), at(7))
    assert due(site) == at(7, 29, 52)
    assert sent(site, at(7, 29, 52)).progress.dispatched_at == at(7, 30)


def test_nothing_is_handed_out_sooner() -> None:
    assert decide(ahead(), Wake(), at(7, 59, 50.9)) == []


def test_what_is_due_at_about_one_time_shares_a_look() -> None:
    site = ahead()
    for second in (0.9, 1.1):
        id, asset = f"cmd_{second}", f"bay-{second}"
        ask(site, Submit(hand_made(id, asset, scheduled_at=at(8, 0, second))), at(7))
    facts = decide(site, Wake(), at(7, 59, 52))
    assert {f.command.asset_id for f in facts} == {"bay-1", "bay-0.9"}  # type: ignore[union-attr]


def test_what_is_late_already_is_to_be_sent_now() -> None:
    assert sent(ahead(), at(8, 10)).progress.dispatched_at == at(8, 10)


def test_a_row_that_waited_too_long_makes_room_for_the_next_one_ahead_of_it() -> None:
    assert sent(ahead(), at(8, 59, 52)).power_kw == 11.0


def test_a_command_is_not_over_ahead_of_its_time() -> None:
    site = ahead()
    late = hand_made(asset="bay-2", scheduled_at=at(7, 10), expires_at=at(7, 30))
    ask(site, Submit(late), at(7, 20))
    assert kinds(decide(site, Wake(), at(7, 29, 59))) == [Dispatched]
    assert kinds(decide(site, Wake(), at(7, 30))) == [Expired]


def test_silence_is_found_when_it_has_lasted_and_not_ahead() -> None:
    site = ahead()
    sent(site, at(7, 59, 52))
    assert due(site) == at(8, 0, 30)
    assert decide(site, Wake(), at(8, 0, 29)) == []
    assert kinds(decide(site, Wake(), at(8, 0, 30))) == [Requeued]


def test_another_try_is_handed_out_ahead_of_its_time_too() -> None:
    site = ahead()
    sent(site, at(7, 59, 52))
    again_at = only(ask(site, Wake(), at(8, 0, 30))).progress.not_before
    assert again_at is not None
    assert again_at >= at(8, 0, 32)
    assert sent(site, at(8, 0, 30)).progress.dispatched_at == again_at


def test_every_alarm_has_something_to_do_though_rows_are_cancelled() -> None:
    site = simple({0: 22.0, 1: 11.0, 2: 7.0}, vehicles={0: "ev-1"})
    ask(site, Open(AHEAD), at(7))
    ask(site, yes(sent(site, at(7, 59, 52))), at(8))
    assert kinds(ask(site, Unplug("bay-1"), at(8, 30)))[0] is Unplugged
    alarms: list[datetime] = []
    while (alarm := due(site)) is not None and len(alarms) < 20:
        facts = ask(site, Wake(), alarm)
        assert facts, f"nothing to do at {alarm}"
        for fact in facts:
            if isinstance(fact, Dispatched):
                ask(site, yes(fact.command), alarm)
        alarms.append(alarm)
    assert at(11, 59, 52) in alarms


def test_a_newer_setpoint_that_is_due_soon_replaces_one_that_was_late() -> None:
    site = ahead()
    old = hand_made("cmd_old", "bay-2", scheduled_at=at(7, 10))
    new = hand_made("cmd_new", "bay-2", scheduled_at=at(7, 30), power_kw=7.0)
    ask(site, Submit(old), at(7, 20))
    ask(site, Submit(new), at(7, 20))
    assert kinds(ask(site, Wake(), at(7, 29, 52))) == [Superseded]
    assert sent(site, at(7, 29, 52)).id == "cmd_new"


def test_a_run_that_hands_out_on_time_sets_every_alarm_back() -> None:
    site = ahead()
    ask(site, Open(replace(AHEAD, number=2, ahead_seconds=0.0)), at(7))
    assert due(site) == at(8)
    assert decide(site, Wake(), at(7, 59, 59)) == []
