"""How much memory a command costs that waits, and a row of a plan."""

import gc
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from benchmarks.given import LATER, SITE, commands, even_plan
from benchmarks.table import Row, at_most, show, spread
from pointsman.runtime.codec import Codec
from pointsman.schedules import SCHEDULES, lifecycle, schedules_id
from pointsman.schedules.facts import Added, Fact, PlanActivated, TimelineWritten
from pointsman.schedules.intents import Submit

ASSETS: Final = 1_000
COMMANDS: Final = 100_000
ROWS: Final = 96


def submitted() -> object:
    """A site that was asked for each command."""
    site, now = lifecycle.initial(), LATER
    for command in commands(COMMANDS, ASSETS):
        for fact in lifecycle.decide(site, Submit(command), now):
            site = lifecycle.evolve(site, fact)
    return site


def loaded() -> object:
    """The same after a restart: nothing is shared that the journal tells twice."""
    return _folded(journaled(map(Added, commands(COMMANDS, ASSETS))))


def planned() -> object:
    plan, timelines = even_plan(LATER, ASSETS, ROWS)
    return _folded(journaled([*map(TimelineWritten, timelines), PlanActivated(plan)]))


def _folded(facts: Iterable[Fact]) -> object:
    site = lifecycle.initial()
    for fact in facts:
        site = lifecycle.evolve(site, fact)
    return site


def journaled(facts: Iterable[Fact]) -> Iterator[Fact]:
    """Facts as they come out of a journal."""
    codec, name = Codec([SCHEDULES]), f"{SCHEDULES.name}/{schedules_id(SITE)}"
    for fact in facts:
        yield codec.decode(*codec.record(name, fact, LATER)).fact


def bytes_each(build: Callable[[], object], count: int) -> float:
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    built = build()
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del built
    return (after - before) / count


def rows() -> Iterator[Row]:
    for how, build in (("submitted", submitted), ("loaded", loaded)):
        sizes = [bytes_each(build, COMMANDS)]
        what = f"memory per pending command, {COMMANDS:,} of them, {how}"
        yield at_most(what, sizes, 600, " bytes", ",.0f")
    sizes = [bytes_each(planned, ASSETS * ROWS)]
    what = f"memory per row of a plan, {ASSETS:,} assets x {ROWS} rows, loaded"
    yield Row(what, spread(sizes, ",.0f", " bytes"))


if __name__ == "__main__":
    show(rows())
