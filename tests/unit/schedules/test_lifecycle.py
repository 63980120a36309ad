"""The drawing in `lifecycle`, arrow by arrow, and what is no arrow."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from pointsman.core.entity import Rejected, Wake
from pointsman.schedules.facts import (
    Acknowledged,
    Added,
    Completed,
    Dispatched,
    Expired,
    Fact,
    Failed,
    Requeued,
    Superseded,
    TimedOut,
)
from pointsman.schedules.intents import (
    Acknowledge,
    Answer,
    CheckTimeouts,
    Dispatch,
    Open,
    Submit,
)
from pointsman.schedules.lifecycle import decide, due
from pointsman.schedules.model import (
    Channel,
    Command,
    CommandStatus,
    CommandType,
    Policy,
    Progress,
    Run,
    Source,
)
from pointsman.schedules.rows import command_of
from pointsman.schedules.site import Site, in_force_kw
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


def only(facts: object) -> Command:
    """The command of the one fact there is."""
    assert isinstance(facts, list)
    [fact] = facts
    command = fact.command
    assert isinstance(command, Command)
    return command


def sent(site: Site, now: datetime) -> Command:
    """The command of the `Dispatched` that a wake at `now` brings."""
    [command] = [f.command for f in wake(site, now) if isinstance(f, Dispatched)]
    return command


def kinds(facts: object) -> list[type[Fact]]:
    assert isinstance(facts, list)
    return [type(fact) for fact in facts]


# pending -> dispatched


def test_a_row_is_sent_when_it_is_due_and_not_before() -> None:
    site = simple()
    assert decide(site, Wake(), at(7, 59, 59)) == []
    command = sent(site, at(8))
    assert (command.type, command.power_kw, command.scheduled_at) == (
        CommandType.SET_CHARGE_RATE,
        22.0,
        at(8),
    )
    assert command.expires_at == at(11), "the next command's time"
    assert command.progress.attempt == 1


def test_a_hand_made_command_is_sent_when_it_is_due() -> None:
    site = simple({3: 1.0})
    ask(site, Submit(hand_made(scheduled_at=at(9))), at(8))
    assert due(site) == at(9)
    assert sent(site, at(9)).id == "cmd_by_hand"


def test_one_command_at_a_time_is_sent_to_an_asset() -> None:
    site = simple()
    first = sent(site, at(8))
    ask(site, Submit(hand_made(type=CommandType.START_CHARGING, power_kw=None)), at(8))
    assert wake(site, at(8)) == []
    ask(site, yes(first), at(8))
    assert sent(site, at(8)).type is CommandType.START_CHARGING


def test_less_power_is_sent_before_more_so_that_a_shared_limit_holds() -> None:
    morning = plan(assets=("bay-1", "bay-2", "bay-3"))
    rows = {"bay-1": {0: 5.0, 1: 9.0}, "bay-2": {0: 5.0, 1: 2.0}, "bay-3": {0: -5.0, 1: -8.0}}
    site = carried_out(*[timeline(morning, r, a) for a, r in rows.items()], plan=morning)
    for fact in wake(site, at(8)):
        assert isinstance(fact, Dispatched)
        ask(site, yes(fact.command), at(8))
    order = [f.command.asset_id for f in wake(site, at(9)) if isinstance(f, Dispatched)]
    assert order == ["bay-2", "bay-3", "bay-1"]


def test_equals_go_as_the_table_has_them() -> None:
    morning = plan(assets=("zebra", "apple"))
    rows = [timeline(morning, {0: 5.0}, asset) for asset in morning.assets]
    site = carried_out(*rows, plan=morning)
    sends = [f.command.asset_id for f in wake(site, at(8)) if isinstance(f, Dispatched)]
    assert sends == ["zebra", "apple"]


def test_the_urgent_goes_first() -> None:
    site = simple({3: 1.0})
    for n, priority in enumerate((1, 5, 3)):
        command = hand_made(f"cmd_{n}", f"asset-{n}", priority=priority)
        ask(site, Submit(command), at(8))
    assert [f.command.priority for f in ask(site, Wake(), at(8))] == [5, 3, 1]  # type: ignore[union-attr]


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


# its end, well


def test_a_yes_completes_and_is_in_force_until_its_time_is_over() -> None:
    site = simple()
    command = sent(site, at(8))
    done = only(ask(site, yes(command, applied_kw=21.9), at(8, 0, 1)))
    assert done.progress.status is CommandStatus.COMPLETED
    assert done.progress.applied_kw == 21.9
    assert in_force_kw(site.desk(BAY), Channel.POWER, at(10, 59)) == 22.0
    assert in_force_kw(site.desk(BAY), Channel.POWER, at(11)) is None


def test_an_acknowledgement_is_not_the_end() -> None:
    site = simple()
    command = sent(site, at(8))
    assert kinds(ask(site, Acknowledge(command.id, 1), at(8))) == [Acknowledged]
    assert ask(site, Acknowledge(command.id, 1), at(8)) == []
    assert due(site) == at(8, 0, 30), "silence still ends it"
    assert kinds(ask(site, yes(command), at(8))) == [Completed]


def test_a_device_that_will_act_when_it_can_is_waited_for() -> None:
    site = simple({3: 1.0})
    ask(site, Submit(hand_made(type=CommandType.CHANGE_AVAILABILITY, power_kw=None)), at(8))
    command = sent(site, at(8))
    ask(site, Acknowledge(command.id, 1, patient=True), at(8))
    assert wake(site, at(10, 59)) == []
    assert kinds(ask(site, yes(command), at(11))) == [Completed]


AVAILABILITY: dict[str, Any] = {"type": CommandType.CHANGE_AVAILABILITY, "power_kw": None}


def promised(site: Site) -> Command:
    """A change of availability that its charger will carry out when the car has left."""
    ask(site, Submit(hand_made("cmd_later", **AVAILABILITY)), at(7))
    command = sent(site, at(8))
    return only(ask(site, Acknowledge(command.id, 1, patient=True), at(8)))


def test_what_a_device_will_do_when_it_can_keeps_nothing_else_waiting() -> None:
    site = simple({1: 22.0, 3: 0.0})
    promise = promised(site)
    row = sent(site, at(9))
    assert row.power_kw == 22.0, "else a car would charge unplanned for hours"
    ask(site, yes(row), at(9))
    assert kinds(ask(site, yes(promise), at(10))) == [Completed]


def test_a_newer_command_replaces_what_a_device_will_do_when_it_can() -> None:
    site = simple({3: 1.0})
    promise = promised(site)
    ask(site, Submit(hand_made("cmd_undo", scheduled_at=at(8, 10), **AVAILABILITY)), at(8))
    facts = wake(site, at(8, 10))
    assert kinds(facts) == [Dispatched, Superseded]
    assert site.commands[promise.id].progress.superseded_by == "cmd_undo"
    with pytest.raises(Rejected, match="is SUPERSEDED"):
        decide(site, yes(promise), at(8, 11))


def test_a_newer_command_that_is_handed_out_does_so_too() -> None:
    site = simple({3: 1.0})
    promised(site)
    facts = ask(
        site, Dispatch(hand_made("cmd_undo", scheduled_at=at(8, 10), **AVAILABILITY)), at(9)
    )
    assert kinds(facts) == [Dispatched, Superseded]


def test_what_a_device_will_do_when_it_can_ends_with_its_time() -> None:
    site = simple({3: 1.0})
    ask(site, Submit(hand_made("cmd_later", expires_at=at(9), **AVAILABILITY)), at(7))
    ask(site, Acknowledge(sent(site, at(8)).id, 1, patient=True), at(8))
    assert wake(site, at(8, 59, 59)) == []
    assert kinds(wake(site, at(9))) == [Requeued, Expired]


def test_a_promise_to_an_earlier_run_is_in_doubt() -> None:
    site = simple({3: 1.0})
    promise = promised(site)
    ask(site, Open(Run(1, 1.0, dry_run=False, started_at=at(8))), at(8, 1))
    [again, once_more] = wake(site, at(8, 1))
    assert isinstance(again, Requeued)
    assert isinstance(once_more, Dispatched)
    assert (once_more.command.id, once_more.command.progress.doubtful) == (promise.id, True)


def test_the_last_row_releases_the_asset_and_never_expires() -> None:
    site = simple({0: 22.0})
    release = sent(site, at(20))
    assert (release.scheduled_at, release.expires_at, release.release) == (at(12), None, True)
    assert release.parameters == {"release": True}


# its end, badly


def test_a_no_is_tried_again_after_a_pause_that_grows() -> None:
    site = simple()
    now, waits = at(8), []
    for attempt in (1, 2, 3):
        command = sent(site, now)
        assert command.progress.attempt == attempt
        again = only(ask(site, no(command, error="busy"), now))
        assert again.progress.status is CommandStatus.PENDING
        assert again.progress.not_before is not None
        waits.append((again.progress.not_before - now).total_seconds())
        now = again.progress.not_before
    assert waits == pytest.approx([2, 4, 8], rel=0.1)
    last = sent(site, now)
    failed = only(ask(site, no(last, error="busy"), now))
    assert (failed.progress.status, failed.progress.error) == (CommandStatus.FAILED, "busy")
    assert {only([f]).id for f in (Failed(failed),)} == {command.id}, "retries keep the id"


def test_a_pause_is_at_most_a_minute_and_never_beyond_the_commands_time() -> None:
    stubborn = Policy(max_retries=20)
    site = simple({3: 1.0})
    ask(site, Submit(hand_made(policy=stubborn, expires_at=at(8, 5))), at(8))
    now = at(8)
    while (command := sent(site, now)).progress.status is CommandStatus.DISPATCHED:
        again = only(ask(site, no(command), now))
        assert again.progress.not_before is not None
        assert again.progress.not_before - now <= timedelta(seconds=60)
        assert again.progress.not_before <= at(8, 5)
        now = again.progress.not_before
        if now == at(8, 5):
            break
    assert kinds(wake(site, now)) == [Expired]


def test_what_cannot_help_is_not_tried_again() -> None:
    site = simple()
    command = sent(site, at(8))
    assert kinds(ask(site, no(command, permanent=True), at(8))) == [Failed]


def test_a_guards_no_rejects_the_command() -> None:
    site = simple()
    refused = only(ask(site, no(sent(site, at(8)), refused=True, error="dry"), at(8)))
    assert refused.progress.status is CommandStatus.REJECTED


def test_silence_is_a_failed_try_and_the_next_one_is_doubtful() -> None:
    site = simple()
    command = sent(site, at(8))
    assert decide(site, Wake(), at(8, 0, 29.9)) == []
    again = only(ask(site, Wake(), at(8, 0, 30)))
    assert again.progress.status is CommandStatus.PENDING
    assert again.progress.doubtful
    assert sent(site, at(8, 1)).progress.doubtful
    assert command.id == again.id


def test_silence_to_the_last_try_times_out() -> None:
    site = simple()
    for minute in range(4):
        sent(site, at(8, minute))
        facts = ask(site, CheckTimeouts(), at(8, minute, 30))
    assert kinds(facts) == [TimedOut]


def test_checking_timeouts_sends_nothing() -> None:
    site = simple()
    assert ask(site, CheckTimeouts(), at(9)) == []


def test_after_a_failure_for_good_the_asset_is_told_what_is_safe() -> None:
    site = simple({0: 22.0, 3: 0.0}, safe_default_kw=4.0)
    facts = ask(site, no(sent(site, at(8)), permanent=True), at(8))
    assert kinds(facts) == [Failed, Added]
    safe = sent(site, at(8))
    assert (safe.power_kw, safe.source, safe.expires_at) == (4.0, Source.SAFETY, at(11))
    assert safe.progress.doubtful, "read back first"
    assert kinds(ask(site, no(safe, permanent=True), at(8))) == [Failed], "and that is all"


def test_what_is_safe_begins_with_a_clean_sheet() -> None:
    site = simple({0: 22.0, 3: 0.0}, safe_default_kw=4.0)
    last = no(sent(site, at(8)), permanent=True, error="broken", lateness_seconds=7.0)
    _, added = ask(site, last, at(8))
    assert isinstance(added, Added)
    assert added.command.progress == Progress(doubtful=True)


def test_where_the_safe_value_itself_failed_it_is_not_told_once_more() -> None:
    site = simple({0: 4.0, 3: 0.0}, safe_default_kw=4.0)
    assert kinds(ask(site, no(sent(site, at(8)), permanent=True), at(8))) == [Failed]


def test_after_the_failure_of_what_sets_no_power_nothing_is_told() -> None:
    site = simple({3: 1.0}, safe_default_kw=4.0)
    ask(site, Submit(hand_made(type=CommandType.CHANGE_AVAILABILITY, power_kw=None)), at(8))
    assert kinds(ask(site, no(sent(site, at(8)), permanent=True), at(8))) == [Failed]


def test_a_safe_value_that_is_negative_is_a_discharge() -> None:
    site = simple({0: 22.0, 3: 0.0}, safe_default_kw=-4.0)
    ask(site, no(sent(site, at(8)), permanent=True), at(8))
    safe = sent(site, at(8))
    assert (safe.type, safe.power_kw) == (CommandType.SET_DISCHARGE_RATE, 4.0)


def test_a_pause_is_computed_whatever_its_growth() -> None:
    site = simple({3: 1.0})
    ask(site, Submit(hand_made(policy=Policy(max_retries=9, backoff_factor=1e300))), at(8))
    for minute in range(5):
        again = only(ask(site, no(sent(site, at(8, 2 * minute))), at(8, 2 * minute)))
    assert again.progress.not_before == at(8, 9), "a minute"


# late answers


def test_a_late_yes_takes_back_what_was_to_be_told_for_safetys_sake() -> None:
    site = simple({0: 22.0, 3: 0.0}, safe_default_kw=4.0)
    for minute in range(4):
        command = sent(site, at(8, minute))
        facts = ask(site, CheckTimeouts(), at(8, minute, 30))
    assert kinds(facts) == [TimedOut, Added]
    assert kinds(ask(site, yes(command), at(8, 3, 31))) == [Completed, Superseded]
    assert wake(site, at(8, 4)) == []
    assert in_force_kw(site.desk(BAY), Channel.POWER, at(8, 4)) == 22.0


def test_a_late_yes_is_too_late_once_the_safe_value_was_sent() -> None:
    site = simple({0: 22.0, 3: 0.0}, safe_default_kw=4.0)
    for minute in range(4):
        command = sent(site, at(8, minute))
        ask(site, CheckTimeouts(), at(8, minute, 30))
    sent(site, at(8, 3, 31))
    with pytest.raises(Rejected, match="is TIMED_OUT"):
        decide(site, yes(command), at(8, 3, 32))


def test_a_late_yes_completes_what_timed_out_if_nothing_newer_was_sent() -> None:
    site = simple()
    command = sent(site, at(8))
    ask(site, Wake(), at(8, 0, 30))
    late = only(ask(site, yes(command), at(8, 0, 31)))
    assert late.progress.late
    assert late.progress.status is CommandStatus.COMPLETED


def test_a_late_yes_to_an_earlier_try_changes_nothing() -> None:
    site = simple()
    first = sent(site, at(8))
    ask(site, Wake(), at(8, 0, 30))
    sent(site, at(8, 1))
    with pytest.raises(Rejected, match=r"try 1 of .* is over: it is DISPATCHED after try 2"):
        decide(site, yes(first), at(8, 1, 1))


def test_a_late_yes_after_its_time_or_after_a_newer_command_changes_nothing() -> None:
    site = simple({0: 22.0, 1: 5.0, 3: 0.0})
    first = sent(site, at(8, 59, 50))
    wake(site, at(9, 0, 20))
    assert site.desk(BAY).in_flight is not None
    with pytest.raises(Rejected, match="is EXPIRED"):
        decide(site, yes(first), at(9, 0, 21))


def test_a_no_after_a_yes_and_an_answer_to_the_unknown_are_rejected() -> None:
    site = simple()
    command = sent(site, at(8))
    ask(site, yes(command), at(8))
    assert decide(site, yes(command), at(8)) == [], "a yes twice is a yes"
    with pytest.raises(Rejected, match="is COMPLETED"):
        decide(site, no(command), at(8))
    with pytest.raises(Rejected, match="cmd_nobody is not known"):
        decide(site, Answer("cmd_nobody", 1, success=True), at(8))
