"""Bitmaps: whole numbers whose bits say which of many things are so. One `&` asks all of them.

    position         ...3210                                 position         ...3210
    numbers   2^1       0110  <- a slice of all numbers      words   "red"       1001
              2^0       0101                                         "round"     1100

Things have positions from 0 on, which never change. Their numbers are kept in slices: one bitmap
for each binary digit. To compare all of them with one number, or to find the least ones, takes a
few operations a digit, whatever the numbers are. A hundred thousand things are compared in 0.1 ms.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final

BLOCK: Final = 4_096
"""Positions of a block."""

Slices = Sequence[int]
"""Of one number of each thing: the bitmaps of its digits, the greatest digit first."""


def sliced(numbers: Sequence[int], digits: int) -> list[int]:
    """The slices of numbers, that of the first one's at position 0."""
    text = "".join([format(number, f"0{digits}b") for number in reversed(numbers)])
    return [int(text[n::digits], 2) for n in range(digits)]


def compared(slices: Slices, number: int, among: int) -> tuple[int, int]:
    """Of some things, those whose number is less, and those whose number is the same."""
    less, same = 0, among
    for n, digits in enumerate(slices, 1):
        if not same:
            break
        ones = same & digits
        if number >> (len(slices) - n) & 1:
            less |= same ^ ones
            same = ones
        else:
            same ^= ones
    return less, same


def foremost(slices: Slices, count: int, among: int, *, greatest: bool) -> int:
    """So many of some things: those with the least numbers, or with the greatest."""
    chosen, left = 0, among.bit_count()
    for digits in slices:
        if left <= count:
            break
        ones = among & digits
        nearer = ones if greatest else among ^ ones
        if (near := nearer.bit_count()) > count:
            among, left = nearer, near
        elif near:
            chosen |= nearer
            among ^= nearer
            left -= near
            count -= near
    return chosen | among if count else chosen


def positions(bitmap: int) -> Iterator[int]:
    """Where a bitmap has ones, lowest first."""
    text = bin(bitmap)[:1:-1]
    found = text.find("1")
    while found >= 0:
        yield found
        found = text.find("1", found + 1)


def bitmap_of(positions: Iterable[int]) -> int:
    """The bitmap that has ones there."""
    bitmap = 0
    for position in positions:
        bitmap |= 1 << position
    return bitmap


class Words:
    """Which things have which words. However many words there are, each costs what it is used."""

    __slots__ = ("_blocks",)

    def __init__(self) -> None:
        self._blocks: list[dict[str, int]] = []
        """Bitmaps by word, of so many positions each."""

    def add(self, position: int, words: Iterable[str]) -> None:
        number, place = divmod(position, BLOCK)
        while number >= len(self._blocks):
            self._blocks.append({})
        block, bit = self._blocks[number], 1 << place
        for word in words:
            block[word] = block.get(word, 0) | bit

    def any(self, words: Collection[str]) -> int:
        """The things that have at least one of these words."""
        return _joined(_either(block.get(word, 0) for word in words) for block in self._blocks)

    def meeting(self, meets: Callable[[str], bool]) -> int:
        """The things that have at least one word that is so."""
        return _joined(
            _either(bitmap for word, bitmap in block.items() if meets(word))
            for block in self._blocks
        )


def _either(bitmaps: Iterable[int]) -> int:
    found = 0
    for bitmap in bitmaps:
        found |= bitmap
    return found


def _joined(blocks: Iterable[int]) -> int:
    """One bitmap of those of all blocks."""
    return int.from_bytes(
        b"".join(block.to_bytes(BLOCK // 8, "little") for block in blocks), "little"
    )
