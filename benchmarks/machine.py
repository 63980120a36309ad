"""The machine that measured: figures mean nothing without it."""

import os
import platform
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from time import perf_counter
from typing import Final

from pointsman.runtime.clock import SystemClock

ROUNDS: Final = 2_000
CAN_CHOOSE_CPUS: Final = hasattr(os, "sched_setaffinity")
"""On Linux."""


def machine() -> str:
    """Cores, processor, memory, and the versions of what matters, in one line."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = (
        f"{os.cpu_count()} cores ({_processor()})",
        f"{memory_gb:.0f} GiB of memory",
        f"{platform.python_implementation()} {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        f"{platform.system()} {platform.release()}",
        f"{SystemClock().now():%Y-%m-%d}",
    )
    return ", ".join(parts)


def load() -> str:
    """How busy it is with everything, ourselves included."""
    return f"{os.getloadavg()[0]:.1f}"


@contextmanager
def one_cpu() -> Iterator[None]:
    """Let this thread, and those that it begins inside, run on one CPU only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def wakes_us() -> float:
    """What it takes until a thread has woken another one, and that one has woken it."""
    there, back = SimpleQueue[bool](), SimpleQueue[bool]()

    def answer() -> None:
        while there.get():
            back.put(True)

    other = Thread(target=answer)
    other.start()
    start = perf_counter()
    for _ in range(ROUNDS):
        there.put(True)
        back.get()
    passed = perf_counter() - start
    there.put(False)
    other.join()
    return 1_000_000 * passed / ROUNDS


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
