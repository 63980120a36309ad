"""Work that a signal ends in good order."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from pointsman.cli.errors import TERMINATED

Result = TypeVar("Result")


def until_stopped(work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work` to its end. SIGTERM ends it as an interrupt does, with all files closed.

    Raises:
        SystemExit: If it was terminated.
    """
    terminated = False

    async def main() -> Result:
        task = asyncio.current_task()

        def stop() -> None:
            nonlocal terminated
            terminated = True
            if task is not None:
                task.cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
        return await work

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        if terminated:
            raise SystemExit(TERMINATED) from None
        raise
