"""Where a device keeps its models: the scan, a layout, and blocks of registers with meaning.

base: "SunS"
base + 2: [id][length][points …]      a model; the next one begins where it ends
          [id][length][points …]
          [0xFFFF][0]                 the end
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pointsman.devices.sunspec.models import Model, decode, encode, model

BASES: Final = (40000, 0, 50000)
"""Where "SunS" may be, in the order in which to look."""
READ_LIMIT: Final = 125
"""Most registers of one read. What we use of any model is within so many."""
MODELS_LIMIT: Final = 100
"""Most models of a believable device."""
_MARK: Final = (0x5375, 0x6E53)
_END: Final = 0xFFFF
_ADDRESSES: Final = 0x10000
_HEADER: Final = 2
_SCALE_LIMIT: Final = 10


class LayoutError(ValueError):
    """The device's registers are no SunSpec device that could be believed."""


@dataclass(frozen=True, slots=True)
class Read:
    """Asks for `count` holding registers."""

    address: int
    count: int


@dataclass(frozen=True, slots=True)
class Write:
    """Sets holding registers, all at once."""

    address: int
    registers: tuple[int, ...]
    points: tuple[str, ...] = ()
    """What they are, for messages to people."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model is. `length` is the device's word: registers after the first two."""

    address: int
    length: int

    @property
    def read(self) -> Read:
        """Asks for the model, or for as much of it as one read gives."""
        return Read(self.address, min(self.length + _HEADER, READ_LIMIT))


@dataclass(frozen=True, slots=True)
class Layout:
    """The models of one device, by id. Of several with one id, the first."""

    base: int
    places: Mapping[int, Place]

    def first(self, *ids: int) -> tuple[int, ...]:
        """The first of these models that the device has, if any."""
        return next(((id,) for id in ids if id in self.places), ())


def scan(bases: Sequence[int] = BASES) -> Generator[Read, tuple[int, ...] | None, Layout]:
    """Find the models of a device: yields what to read next, is sent what came back.

    Send None where the device says that it has no such address.

    Raises:
        LayoutError: If no "SunS" is found, or the chain of models cannot be true.
    """
    for base in bases:
        if (yield Read(base, 2)) == _MARK:
            return (yield from _chain(base))
    raise LayoutError(f'no "SunS" at {", ".join(map(str, bases))}: not a SunSpec device')


def _chain(base: int) -> Generator[Read, tuple[int, ...] | None, Layout]:
    places: dict[int, Place] = {}
    address = base + _HEADER
    for _ in range(MODELS_LIMIT):
        header = yield Read(address, _HEADER)
        if header is None:
            raise LayoutError(f"the chain of models breaks off at {address}, without an end")
        id, length = header
        if id == _END:
            return Layout(base, MappingProxyType(places))
        after = address + _HEADER + length
        if length == 0 or after + _HEADER > _ADDRESSES:
            raise LayoutError(f"model {id} at {address} cannot be {length} registers long")
        places.setdefault(id, Place(address, length))
        address = after
    raise LayoutError(f"more than {MODELS_LIMIT} models in a chain that does not end")


@dataclass(frozen=True, slots=True)
class Block:
    """The registers of one model, as they were when read."""

    model: Model
    address: int
    registers: tuple[int, ...]

    def raw(self, name: str) -> int | None:
        """What the point says, before its scale. None: the device does not have it."""
        point = self.model.points[name]
        end = point.offset + point.size
        if end > len(self.registers):
            return None
        value = decode(point, self.registers[point.offset : end])
        return value if isinstance(value, int) else None

    def value(self, name: str) -> float | None:
        """What the point means. None: the device does not have it, or has no scale for it."""
        raw = self.raw(name)
        return None if raw is None else self.meant(name, raw)

    def meant(self, name: str, raw: int) -> float | None:
        """What a number on the wire would mean. None: the device has no scale for it."""
        scale = self._scale(name)
        if scale is None:
            return None
        return raw * 10.0**scale if scale >= 0 else raw / 10.0**-scale

    def has(self, *names: str) -> bool:
        """Whether the device has all these points, and their scales."""
        return all(self.value(name) is not None for name in names)

    def scaled(self, name: str, value: float) -> int:
        """The number on the wire that is nearest to what is meant.

        Raises:
            ValueError: If the device has no such point.
        """
        scale = self._scale(name)
        if scale is None or self.raw(name) is None:
            raise ValueError(f"model {self.model.id} has no {name} here")
        return round(value * 10.0**-scale if scale <= 0 else value / 10.0**scale)

    def rounded(self, name: str, value: float) -> float:
        """What the register will hold, when it is set to the nearest to `value`.

        Raises:
            ValueError: If the device has no such point.
        """
        return self.meant(name, self.scaled(name, value)) or 0.0

    def require(self, *names: str) -> "Block":
        """Itself, if the device has all these points.

        Raises:
            ValueError: If it lacks one.
        """
        for name in names:
            if not self.has(name):
                raise ValueError(f"model {self.model.id} has no usable {name} here")
        return self

    def capped(self, name: str, value: int) -> int:
        """`value`, or the most that the point can hold."""
        return min(value, self.model.points[name].range[1])

    def writes(self, values: Mapping[str, float]) -> tuple[Write, ...]:
        """Set points to what is meant, in the order of their addresses.

        Neighbours share one write. Points that the device does not have are left out.

        Raises:
            ValueError: If a point cannot hold its value.
        """
        found: list[Write] = []
        points = sorted((self.model.points[name] for name in values), key=lambda p: p.offset)
        for point in points:
            if not self.has(point.name):
                continue
            registers = encode(point, self.scaled(point.name, values[point.name]))
            address = self.address + point.offset
            if found and found[-1].address + len(found[-1].registers) == address:
                last = found.pop()
                address, registers = last.address, last.registers + registers
                found.append(Write(address, registers, (*last.points, point.name)))
            else:
                found.append(Write(address, registers, (point.name,)))
        return tuple(found)

    def _scale(self, name: str) -> int | None:
        scale = self.model.points[name].scale
        factor = 0 if scale is None else scale if isinstance(scale, int) else self.raw(scale)
        return factor if factor is not None and abs(factor) <= _SCALE_LIMIT else None


def block(id: int, place: Place, registers: tuple[int, ...]) -> Block:
    """The block of a model that was just read from its place.

    Raises:
        LayoutError: If something else is there by now.
    """
    if registers[:2] != (id, place.length):
        raise LayoutError(
            f"model {id} of length {place.length} was at {place.address},"
            f" and now model {registers[0]} of length {registers[1]} is"
        )
    return Block(model(id), place.address, registers)
