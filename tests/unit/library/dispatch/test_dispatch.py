"""What a dispatch answers of itself: from the clock, or from what it was received for."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from frequenz.client.dispatch.recurrence import Frequency as ClientFrequency
from frequenz.client.dispatch.recurrence import RecurrenceRule, Weekday

from pointsman.dispatches.following import Edge, MissedRuns
from pointsman.dispatches.model import Frequency, Rule
from pointsman.library.dispatch.dispatch import Dispatch, RunningState, handed_out
from pointsman.library.dispatch.translating import client_of
from tests.unit.library.dispatch.given import (
    HOUR,
    NOON,
    Told,
    change,
    dispatch,
    followed,
    told,
    value,
)

SECOND = timedelta(seconds=1)
DAILY = Rule(Frequency.DAILY)


def test_it_is_all_that_the_client_knows() -> None:
    one = dispatch()
    assert Dispatch(one) == one
    assert (int(one.id), one.type, one.selector) == (7, "T", one.target)
    assert (one.deleted, one.running_state_change_synced) == (False, None)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (NOON - SECOND, None),
        (NOON, NOON + HOUR),
        (NOON + HOUR - SECOND, NOON + HOUR),
        (NOON + HOUR, None),
    ],
)
def test_it_runs_from_its_start_on_and_before_its_end(
    now: datetime, until: datetime | None
) -> None:
    one = dispatch(now=now)
    assert (one.started, one.until) == (until is not None, until)
    assert one.running("T") is (RunningState.RUNNING if until else RunningState.STOPPED)
    assert one.running("other") is RunningState.DIFFERENT_TYPE


def test_what_is_inactive_or_deleted_does_not_run() -> None:
    for one in (dispatch(active=False), dispatch(deleted=True)):
        assert (one.started, one.started_at(NOON), one.until) == (False, False, None)
        assert one.running("T") is RunningState.STOPPED


def test_without_a_duration_it_runs_for_ever_and_has_no_end() -> None:
    one = dispatch(now=NOON + timedelta(days=900), duration_seconds=None)
    assert (one.started, one.until) == (True, None)


def test_what_recurs_runs_each_time() -> None:
    one = dispatch(1, DAILY, now=NOON + timedelta(days=3, minutes=30))
    assert one.until == NOON + timedelta(days=3) + HOUR
    assert one.next_run == NOON + timedelta(days=4)
    assert one.next_run_after(NOON) == NOON, "the instant that is asked for counts"


@pytest.mark.parametrize("frequency", Frequency)
def test_every_frequency_recurs(frequency: Frequency) -> None:
    one = dispatch(1, Rule(frequency))
    assert one.next_run_after(NOON + SECOND) is not None


def test_each_occurrence_counts_without_a_duration_too() -> None:
    one = dispatch(1, DAILY, duration_seconds=None)
    assert one.next_run_after(NOON + SECOND) == NOON + timedelta(days=1)


def test_a_zone_in_the_payload_keeps_local_time() -> None:
    start = datetime(2026, 3, 28, 7, tzinfo=UTC)  # 08:00 in Berlin, the day before clocks change.
    zone = {"recurrence_timezone": "Europe/Berlin"}
    one = dispatch(1, DAILY, start_time=start, payload=zone)
    assert one.next_run_after(start + SECOND) == datetime(2026, 3, 29, 6, tzinfo=UTC)


def test_no_part_of_a_rule_is_no_limit() -> None:
    rule = RecurrenceRule(frequency=ClientFrequency.HOURLY)
    one = Dispatch(replace(client_of(value()), recurrence=rule))
    assert one.next_run_after(NOON + SECOND) == NOON + HOUR


def test_a_rule_that_means_nothing_has_no_runs_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rule = RecurrenceRule(frequency=ClientFrequency.WEEKLY, byweekdays=[Weekday.UNSPECIFIED])
    one = Dispatch(replace(client_of(value()), recurrence=rule))
    with caplog.at_level(logging.WARNING):
        assert (one.next_run, one.started, one.until) == (None, False, None)
    (record,) = caplog.records
    assert record.getMessage() == (
        "dispatch 7 cannot be scheduled: recurrence.byweekdays is UNSPECIFIED:"
        " MONDAY to SUNDAY are allowed"
    )


def test_missed_runs_end_and_none_comes_twice() -> None:
    one = dispatch(1, DAILY, now=NOON + timedelta(days=3))
    starts = [NOON, NOON + timedelta(days=1), NOON + timedelta(days=2)]
    assert list(islice(one.missed_runs, 9)) == starts
    assert list(islice(one.missed_runs(NOON + SECOND), 9)) == starts[1:]
    assert next(one.missed_runs) == NOON


def test_what_was_told_of_has_missed_nothing() -> None:
    one = dispatch(1, DAILY, now=NOON + timedelta(days=3), synced=NOON - HOUR)
    assert list(one.missed_runs) == []


def test_what_a_dispatcher_knows_to_be_missed_is_missed() -> None:
    known = followed(missed=MissedRuns(NOON, NOON))
    assert list(handed_out(known, Told(NOON + 9 * HOUR)).missed_runs) == [NOON]
    assert list(handed_out(followed(), Told(NOON + 9 * HOUR)).missed_runs) == []


def test_what_was_received_keeps_to_its_state_however_late_it_is_read() -> None:
    started = handed_out(followed(), Told(NOON + 9 * HOUR), change(Edge.STARTED))
    assert (started.started, started.until) == (True, NOON + HOUR)
    assert started.running("T") is RunningState.RUNNING
    stopped = handed_out(followed(), Told(NOON), change(Edge.STOPPED))
    assert (stopped.started, stopped.until) == (False, None)
    assert stopped.running("T") is RunningState.STOPPED
    assert stopped.started_at(NOON), "a given instant is a question to the schedule"


def test_what_was_received_is_in_sync() -> None:
    one = told(Edge.STARTED)
    assert one.running_state_change_synced == one.update_time
    assert handed_out(followed(), Told()).running_state_change_synced is None


def test_payloads_are_for_whoever_gets_them() -> None:
    known = followed()
    first, second = handed_out(known, Told()), handed_out(known, Told())
    first.payload["mine"] = 1
    assert second.payload == {}
