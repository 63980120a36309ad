"""A journal whose owner has no event loop stays short, and nothing of it is lost."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep

import pytest

from pointsman.core.entity import Fact, Forgotten
from pointsman.journal import START
from pointsman.journal.sqlite import SqliteJournal
from pointsman.journal.sqlite_reader import SqliteReader
from pointsman.journal.sqlite_writer import DELETIONS
from pointsman.runtime.codec import Codec
from pointsman.runtime.direct_record import DirectKeeper
from pointsman.runtime.record import RecordReader, record_beside
from pointsman.runtime.record_file import RecordView, Wanted
from tests.queues import QUEUES
from tests.queues.model import Added, Finished, Operation
from tests.unit.journal.given import opened

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ROBOT = "queues/caltech/robot-1"
CODEC = Codec([QUEUES])
pytestmark = pytest.mark.timeout(30)


def lived(journal: SqliteJournal, count: int, first: int = 0) -> list[tuple[str, bytes]]:
    """So many operations came and went."""
    token, written = journal.claim_now(3), list[tuple[str, bytes]]()
    for n in range(first, first + count):
        one = Operation(f"op-{n}", NOON)
        ended_at = NOON + timedelta(minutes=n)
        facts: list[Fact] = [Added(one), Finished(one, ended_at), Forgotten(one.id)]
        records = [CODEC.record(ROBOT, fact, NOON) for fact in facts]
        journal.append_now(token, records)
        written += records
    return written


def in_journal(path: Path) -> int:
    with closing(SqliteReader(path)) as reader:
        return len(reader.after_now(START))


def in_record(path: Path) -> int:
    with closing(RecordView(record_beside(path), journal_id(path))) as view:
        return len([*view.rows(Wanted(), None, newest_first=False)])


def journal_id(path: Path) -> str:
    with closing(SqliteReader(path)) as reader:
        return reader.id


def in_past(path: Path) -> int:
    with closing(RecordReader(path)) as reader:
        return len([*reader.facts(ROBOT)])


def until(condition: Callable[[], bool]) -> None:
    end = monotonic() + 10
    while not condition():
        assert monotonic() < end
        sleep(0.01)


def test_what_an_earlier_life_left_is_written_down_and_dropped(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with opened(path) as journal:
        lived(journal, 20)
        assert in_journal(path) == 60
        with closing(DirectKeeper(journal)):
            until(lambda: in_journal(path) <= 1)
            assert in_past(path) == 40


def test_a_journal_that_has_grown_is_tidied_at_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with opened(path) as journal, closing(DirectKeeper(journal, grown_most=60)) as keeper:
        keeper.grew(lived(journal, 19))
        keeper.grew(lived(journal, 1, first=19))
        until(lambda: in_journal(path) <= 1)
        assert in_past(path) == 40


@contextmanager
def begun(journal: SqliteJournal, **also: float) -> Iterator[DirectKeeper]:
    """A keeper that has done its first round, and left the last record of the journal."""
    lived(journal, 1)
    with closing(DirectKeeper(journal, grown_most=60, **also)) as keeper:
        until(lambda: in_journal(journal.path) <= 1)
        yield keeper


def test_nothing_is_looked_for_while_nothing_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with opened(path) as journal, begun(journal) as keeper:
        records = lived(journal, 20, first=1)
        keeper.grew([record for record in records if record[1]] * 2)
        until(lambda: in_record(path) == 42)
        assert in_journal(path) > 60
        keeper.grew(records)
        until(lambda: in_journal(path) <= 1)


def test_every_so_often_it_looks_all_the_same(tmp_path: Path) -> None:
    """Of what goes on for long, the journal needs the last of its past only."""
    path = tmp_path / "journal.db"
    with opened(path) as journal, begun(journal, every_seconds=0.2) as keeper:
        keeper.grew([record for record in lived(journal, 2, first=1) if record[1]])
        until(lambda: in_journal(path) <= 1)


def test_a_record_that_cannot_be_kept_costs_nothing_but_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.db"
    record_beside(path).mkdir()
    with opened(path) as journal:
        records = lived(journal, 2)
        with closing(DirectKeeper(journal)):
            until(lambda: "is not kept" in caplog.text)
        assert in_journal(path) == len(records)


def test_who_closes_waits_for_no_more_than_a_page(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with opened(path) as journal:
        lived(journal, 5)
        keeper = DirectKeeper(journal)
        keeper.close()
        keeper.close()
        assert in_past(path) == 10


def test_a_journal_stops_forgetting_when_told_to(tmp_path: Path) -> None:
    """Whoever closes it waits for a part, and not for all of it. The rest comes next time."""
    with opened(tmp_path / "journal.db") as journal:
        lived(journal, 2 * DELETIONS)
        end = asyncio.run(journal.end())
        first = journal.forget_now(end, rest=lambda _: True)
        assert first == DELETIONS
        assert journal.forget_now(end, rest=lambda _: False) > DELETIONS
        assert journal.forget_now(end, rest=lambda _: False) == 0
