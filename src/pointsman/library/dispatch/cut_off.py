"""Calls that are cut off: their connection is made anew while they wait for an answer."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

LAST_CALLS_SECONDS: Final = 1.0
"""How long calls may go on, once there is a new connection."""
_WHY: Final = "the connection was made anew meanwhile: ask again"


@contextmanager
def cut_off_is_unavailable() -> Iterator[None]:
    """A call that is cut off has failed. gRPC says it as if its caller had been cancelled.

    Raises:
        AioRpcError: UNAVAILABLE, if it was cut off.
    """
    try:
        yield
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise AioRpcError(StatusCode.UNAVAILABLE, Metadata(), Metadata(), _WHY) from None
