"""How long people say that something lasts."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.cli.durations import duration_of, duration_words
from pointsman.cli.errors import Misused
from pointsman.dispatches.checks import DURATION_SECONDS_MOST

SECONDS = st.integers(0, DURATION_SECONDS_MOST)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("300", 300),
        ("0", 0),
        ("5m", 300),
        ("1h30m", 5_400),
        ("1.5h", 5_400),
        ("1 day", 86_400),
        ("2 weeks", 1_209_600),
        ("5 minutes", 300),
        ("1 day, 2 hours and 3 min", 93_780),
        ("30M", 1_800),
        ("PT5M", 300),
        ("pt5m", 300),
        ("P1DT2H", 93_600),
        ("P1W", 604_800),
        ("forever", None),
        ("None", None),
    ],
)
def test_a_duration_means_what_people_mean(text: str, seconds: int | None) -> None:
    assert duration_of(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-5",
        "-5m",
        "5x",
        "1:30",
        "PT",
        "P",
        "P1M",
        "P1H",
        "5m5m",
        "5m 3",
        "m",
        "٣",
        "1h-",
        "1e3",
    ],
)
def test_what_is_no_duration_is_told_what_would_be(text: str) -> None:
    with pytest.raises(Misused, match=r"^DURATION: .* is no duration; write 300 \(seconds\), 5m"):
        duration_of(text)


@pytest.mark.parametrize("text", ["0.5", "1.5s", "0.001m", "PT0.5S"])
def test_parts_of_seconds_are_refused_and_not_rounded(text: str) -> None:
    with pytest.raises(Misused, match="not in whole seconds"):
        duration_of(text)


def test_a_duration_is_at_most_what_a_message_can_hold() -> None:
    assert duration_of(str(DURATION_SECONDS_MOST)) == DURATION_SECONDS_MOST
    with pytest.raises(Misused, match="'forever' has no end"):
        duration_of(str(DURATION_SECONDS_MOST + 1))


@given(st.none() | SECONDS)
def test_what_is_written_can_be_read(seconds: int | None) -> None:
    assert duration_of(duration_words(seconds)) == seconds


@given(st.tuples(st.integers(0, 99), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59)))
def test_all_forms_of_a_duration_mean_the_same(parts: tuple[int, int, int, int]) -> None:
    days, hours, minutes, seconds = parts
    whole = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    forms = (
        str(whole),
        f"P{days}DT{hours}H{minutes}M{seconds}S",
        f"{days}d{hours}h{minutes}m{seconds}s",
        f"{days} days, {hours} hrs, {minutes} mins and {seconds} seconds",
    )
    assert {duration_of(form) for form in forms} == {whole}


@given(st.text(max_size=12))
def test_no_text_is_more_than_refused(text: str) -> None:
    seconds = None
    with suppress(Misused):
        seconds = duration_of(text)
    assert seconds is None or 0 <= seconds <= DURATION_SECONDS_MOST
