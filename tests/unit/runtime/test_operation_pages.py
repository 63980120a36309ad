"""Events and finished operations as the record has them, however it came to have them."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pointsman.journal import Cursor, Record, Unknown
from pointsman.operations import OPERATIONS
from pointsman.operations.facts import (
    Added,
    Completed,
    Failed,
    Heard,
    OperationFact,
    Started,
)
from pointsman.operations.model import Operation, Phase, State, Work
from pointsman.runtime.codec import Codec
from pointsman.runtime.operation_pages import OperationPages, Window
from pointsman.runtime.operation_table import OperationTable
from pointsman.runtime.record_file import RecordFile

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ROBOT, PRESS = "operations/mill/robot", "operations/mill/press"
CODEC = Codec([OPERATIONS])
Entry = tuple[Cursor, Record]


def number_of(cursor: Cursor) -> int:
    return int(cursor or 0)


def operation(id: str, phase: Phase, job_id: str | None = None) -> Operation:
    return Operation(id, 1, Work({}, NOON, job_id=job_id), NOON, phase=phase)


def lived(id: str, job_id: str | None = None) -> list[OperationFact]:
    running = operation(id, Phase.RUNNING, job_id)
    return [
        Added(operation(id, Phase.QUEUED, job_id)),
        Started(running),
        Heard(running),
        Completed(operation(id, Phase.COMPLETED, job_id)),
    ]


def entry(place: int, fact: OperationFact, at: datetime, entity: str = ROBOT) -> Entry:
    key, data = CODEC.record(entity, fact, at)
    return Cursor(str(place)), Record(0, place, key, data)


def entries(
    facts: Sequence[OperationFact], start: int = 1, step: timedelta = SECOND, entity: str = ROBOT
) -> list[Entry]:
    return [entry(n, fact, NOON + n * step, entity) for n, fact in enumerate(facts, start)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "record.db"


def write(path: Path, found: list[Entry], *, with_table: bool = True) -> None:
    projections = [OperationTable(number_of)] if with_table else []
    with closing(RecordFile(path, "journal", projections)) as file:
        if found:
            file.add(found)


def seqs(path: Path, window: Window, *, every: bool = False, entity: str = ROBOT) -> list[int]:
    with closing(OperationPages(path, number_of)) as pages:
        return [one.seq for one in pages.events(entity, window, every=every)]


def test_a_record_of_a_release_that_knew_no_operations_has_their_events(path: Path) -> None:
    write(path, entries([*lived("a"), *lived("b")]), with_table=False)
    write(path, entries(lived("c"), 9))
    assert seqs(path, Window(100)) == [1, 2, 4, 5, 6, 8, 9, 10, 12]
    assert seqs(path, Window(100), every=True) == list(range(1, 13))


def test_each_resource_has_its_own_events_and_all_have_one_order(path: Path) -> None:
    write(path, [*entries(lived("a")), *entries(lived("a"), 5, entity=PRESS)])
    assert seqs(path, Window(100), entity=PRESS) == [5, 6, 8]
    assert seqs(path, Window(100), entity="operations/mill/none") == []
    with closing(OperationPages(path, number_of)) as pages:
        assert [one.seq for one in pages.events_after(2, 3)] == [4, 5, 6]
        assert [one.seq for one in pages.events_after(2, 3, every=True)] == [3, 4, 5]


def test_a_clock_that_was_set_back_hides_nothing(path: Path) -> None:
    write(path, entries([*lived("a"), *lived("b")], step=-SECOND))
    assert seqs(path, Window(2)) == [6, 8], "the last that happened"
    assert seqs(path, Window(3, after=4)) == [5, 6, 8]
    assert seqs(path, Window(3, before=8)) == [4, 5, 6]
    assert seqs(path, Window(9, since=NOON - 2 * SECOND)) == [1, 2]
    assert seqs(path, Window(9, until=NOON - 6 * SECOND)) == [6, 8]


def test_a_window_of_time_includes_both_its_ends_and_may_be_paged(path: Path) -> None:
    write(path, entries([*lived("a"), *lived("b"), *lived("c")]))
    since, until = NOON + 2 * SECOND, NOON + 9 * SECOND
    assert seqs(path, Window(9, since, until)) == [2, 4, 5, 6, 8, 9]
    assert seqs(path, Window(2, since, until)) == [8, 9]
    assert seqs(path, Window(2, since, until, before=8)) == [5, 6]
    assert seqs(path, Window(2, since, until, after=5)) == [6, 8]
    assert seqs(path, Window(9, since, until, after=2**70)) == []


def test_what_cannot_be_read_is_left_out_and_the_rest_is_there(path: Path) -> None:
    key, _ = CODEC.record(ROBOT, Added(operation("b", Phase.QUEUED)), NOON)
    bad = [b"{", b"\xff\xfe", b'{"fact":"Completed","version":1,"at":"2026-01-01T12:00:00Z"}']
    broken = [(Cursor(str(n)), Record(0, n, key, data)) for n, data in enumerate(bad, start=5)]
    write(path, [*entries(lived("a")), *broken, *entries(lived("c"), 8)])
    assert seqs(path, Window(100)) == [1, 2, 4, 8, 9, 11]
    with closing(OperationPages(path, number_of)) as pages:
        assert [one.id for _, one in pages.finished(ROBOT, Window(9))] == ["a", "c"]
        assert pages.operations(ROBOT, ["b", "c"])[-1].id == "c"


def test_what_waits_for_somebody_has_not_ended_for_good(path: Path) -> None:
    quarantined = Failed(operation("a", Phase.QUARANTINED, "day"))
    failed = Failed(operation("b", Phase.FAILED, "day"))
    write(path, entries([quarantined, failed, *lived("c", "day"), *lived("d", "night")]))
    with closing(OperationPages(path, number_of)) as pages:
        ended = pages.finished(ROBOT, Window(9))
        assert [(seq, one.id) for seq, one in ended] == [(2, "b"), (6, "c"), (10, "d")]
        of_job = pages.finished(ROBOT, Window(9), job_id="day")
        assert [one.id for _, one in of_job] == ["b", "c"]
        completed = pages.finished(ROBOT, Window(9), states=[State.COMPLETED], job_id="day")
        assert [one.id for _, one in completed] == ["c"]
        assert pages.counts(ROBOT, ["day", "dawn"]) == {
            "day": {State.FAILED: 1, State.COMPLETED: 1},
            "dawn": {},
        }


def test_events_of_an_operation_are_found_by_its_id(path: Path) -> None:
    write(path, entries([*lived("a"), *lived("b")]))
    with closing(OperationPages(path, number_of)) as pages:
        assert [one.seq for one in pages.events_of(ROBOT, "b", Window(9))] == [5, 6, 8]
        every = pages.events_of(ROBOT, "b", Window(2), every=True)
        assert [one.seq for one in every] == [7, 8]
        first = pages.events_of(ROBOT, "b", Window(2, after=0), every=True)
        assert [one.seq for one in first] == [5, 6]
        after = pages.events_of(ROBOT, "b", Window(2, after=6), every=True)
        assert [one.seq for one in after] == [7, 8]
        before = pages.events_of(ROBOT, "b", Window(2, before=8), every=True)
        assert [one.seq for one in before] == [6, 7]
        since = Window(9, since=NOON + 6 * SECOND)
        assert [one.seq for one in pages.events_of(ROBOT, "b", since)] == [6, 8]
        assert pages.events_of(ROBOT, "never", Window(9)) == []


def test_a_record_that_is_gone_is_said_to_be(path: Path) -> None:
    write(path, entries(lived("a")))
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE operation_event")
    with closing(OperationPages(path, number_of)) as pages, pytest.raises(Unknown):
        pages.events(ROBOT, Window(9))
