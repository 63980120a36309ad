"""Times are certain, or refused."""

import itertools
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.library.instants import freq_of, instant_of, instants_of, zone_of
from pointsman.schedules.table import ScheduleError

BERLIN = ZoneInfo("Europe/Berlin")
EIGHT = datetime(2025, 1, 15, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-15T08:00:00Z",
        "2025-01-15 08:00:00Z",
        "2025-01-15T09:00+01:00",
        "2025-01-15 09:00:00 +01:00",
        "2025-01-15T09:00:00.000+0100",
        "2025-01-15 09:00:00.000000000+01",
        " 2025-01-15T00:00:00-08:00 ",
    ],
)
def test_iso_8601_with_an_offset_is_a_time(text: str) -> None:
    assert instant_of(text, None, "here") == EIGHT


@pytest.mark.parametrize(
    "value",
    [
        *("", "yesterday", "15/01/2025 08:00", "1736928000", "1559071500000", "20250115T080000Z"),
        *("2025-01-15T25:00Z", "2025-13-01T00:00Z", 1736928000, 45672.3, None),
    ],
)
def test_what_is_no_iso_8601_is_refused(value: object) -> None:
    with pytest.raises(ScheduleError, match=r"^plan.csv, line 2: .* is no time"):
        instant_of(value, BERLIN, "plan.csv, line 2")


def test_a_time_without_a_zone_is_refused_where_none_is_told() -> None:
    with pytest.raises(ScheduleError, match=r"row 1: time 2025-01-15 08:00:00 has no zone; .*--tz"):
        instant_of("2025-01-15T08:00", None, "row 1")


def test_a_time_without_a_zone_is_in_the_one_told() -> None:
    assert instant_of("2025-01-15 09:00", BERLIN, "") == EIGHT
    assert instant_of(datetime(2025, 1, 15, 9), BERLIN, "") == EIGHT  # noqa: DTZ001  # The point.
    assert instant_of("2025-01-15", BERLIN, "") == EIGHT - timedelta(hours=9)


def test_an_offset_wins_over_the_zone_told() -> None:
    assert instant_of("2025-01-15T08:00Z", BERLIN, "") == EIGHT


@pytest.mark.parametrize("fold", [0, 1])
def test_a_local_time_that_is_there_twice_is_refused(fold: int) -> None:
    twice = datetime(2025, 10, 26, 2, 30, fold=fold)  # noqa: DTZ001  # A local time is the point.
    with pytest.raises(
        ScheduleError,
        match=r"row 3: local time 2025-10-26 02:30:00 is twice in Europe/Berlin, "
        r"at \+0200 or \+0100.* with their UTC offset would work",
    ):
        instant_of(twice, BERLIN, "row 3")


def test_a_local_time_that_is_skipped_is_refused() -> None:
    with pytest.raises(ScheduleError, match="2025-03-30 02:30:00 does not exist in Europe/Berlin"):
        instant_of("2025-03-30T02:30", BERLIN, "row 3")


def test_the_day_clocks_go_back_has_25_hours() -> None:
    texts = [f"2025-10-26T{hour:02}:00+02:00" for hour in range(3)]
    texts += [f"2025-10-26T{hour:02}:00+01:00" for hour in range(2, 24)]
    times = instants_of(texts, None, str)
    assert len(times) == 25
    assert {after - before for before, after in itertools.pairwise(times)} == {timedelta(hours=1)}


def test_a_time_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(ScheduleError, match="out of time"):
        instant_of("0001-01-01T00:00+01:00", None, "row 1")


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)),  # noqa: DTZ001  # Naive, for a zone.
    st.sampled_from(["Europe/Berlin", "America/Los_Angeles", "Australia/Lord_Howe", "UTC"]),
)
def test_a_local_time_is_read_as_the_zone_shows_it(plain: datetime, zone: str) -> None:
    """Whatever is accepted is what a clock on the wall shows then, and only then."""
    tz = ZoneInfo(zone)
    try:
        read = instant_of(plain, tz, "")
    except ScheduleError:
        first, second = (plain.replace(tzinfo=tz, fold=fold).utcoffset() for fold in (0, 1))
        assert first != second
        return
    assert read.astimezone(tz).replace(tzinfo=None, fold=0) == plain.replace(fold=0)
    assert read.tzinfo is UTC


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.timezones()),  # noqa: DTZ001
    st.sampled_from([None, BERLIN]),
)
def test_an_aware_time_stays_the_instant_that_it_is(time: datetime, zone: ZoneInfo | None) -> None:
    fixed = time.replace(tzinfo=timezone(time.utcoffset() or timedelta(0)))
    assert instant_of(fixed, zone, "") == fixed


@pytest.mark.parametrize(
    ("freq", "minutes"),
    [
        *(("1h", 60), ("h", 60), ("2H", 120), ("15min", 15), ("15m", 15), ("15 minutes", 15)),
        *(("PT15M", 15), ("PT1H30M", 90), ("PT900S", 15), ("900s", 15)),
        (timedelta(minutes=5), 5),
    ],
)
def test_a_slot_may_be_as_long_as(freq: str | timedelta, minutes: int) -> None:
    assert freq_of(freq) == timedelta(minutes=minutes)


@pytest.mark.parametrize("freq", ["", "0h", "PT", "-1h", "1d", "quarterly", timedelta(0), "1.5h"])
def test_what_is_no_length_of_a_slot_is_refused(freq: str | timedelta) -> None:
    with pytest.raises(ScheduleError, match="is no length of a slot; '1h'"):
        freq_of(freq)


def test_an_unknown_zone_is_refused_with_the_nearest() -> None:
    with pytest.raises(ScheduleError, match="'Europe/Berln' is no time zone; nearest: 'Europe/Be"):
        zone_of("Europe/Berln")


@pytest.mark.parametrize("tz", ["", "../etc/passwd", "/etc/localtime", "Europe", "§"])
def test_what_could_be_no_zone_is_refused(tz: str) -> None:
    with pytest.raises(ScheduleError, match="is no time zone"):
        zone_of(tz)
