"""What a run forgets as it goes, so that it can go on for ever."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Final

from pointsman.runtime.clock import Clock, sleep_until
from pointsman.schedules.intents import Tidy

KEEP: Final = timedelta(days=7)
"""Commands that ended earlier than this stay in the record only."""
TIDY_EVERY: Final = timedelta(days=1)

Submit = Callable[[Any], Coroutine[Any, Any, Any]]


async def tidy(submit: Submit, clock: Clock) -> None:
    """Forget all that is over. Never while a plan is being imported: that would be hit too."""
    while await submit(Tidy(clock.now() - KEEP)):
        pass


async def stay_tidy(submit: Submit, clock: Clock) -> None:
    """Tidy once a day, by the run's clock, until cancelled."""
    while True:
        await sleep_until(clock, clock.now() + TIDY_EVERY)
        await tidy(submit, clock)
