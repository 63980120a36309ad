"""What a dispatcher keeps in a file: all of it, however little it knows by heart."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Event
from time import sleep
from typing import Any

import pytest

from pointsman.journal import START, JournalUnreadable, Unknown
from pointsman.journal.sqlite_reader import SqliteReader
from pointsman.library.operation_dispatcher.settings import Keywords
from pointsman.operation_dispatcher import (
    DispatchEvent,
    EventType,
    ExecutionState,
    OperationDependency,
    OperationDispatcher,
)
from pointsman.runtime.record import record_beside
from tests.unit.library.operation_dispatcher.given import ROBOT, Told, op

pytestmark = pytest.mark.timeout(30)
FORGETFUL: Keywords = {"events_kept": 5, "finished_kept": 2}


def worked_off(path: Path, count: int) -> list[str]:
    """One life, in which so many operations are carried out."""
    with OperationDispatcher(ROBOT, journal=path, **FORGETFUL) as dispatcher:
        for _ in range(count):
            dispatcher.add(op())
            dispatcher.step()
            dispatcher.complete_current()
        return [str(id) for id in dispatcher.get_history().get_operation_ids()]


def test_history_goes_back_to_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "cell.db"
    first = worked_off(path, 10)
    assert len(first) == 10
    both = worked_off(path, 10)
    assert both[:10] == first
    assert len(both) == 20


def test_an_event_has_one_id_for_good(tmp_path: Path) -> None:
    told = Told()
    path = tmp_path / "cell.db"
    with OperationDispatcher(ROBOT, journal=path, on_notification_callback=told) as dispatcher:
        dispatcher.add(op())
        dispatcher.step()
    with OperationDispatcher(ROBOT, journal=path) as dispatcher:
        kept = [event.id for event in dispatcher.get_events()]
    assert {event.id for event in told.events} < set(kept)
    assert len(set(kept)) == len(kept)
    assert {id.version for id in kept} == {5}


@pytest.mark.parametrize("journal", [":memory:", 5, []])
def test_what_is_no_journal_is_refused_and_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    journal: Any,  # noqa: ANN401
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="journal is "):
        OperationDispatcher(ROBOT, journal=journal)
    assert [*tmp_path.iterdir()] == []


def test_what_is_long_forgotten_can_still_be_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "cell.db"
    oldest, *_ = worked_off(path, 10)
    with OperationDispatcher(ROBOT, journal=path, **FORGETFUL) as dispatcher:
        operation = dispatcher.get_operation(oldest)
        assert operation is not None
        assert operation.state is ExecutionState.COMPLETED
        types = [event.event_type for event in dispatcher.get_events(oldest)]
        assert types[0] is EventType.OPERATION_ADDED
        assert types[-1] is EventType.OPERATION_COMPLETED
        history = dispatcher.get_history(resolve_operations=True)
        assert history.operations is not None
        assert len(history.operations) == 10


def test_a_window_has_both_of_its_ends_and_a_limit_takes_the_last(tmp_path: Path) -> None:
    path = tmp_path / "cell.db"
    worked_off(path, 10)
    with OperationDispatcher(ROBOT, journal=path, **FORGETFUL) as dispatcher:
        everything = dispatcher.get_history().events
        since, until = everything[3].created_at, everything[20].created_at
        within = [one for one in everything if since <= one.created_at <= until]
        assert dispatcher.get_history(since, until).events == within
        assert dispatcher.get_history(since, until, limit=4).events == within[-4:]
        assert dispatcher.get_history(until + timedelta(days=1)).events == []


def in_journal(path: Path) -> int:
    with closing(SqliteReader(path)) as reader:
        return len(reader.after_now(START))


def test_the_journal_stays_as_long_as_what_is_known_by_heart(tmp_path: Path) -> None:
    path = tmp_path / "cell.db"
    for _ in range(3):
        worked_off(path, 10)
    with OperationDispatcher(ROBOT, journal=path, **FORGETFUL):
        while in_journal(path) > 40:  # Ninety were written, and more of the dispatcher itself.
            sleep(0.01)
    assert record_beside(path).is_file()


@pytest.mark.parametrize("again", ["cancel", "pause_operation"])
def test_what_an_earlier_life_was_asked_for_is_asked_for_again(tmp_path: Path, again: str) -> None:
    path, asked, over = tmp_path / "cell.db", Event(), Event()

    def hangs(event: DispatchEvent) -> bool:
        if event.event_type is not EventType.OPERATION_START_REQUESTED:
            asked.set()
            over.wait(5)
        return True

    with ThreadPoolExecutor() as others:
        with OperationDispatcher(ROBOT, journal=path, on_request_callback=hangs) as dispatcher:
            lift = dispatcher.add(op())
            dispatcher.step()
            others.submit(getattr(dispatcher, again), lift.id)
            assert asked.wait(5)
        over.set()
    types = list[EventType]()
    with OperationDispatcher(
        ROBOT, journal=path, on_request_callback=lambda event: types.append(event.event_type)
    ) as dispatcher:
        assert getattr(dispatcher, again)(lift.id)
        assert len(types) == 1


def test_what_has_ended_and_is_forgotten_before_its_author_hears_says_how_it_ended() -> None:
    with OperationDispatcher(ROBOT, finished_kept=1) as dispatcher:
        links = [dispatcher.add(op())]
        dispatcher.step()
        dispatcher.fail_current()
        for _ in range(30):
            ahead = OperationDependency(depends_on_operation_id=links[-1].id)
            links.append(op(dependencies=[ahead]))
        dispatcher.add_operations(links[1:])
        assert {link.state for link in links} == {ExecutionState.FAILED}
        assert len(dispatcher.get_operations(ExecutionState.FAILED)) < len(links)


def spoil(path: Path) -> None:
    """Write nonsense over the second page of a file of SQLite, once nothing is beside it."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    with path.open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xff" * 4_096)


def test_a_record_that_is_damaged_is_one_line_that_says_what_would_work(tmp_path: Path) -> None:
    path = tmp_path / "cell.db"
    record = record_beside(path)
    while not record.exists():  # It is kept on a thread of its own, which may be slow to begin.
        worked_off(path, 3)
    spoil(record)
    with pytest.raises(JournalUnreadable, match=r"cell\.db\.record is no record .* delete it"):
        OperationDispatcher(ROBOT, journal=path)
    record.unlink()
    assert len(worked_off(path, 1)) > 0


def test_a_journal_that_cannot_be_written_is_one_line_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "cell.db"
    worked_off(path, 3)
    spoil(path)
    with pytest.raises(Unknown, match=r"cell\.db cannot be written: database disk image"):
        OperationDispatcher(ROBOT, journal=path)
