"""The index of one microgrid's dispatches: which of them fit, how many, and which come first.

    rows of the table --take--> bitmaps --fitting, page--> numbers of facts

All states that a dispatch ever had since this was begun have a position, in the order of their
facts, and only its last one is present. So what changes is added at the end, and nothing moves. An
index of 100,000 dispatches takes about 6 MB.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from pointsman.dispatches.views import Filter, Interval, Place, Query, SortField, id_of
from pointsman.runtime.bitmaps import (
    Slices,
    Words,
    bitmap_of,
    compared,
    foremost,
    positions,
    sliced,
)
from pointsman.runtime.dispatch_table import ACTIVE, DRY_RUN, NEVER, RECURRING, word_of
from pointsman.runtime.record_file import microseconds

EARLIEST: Final = microseconds(datetime.min.replace(tzinfo=UTC))
ID_DIGITS: Final = 63
TIME_DIGITS: Final = 59
AFTER_ALL: Final = 2**TIME_DIGITS - 1
"""A time later than every instant."""
FIELDS: Final = (*SortField, "END_TIME", "ID")
"""In the order in which slices are kept."""


class State(NamedTuple):
    """What a dispatch has been since one fact, as the table has it."""

    fact: int
    id: int
    start_time: int
    create_time: int
    update_time: int
    end_time: int
    type: str | None
    """None: it is gone, or cannot be read."""
    traits: str


class DispatchIndex:
    def __init__(self) -> None:
        self.seen = 0
        """The last fact that is in here."""
        self._facts = array("q")
        self._present = 0
        self._slices = [0] * (4 * TIME_DIGITS + ID_DIGITS)
        self._types, self._traits = Words(), Words()

    def __len__(self) -> int:
        """All positions, also those of the past."""
        return len(self._facts)

    @property
    def stale(self) -> bool:
        """Whether it holds more of the past than of the present."""
        return len(self) > 2 * self._present.bit_count()

    def take(self, states: Sequence[State]) -> None:
        """Add what came after all that is in here. Each dispatch is there once."""
        if not states:
            return
        self.seen = states[-1].fact
        present = [state for state in states if state.type is not None]
        base = len(self)
        for position, state in enumerate(present, base):
            self._types.add(position, [state.type or ""])
            self._traits.add(position, state.traits.split())
        digits = sliced([_number(state) for state in present], len(self._slices)) if present else []
        for n, ones in enumerate(digits):
            if ones:
                self._slices[n] |= ones << base
        self._facts.extend(state.fact for state in present)
        self._present |= (1 << len(self)) - (1 << base)

    def drop(self, ids: Iterable[int]) -> None:
        """Let go of what these dispatches have been so far."""
        for id in ids:
            self._present ^= compared(self._of("ID"), id, self._present)[1]

    def fitting(self, filter: Filter, named: Sequence[int], queried: Sequence[int]) -> int:
        """What `fits` says, as a bitmap. The dispatches that are named by their ids, and those
        that queries name by theirs, are given by their facts.
        """
        found = self._present
        flags = ((ACTIVE, filter.active), (DRY_RUN, filter.dry_run), (RECURRING, filter.recurring))
        for word, wanted in flags:
            if wanted is not None:
                having = found & self._traits.any([word])
                found = having if wanted else found ^ having
        if filter.ids:
            found &= self._at(named)
        if filter.queries:
            texts = [text for text in filter.queries if id_of(text) is None]
            typed = self._types.meeting(lambda word: any(text in word for text in texts))
            found &= typed | self._at(queried)
        if filter.targets:
            asked = filter.targets
            words = {str(id) for target in asked for id in target.ids}
            words |= {word_of(kind) for target in asked for kind in target.kinds}
            found &= self._traits.any(words)
        found = _within(self._of(SortField.START_TIME), filter.start_time, found)
        found = _within(self._of(SortField.UPDATE_TIME), filter.update_time, found)
        return _within(self._of("END_TIME"), filter.end_time, found)

    def page(self, fitting: int, query: Query) -> tuple[list[int], bool]:
        """The facts of those that stand on the page, in no order, and whether more come after."""
        back = query.sort.descending
        slices = [*self._of(query.sort.field), *self._of("ID")]
        if query.after is not None:
            less, same = compared(slices, _rank(query.after), fitting)
            fitting = less if back else fitting ^ less ^ same
        own = foremost(slices, query.page_size, fitting, greatest=back)
        return [self._facts[position] for position in positions(own)], own != fitting

    def _of(self, field: str) -> Slices:
        start = FIELDS.index(field) * TIME_DIGITS
        return self._slices[start : start + (ID_DIGITS if field == "ID" else TIME_DIGITS)]

    def _at(self, facts: Iterable[int]) -> int:
        return bitmap_of(bisect_left(self._facts, fact) for fact in facts)


def _number(state: State) -> int:
    """All numbers of a dispatch as one, in the order of `FIELDS`."""
    number = 0
    for time in (state.start_time, state.create_time, state.update_time, state.end_time):
        number = number << TIME_DIGITS | (AFTER_ALL if time == NEVER else time - EARLIEST)
    return number << ID_DIGITS | state.id


def _rank(place: Place) -> int:
    """Where in an order this is, beside what is at the same instant."""
    return _time(place.instant) << ID_DIGITS | min(place.id, NEVER)


def _time(instant: datetime) -> int:
    return microseconds(instant) - EARLIEST


def _within(slices: Slices, interval: Interval, found: int) -> int:
    if interval.start is not None:
        found ^= compared(slices, _time(interval.start), found)[0]
    if interval.end is not None:
        found = compared(slices, _time(interval.end), found)[0]
    return found
