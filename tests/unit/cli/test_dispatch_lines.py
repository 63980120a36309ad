"""Dispatches as people read them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from pointsman.cli.dispatch_lines import (
    as_json,
    block,
    plain,
    rule_words,
    standing,
    state_words,
    target_words,
)
from pointsman.cli.dispatch_words import target_of
from pointsman.core.values import replace
from pointsman.dispatches.components import TYPES, Category, ComponentKind, Target
from pointsman.dispatches.model import TIMEZONE, Dispatch, DispatchData, Frequency, Rule

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
DATA = DispatchData("charge", START, Target(ids=(1, 2)), 3600)
HOUR = timedelta(hours=1)
KINDS = [ComponentKind(c, t) for c in Category for t in ("", *TYPES.get(c, ()))]
TARGETS = st.builds(
    lambda ids: Target(ids=tuple(ids)), st.lists(st.integers(0, 2**64 - 1), min_size=1, unique=True)
) | st.builds(
    lambda kinds: Target(kinds=tuple(kinds)),
    st.lists(st.sampled_from(KINDS), min_size=1, unique=True),
)


def dispatch(**also: object) -> Dispatch:
    data = replace(DATA, **also)
    return Dispatch(7, 1, data, START, START, START if data.recurrence is None else None)


@given(TARGETS)
def test_a_target_is_shown_as_it_can_be_written(target: Target) -> None:
    assert target_of(target_words(target)) == target


def test_a_state_is_one_word_and_perhaps_that_it_is_a_dry_run() -> None:
    assert state_words(dispatch(), START - HOUR) == "waiting"
    assert state_words(dispatch(), START) == "running"
    assert state_words(dispatch(), START + HOUR) == "over"
    assert state_words(dispatch(active=False), START) == "inactive"
    assert state_words(dispatch(dry_run=True), START) == "running, dry run"


def test_a_rule_is_told_in_full() -> None:
    rule = Rule(
        Frequency.WEEKLY, 2, None, START, (0, 30), (8,), (0, 4), (), (1,)
    )  # fmt: skip
    payload = {TIMEZONE: "Europe/Berlin"}
    assert rule_words(replace(DATA, recurrence=rule, payload=payload), UTC) == (
        "every 2 weeks on mon, fri in jan at hour 8 at minute 0, 30, "
        "until 2026-01-01 12:00:00+00:00, in Europe/Berlin"
    )
    monthly = Rule(Frequency.MONTHLY, count=1, month_days=(1, -1))
    assert rule_words(replace(DATA, recurrence=monthly), UTC) == "every month on day 1, -1, once"
    assert rule_words(DATA, UTC) == ""


def test_a_rule_that_nobody_can_work_out_does_not_hide_its_dispatch() -> None:
    for zone in ("Nowhere/Else", 5.0, [1]):
        odd = dispatch(recurrence=Rule(Frequency.DAILY), payload={TIMEZONE: zone})
        assert "cannot be worked out" in standing(odd, START).problem
        assert state_words(odd, START) == "unclear"
        assert any("problem" in line for line in block(odd, START, UTC))
        assert as_json(odd, START)["running"] is None


def test_all_times_of_a_block_are_in_the_zone() -> None:
    lines = list(block(dispatch(recurrence=Rule(Frequency.DAILY)), START, ZoneInfo("Asia/Tokyo")))
    assert "  running   2026-01-01 21:00:00+09:00 to 2026-01-01 22:00:00+09:00" in lines
    assert "  next      2026-01-02 21:00:00+09:00" in lines
    assert not any("+00:00" in line for line in lines)


def test_numbers_of_a_payload_are_shown_as_they_were_written() -> None:
    assert plain({"a": 5.0, "b": [1.5, True, None, {"c": -0.25}], "d": 1e300}) == {
        "a": 5, "b": [1.5, True, None, {"c": -0.25}], "d": 1e300,
    }  # fmt: skip
    assert str(plain({"a": 5.0})) == "{'a': 5}"
