"""A plan's table: one row a slot, one column an asset or a forecast, as any source gives it.

    times      2019-06-05T07:00Z   2019-06-05T07:15Z   ...   where each slot begins
    columns    ev_001_kw: 6.6      ev_001_kw: None     ...   None is an empty cell

A table that exists is sound: its times are aware, unique, in order, and each column is as long
as they are. What its columns mean is told in `columns.py`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final, TypeAlias

from pointsman.schedules.model import SLOTS_LIMIT

COLUMNS_LIMIT: Final = 10_000
"""Most columns of one plan."""

Cell: TypeAlias = float | str | None
"""A number, a text that is none, or None: empty."""


class ScheduleError(ValueError):
    """The plan cannot be carried out as it is. Says where, and what would work."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows at instants. Each slot runs to the next one; see `ends` for the last.

    Raises:
        ScheduleError: If its times or its shape make no plan.
    """

    name: str
    """The file, or what else messages shall call it."""
    times: tuple[datetime, ...]
    columns: Mapping[str, Sequence[Cell]]
    lines: Sequence[int] = ()
    """The line of the file that each row ends in, from 1. Empty: it comes from no file."""
    time_column: str = ""
    """What the source calls the times. "": it has no name for them."""
    step: timedelta | None = None
    """How long a slot is, where the source says so. Else the most frequent step is taken."""

    def __post_init__(self) -> None:
        self._check_shape()
        self._check_times()

    def where(self, row: int) -> str:
        """A row, as a user finds it."""
        return f"line {self.lines[row]}" if self.lines else f"row {row + 1}"

    def refuse(self, row: int, column: str, problem: str) -> ScheduleError:
        """An error about one cell."""
        return ScheduleError(f"{self.name}, {self.where(row)}, column {column!r}: {problem}")

    def ends(self, horizon_end: datetime | None = None) -> datetime:
        """When the last slot ends: as told, else after the most frequent step.

        Raises:
            ScheduleError: If nothing tells, or `horizon_end` is not after the last row.
        """
        last = self.times[-1]
        if horizon_end is not None:
            if horizon_end.tzinfo is None:
                raise ScheduleError(f"horizon_end={horizon_end} has no zone; add a UTC offset")
            if horizon_end <= last:
                raise ScheduleError(
                    f"{self.name}: horizon_end={stamp(horizon_end)} is not after the last row, "
                    f"{stamp(last)}; a later end would work"
                )
            return horizon_end.astimezone(UTC)
        if self.step is not None:
            return last + self.step
        if len(self.times) == 1:
            raise ScheduleError(
                f"{self.name}: one row does not tell how long its slot is; "
                "a second row, freq= or horizon_end= would"
            )
        steps = Counter(after - before for before, after in pairwise(self.times))
        return last + steps.most_common(1)[0][0]

    def _check_shape(self) -> None:
        if not self.times:
            raise ScheduleError(f"{self.name}: no rows; a plan has one row a time slot")
        if len(self.times) > SLOTS_LIMIT:
            raise ScheduleError(
                f"{self.name}: more than {SLOTS_LIMIT:,} rows; a shorter horizon would work"
            )
        if len(self.columns) > COLUMNS_LIMIT:
            raise ScheduleError(
                f"{self.name}: {len(self.columns):,} columns, at most {COLUMNS_LIMIT:,} would work"
            )
        for column, cells in self.columns.items():
            if len(cells) != len(self.times):
                raise ScheduleError(
                    f"{self.name}, column {column!r}: {len(cells)} cells for {len(self.times)} "
                    "times; each column needs one cell a row"
                )

    def _check_times(self) -> None:
        before: datetime | None = None
        for row, time in enumerate(self.times):
            if time.tzinfo is None:
                raise self._refuse_time(
                    row, f"time {time} has no zone; a UTC offset in it or tz= would work"
                )
            if before is not None and time <= before:
                problem = "is there twice" if time == before else f"comes after {stamp(before)}"
                raise self._refuse_time(
                    row,
                    f"time {stamp(time)} {problem}; rows in order of time, one a slot, would work",
                )
            before = time

    def _refuse_time(self, row: int, problem: str) -> ScheduleError:
        if self.time_column:
            return self.refuse(row, self.time_column, problem)
        return ScheduleError(f"{self.name}, {self.where(row)}: {problem}")


def stamp(instant: datetime) -> str:
    """An instant as messages write it: UTC, ISO 8601."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
