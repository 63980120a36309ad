"""For callers without an event loop, or inside one that belongs to somebody else."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def wait_for(work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work` to its end: in a loop of its own, and in a notebook on a thread of its own.

    An interrupt ends the work too.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any] | None]] = Future()

    async def main() -> Result:
        begun.set_result((asyncio.get_running_loop(), asyncio.current_task()))
        return await work

    with ThreadPoolExecutor(1, thread_name_prefix="pointsman") as thread:
        ended = thread.submit(asyncio.run, main())
        try:
            return ended.result()
        except BaseException:
            loop, task = begun.result()
            if task is not None and not ended.done():
                loop.call_soon_threadsafe(task.cancel)
            raise
