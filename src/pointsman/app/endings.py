"""How the owner of a journal ends: replaced by another, or unable to write, in one line."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pointsman.journal import Fenced, Unknown
from pointsman.library.running import JournalFailed, Replaced, leaves

LEAVE_SECONDS: Final = 5.0
"""How long whoever takes over waits for the one replaced to let go of its ports."""
LOOK_SECONDS: Final = 0.2
"""How often an owner looks whether somebody has taken over."""


def replaced(path: Path | None) -> Replaced:
    return Replaced(f"{path}: another process took over; this one has stopped")


@contextmanager
def one_cause(path: Path | None) -> Iterator[None]:
    """What ended the work inside, and not the group of tasks that it ended in.

    Raises:
        Replaced: If another process took over.
        JournalFailed: If nothing could be written any more.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        causes = list(leaves(group))
        if fenced := next((cause for cause in causes if isinstance(cause, Fenced)), None):
            raise replaced(path) from fenced
        other = next((c for c in causes if not isinstance(c, Unknown | sqlite3.Error)), None)
        if other is None:
            raise JournalFailed(f"{path}: cannot be written: {causes[0]}") from group
        raise other from group
