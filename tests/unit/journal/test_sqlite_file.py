"""How the SQLite file of a journal is made, by several at a time too."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

from pointsman.journal.sqlite_file import connect, create, is_begun, write_ahead

MAKERS = 8
ROUNDS = 50
"""Without patience, about one in six of them fails."""


def test_several_may_make_a_file_at_once(tmp_path: Path) -> None:
    def make(path: Path, together: Barrier) -> str:
        with closing(connect(path)) as db:
            together.wait()
            write_ahead(db)
            db.execute("CREATE TABLE IF NOT EXISTS made (it INTEGER)")
            [mode] = db.execute("PRAGMA journal_mode").fetchone()
        return str(mode)

    with ThreadPoolExecutor(MAKERS) as threads:
        for number in range(ROUNDS):
            path, together = tmp_path / f"{number}.db", Barrier(MAKERS)
            making = [threads.submit(make, path, together) for _ in range(MAKERS)]
            assert {made.result() for made in making} == {"wal"}


def test_a_journal_is_begun_once_its_tables_are_there(tmp_path: Path) -> None:
    """Whoever makes one may be killed at any moment of that."""
    path = tmp_path / "journal.db"
    assert not is_begun(path)
    path.touch()
    assert not is_begun(path)
    with closing(connect(path)) as db:
        write_ahead(db)
        db.execute("BEGIN IMMEDIATE")
        assert not is_begun(path)
    assert path.stat().st_size
    assert not is_begun(path)
    create(path, 7)
    assert is_begun(path)


def test_what_is_no_journal_is_left_to_whoever_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_text("This is not a database, and no journal either. It goes on for a while.")
    assert is_begun(path)
