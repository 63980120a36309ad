"""Time, as something that can be handed in."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final, Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant, in UTC."""

    @property
    def speed(self) -> float:
        """How many of its seconds pass in one second of the event loop, at most."""


class SystemClock:
    speed: Final = 1.0

    def now(self) -> datetime:
        return datetime.now(UTC)


class LoopClock:
    """Follows the event loop, so that a loop with virtual time has virtual instants too."""

    speed: Final = 1.0

    def __init__(self, epoch: datetime) -> None:
        self._epoch = epoch

    def now(self) -> datetime:
        return self._epoch + timedelta(seconds=asyncio.get_running_loop().time())

    def step(self, by: timedelta) -> None:
        """Set the clock, as an operator or NTP would. The loop does not notice."""
        self._epoch += by


class RunClock:
    """A run's own time: at most `speed` times as fast as the wall clock, and still while held.

    So a slow computer or a slow disk makes the run longer, and never makes anything late.
    """

    def __init__(self, start: datetime, speed: float) -> None:
        self.speed = speed
        self._shown = start
        self._mark = monotonic()
        self._holders = 0

    def now(self) -> datetime:
        if self._holders:
            return self._shown
        return self._shown + timedelta(seconds=(monotonic() - self._mark) * self.speed)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Time stands still inside. May be nested."""
        self._shown, self._mark = self.now(), monotonic()
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1
            self._mark = monotonic()
