"""A machine that only pretends: it takes as long as it is told, and then says that it is done."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock, Timer, current_thread
from time import monotonic
from typing import Final

from pointsman.library.operation_dispatcher.operation import OperationId

_log = logging.getLogger(__name__)
LEAST_SECONDS: Final = 0.001


@dataclass(slots=True)
class _Run:
    id: OperationId
    rest_seconds: float
    """Of work, as of the last start or resume."""
    since: float = 0.0
    timer: Timer | None = None
    """None: it is paused."""


class SimulatedOperationRunner:
    """Runs one operation at a time, with a timer and nothing that turns meanwhile.

    Args:
        on_complete: Called with the operation's id when its time is over, on a thread.
        logger: Where starts and ends are told. None: our own, which says nothing by default.
        tick_seconds: Accepted, and of no effect: there are no ticks.
        progress_log_interval_seconds: Likewise; ask `progress`.
    """

    def __init__(
        self,
        on_complete: Callable[[OperationId], object],
        logger: logging.Logger | None = None,
        tick_seconds: float = 0.05,
        progress_log_interval_seconds: float = 1.0,
    ) -> None:
        if not tick_seconds > 0 or not progress_log_interval_seconds > 0:
            raise ValueError("tick_seconds and progress_log_interval_seconds must be > 0")
        self._on_complete = on_complete
        self._log = logger or _log
        self._lock = Lock()
        self._run: _Run | None = None
        self._total_seconds = 0.0

    @property
    def current(self) -> OperationId | None:
        """What it works on."""
        run = self._run
        return run.id if run else None

    @property
    def progress(self) -> float:
        """How much of that is done, from 0 to 1. 0: it works on nothing."""
        with self._lock:
            run = self._run
            if run is None:
                return 0.0
            rest = run.rest_seconds - (monotonic() - run.since if run.timer else 0.0)
            return min(max(1 - rest / self._total_seconds, 0.0), 1.0)

    def start(self, operation_id: OperationId, run_seconds: float) -> bool:
        """Begin. False: it works on another one, which goes on.

        Raises:
            ValueError: If that is no time to take.
        """
        if not 0 <= run_seconds < float("inf"):
            raise ValueError(f"run_seconds is {run_seconds}: 0 or more would work")
        with self._lock:
            if self._run is not None:
                return False
            self._total_seconds = max(run_seconds, LEAST_SECONDS)
            self._run = _Run(operation_id, self._total_seconds)
            self._wind_up(self._run)
        self._log.info("simulated operation %s takes %g s", operation_id, run_seconds)
        return True

    def pause(self, operation_id: OperationId) -> bool:
        """Stand still. False: it does not work on that, or stands still already."""
        with self._lock:
            run = self._of(operation_id)
            if run is None or run.timer is None:
                return False
            run.timer.cancel()
            run.timer = None
            run.rest_seconds = max(run.rest_seconds - (monotonic() - run.since), LEAST_SECONDS)
            return True

    def resume(self, operation_id: OperationId) -> bool:
        """Go on. False: it does not work on that, or has not been paused."""
        with self._lock:
            run = self._of(operation_id)
            if run is None or run.timer is not None:
                return False
            self._wind_up(run)
            return True

    def cancel(self, operation_id: OperationId) -> bool:
        """Let go of it. False: it does not work on that."""
        with self._lock:
            run = self._of(operation_id)
            if run is None:
                return False
            if run.timer is not None:
                run.timer.cancel()
            self._run = None
        self._log.info("simulated operation %s is cancelled", operation_id)
        return True

    def close(self) -> None:
        """Let go of whatever it works on."""
        current = self.current
        if current is not None:
            self.cancel(current)

    def _of(self, id: OperationId) -> _Run | None:
        return self._run if self._run is not None and self._run.id == id else None

    def _wind_up(self, run: _Run) -> None:
        run.since = monotonic()
        run.timer = Timer(run.rest_seconds, self._done, [run])
        run.timer.daemon = True
        run.timer.start()

    def _done(self, run: _Run) -> None:
        with self._lock:
            if self._run is not run or run.timer is not current_thread():
                return  # It was paused or cancelled just now.
            self._run = None
        self._log.info("simulated operation %s is done", run.id)
        try:
            self._on_complete(run.id)
        except Exception as error:
            self._log.error("on_complete failed for operation %s: %r", run.id, error)
