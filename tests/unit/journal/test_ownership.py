"""One process writes a journal, as real processes prove."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Timer
from time import monotonic

import pytest

import pointsman
from pointsman.journal import ownership
from pointsman.journal.ownership import InUse, owner_of, owning

SOURCES = {"PYTHONPATH": str(Path(pointsman.__file__).parents[1])}
HOLDER = """
import asyncio, sys
from pathlib import Path
from pointsman.journal import Fenced
from pointsman.journal import ownership
from pointsman.journal.ownership import owning
from pointsman.journal.sqlite import SqliteJournal

async def main(path, take_over):
    with owning(path, take_over=take_over):
        journal = SqliteJournal(path)
        token = await journal.claim(3)
        print("ready", flush=True)
        while sys.stdin.readline():
            try:
                await journal.append(token, [("k/s/a", b"1")])
                print("appended", flush=True)
            except Fenced as fenced:
                print("fenced", flush=True)

asyncio.run(main(Path(sys.argv[1]), len(sys.argv) > 2))
"""


@contextmanager
def holder(path: Path, *flags: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that owns the journal, and appends when it is given a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=SOURCES,
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def append(process: subprocess.Popen[str]) -> str:
    assert process.stdin
    assert process.stdout
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_a_second_writer_is_refused_in_a_line_that_names_the_first(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with holder(path) as first:
        with (
            pytest.raises(InUse, match=f"process {first.pid}: stop that one$") as refusal,
            owning(path),
        ):
            pass
        assert "\n" not in str(refusal.value)
        assert owner_of(path) == first.pid
        assert append(first) == "appended"


def test_a_lock_ends_with_its_holder_even_if_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with holder(path) as first:
        first.send_signal(signal.SIGKILL)
        first.wait(10)
        assert owner_of(path) is None
        with owning(path):
            assert owner_of(path) == os.getpid()
    assert owner_of(path) is None


def test_a_taker_owns_at_once_and_the_first_is_fenced(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with holder(path) as first, holder(path, "--take-over") as second:
        assert owner_of(path) == second.pid
        assert append(second) == "appended"
        assert append(first) == "fenced"


def test_no_third_comes_in_when_the_first_ends_after_a_take_over(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with holder(path) as first, holder(path, "--take-over") as second:
        first.kill()
        first.wait(10)
        with pytest.raises(InUse, match=f"process {second.pid}"), owning(path):
            pass


def test_who_locked_a_file_that_was_just_replaced_is_not_the_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody takes over after we have opened the lock file and before we have locked it."""
    path, really = tmp_path / "a.db", ownership._try  # noqa: SLF001
    with ExitStack() as taken:

        def too_late(file: int, kind: int) -> bool:
            monkeypatch.setattr(ownership, "_try", really)
            taken.enter_context(owning(path, take_over=True))
            return really(file, kind)

        monkeypatch.setattr(ownership, "_try", too_late)
        with pytest.raises(InUse), owning(path):
            pass


def test_a_taker_may_itself_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with holder(path), holder(path, "--take-over") as second, owning(path, take_over=True):
        assert owner_of(path) == os.getpid()
        second.kill()
        second.wait(10)
        assert owner_of(path) == os.getpid()


def test_to_take_over_what_nobody_holds_is_to_own_it(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with owning(path, take_over=True), pytest.raises(InUse), owning(path):
        pass
    with owning(path):
        pass
    assert [file.name for file in tmp_path.iterdir()] == ["a.db.lock"]


def test_who_was_replaced_can_tell(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with owning(path) as replaced:
        assert not replaced()
        with owning(path, take_over=True) as taken:
            assert replaced()
            assert not taken()
        assert replaced()


def test_a_lock_file_that_was_deleted_is_nobodys_claim(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with owning(path) as replaced:
        (tmp_path / "journal.db.lock").unlink()
        assert not replaced()


def test_who_takes_over_waits_until_the_other_has_left_and_no_longer(tmp_path: Path) -> None:
    path, first = tmp_path / "journal.db", ExitStack()
    first.enter_context(owning(path))
    leaving = Timer(0.2, first.close)
    leaving.start()
    begun = monotonic()
    with owning(path, take_over=True, patience_seconds=30.0):
        assert 0.1 < monotonic() - begun < 10
    leaving.join()


def test_who_takes_over_from_one_that_hangs_waits_no_longer_than_that(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    begun = monotonic()
    with owning(path), owning(path, take_over=True, patience_seconds=0.2) as replaced:
        assert not replaced()
    assert 0.2 <= monotonic() - begun < 10
