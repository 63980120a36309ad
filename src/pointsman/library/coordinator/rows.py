"""The rows of one plan, ordered and findable, without an object a row.

A row is a number here: its slot, its timeline and its place in that, side by side in 64 bits.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Final, overload

from pointsman.library.coordinator.commands import Command
from pointsman.schedules.model import Plan, Timeline
from pointsman.schedules.rows import ID_DIGITS, idempotency_key, starts_at, type_of

_ROW_BITS: Final = 20
_TIMELINE_BITS: Final = 20
_ROW: Final = (1 << _ROW_BITS) - 1
_TIMELINE: Final = (1 << _TIMELINE_BITS) - 1


class Rows:
    """Finds the rows of a plan by the ids of their commands. Takes 4 us a row to make."""

    def __init__(self, plan: Plan, timelines: Sequence[Timeline]) -> None:
        self._timelines = list(timelines)
        keys, places = array("Q"), array("Q")
        for number, timeline in enumerate(timelines):
            for row, key in enumerate(_keys(plan, timeline)):
                keys.append(int(key[:ID_DIGITS], 16))
                places.append(number << _ROW_BITS | row)
        order = sorted(range(len(keys)), key=keys.__getitem__)
        self._keys = array("Q", map(keys.__getitem__, order))
        self._places = array("Q", map(places.__getitem__, order))

    def covers(self, timelines: Sequence[Timeline]) -> bool:
        """Whether it was made of these."""
        ours = self._timelines
        return len(ours) == len(timelines) and all(
            a is b for a, b in zip(ours, timelines, strict=True)
        )

    def like(self, id: str) -> Iterator[tuple[Timeline, int]]:
        """Rows whose ids share their first digits with `id`."""
        key = int(id.removeprefix("cmd_")[:ID_DIGITS], 16)
        at = bisect_left(self._keys, key)
        while at < len(self._keys) and self._keys[at] == key:
            place = self._places[at]
            yield self._timelines[place >> _ROW_BITS], place & _ROW
            at += 1


class CommandSequence(Sequence[Command]):
    """The commands of one import, in the order of their times, then of the table's columns.

    A command is made when it is touched. The same one comes each time, as long as anybody has
    it. Cannot be changed; equal to a list of the same commands.
    """

    __hash__ = None  # type: ignore[assignment]  # As of a list: it is compared by its commands.

    def __init__(
        self,
        plan: Plan,
        timelines: Sequence[Timeline],
        touch: Callable[[Plan, Timeline, int], Command],
    ) -> None:
        self.plan_id: Final = plan.id
        self._plan = plan
        self._timelines = timelines
        self._touch = touch
        self._length = sum(len(t.slots) - first_row(t) for t in timelines)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Command: ...

    @overload
    def __getitem__(self, index: slice) -> list[Command]: ...

    def __getitem__(self, index: int | slice) -> Command | list[Command]:
        if isinstance(index, slice):
            return [self._at(place) for place in self._order[index]]
        return self._at(self._order[index])

    def __iter__(self) -> Iterator[Command]:
        return map(self._at, self._order)

    def __contains__(self, command: object) -> bool:
        if not isinstance(command, Command) or command.plan_id != self.plan_id:
            return False
        return any(one is command for one in self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str | bytes):
            return NotImplemented
        return len(self) == len(other) and all(a is b for a, b in zip(self, other, strict=True))

    def __repr__(self) -> str:
        many = "1 command" if len(self) == 1 else f"{len(self):,} commands"
        return f"<{many} of {self.plan_id} from {self._plan.start.isoformat()}>"

    def _at(self, place: int) -> Command:
        timeline = self._timelines[place >> _ROW_BITS & _TIMELINE]
        return self._touch(self._plan, timeline, place & _ROW)

    @cached_property
    def _order(self) -> "array[int]":
        return array(
            "Q", sorted(place for t in enumerate(self._timelines) for place in self._of(t))
        )

    def _of(self, numbered: tuple[int, Timeline]) -> Iterable[int]:
        number, timeline = numbered
        first = first_row(timeline)
        base = number << _ROW_BITS
        shift = _ROW_BITS + _TIMELINE_BITS
        for row, slot in enumerate(timeline.slots[first:], first):
            yield slot << shift | base | row


def first_row(timeline: Timeline) -> int:
    """The first row that is a command. Row 0 is no command while its value is in force already."""
    return 0 if timeline.assumed is None else 1


def is_made(id: str) -> bool:
    """Whether an id may have been made of an idempotency key."""
    return re.fullmatch(rf"cmd_[0-9a-f]{{{ID_DIGITS},}}", id) is not None


def _keys(plan: Plan, timeline: Timeline) -> Iterator[str]:
    """The idempotency key of each row."""
    for row, value in enumerate(timeline.values):
        at = starts_at(plan, timeline, row)
        yield idempotency_key(plan.id, timeline.asset_id, at, type_of(timeline, row), value)
