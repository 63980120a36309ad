"""Dispatches to test with, and what is known of them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from frequenz.channels import Receiver

from pointsman.dispatches.components import Target
from pointsman.dispatches.following import Edge, Followed, RunChange
from pointsman.dispatches.model import Dispatch as Value
from pointsman.dispatches.model import DispatchData, Rule
from pointsman.library.dispatch.dispatch import Dispatch, handed_out
from pointsman.library.dispatch.translating import client_of

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DATA = ("type", "target", "dry_run", "payload")
MessageT = TypeVar("MessageT")


class Told:
    """A clock that shows what it is told to."""

    speed = 1.0

    def __init__(self, now: datetime = NOON) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def held(self) -> Any:  # noqa: ANN401  It never is.
        raise NotImplementedError

    def stop_at(self, instant: datetime | None) -> None:
        raise NotImplementedError

    def wall_seconds_since(self, instant: datetime) -> float:
        raise NotImplementedError


def value(id: int = 7, recurrence: Rule | None = None, **data: Any) -> Value:  # noqa: ANN401
    """From noon on, for an hour, unless said otherwise."""
    given: dict[str, Any] = {
        "type": "T",
        "start_time": NOON,
        "target": Target(ids=(1, 2)),
        "duration_seconds": 3_600,
        "recurrence": recurrence,
        **data,
    }
    return Value(id, 1, DispatchData(**given), NOON - HOUR, NOON - HOUR)


def dispatch(
    id: int = 7,
    recurrence: Rule | None = None,
    *,
    now: datetime = NOON,
    deleted: bool = False,
    synced: datetime | None = None,
    **data: Any,  # noqa: ANN401
) -> Dispatch:
    """As somebody makes it by hand."""
    client = client_of(value(id, recurrence, **data))
    return Dispatch(client, deleted, synced, clock=Told(now))


def change(edge: Edge, seq: int = 1, start: datetime = NOON) -> RunChange:
    return RunChange(edge, start, start + HOUR, seq, start)


def followed(*waiting: RunChange, id: int = 7, **known: Any) -> Followed:  # noqa: ANN401
    data = {
        name: known.pop(name) for name in ("type", "target", "dry_run", "payload") if name in known
    }
    return Followed(value(id, **data), NOON, None, waiting=waiting, **known)


def told(edge: Edge, id: int = 7, seq: int = 1, **data: Any) -> Dispatch:  # noqa: ANN401
    """As a receiver of running states gets it."""
    one = change(edge, seq)
    return handed_out(followed(one, id=id, **data), Told(), one)


async def next_of(receiver: Receiver[MessageT]) -> MessageT:
    async with asyncio.timeout(2):
        return await receiver.receive()
