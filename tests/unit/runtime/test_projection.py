"""A projection is made of the record's own rows, in whatever state it was left."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from pointsman.journal import Cursor, Record
from pointsman.runtime.codec import Codec
from pointsman.runtime.projection import PAGE, Numbered
from pointsman.runtime.record_file import RecordFile
from tests.queues import QUEUES
from tests.queues.model import Added, Operation
from tests.unit.runtime.test_record import NOON

CODEC = Codec([QUEUES])


class Keys:
    """Writes down the key of each row that it is told of."""

    name, kind = "keys", "queues"

    def __init__(self, version: int = 1, fails_at: int | None = None) -> None:
        self.version, self.fails_at = version, fails_at

    def begin(self, db: sqlite3.Connection) -> None:
        db.execute("DROP TABLE IF EXISTS keys")
        db.execute("CREATE TABLE keys (version INTEGER, key TEXT)")

    def add(self, db: sqlite3.Connection, rows: Sequence[Numbered]) -> None:
        for number, _, key, _, _ in rows:
            if number == self.fails_at:
                raise RuntimeError("the power went out")
            db.execute("INSERT INTO keys VALUES (?, ?)", (self.version, key))


def entries(numbers: Iterable[int], kind: str = "queues") -> list[tuple[Cursor, Record]]:
    records = [
        (n, CODEC.record("queues/s/r", Added(Operation(f"{n}", NOON)), NOON)) for n in numbers
    ]
    return [
        (Cursor(str(n)), Record(0, n, key.replace("queues", kind), data))
        for n, (key, data) in records
    ]


def written(
    path: Path, *projections: Keys, journal: str = "journal", numbers: Iterable[int]
) -> None:
    with closing(RecordFile(path, journal, projections)) as file:
        if added := entries(numbers):
            file.add(added)


def keys(path: Path) -> tuple[set[int], list[int]]:
    """With which version they were written, and which."""
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT version, key FROM keys").fetchall()
    return {version for version, _ in rows}, [int(key.split("/")[-1]) for _, key in rows]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db.record"


def test_it_is_told_of_each_row_once_although_the_record_is_opened_again(path: Path) -> None:
    written(path, Keys(), numbers=[1, 2])
    written(path, Keys(), numbers=[])
    written(path, Keys(), numbers=[2, 3])
    assert keys(path) == ({1}, [1, 2, 3])


def test_a_record_of_a_release_that_knew_none_is_read_from_its_beginning(path: Path) -> None:
    count = 2 * PAGE + 3
    written(path, numbers=range(1, count))
    written(path, Keys(), numbers=[count])
    assert keys(path) == ({1}, list(range(1, count + 1)))


def test_what_a_release_wrote_that_knows_it_not_is_made_up_for(path: Path) -> None:
    written(path, Keys(), numbers=[1])
    written(path, numbers=[2, 3])
    written(path, Keys(), numbers=[])
    assert keys(path) == ({1}, [1, 2, 3])


def test_another_version_is_begun_anew(path: Path) -> None:
    written(path, Keys(1), numbers=[1, 2])
    written(path, Keys(2), numbers=[3])
    assert keys(path) == ({2}, [1, 2, 3])


def test_a_record_of_another_journal_leaves_nothing_behind(path: Path) -> None:
    written(path, Keys(), numbers=[1, 2])
    written(path, Keys(), journal="another", numbers=[1])
    assert keys(path) == ({1}, [1])


def test_rows_and_projection_are_written_both_or_neither(path: Path) -> None:
    with closing(RecordFile(path, "journal", [Keys(fails_at=3)])) as file:
        file.add(entries([1]))
        with pytest.raises(RuntimeError):
            file.add(entries([2, 3]))
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM fact").fetchone() == (1,)
        assert db.execute("SELECT cursor FROM meta").fetchone() == ("1",)
    written(path, Keys(), numbers=[2, 3])
    assert keys(path) == ({1}, [1, 2, 3])


def test_what_was_cut_short_goes_on_where_it_was(path: Path) -> None:
    """A page at a time, so that what is done is done."""
    written(path, numbers=range(1, 2 * PAGE))
    with pytest.raises(RuntimeError):
        RecordFile(path, "journal", [Keys(fails_at=PAGE + 7)])
    assert keys(path)[1] == list(range(1, PAGE + 1))
    written(path, Keys(), numbers=[])
    assert keys(path)[1] == list(range(1, 2 * PAGE))


def test_it_is_told_of_its_own_kind_only(path: Path) -> None:
    with closing(RecordFile(path, "journal", [Keys()])) as file:
        file.add([*entries([1], kind="queues2"), *entries([2]), *entries([3], kind="plans")])
        file.add(entries([4]))
    assert keys(path) == ({1}, [2, 4])
