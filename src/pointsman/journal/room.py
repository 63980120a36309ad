"""Room for the log that SQLite writes ahead: its file is made long before it is written.

A commit that makes a file longer has to write down where the new part is, too, and takes about
twice as long as one that writes where the file has been long already. SQLite's log is that long
only after it was merged into the database once, which may be hours later.

So a file of zeros is made of it, behind all that is there. To SQLite that looks like what is left
of an older log: it reads up to the first page that is not signed by the newest one.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

STEP_BYTES: Final = 256 * 1024
"""A commit waits for no more than this to be written."""


def make_room(database: Path, size_bytes: int) -> None:
    """Make the log of a database that is open at least so long.

    Without room all goes on, only slower: so a full disk, or a log that is gone, is no error.
    """
    with suppress(OSError):
        log = os.open(f"{database}-wal", os.O_WRONLY | os.O_APPEND)
        try:
            while os.fstat(log).st_size < size_bytes and os.fstat(log).st_nlink:
                os.write(log, bytes(STEP_BYTES))
                os.fsync(log)
        finally:
            os.close(log)
