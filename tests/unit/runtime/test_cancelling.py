"""A cancellation that a library loses is not lost."""

import asyncio

import pytest

from pointsman.runtime.cancelling import insist_on_cancellation


async def test_a_cancellation_that_comes_with_the_answer_counts() -> None:
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def ask() -> str:
        said = await asyncio.wait_for(answer, timeout=5)
        insist_on_cancellation()
        return said

    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(ask())
        await asyncio.sleep(0)
        answer.set_result("yes")
        asking.cancel()
    assert asking.cancelled()


async def test_a_cancellation_that_an_error_hides_counts() -> None:
    async def leave() -> None:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            try:
                raise OSError("the connection is gone") from None
            except OSError:
                insist_on_cancellation()

    async with asyncio.TaskGroup() as tasks:
        leaving = tasks.create_task(leave())
        await asyncio.sleep(0)
        leaving.cancel()
    assert leaving.cancelled()


async def test_who_was_not_cancelled_goes_on() -> None:
    insist_on_cancellation()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await asyncio.sleep(1)
    insist_on_cancellation()
