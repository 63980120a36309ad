"""Reading a journal takes no claim and no write access, and says in one line why it cannot."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import pointsman
from pointsman.journal import JournalUnreadable
from pointsman.journal.sqlite import SqliteJournal
from pointsman.journal.sqlite_reader import SqliteReader
from tests.journal_contract import data

SOURCES = {"PYTHONPATH": str(Path(pointsman.__file__).parents[1])}
WRITER = """
import sys
from collections.abc import Callable
from pathlib import Path
from pointsman.journal.sqlite import SqliteJournal
journal = SqliteJournal(Path(sys.argv[1]))
token = journal.claim_now(3)
for n in range(3):
    journal.append_now(token, [("k/s/a", b"%d" % n)])
print("written", flush=True)
sys.stdin.read()
"""


async def test_it_reads_beside_a_writer_and_what_a_killed_one_left(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(  # noqa: ASYNC220
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=SOURCES
    ) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == b"written\n"
        for killed in (False, True):
            if killed:
                writer.kill()
                writer.wait(10)
            with closing(SqliteReader(path)) as reader:
                assert data(await reader.load(3)) == [b"2"]
                assert data(await reader.history(3, "k/s/a")) == [b"0", b"1", b"2"]
                assert (await anext(reader.tail()))[1].data == b"0"
                assert (reader.home_now("s"), reader.home_now("t")) == (3, None)


def test_it_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    SqliteJournal(path).close_now()
    before = path.read_bytes()
    with closing(SqliteReader(path)) as reader:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader._db.execute("DELETE FROM log")  # noqa: SLF001
        reader.load_now(3)
    assert path.read_bytes() == before


def no_file(_: Path) -> None:
    pass


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("timestamp,ev_001_kw\n" * 100)


def other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE something (else_ TEXT)")


def newer(path: Path) -> None:
    SqliteJournal(path).close_now()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE meta SET value = '2' WHERE name = 'format'")


def folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (no_file, "there is no journal at .*journal.db"),
        (empty, "journal.db is empty: nothing was journaled yet"),
        (text, "journal.db is no journal of pointsman: file is not a database"),
        (other_database, "journal.db is a SQLite file, but no journal of pointsman"),
        (newer, r"newer pointsman \(format 2, this one reads up to 1\): use that one"),
        (folder, "there is no journal at"),
    ],
)
def test_what_is_no_journal_is_one_clear_line(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    path = tmp_path / "journal.db"
    make(path)
    with pytest.raises(JournalUnreadable, match=message) as error:
        SqliteReader(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("make", [text, other_database, newer, folder])
def test_a_writer_refuses_the_same_and_leaves_it_alone(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "journal.db"
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(JournalUnreadable):
        SqliteJournal(path)
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_a_journal_that_is_damaged_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    token = journal.claim_now(3)
    journal.append_now(token, [(f"k/s/{n}", b"x" * 500) for n in range(500)])
    journal.close_now()
    content = bytearray(path.read_bytes())
    content[4096 * 8 : -4096] = b"\xff" * len(content[4096 * 8 : -4096])
    path.write_bytes(content)
    with closing(SqliteReader(path)) as reader, pytest.raises(JournalUnreadable, match="malformed"):
        reader.load_now(3)
    with closing(SqliteReader(path)) as reader, pytest.raises(JournalUnreadable, match="malformed"):
        list(reader.load_pages_now(3, size=100))
    content[4096:8192] = b"\xff" * 4096
    path.write_bytes(content)
    with closing(SqliteReader(path)) as reader, pytest.raises(JournalUnreadable, match="malformed"):
        reader.end_now()


def test_pages_are_what_is_loaded_the_newest_first(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    token = journal.claim_now(3)
    for value in (b"old", b"new"):
        journal.append_now(token, [(f"k/s/{n}", value) for n in range(25)])
    journal.append_now(token, [("k/s/7", b"")])
    with closing(SqliteReader(journal.path)) as reader:
        pages = list(reader.load_pages_now(3, size=10))
        assert [len(page) for page in pages] == [10, 10, 4]
        assert [record for page in reversed(pages) for record in page] == reader.load_now(3)
    journal.close_now()


def test_a_journal_that_was_closed_is_one_file(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    journal.append_now(journal.claim_now(3), [("k/s/a", b"1")])
    journal.close_now()
    assert [file.name for file in tmp_path.iterdir()] == ["journal.db"]


def test_an_empty_file_is_a_journal_that_is_just_being_made(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.touch()
    SqliteJournal(path, shards=7).close_now()
    with closing(SqliteReader(path)) as reader:
        assert reader.shards == 7
