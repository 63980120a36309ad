"""Waiting for work, wherever the caller is."""

import asyncio
import os
import signal
import threading
from time import monotonic

import pytest

from pointsman.library.blocking import wait_for


async def seven() -> int:
    await asyncio.sleep(0.01)
    return 7


async def fails() -> None:
    raise ValueError("no")


def test_work_is_waited_for() -> None:
    assert wait_for(seven()) == 7


async def test_work_is_waited_for_inside_a_loop_too() -> None:
    assert wait_for(seven()) == 7


async def test_what_work_raises_is_raised_from_a_notebook() -> None:
    with pytest.raises(ValueError, match="no"):
        wait_for(fails())


async def test_an_interrupt_of_a_notebook_ends_the_work() -> None:
    ended = threading.Event()

    async def long() -> None:
        await asyncio.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    begun = monotonic()
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            wait_for(long())
    finally:
        signal.signal(signal.SIGINT, handler)
    assert ended.is_set()
    assert monotonic() - begun < 5
