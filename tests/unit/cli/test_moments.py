"""Instants as people write them."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from pointsman.cli.errors import Misused
from pointsman.cli.moments import local, moment_of, zone_named

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("now", NOW),
        ("NOW", NOW),
        ("+1h30m", NOW + timedelta(minutes=90)),
        ("now + 1 day", NOW + timedelta(days=1)),
        ("-5m", NOW - timedelta(minutes=5)),
        ("2026-07-01T08:00Z", datetime(2026, 7, 1, 8, tzinfo=UTC)),
        ("2026-07-01 08:00+02:00", datetime(2026, 7, 1, 6, tzinfo=UTC)),
        ("2026-07-01T08:00", datetime(2026, 7, 1, 6, tzinfo=UTC)),
        ("2026-01-01", datetime(2025, 12, 31, 23, tzinfo=UTC)),
    ],
)
def test_an_instant_is_certain(text: str, instant: datetime) -> None:
    assert moment_of(text, NOW, BERLIN, "START") == instant


@pytest.mark.parametrize("text", ["2026-07-01T08:00", "2026-07-01 08:00:30", "2026-07-01"])
def test_a_zone_is_never_guessed(text: str) -> None:
    with pytest.raises(Misused, match=r"^START: .* has no zone; .* --timezone with a zone such as"):
        moment_of(text, NOW, None, "START")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("yesterday", "'yesterday' is no time"),
        ("2026-13-01T00:00Z", "is no time"),
        ("+forever", "is never"),
        ("+5x", "is no duration"),
        ("2026-03-29T02:30", "does not exist in Europe/Berlin"),
        ("2026-10-25T02:30", "is twice in Europe/Berlin"),
    ],
)
def test_what_is_no_instant_is_told_why(text: str, line: str) -> None:
    with pytest.raises(Misused, match=line):
        moment_of(text, NOW, BERLIN, "START")


def test_a_zone_that_nobody_knows_is_told_the_nearest() -> None:
    with pytest.raises(Misused, match=r"--timezone 'Europe/Berln'.*nearest: 'Europe/Berlin'"):
        zone_named("Europe/Berln")


def test_an_instant_is_shown_with_its_offset() -> None:
    assert local(NOW, BERLIN) == "2026-01-01 13:00:00+01:00"
    assert local(None, BERLIN) == "-"
    edge = datetime.max.replace(tzinfo=UTC)
    assert local(edge, timezone(timedelta(hours=14))) == "9999-12-31 23:59:59+00:00"
