"""The turner: a thread that wakes the rules when something is due, and sleeps otherwise.

There is none while nothing is due: it ends a while after the last turn, and begins anew.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from threading import Condition, Thread, current_thread
from typing import Final

from pointsman.journal import Unknown
from pointsman.runtime.clock import Clock, rest_seconds
from pointsman.runtime.timers import FOREVER, LONGEST_SLEEP_SECONDS

log = logging.getLogger(__name__)
LINGER_SECONDS: Final = 5.0
"""How long it waits for something to be due, before it ends."""
AGAIN_SECONDS: Final = 1.0
"""When it tries again what a journal did not answer."""


class Turner:
    """Usable from any thread."""

    def __init__(
        self,
        due: Callable[[], datetime | None],
        take: Callable[[], object],
        clock: Clock,
        failed: Callable[[Exception], None],
    ) -> None:
        self._due = due
        self._take = take
        self._clock = clock
        self._failed = failed
        self._changed = Condition()
        self._thread: Thread | None = None
        self._asleep_until = FOREVER
        self._rung = False
        self._closed = False

    def hear(self) -> None:
        """Something has happened: it may be due earlier."""
        due = self._due()
        if due is None:
            return
        with self._changed:
            if self._closed or due >= self._asleep_until:
                return
            self._rung = True
            if self._thread is None:
                self._thread = Thread(target=self._turn, name="pointsman turns", daemon=True)
                self._thread.start()
            else:
                self._changed.notify_all()

    def close(self) -> None:
        """Let nothing be due any more."""
        with self._changed:
            self._closed = True
            thread = self._thread
            self._changed.notify_all()
        if thread is not None and thread is not current_thread():
            thread.join(LINGER_SECONDS)

    def _turn(self) -> None:
        try:
            while self._goes_on():
                pass
        except Exception as error:  # The journal has another owner, or a rule is broken.
            log.error("operations stand still: %r", error)
            with self._changed:
                self._closed = True
            self._failed(error)

    def _goes_on(self) -> bool:
        """One turn, and the rest after it. False: it has ended."""
        with self._changed:
            self._rung, self._asleep_until = False, FOREVER
        due = self._due()
        if due is not None and due <= self._clock.now():
            try:
                self._take()
            except Unknown:
                return self._rests(AGAIN_SECONDS, FOREVER)
            return not self._closed
        if due is None:
            return self._rests(LINGER_SECONDS, FOREVER, ends=True)
        return self._rests(min(rest_seconds(self._clock, due), LONGEST_SLEEP_SECONDS), due)

    def _rests(self, seconds: float, until: datetime, *, ends: bool = False) -> bool:
        with self._changed:
            self._asleep_until = until
            if not self._rung and not self._closed:
                self._changed.wait(seconds)
            ended = self._closed or (ends and not self._rung)
            if ended:
                self._thread, self._asleep_until = None, FOREVER
            return not ended
