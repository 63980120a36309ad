"""What the tests of whole runs stand on: a folder, a site, a plan, and `pointsman` as a process."""

import csv
import json
import os
import select
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Final

import pointsman
from pointsman.core.names import word
from pointsman.journal.sqlite_reader import SqliteReader
from pointsman.runtime.codec import Codec
from pointsman.runtime.record import RecordReader
from pointsman.schedules import SCHEDULES

POINTSMAN: Final = (sys.executable, "-m", "pointsman.cli")
ENVIRONMENT: Final = {
    **os.environ,
    "PYTHONPATH": str(Path(pointsman.__file__).parent.parent),
    "PYTHONWARNINGS": "error",
    "POINTSMAN_HTTP": "127.0.0.1:0",
}
SOON_SECONDS: Final = 20.0
START: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
BATTERY: Final = """
[[asset]]
id = "battery"
kind = "battery"
max_charge_kw = 30.0
max_discharge_kw = 30.0
capacity_kwh = 120.0
"""
BAY: Final = """
[[asset]]
id = "bay"
kind = "ev_charger"
rating_kw = 11.0
"""


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    error: str


class Scene:
    """A folder with `site.toml` and `plan.csv`, and `pointsman` called in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "run.db"

    def site(self, *assets: str, id: str = "home", more: str = "") -> None:
        text = f'[site]\nid = "{id}"\ntimezone = "Europe/Berlin"\n{"".join(assets)}\n{more}'
        (self.folder / "site.toml").write_text(text, encoding="utf-8")

    def plan(
        self,
        columns: Mapping[str, Sequence[float | None]],
        *,
        start: datetime = START,
        seconds: float = 600.0,
        name: str = "plan.csv",
    ) -> None:
        """A row a slot."""
        with (self.folder / name).open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["timestamp", *columns])
            for n, cells in enumerate(zip(*columns.values(), strict=True)):
                rows.writerow([(start + n * timedelta(seconds=seconds)).isoformat(), *cells])

    def words(self, *flags: str, plan: str = "plan.csv", speed: float = 3600.0) -> list[str]:
        command = [*POINTSMAN, "run", plan, "--site", "site.toml", "--speed", f"{speed:g}"]
        return [*command, "--journal", self.journal.name, *flags]

    def run(self, *flags: str, **how: Any) -> Ended:  # noqa: ANN401
        """Carry out the plan to its end."""
        return self.call(*self.words(*flags, **how))

    def call(self, *words: str, seconds: float = 60.0) -> Ended:
        ended = subprocess.run(
            words,
            cwd=self.folder,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    @contextmanager
    def started(self, *words: str) -> Iterator["Process"]:
        """A process, killed at the end of the block if it lives."""
        with subprocess.Popen(
            words,
            cwd=self.folder,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        ) as process:
            try:
                yield Process(process)
            finally:
                process.kill()

    def report(self, *flags: str, **how: Any) -> dict[str, Any]:  # noqa: ANN401
        """Carry out the plan to its end, with exit status 0."""
        ended = self.run("--json", *flags, **how)
        assert ended.status == 0, ended.error
        report: dict[str, Any] = json.loads(ended.out)
        return report

    def facts(self) -> list[tuple[datetime, Any]]:
        """All that the journal holds, and its record."""
        codec, reader = Codec([SCHEDULES]), RecordReader(self.journal)
        try:
            happened = [codec.decode(row.key, row.data) for row in reader.facts()]
        finally:
            reader.close()
        return [(one.at, one.fact) for one in happened]

    def counts(self) -> Counter[str]:
        """How many facts of each sort."""
        return Counter(type(fact).__name__ for _, fact in self.facts())

    def home_of(self, site: str) -> int | None:
        reader = SqliteReader(self.journal)
        try:
            return reader.home_now(word(site))
        finally:
            reader.close()


class Process:
    """`pointsman`, running."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.pid = process.pid
        self.lines: list[str] = []

    def says(self, part: str, seconds: float = SOON_SECONDS) -> str:
        """Wait for a line with this in it."""
        assert self.process.stdout is not None
        give_up_at = monotonic() + seconds
        while (rest := give_up_at - monotonic()) > 0:
            if not select.select([self.process.stdout], [], [], rest)[0]:
                break
            line = self.process.stdout.readline()
            self.lines.append(line)
            if part in line:
                return line
            if not line:
                error = self.process.stderr.read() if self.process.stderr else ""
                raise AssertionError(f"it ended and never said {part!r}: {error}")
        raise AssertionError(f"it did not say {part!r} in {seconds:g} s, but {self.lines}")

    def send(self, signal: int) -> None:
        self.process.send_signal(signal)

    def end(self, seconds: float = SOON_SECONDS) -> Ended:
        """Wait until it has ended."""
        out, error = self.process.communicate(timeout=seconds)
        return Ended(self.process.returncode, "".join(self.lines) + out, error)


def one_line(ended: Ended, status: int = 1) -> str:
    """The one line that a command says about what went wrong."""
    assert ended.status == status, (ended.out, ended.error)
    lines = [line for line in ended.error.splitlines() if line]
    assert len(lines) == 1, ended.error
    return lines[0]
