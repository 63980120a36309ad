"""A loop in virtual time that stands still for ever ends with a sentence instead."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from warnings import catch_warnings, simplefilter

import async_solipsism

Result = TypeVar("Result")
STILL_MOST = 20_000
"""Turns of the loop at one instant."""


class BoundedLoop(async_solipsism.EventLoop):  # type: ignore[misc]
    """At most so many turns without time passing, and so many a day."""

    def __init__(self, turns_most: int) -> None:
        super().__init__()
        self.turns_most = turns_most
        self.turns = self.still = 0
        self.shown = -1.0

    def _run_once(self) -> None:
        now = self.time()
        self.still = 0 if now > self.shown else self.still + 1
        self.shown, self.turns = now, self.turns + 1
        if self.still > STILL_MOST or self.turns > self.turns_most:
            why = f"{self.still} turns at one instant, {self.turns} in all"
            self.turns_most, self.still = self.turns + STILL_MOST, 0  # To be able to close.
            raise AssertionError(f"the story hangs after {now:.0f} virtual seconds: {why}")
        super()._run_once()


def play_bounded(story: Callable[[], Coroutine[Any, Any, Result]], turns_most: int) -> Result:
    """As `play`, and it ends.

    Raises:
        AssertionError: If it takes more turns.
    """
    with catch_warnings(), asyncio.Runner(loop_factory=lambda: BoundedLoop(turns_most)) as runner:
        simplefilter("ignore", async_solipsism.exceptions.ResolutionWarning)
        return runner.run(story())
