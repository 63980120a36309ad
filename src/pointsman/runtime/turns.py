"""Turns of the interpreter: how long a thread that could go on waits while another one runs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SHORT_SECONDS: Final = 0.0005


@contextmanager
def short_turns() -> Iterator[None]:
    """Let the thread that writes the journal begin while the event loop is busy.

    Python's own 5 ms are longer than a commit takes: what the loop and the disk could do at the
    same time, they would do one after the other. This is so for the whole process, while inside.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(SHORT_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
