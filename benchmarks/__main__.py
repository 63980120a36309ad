"""All measurements in one table.

    python -m benchmarks [--only NAME]... [--write]

With `--write` the table goes into docs/speed.md too, with the machine it is of.
"""

import argparse
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Final

from benchmarks.machine import load, machine
from benchmarks.table import Row, markdown, show

ROOT: Final = Path(__file__).parents[1]
NAMES: Final = (
    "facts",
    "lateness",
    "import",
    "restart",
    "memory",
    "submit",
    "recurrence",
    "create",
    "list",
    "stream",
    "starts",
    "library",
    "operations",
    "operation_dispatcher",
    "history",
)
MEASURED: Final = "Measured on "
SPEED: Final = """# Speed

What `make bench` printed on one machine. Machines are noisy: a figure is the median of several
runs, beside the least and the most, and ratios are taken within one run. Nothing here is
asserted by a test.

{table}

{machine}
"""


def measured(names: Sequence[str]) -> Iterator[Row]:
    for name in names:
        yield from import_module(f"benchmarks.bench_{name}").rows()


def write(rows: Sequence[Row], note: str) -> None:
    """Put the table into docs/speed.md. What somebody said below it stays."""
    page = ROOT / "docs" / "speed.md"
    _, _, below = page.read_text(encoding="utf-8").partition(f"\n{MEASURED}")
    _, gap, said = below.partition("\n\n")
    table = SPEED.format(table=markdown(rows), machine=note)
    page.write_text(f"{table.rstrip()}{gap}{said.rstrip()}\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure speed.")
    parser.add_argument("--only", action="append", choices=NAMES, help="one part, or several")
    parser.add_argument("--write", action="store_true", help="into docs/speed.md")
    given = parser.parse_args()
    if given.write and given.only:
        parser.error("--write takes the whole table: leave --only out")
    start, load_before = perf_counter(), load()
    rows = show(measured(given.only or NAMES))
    note = f"{MEASURED}{machine()}, in {perf_counter() - start:.0f} s; load before: {load_before}."
    print(f"\n{note}")
    if given.write:
        write(rows, note)


if __name__ == "__main__":
    main()
