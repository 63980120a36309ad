"""The registers of a simulated SunSpec device, read and written by the names of its points."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pointsman.devices.sunspec.layout import Block
from pointsman.devices.sunspec.models import Model, Point, absent, encode, model

_MARK: Final = (0x5375, 0x6E53)
_END: Final = (0xFFFF, 0)
_HEADER: Final = 2

Content = Mapping[str, float | str]
"""What points mean, or what texts they hold. A point that is not in it does not exist."""


@dataclass(frozen=True, slots=True)
class Touched:
    """A point that a write covers."""

    model: int
    point: Point
    whole: bool
    """Whether the write covers all its registers."""


@dataclass(slots=True)
class Image:
    """All registers from "SunS" to the end of the chain."""

    base: int
    registers: list[int]
    starts: dict[int, int] = field(default_factory=dict)
    """Where each model begins in `registers`."""

    def block(self, id: int) -> Block:
        """A model as it is now."""
        start, definition = self.starts[id], model(id)
        registers = tuple(self.registers[start : start + definition.size])
        return Block(definition, self.base + start, registers)

    def raw(self, id: int, name: str) -> int:
        """What a point says, before its scale. 0 if the device does not have it."""
        return self.block(id).raw(name) or 0

    def value(self, id: int, name: str) -> float:
        """What a point means. 0 if the device does not have it."""
        return self.block(id).value(name) or 0.0

    def set(self, id: int, content: Content) -> None:
        """Let points that exist mean something else. What they cannot hold is cut off."""
        for name, value in content.items():
            block = self.block(id)  # Anew, since the last point may be this one's scale.
            point = block.model.points[name]
            if isinstance(value, str):
                self._put(id, point, encode(point, value))
            elif block.has(name):
                least, most = point.range
                raw = min(max(block.scaled(name, value), least), most)
                self._put(id, point, encode(point, raw))

    def touched(self, address: int, count: int) -> Iterator[Touched]:
        """The points within some registers."""
        first, after = address - self.base, address - self.base + count
        for id, start in self.starts.items():
            for point in model(id).points.values():
                begin, end = start + point.offset, start + point.offset + point.size
                if begin < after and first < end:
                    yield Touched(id, point, first <= begin and end <= after)

    def models(self, address: int, count: int) -> list[int]:
        """The models within some registers."""
        return list(dict.fromkeys(touched.model for touched in self.touched(address, count)))

    def write(self, address: int, values: Sequence[int]) -> None:
        """Put registers as they come."""
        start = address - self.base
        self.registers[start : start + len(values)] = values

    def _put(self, id: int, point: Point, registers: Sequence[int]) -> None:
        self.write(self.base + self.starts[id] + point.offset, registers)


def image_of(base: int, content: Mapping[int, Content]) -> Image:
    """The registers of a device that has these models, in this order, and only these points.

    Scale factors must come before the points that they scale.
    """
    image = Image(base, list(_MARK))
    for id, points in content.items():
        image.starts[id] = len(image.registers)
        image.registers.extend(_blank(model(id)))
        for name in points:
            point = image.block(id).model.points[name]
            if point.number:
                image._put(id, point, encode(point, 0))  # noqa: SLF001 - it makes what it returns
        image.set(id, points)
    image.registers.extend(_END)
    return image


def _blank(definition: Model) -> list[int]:
    registers = [0] * definition.size
    for point in definition.points.values():
        registers[point.offset : point.offset + point.size] = absent(point)
    registers[:_HEADER] = definition.id, definition.size - _HEADER
    return registers
