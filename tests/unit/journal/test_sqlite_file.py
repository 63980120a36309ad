"""How the SQLite file of a journal is made, by several at a time too."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

from pointsman.journal.sqlite_file import connect, write_ahead

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
