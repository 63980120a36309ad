"""The historian: asks the history callback whether it knows more, and lives with what it does."""

import inspect
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeAlias

from pointsman.library.operation_dispatcher.history import History
from pointsman.library.operation_dispatcher.home import Home

log = logging.getLogger(__name__)
HistoryCallback: TypeAlias = (
    Callable[..., History | None] | Callable[..., Awaitable[History | None]]
)
"""Called with `(from, to, resolve_operations, limit, history)`. None: the history will do."""


class Historian:
    """Usable from any thread."""

    def __init__(self, callback: HistoryCallback, home: Home, seconds: float) -> None:
        self._callback = callback
        self._home = home
        self._seconds = seconds
        self.failures = 0
        """How often the callback raised, or took too long."""

    def told(
        self,
        since: datetime | None,
        until: datetime | None,
        resolve_operations: bool,
        limit: int | None,
        remembered: History,
    ) -> History:
        """What the callback returns, or what is remembered if that is nothing, or it fails.

        Raises:
            ValueError: If it returns something else.
        """
        try:
            told = self._callback(since, until, resolve_operations, limit, remembered)
            if inspect.isawaitable(told):
                told = self._awaited(told)
        except Exception as error:
            self.failures += 1
            log.error("the history callback failed: %r", error)
            return remembered
        if told is None:
            return remembered
        if not isinstance(told, History):
            raise ValueError(
                f"the history callback returned a {type(told).__name__}: a History or None would"
                " work"
            )
        return told

    def _awaited(self, told: Awaitable[History | None]) -> History | None:
        with self._home.blocked():
            future = self._home.wait_for(told, self._seconds)
        if future is None:
            raise TimeoutError(f"it took longer than {self._seconds:g} s")
        result: History | None = future.result()
        return result
