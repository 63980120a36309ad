"""Times as people read and write them: always with an offset, or the zone that gives it."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from pointsman.cli.errors import FlagError


def show(instant: datetime | None, zone: tzinfo | None = None) -> str:
    """An instant in a zone, else in UTC: `2019-06-05 08:00:00-07:00`."""
    if instant is None:
        return "-"
    return instant.astimezone(zone or UTC).isoformat(sep=" ", timespec="seconds")


def day_of(text: str, zone: tzinfo | None) -> tuple[datetime, datetime]:
    """When a day of the zone, else of UTC, begins and ends.

    Raises:
        FlagError: If it is no day.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise FlagError(f"--day {text!r} is no day; write it as in 2019-06-05") from error
    midnights = (datetime.combine(d, time(), zone or UTC) for d in (day, day + timedelta(days=1)))
    start, end = (midnight.astimezone(UTC) for midnight in midnights)
    return start, end
