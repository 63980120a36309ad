"""What the points of a SunSpec model are, from the definitions that `pysunspec2` carries.

A model is a row of registers with fixed places: its id, its length, then its **points**. A
point is one to many registers of one type, and may name another point as its scale factor: the
power of ten that turns the number on the wire into the number that is meant. Each type has one
pattern that says "this device does not have this point".
"""

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import sunspec2

INVERTERS: Final = (103, 102, 101)
NAMEPLATE: Final = 120
SETTINGS: Final = 121
CONTROLS: Final = 123
STORAGE: Final = 124
DER_METER: Final = 701
DER_CAPACITY: Final = 702
DER_SERVICE: Final = 703
DER_CONTROLS: Final = 704
DER_STORAGE: Final = 713
DER_OPERATION: Final = 715
BATTERY: Final = 802

_FORMATS: Final = {
    "int16": "h",
    "sunssf": "h",
    "uint16": "H",
    "enum16": "H",
    "bitfield16": "H",
    "acc16": "H",
    "count": "H",
    "int32": "i",
    "uint32": "I",
    "enum32": "I",
    "bitfield32": "I",
    "acc32": "I",
    "int64": "q",
    "uint64": "Q",
    "bitfield64": "Q",
    "acc64": "Q",
}
"""The whole numbers there are, by their type: how they lie in big-endian registers."""
_SIGNED: Final = frozenset("hiq")


@dataclass(frozen=True, slots=True)
class Point:
    """One named value of a model."""

    name: str
    """Points of a group inside a model are named `GROUP.POINT`."""
    type: str
    offset: int
    """Registers from the model's id, which is at 0."""
    size: int
    """How many registers it takes."""
    scale: str | int | None
    """The point that holds its scale factor, or the factor itself. None: it has none."""
    writable: bool
    symbols: Mapping[str, int]
    """The names of an enumeration's values, or of a bit field's bits."""

    @property
    def number(self) -> bool:
        """Whether it is a whole number on the wire."""
        return self.type in _FORMATS

    @property
    def range(self) -> tuple[int, int]:
        """Least and most that it can hold, without the pattern that says "not there"."""
        bits = 16 * self.size
        if _FORMATS[self.type] in _SIGNED:
            return 1 - (1 << (bits - 1)), (1 << (bits - 1)) - 1
        return 0, (1 << bits) - (1 if self.type.startswith("acc") else 2)


@dataclass(frozen=True, slots=True)
class Model:
    """The points of one model, up to the first group that repeats."""

    id: int
    points: Mapping[str, Point]
    size: int
    """Registers of these points, the id and the length among them."""


def decode(point: Point, registers: tuple[int, ...]) -> int | str | None:
    """What registers say, before any scale. None: the device has no such point.

    Args:
        registers: As many as the point takes.
    """
    data = struct.pack(f">{len(registers)}H", *registers)
    if point.type == "string":
        return data.split(b"\0", 1)[0].decode("utf-8", "replace").strip() or None
    if not point.number:
        return None
    value = int(struct.unpack(f">{_FORMATS[point.type]}", data)[0])
    least, most = point.range
    return value if least <= value <= most else None


def encode(point: Point, value: int | str) -> tuple[int, ...]:
    """The registers that say `value`, which is not scaled any more.

    Raises:
        ValueError: If the point cannot hold it.
    """
    if isinstance(value, str):
        data = value.encode()[: 2 * point.size].ljust(2 * point.size, b"\0")
        return struct.unpack(f">{point.size}H", data)
    least, most = point.range
    if not least <= value <= most:
        raise ValueError(f"{point.name} holds {least} to {most}, not {value}")
    return struct.unpack(f">{point.size}H", struct.pack(f">{_FORMATS[point.type]}", value))


def absent(point: Point) -> tuple[int, ...]:
    """The registers that say "this device has no such point"."""
    if point.number and not point.type.startswith("acc"):
        if _FORMATS[point.type] in _SIGNED:
            return (0x8000, *(0,) * (point.size - 1))
        return (0xFFFF,) * point.size
    return (0x8000,) if point.type == "pad" else (0,) * point.size


@cache
def model(id: int) -> Model:
    """The definition of a model.

    Raises:
        KeyError: If nobody has published one of that id.
    """
    path = Path(sunspec2.__path__[0], "models", "json", f"model_{id}.json")
    if not path.is_file():
        raise KeyError(f"no definition of SunSpec model {id} is known")
    return parse(json.loads(path.read_text(encoding="utf-8")))


def parse(definition: Mapping[str, Any]) -> Model:
    """A model of its published JSON."""
    points = {point.name: point for point in _points(definition["group"])}
    size = max(point.offset + point.size for point in points.values())
    return Model(definition["id"], MappingProxyType(points), size)


def _points(group: Mapping[str, Any], prefix: str = "", start: int = 0) -> Iterator[Point]:
    offset = start
    for found in group.get("points", ()):
        scale = found.get("sf")
        point = Point(
            prefix + found["name"],
            found["type"],
            offset,
            found["size"],
            scale.strip() if isinstance(scale, str) else scale,
            found.get("access") == "RW",
            MappingProxyType({s["name"]: s["value"] for s in found.get("symbols", ())}),
        )
        offset += point.size
        yield point
    for inner in group.get("groups", ()):
        if inner.get("count", 1) != 1:
            return
        for point in _points(inner, f"{prefix}{inner['name']}.", offset):
            yield point
            offset = point.offset + point.size
