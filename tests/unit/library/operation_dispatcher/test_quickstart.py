"""The documented quickstart, as it is written but for the package's name."""

import asyncio
import re
from typing import Any

import pytest

QUICKSTART = """
import asyncio
from pointsman.operation_dispatcher import (
    OperationDispatcher,
    Operation,
    DispatchEvent,
    EventType,
)

def on_request(event: DispatchEvent) -> bool | None:
	# Decide on a *_REQUEST event.
	# Return True to approve, False to deny, None to ignore other events.

    if event.event_type is EventType.OPERATION_START_REQUESTED:
        return True
    return None


def on_notification(event: DispatchEvent) -> None:
    # Observe all lifecycle and state change events.
    # Typical use cases: logging, persistence, event streaming.
	print(f"{event.event_type} -> {event.operation_id}")


async def main():
    dispatcher = OperationDispatcher(
        resource_id="robot-1",
        on_request_callback=on_request,
        on_notification_callback=on_notification,
    )

    dispatcher.add(
        Operation(
            payload={"task": "pickup"},
            resource_id="robot-1",
            priority=10,
        )
    )

    task = asyncio.create_task(dispatcher.run())
    await asyncio.sleep(2)
    dispatcher.request_stop()
    await task
"""


async def test_the_quickstart_runs_as_it_is_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    space: dict[str, Any] = {}
    exec(QUICKSTART, space)  # noqa: S102  As a reader would.
    sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda seconds: sleep(seconds / 10))
    async with asyncio.timeout(10):
        await space["main"]()
    shown = capsys.readouterr().out
    assert re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", shown).splitlines() == [
        "operation_added -> ID",
        "operation_dispatcher_started -> None",
        "operation_started -> ID",
        "operation_dispatcher_stopped -> None",
    ]
