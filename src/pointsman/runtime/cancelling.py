"""Cancellations that libraries lose."""

import asyncio


def insist_on_cancellation() -> None:
    """Raise the cancellation that a library may have swallowed.

    Many wait by `asyncio.wait_for`, which before Python 3.12 forgets that it was cancelled if what
    it waits for comes in at the same moment. Others raise an error of their own on their way out,
    which hides it. Whoever cancelled would wait for ever.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
