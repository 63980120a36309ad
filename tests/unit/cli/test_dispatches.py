"""What becomes of several dispatches when some cannot be had, and of rows that nobody can read."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from pointsman.cli.dispatch_client import Lost, Refused
from pointsman.cli.dispatch_flags import Listing
from pointsman.cli.dispatches import Failure, _each, _listed
from pointsman.dispatch_api.messages import Unreadable
from pointsman.dispatches.components import Target
from pointsman.dispatches.model import Dispatch, DispatchData

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WELL = Dispatch(2, 7, DispatchData("t", NOW, Target(ids=(1,))), NOW, NOW)


async def gone_from_three(id: int) -> int:
    if id == 2:
        raise Refused("no such dispatch")
    if id >= 3:
        raise Lost("the server is away")
    return id


def test_a_server_that_dies_in_between_does_not_hide_what_was_done() -> None:
    done, failed = asyncio.run(_each([1, 2, 3, 4], gone_from_three))
    assert done == [1]
    assert failed == [
        Failure(2, "no such dispatch"),
        Failure(3, "the server is away"),
        Failure(4, "not tried any more"),
    ]


def test_a_server_that_is_away_is_told_once() -> None:
    with pytest.raises(Lost, match="away"):
        asyncio.run(_each([3, 4], gone_from_three))


def test_a_row_that_nobody_can_read_does_not_hide_the_others() -> None:
    async def rows() -> AsyncIterator[Dispatch | Unreadable]:
        yield Unreadable("dispatch 1: target is empty")
        yield WELL

    found, unread = asyncio.run(_listed(rows(), Listing(microgrid="7"), NOW))
    assert (found, unread) == ([WELL], ["dispatch 1: target is empty"])
