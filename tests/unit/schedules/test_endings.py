"""How a command ends: a no, silence, a yes that comes late; and what is safe then."""

from datetime import timedelta

import pytest

from pointsman.core.entity import Rejected, Wake
from pointsman.schedules.desk import in_force_kw
from pointsman.schedules.endings import backoff
from pointsman.schedules.facts import (
    Added,
    Completed,
    Expired,
    Failed,
    Superseded,
    TimedOut,
)
from pointsman.schedules.intents import (
    Answer,
    Cancel,
    CheckTimeouts,
    Submit,
)
from pointsman.schedules.lifecycle import decide
from pointsman.schedules.model import (
    Channel,
    CommandStatus,
    CommandType,
    Policy,
    Progress,
    Source,
)
from tests.unit.schedules.given import (
    BAY,
    ask,
    at,
    hand_made,
    kinds,
    no,
    only,
    sent,
    simple,
    wake,
    yes,
)


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


def test_a_doubt_stays_until_somebody_has_read_back() -> None:
    """A refusal of the second try tells nothing of what became of the first."""
    site = simple()
    sent(site, at(8))
    ask(site, Wake(), at(8, 0, 30))
    second = sent(site, at(8, 1))
    again = only(ask(site, no(second, error="busy"), at(8, 1)))
    assert again.progress.doubtful


def test_what_timed_out_stays_in_doubt_so_that_somebody_looks() -> None:
    site = simple({3: 1.0})
    ask(site, Submit(hand_made(policy=Policy(max_retries=0))), at(8))
    sent(site, at(8))
    [fact] = ask(site, Wake(), at(8, 0, 30))
    assert isinstance(fact, TimedOut)
    assert fact.command.progress.doubtful


def test_after_a_command_whose_time_is_over_the_next_row_is_safe_enough() -> None:
    site = simple({0: 22.0, 1: 11.0, 3: 0.0}, safe_default_kw=4.0)
    last = sent(site, at(8))
    assert kinds(ask(site, no(last, permanent=True), at(9))) == [Failed]


def test_pauses_of_different_commands_differ_a_little() -> None:
    """Else all chargers of a site would come back at one instant, again and again."""
    pauses = {
        backoff(hand_made(f"cmd_{n}", progress=Progress(attempt=1))).total_seconds()
        for n in range(100)
    }
    assert len(pauses) == 100
    assert 1.8 <= min(pauses) < 1.85
    assert 2.15 < max(pauses) <= 2.2


# late answers


def test_a_yes_ends_all_doubt() -> None:
    site = simple()
    sent(site, at(8))
    ask(site, Wake(), at(8, 0, 30))
    done = only(ask(site, yes(sent(site, at(8, 1))), at(8, 1)))
    assert not done.progress.doubtful


def test_a_late_yes_is_too_late_once_the_time_of_its_command_is_over() -> None:
    site = simple({3: 1.0})
    hasty = hand_made(policy=Policy(max_retries=0), expires_at=at(8, 1))
    ask(site, Submit(hasty), at(7))
    command = sent(site, at(8))
    assert kinds(ask(site, Wake(), at(8, 0, 30))) == [TimedOut]
    assert kinds(decide(site, yes(command), at(8, 0, 59))) == [Completed]
    with pytest.raises(Rejected, match="is TIMED_OUT"):
        decide(site, yes(command), at(8, 1))


def test_a_late_yes_leaves_a_safe_value_alone_that_was_cancelled() -> None:
    site = simple({0: 22.0, 3: 0.0}, safe_default_kw=4.0)
    for minute in range(4):
        command = sent(site, at(8, minute))
        facts = ask(site, CheckTimeouts(), at(8, minute, 30))
    safe = facts[-1]
    assert isinstance(safe, Added)
    ask(site, Cancel(safe.command.id), at(8, 3, 30))
    assert kinds(ask(site, yes(command), at(8, 3, 31))) == [Completed]


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
