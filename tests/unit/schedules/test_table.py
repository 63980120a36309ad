"""A table that exists is sound."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pointsman.schedules.model import SLOTS_LIMIT
from pointsman.schedules.table import COLUMNS_LIMIT, ScheduleError, Table, stamp

START = datetime(2025, 1, 15, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def table(*hours: float, lines: tuple[int, ...] = ()) -> Table:
    return Table("plan.csv", tuple(START + HOUR * hour for hour in hours), {}, lines)


def test_uneven_steps_are_allowed() -> None:
    assert table(0, 1, 1.5, 4).ends() == START + HOUR * 5


def test_the_last_slot_is_as_long_as_most_are() -> None:
    assert table(0, 2, 2.25, 2.5, 2.75).ends() == START + HOUR * 3


def test_the_horizon_may_end_where_it_is_told_to() -> None:
    berlin = timezone(HOUR)
    assert table(0, 1).ends((START + HOUR * 9).astimezone(berlin)) == START + HOUR * 9


def test_a_step_that_the_source_tells_wins_over_the_most_frequent() -> None:
    only = Table("plan", (START,), {}, step=HOUR)
    assert only.ends() == START + HOUR


def test_one_row_alone_has_no_end() -> None:
    with pytest.raises(ScheduleError, match=r"one row does not tell .*horizon_end"):
        table(0).ends()


@pytest.mark.parametrize("hours", [1, 0])
def test_a_horizon_that_ends_with_the_last_row_is_refused(hours: float) -> None:
    with pytest.raises(ScheduleError, match=r"horizon_end=.* is not after the last row"):
        table(0, 1).ends(START + HOUR * hours)


def test_a_horizon_end_without_a_zone_is_refused() -> None:
    with pytest.raises(ScheduleError, match=r"no zone"):
        table(0, 1).ends(datetime(2025, 1, 16))  # noqa: DTZ001  # The point of the test.


def test_a_time_twice_is_named_by_its_line() -> None:
    with pytest.raises(ScheduleError, match=r"^plan.csv, line 4: time 2025-01-15T09:.*twice"):
        table(0, 1, 1, lines=(2, 3, 4))


def test_unordered_times_are_named_by_their_row() -> None:
    with pytest.raises(ScheduleError, match=r"^plan.csv, row 3: .* comes after 2025-01-15T10:"):
        table(0, 2, 1)


def test_the_same_instant_in_two_zones_is_a_time_twice() -> None:
    with pytest.raises(ScheduleError, match=r"twice"):
        Table("plan", (START, START.astimezone(timezone(HOUR))), {})


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ScheduleError, match=r"row 2: .* has no zone"):
        Table("plan", (START, datetime(2025, 1, 16)), {})  # noqa: DTZ001  # As above.


def test_no_rows_make_no_plan() -> None:
    with pytest.raises(ScheduleError, match=r"no rows"):
        table()


def test_a_column_has_one_cell_a_row() -> None:
    with pytest.raises(ScheduleError, match=r"column 'x': 1 cells for 2 times"):
        Table("plan", (START, START + HOUR), {"x": [1.0]})


def test_there_is_a_limit_on_slots() -> None:
    slots = tuple(START + timedelta(seconds=n) for n in range(SLOTS_LIMIT + 1))
    Table("plan", slots[1:], {})
    with pytest.raises(ScheduleError, match=r"more than 20,000 rows"):
        Table("plan", slots, {})


def test_there_is_a_limit_on_columns() -> None:
    columns = {str(n): [0.0] for n in range(COLUMNS_LIMIT + 1)}
    with pytest.raises(ScheduleError, match=r"10,001 columns, at most 10,000"):
        Table("plan", (START,), columns)


def test_stamps_are_utc() -> None:
    assert stamp(START.astimezone(timezone(HOUR))) == "2025-01-15T08:00:00Z"
