"""How long a table takes to become a plan, from each source, and that it is linear in its cells.

    python benchmarks/bench_import.py [--rounds 5]

All values are new, so each cell is a row. Writing the plan to a journal is not counted here.
"""

import argparse
import gc
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter

import pandas as pd

from pointsman.core.assets import Asset, AssetKind
from pointsman.library.frames import read_table
from pointsman.schedules.changes import plan_of
from pointsman.schedules.table import Table

SIZES = ((250, 1000), (500, 1000), (1000, 1000))
START = datetime(2025, 1, 1, tzinfo=UTC)


def frame_of(assets: int, slots: int) -> pd.DataFrame:
    """A column a vehicle; neighbouring cells always differ."""
    random = Random(1)
    index = pd.DatetimeIndex([START + timedelta(minutes=15 * slot) for slot in range(slots)])
    columns = {
        f"ev_{asset:04}_kw": [
            round(random.uniform(1, 5) + 6 * (slot % 2), 3) for slot in range(slots)
        ]
        for asset in range(assets)
    }
    return pd.DataFrame(columns, index=index.rename("timestamp"))


def seconds(work: Callable[[], object], rounds: int) -> float:
    """The median of some rounds."""
    taken = []
    for _ in range(rounds):
        gc.collect()
        begin = perf_counter()
        work()
        taken.append(perf_counter() - begin)
    return median(taken)


def measure(assets: int, slots: int, rounds: int, folder: Path) -> list[float]:
    """Seconds to read CSV, pandas and lists, and to find the changes."""
    frame = frame_of(assets, slots)
    path = folder / "plan.csv"
    frame.to_csv(path)
    table = read_table(frame)
    lists = {"timestamp": list(table.times), **table.columns}
    ids = {f"{asset:04}": f"charger_{asset}" for asset in range(assets)}
    site = {id: Asset(id, AssetKind.EV_CHARGER, rating_kw=11.0) for id in ids.values()}

    def changes(table: Table = table) -> None:
        result = plan_of(table, ids, created_at=START, assets=site)
        assert result.report.commands == assets * (slots + 1)

    return [
        seconds(lambda: read_table(path), rounds),
        seconds(lambda: read_table(frame), rounds),
        seconds(lambda: read_table(lists), rounds),
        seconds(changes, rounds),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    head = ("read CSV", "read pandas", "read lists", "changes", "CSV to plan", "us a cell")
    print(f"{'cells':>10}" + "".join(f"{title:>13}" for title in head))
    with tempfile.TemporaryDirectory() as folder:
        for assets, slots in SIZES:
            taken = measure(assets, slots, rounds, Path(folder))
            whole = taken[0] + taken[-1]
            shown = "".join(f"{one:11.3f} s" for one in (*taken, whole))
            print(f"{assets * slots:>10,}{shown}{whole / (assets * slots) * 1e6:>13.2f}")


if __name__ == "__main__":
    main()
