"""Time, as something that can be handed in."""

import asyncio
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from time import monotonic
from typing import Final, Protocol

LEAST_REST_SECONDS: Final = 0.001
"""No rest is shorter: a loop whose timers count whole milliseconds would spin."""
LONG_REST_SECONDS: Final = 0.1
EARLY: Final = 0.01
"""The part of a long rest that is left for another one.

An operating system ends a rest late by a part of it: Linux by a thousandth, and by five thousandths
in a process that is to be nice to others.
"""

LEAST_STEP: Final = timedelta(seconds=0.1)
"""What is less, is made up for without a word."""
LOOK_SECONDS_MOST: Final = 0.001
"""If two clocks cannot be read in that time, as others have the processor, they do not compare."""
REMEMBERED: Final = 4_096
"""How many of its changes of pace a run's clock can still tell the wall time of."""


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant, in UTC."""

    @property
    def speed(self) -> float:
        """How many of its seconds pass in one second of the event loop, at most."""

    def held(self) -> AbstractContextManager[None]:
        """Time stands still inside, if this clock can do that. May be nested."""

    def stop_at(self, instant: datetime | None) -> None:
        """Let no time pass beyond `instant` until told anew, if this clock can do that.

        The timers say so, in order that nothing is overdue just because the computer is slow.
        """

    def wall_seconds_since(self, instant: datetime) -> float:
        """How long ago, in seconds of the wall clock, it became `instant`: what lateness is."""


class SystemClock:
    speed: Final = 1.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def held(self) -> AbstractContextManager[None]:
        return nullcontext()

    def stop_at(self, instant: datetime | None) -> None:
        """The time of day waits for nobody."""

    def wall_seconds_since(self, instant: datetime) -> float:
        return (self.now() - instant).total_seconds()


class SteadyClock(SystemClock):
    """The time of day, as far as it passes: where it is set, nobody notices before `take_step`.

    So whoever supervises what goes on can give that a new beginning first, and nothing falls due
    only because a computer that was switched on a while ago learns what time it is.
    """

    def __init__(
        self, wall: Clock | None = None, *, seconds: Callable[[], float] = monotonic
    ) -> None:
        self._wall = wall or SystemClock()
        self._seconds = seconds
        self._since = self._wall.now() - timedelta(seconds=seconds())
        self._step, self._left = timedelta(), self.now()
        """The last step, and the instant from which it was taken."""

    def now(self) -> datetime:
        return self._since + timedelta(seconds=self._seconds())

    def take_step(self) -> timedelta:
        """Show the time of day from now on. Returns by how much it was set, if not by little."""
        begun = self._seconds()
        now = self.now()
        step = self._wall.now() - now
        if self._seconds() - begun > LOOK_SECONDS_MOST:
            return timedelta()
        self._since += step
        if abs(step) < LEAST_STEP:
            return timedelta()
        self._step, self._left = step, now
        return step

    def wall_seconds_since(self, instant: datetime) -> float:
        now = self.now()
        was_before = instant <= self._left if self._step > timedelta() else instant > now
        return (now - instant - (self._step if was_before else timedelta())).total_seconds()


class LoopClock:
    """Follows the event loop, so that a loop with virtual time has virtual instants too."""

    speed: Final = 1.0

    def __init__(self, epoch: datetime) -> None:
        self._epoch = epoch

    def now(self) -> datetime:
        return self._epoch + timedelta(seconds=asyncio.get_running_loop().time())

    def held(self) -> AbstractContextManager[None]:
        return nullcontext()

    def stop_at(self, instant: datetime | None) -> None:
        """The loop's time passes whether or not anybody is late."""

    def wall_seconds_since(self, instant: datetime) -> float:
        return (self.now() - instant).total_seconds()

    def step(self, by: timedelta) -> None:
        """Set the clock, as an operator or NTP would. The loop does not notice."""
        self._epoch += by


class RunClock:
    """A run's own time: at most `speed` times as fast as the wall clock, and still while held.

    It never passes an instant that it was told to stop at. So a slow computer or a slow disk
    makes the run longer, and never makes anything late.
    """

    def __init__(
        self, start: datetime, speed: float, *, seconds: Callable[[], float] = monotonic
    ) -> None:
        self.speed = speed
        self._seconds = seconds
        self._shown = start
        self._mark = seconds()
        self._holders = 0
        self._stop: datetime | None = None
        self._reached = deque([(start, self._mark)], maxlen=REMEMBERED)
        """Instants that it has shown, each with the wall second when it became so."""

    def now(self) -> datetime:
        if self._holders:
            return self._shown
        now = self._shown + timedelta(seconds=(self._seconds() - self._mark) * self.speed)
        return now if self._stop is None else min(now, max(self._stop, self._shown))

    @contextmanager
    def held(self) -> Iterator[None]:
        self._show()
        self._holders += 1
        try:
            yield
        finally:
            self._show()
            self._holders -= 1

    def stop_at(self, instant: datetime | None) -> None:
        self._show()
        self._stop = instant

    def wall_seconds_since(self, instant: datetime) -> float:
        self._show()
        later = bisect_left(self._reached, instant, key=itemgetter(0))
        if later == len(self._reached):
            return (self._shown - instant).total_seconds() / self.speed
        shown, second = self._reached[later]
        return self._seconds() - second + (shown - instant).total_seconds() / self.speed

    def _show(self) -> None:
        """Count from here: what has passed so far has passed."""
        shown = self.now()
        if shown > self._shown:
            passed_seconds = (shown - self._shown).total_seconds() / self.speed
            self._reached.append((shown, self._mark + passed_seconds))
        self._shown, self._mark = shown, self._seconds()


def rest_seconds(clock: Clock, instant: datetime) -> float:
    """How long to rest, in seconds of the event loop, before asking again. 0: it is `instant`."""
    rest = (instant - clock.now()).total_seconds() / clock.speed
    if rest > LONG_REST_SECONDS:
        return rest * (1 - EARLY)
    return max(rest, LEAST_REST_SECONDS) if rest > 0 else 0.0


async def sleep_until(clock: Clock, instant: datetime) -> None:
    """Return once it is `instant` by the clock, however often that was held or set."""
    while rest := rest_seconds(clock, instant):  # noqa: ASYNC110  Clocks ring no bells.
        await asyncio.sleep(min(rest, 60.0))
