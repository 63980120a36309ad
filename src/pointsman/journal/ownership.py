"""Who may write a journal file: one process, which an operating system's lock proves.

    FILE.lock    locked by the owner for as long as it lives, and holds its process id

The lock ends with its holder, however that ends, so none is ever stale. To take over is to put
a new lock file, locked already, in the place of the old one: the taker owns the journal at
once, and no third can come between. The one replaced keeps a lock on a file that nobody finds
any more: it may look whether that is so, and else the journal fences it at its next append.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Final

try:
    import fcntl
except ImportError as error:  # pragma: no cover
    raise ImportError("a journal in a file needs file locks of Linux or macOS (fcntl)") from error

TRIES: Final = 5
PAUSE_SECONDS: Final = 0.02
"""Between tries, as somebody may just be looking who the owner is."""


class InUse(Exception):
    """Another process writes the journal. The message names it."""


@contextmanager
def owning(
    path: Path, *, take_over: bool = False, patience_seconds: float = 0.0
) -> Iterator[Callable[[], bool]]:
    """Be the one writer of the journal at `path` inside. With `take_over`, in place of another.

    Gives what tells whether somebody has taken over since. Who takes over waits at most
    `patience_seconds` until the one replaced has left, with all that it held besides.

    Raises:
        InUse: If another process is, and `take_over` is not set.
    """
    if take_over:
        before = _open(path)
        lock = _put_in_place(path)
        _wait_for_leave(before, patience_seconds)
    else:
        lock = _lock(path)
    try:
        yield lambda: _is_elsewhere(lock, path)
    finally:
        os.close(lock)  # The file stays: to delete it could delete a successor's.


def owner_of(path: Path) -> int | None:
    """The process that writes the journal at `path` now. None: nobody does."""
    if (file := _open(path)) is None:
        return None
    try:
        return None if _try(file, fcntl.LOCK_SH) else _pid_in(file)
    finally:
        os.close(file)


def _lock(path: Path) -> int:
    pid = None
    for _ in range(TRIES):
        file = os.open(_beside(path), os.O_RDWR | os.O_CREAT, 0o644)
        if _try(file, fcntl.LOCK_EX) and _is_in_place(file, path):
            _write_pid(file)
            return file
        pid = _pid_in(file)
        os.close(file)
        sleep(PAUSE_SECONDS)
    who = f"process {pid}" if pid else "another process"
    raise InUse(f"{path} is in use by {who}: stop that one")


def _put_in_place(path: Path) -> int:
    """A new lock file, locked by us before anybody can find it."""
    own = path.with_name(f"{path.name}.lock-{os.getpid()}")
    own.unlink(missing_ok=True)
    file = os.open(own, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    fcntl.flock(file, fcntl.LOCK_EX)
    _write_pid(file)
    own.replace(_beside(path))
    return file


def _open(path: Path) -> int | None:
    """The lock file, to look at. None: there is none."""
    with suppress(FileNotFoundError):
        return os.open(_beside(path), os.O_RDONLY)
    return None


def _wait_for_leave(file: int | None, seconds: float) -> None:
    """Return once nobody holds this lock any more, or after so many seconds."""
    if file is None:
        return
    give_up_at = monotonic() + seconds
    while not _try(file, fcntl.LOCK_SH) and monotonic() < give_up_at:
        sleep(PAUSE_SECONDS)
    os.close(file)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _try(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_in_place(file: int, path: Path) -> bool:
    """Whether this is still the file that others find, and not one that was replaced."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file), _beside(path).stat())
    return False


def _is_elsewhere(file: int, path: Path) -> bool:
    """Whether another file is in the place of this one. None at all is nobody's claim."""
    with suppress(FileNotFoundError):
        return not os.path.samestat(os.fstat(file), _beside(path).stat())
    return False


def _write_pid(file: int) -> None:
    os.ftruncate(file, 0)
    os.pwrite(file, f"{os.getpid()}\n".encode(), 0)


def _pid_in(file: int) -> int | None:
    text = os.pread(file, 20, 0).strip()
    return int(text) if text.isdigit() else None
