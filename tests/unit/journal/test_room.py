"""Room for the log: made for whoever stays, and no harm to anybody who reads it."""

from pathlib import Path
from shutil import copy
from time import monotonic, sleep

from pointsman.journal.room import STEP_BYTES, make_room
from pointsman.journal.sqlite import BUSY, SqliteJournal
from pointsman.journal.sqlite_file import LOG_BYTES
from tests.unit.journal.given import opened

SECONDS = 30


def log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def append(journal: SqliteJournal, many: int) -> list[str]:
    token = journal.claim_now(3)
    keys = [f"queues/depot/robot/{n}" for n in range(many)]
    for key in keys:
        journal.append_now(token, [(key, key.encode())])
    return keys


def wait_for_room(path: Path) -> None:
    until = monotonic() + SECONDS
    while log_of(path).stat().st_size < LOG_BYTES:
        assert monotonic() < until, "nobody made room"
        sleep(0.01)


def test_who_commits_often_is_made_room_for(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with opened(path) as journal:
        append(journal, BUSY)
        wait_for_room(path)
    assert not log_of(path).exists(), "it is tidied up as ever"


def test_who_commits_a_few_times_leaves_the_disk_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with opened(path) as journal:
        append(journal, BUSY // 2)
        assert log_of(path).stat().st_size < LOG_BYTES / 10


def test_a_log_with_room_is_read_after_a_crash(tmp_path: Path) -> None:
    """What a process leaves that was killed: the same files, and nobody who closed them."""
    path, left = tmp_path / "journal.db", tmp_path / "left"
    left.mkdir()
    with opened(path) as journal:
        keys = append(journal, BUSY)
        wait_for_room(path)
        keys += append(journal, 10)
        for file in (path, log_of(path)):
            copy(file, left)
    with opened(left / path.name) as found:
        records = found.load_now(found.claim_now(3))
        assert sorted({record.key for record in records}) == sorted(set(keys))
        assert len(append(found, 10)) == 10


def test_room_is_made_behind_what_is_there(tmp_path: Path) -> None:
    log = log_of(tmp_path / "journal.db")
    log.write_bytes(b"what is there")
    make_room(tmp_path / "journal.db", 2 * STEP_BYTES)
    assert log.read_bytes() == b"what is there" + bytes(2 * STEP_BYTES)


def test_where_there_is_no_log_none_is_made(tmp_path: Path) -> None:
    make_room(tmp_path / "journal.db", STEP_BYTES)
    assert not [*tmp_path.iterdir()]
