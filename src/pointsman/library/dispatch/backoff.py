"""How long to wait before the next try."""

from random import SystemRandom
from typing import Final

FIRST_SECONDS: Final = 0.25
MOST_SECONDS: Final = 30.0
_dice: Final = SystemRandom()


class Backoff:
    """Twice as long each time, and never quite as long as others wait."""

    def __init__(self) -> None:
        self._next_seconds = FIRST_SECONDS

    def next_seconds(self) -> float:
        """How long to wait now: between half as long and as long as it is the turn of."""
        seconds = self._next_seconds
        self._next_seconds = min(2 * seconds, MOST_SECONDS)
        return seconds * _dice.uniform(0.5, 1.0)

    def reset(self) -> None:
        """It went well: begin anew."""
        self._next_seconds = FIRST_SECONDS
