"""The machine that measured: figures mean nothing without it."""

import os
import platform
import sqlite3
from pathlib import Path

from pointsman.runtime.clock import SystemClock


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


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
