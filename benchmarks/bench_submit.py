"""What one submit costs when a million commands wait, against a thousand."""

import gc
from collections.abc import Iterator
from itertools import islice
from statistics import median
from time import perf_counter
from typing import Final, NamedTuple

from benchmarks.given import LATER, SITE, commands
from benchmarks.table import Row, at_most, show, spread
from pointsman.core.names import shard_of
from pointsman.journal import APPEND_LIMIT
from pointsman.journal.memory import MemoryJournal
from pointsman.runtime.codec import Codec
from pointsman.runtime.direct import Direct
from pointsman.schedules import SCHEDULES, lifecycle, schedules_id
from pointsman.schedules.facts import Added
from pointsman.schedules.intents import Submit

ASSETS: Final = 1_000
FEW: Final = 1_000
MANY: Final = 1_000_000
SAMPLES: Final = 2_000
ROUNDS: Final = 3


class Cost(NamedTuple):
    pure_us: list[float]
    direct_us: list[float]
    """A round each, of `SAMPLES`."""


def cost(pending: int) -> Cost:
    """Microseconds for one submit more, when so many are pending."""
    journal, codec, id = MemoryJournal(), Codec([SCHEDULES]), schedules_id(SITE)
    token = journal.claim_now(shard_of(SITE, journal.shards))
    name = f"{SCHEDULES.name}/{id}"
    records = (codec.record(name, Added(c), LATER) for c in commands(pending, ASSETS))
    while some := list(islice(records, APPEND_LIMIT)):
        journal.append_now(token, some)
    gc.disable()
    direct = Direct(SCHEDULES, id, journal)
    gc.enable()
    gc.collect()
    gc.freeze()
    pure_us, direct_us = [], []
    with direct.looking() as site:
        for at in range(ROUNDS):
            intents = [Submit(c) for c in commands(SAMPLES, ASSETS, pending + 2 * at * SAMPLES)]
            start = perf_counter()
            for intent in intents:
                for fact in lifecycle.decide(site, intent, LATER):
                    lifecycle.evolve(site, fact)
            pure_us.append((perf_counter() - start) / SAMPLES * 1e6)
    for at in range(ROUNDS):
        intents = [Submit(c) for c in commands(SAMPLES, ASSETS, pending + (2 * at + 1) * SAMPLES)]
        start = perf_counter()
        for intent in intents:
            direct.submit(intent, LATER)
        direct_us.append((perf_counter() - start) / SAMPLES * 1e6)
    gc.unfreeze()
    return Cost(pure_us, direct_us)


def rows() -> Iterator[Row]:
    few = cost(FEW)
    many = cost(MANY)
    ways = (
        ("decide and evolve alone", few.pure_us, many.pure_us),
        ("blocking driver, memory journal", few.direct_us, many.direct_us),
    )
    for way, few_us, many_us in ways:
        yield Row(f"one submit at {FEW:,} pending, {way}", spread(few_us, ",.1f", " us"))
        ratios = [one / median(few_us) for one in many_us]
        what = f"one submit at {MANY:,} pending against {FEW:,}, {way}"
        yield at_most(what, ratios, 2, " times")


if __name__ == "__main__":
    show(rows())
