"""How soon after a restart the first command is handed to its device, and how soon help comes."""

import asyncio
import gc
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from benchmarks.given import LATER, SITE, asset_ids, commands, even_plan, facts_of
from benchmarks.table import Row, at_most, several, show, spread
from pointsman.core.entity import Fact
from pointsman.core.names import shard_of
from pointsman.core.values import replace
from pointsman.devices import Reading, Taken
from pointsman.devices.driver import Driver
from pointsman.journal import APPEND_LIMIT, Cursor
from pointsman.journal.sqlite import SqliteJournal
from pointsman.journal.sqlite_reader import SqliteReader
from pointsman.runtime.clock import SystemClock
from pointsman.runtime.codec import Codec
from pointsman.runtime.engine import Engine
from pointsman.runtime.loading import collector_paused
from pointsman.runtime.mirror import Known, Mirror
from pointsman.schedules import SCHEDULES, schedules_id
from pointsman.schedules.facts import Added, PlanActivated, TimelineWritten
from pointsman.schedules.intents import Open
from pointsman.schedules.model import Command, Run

ASSETS: Final = 1_000
KEYS: Final = 100_000
PLANS: Final = KEYS // ASSETS
ROWS: Final = 8
HELP: Final = (
    "import sys; sys.argv = ['pointsman', '--help']; from pointsman.cli import main; main()"
)


class FirstSent:
    """A device that tells when it was first told anything."""

    def __init__(self) -> None:
        self.told = asyncio.Event()

    async def send(self, command: Command) -> Taken:
        self.told.set()
        return Taken(applied_kw=command.signed_kw)

    async def read(self) -> Reading:
        return Reading()


def overdue() -> Command:
    """What is sent first: it waits since yesterday."""
    [command] = commands(1, ASSETS, first=KEYS)
    yesterday = SystemClock().now() - timedelta(days=1)
    return replace(command, scheduled_at=yesterday, expires_at=None, sequence=KEYS + 1)


def pending() -> Iterator[Fact]:
    """Commands made by hand that wait for their time."""
    for number, command in enumerate(commands(KEYS, ASSETS), start=1):
        yield Added(replace(command, sequence=number))
    yield Added(overdue())


def planned() -> Iterator[Fact]:
    """Plans in force, each with a timeline for every asset, one after the other in time."""
    for number in range(PLANS):
        start = LATER + timedelta(seconds=(PLANS - number) * (ROWS + 1))
        plan, timelines = even_plan(start, ASSETS, ROWS, plan_id=f"plan_{number}")
        yield from map(TimelineWritten, timelines)
        yield PlanActivated(replace(plan, activation=number + 1, activated_at=start))
    yield Added(overdue())


def fill(path: Path, facts: Iterable[Fact]) -> None:
    """A journal that holds just these facts of one site."""
    codec, now = Codec([SCHEDULES]), SystemClock().now()
    journal, name = SqliteJournal(path), f"{SCHEDULES.name}/{schedules_id(SITE)}"
    token = journal.claim_now(shard_of(SITE, journal.shards))
    records = (codec.record(name, fact, now) for fact in facts)
    while some := list(islice(records, APPEND_LIMIT // 2)):
        journal.append_now(token, some)
    journal.close_now()


def restart_seconds(path: Path) -> float:
    """From opening the journal to the first `send`, as a run does it: a mirror reads, and the
    engine begins with what that has read, if nothing came since.
    """
    gc.collect()
    start = perf_counter()
    mirror = Mirror(SCHEDULES, schedules_id(SITE))
    with collector_paused():
        with closing(SqliteReader(path)) as reader:
            cursor, known = mirror.read(reader)
        assert known is not None, "else the engine reads all of it again"
        return asyncio.run(_first_sent(path, start, mirror.state.run_number + 1, cursor, known))


async def _first_sent(path: Path, start: float, number: int, cursor: Cursor, known: Known) -> float:
    journal, clock, device = SqliteJournal(path), SystemClock(), FirstSent()
    engine = Engine([SCHEDULES], journal, clock, known=known)
    submit = partial(engine.submit, SCHEDULES, schedules_id(SITE))
    devices = dict.fromkeys(asset_ids(ASSETS), device)
    run = Run(number, 1.0, False, clock.now())
    driver = Driver(submit, devices, {}, clock, run_number=number, opened_at=run.started_at)
    async with asyncio.TaskGroup() as tasks:
        opened = tasks.create_task(submit(Open(run)))
        await asyncio.sleep(0)
        driving = tasks.create_task(driver.run(facts_of(journal, cursor)))
        running = tasks.create_task(engine.run())
        await opened
        await device.told.wait()
        passed = perf_counter() - start
        driving.cancel()
        running.cancel()
    await journal.close()
    return passed


def process_seconds(code: str) -> float:
    start = perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return perf_counter() - start


def rows() -> Iterator[Row]:
    cases: list[tuple[str, Callable[[], Iterator[Fact]]]] = [
        (f"{KEYS:,} pending commands", pending),
        (f"{KEYS:,} timelines of {PLANS} plans", planned),
    ]
    for name, facts in cases:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "journal.db"
            fill(path, facts())
            # A restart makes its command no longer due, so each run has a copy.
            copies = [path.with_name(f"{n}.db") for n in range(3)]
            for copy in copies:
                copy.write_bytes(path.read_bytes())
            seconds = [restart_seconds(copy) for copy in copies]
        yield at_most(f"restart with {name}, until the first is sent", seconds, 1.5, " s")
    yield at_most("`pointsman --help`", several(partial(process_seconds, HELP), 7), 0.3, " s")
    bare = several(partial(process_seconds, "pass"), 7)
    yield Row("of that, Python alone", spread(bare, unit=" s"))


if __name__ == "__main__":
    show(rows())
