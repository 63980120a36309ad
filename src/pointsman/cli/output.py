"""What commands print: lines, tables, JSON."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDTH: Final = 160
"""Columns of text where no terminal tells."""


def line(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")


def plain(text: str) -> str:
    """On one line, and without anything that a terminal would obey: others wrote it."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def note(text: str) -> None:
    """What is not part of the output, on standard error."""
    sys.stderr.write(f"pointsman: {text}\n")


def json(value: object, *, indent: int = 2) -> None:
    """A value of values, dataclasses, numbers, texts and instants, as JSON. 0: on one line."""
    import msgspec

    from pointsman.core.values import whole

    encoded = msgspec.json.encode(whole(value))
    line((msgspec.json.format(encoded, indent=indent) if indent else encoded).decode())


def flush() -> None:
    """Let whoever reads along see what was printed so far."""
    sys.stdout.flush()


def console() -> "Console":
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)


def grid(headers: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> "Table":
    """A table whose first `words` columns are words. The others are numbers, to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for count, header in enumerate(headers):
        table.add_column(header, justify="left" if count < words else "right", no_wrap=not count)
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))  # Text, or brackets would be markup.
    return table


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> None:
    console().print(grid(headers, rows, words=words))


def kw(value: float | None) -> str:
    """To ten watts. Minus nothing is nothing."""
    return "-" if value is None else f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def kwh(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def counts(found: dict[str, int]) -> str:
    """How many of each: `3 COMPLETED, 1 EXPIRED`."""
    return ", ".join(f"{count} {word}" for word, count in found.items()) or "none"
