"""The time of day in a simulated charger: what it was last told, and wall seconds since then.

It is never ahead of a central system whose time passes at least as fast as the wall clock.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final

_NEW_DAY: Final = timedelta(hours=1)
"""A time of day that goes back further than this is that of another run."""
_FAST_RATE: Final = 1.5
_STEADY_SECONDS: Final = 0.5


class ToldClock:
    """The time of day, as the central system tells it."""

    def __init__(self) -> None:
        self.fast = False
        """It runs faster than the wall clock."""
        self.known = asyncio.Event()
        self._told: datetime | None = None
        self._mark = 0.0

    def now(self) -> datetime:
        """Never ahead of a central system whose time passes at least as fast as ours."""
        if self._told is None:
            raise RuntimeError("the central system has not told the time yet")
        return self._told + timedelta(seconds=self._loop_time() - self._mark)

    def tell(self, now: datetime) -> bool:
        """Returns: whether this is the time of another run, for it went far back."""
        mark, told = self._loop_time(), self._told
        if told is None:
            self._told, self._mark = now, mark
            self.known.set()
            return False
        passed_seconds = mark - self._mark
        gone_seconds = (now - told).total_seconds()
        if gone_seconds > _FAST_RATE * passed_seconds + _STEADY_SECONDS:
            self.fast = True
        elif passed_seconds > _STEADY_SECONDS and gone_seconds > passed_seconds / _FAST_RATE:
            self.fast = False
        self._told, self._mark = now, mark
        return now < told - _NEW_DAY

    def _loop_time(self) -> float:
        return asyncio.get_running_loop().time()
