"""One dispatcher with all its interfaces: REST and MCP on one port, and events on a page.

python examples/operations_dual_interface.py --seconds 60
"""

import argparse
import asyncio
from contextlib import suppress

from pointsman.operation_dispatcher import (
    BrowserEventVisualizer,
    DispatchEvent,
    EventType,
    Operation,
    OperationDispatcher,
    OperationDispatcherMCPServer,
    SimulatedOperationRunner,
)

ROBOT = "robot-1"
WORK_SECONDS = 1.0


async def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--port", type=int, default=8080)
    words.add_argument("--page-port", type=int, default=8765)
    words.add_argument("--seconds", type=float, default=60.0)
    asked = words.parse_args()

    def decide(event: DispatchEvent) -> bool:
        page.on_request(event)
        return True

    def tell(event: DispatchEvent) -> None:
        page.on_notification(event)
        id = event.operation_id
        if event.event_type is EventType.OPERATION_STARTED and id is not None:
            machine.start(id, WORK_SECONDS)
        if event.event_type is EventType.OPERATION_CANCELLED and id is not None:
            machine.cancel(id)

    page = BrowserEventVisualizer(port=asked.page_port)
    async with OperationDispatcher(
        ROBOT, on_request_callback=decide, on_notification_callback=tell
    ) as dispatcher:
        machine = SimulatedOperationRunner(on_complete=dispatcher.complete_operation)
        door = OperationDispatcherMCPServer(dispatcher, port=asked.port, allow_control=True)
        with page:
            async with door.serving() as port, asyncio.TaskGroup() as tasks:
                print(f"people: http://127.0.0.1:{port}/docs and {page.url}")
                print(f"agents: http://127.0.0.1:{port}/mcp")
                tasks.create_task(dispatcher.run())
                for name in ("pick", "place", "charge"):
                    dispatcher.add(Operation(resource_id=ROBOT, payload={"task": name}))
                await asyncio.sleep(asked.seconds)
                dispatcher.request_stop()
        machine.close()
        print(f"{len(dispatcher.get_events())} events were told")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
