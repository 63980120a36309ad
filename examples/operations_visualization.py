"""Events on a page of this computer, as they come.

python examples/operations_visualization.py --seconds 60
"""

import argparse
import time
from contextlib import suppress

from pointsman.operation_dispatcher import (
    BrowserEventVisualizer,
    DispatchEvent,
    EventType,
    Operation,
    OperationDispatcher,
    SimulatedOperationRunner,
)

ROBOT = "robot-1"
WORK_SECONDS = 0.5


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--port", type=int, default=8765)
    words.add_argument("--seconds", type=float, default=60.0)
    asked = words.parse_args()

    def decide(event: DispatchEvent) -> bool:
        page.on_request(event)
        return True

    def tell(event: DispatchEvent) -> None:
        page.on_notification(event)
        if event.event_type is EventType.OPERATION_STARTED and event.operation_id is not None:
            machine.start(event.operation_id, WORK_SECONDS)

    with (
        BrowserEventVisualizer(port=asked.port) as page,
        OperationDispatcher(
            ROBOT, on_request_callback=decide, on_notification_callback=tell
        ) as dispatcher,
    ):
        machine = SimulatedOperationRunner(on_complete=dispatcher.complete_operation)
        dispatcher.start()
        print(f"open {page.url}")
        until = time.monotonic() + asked.seconds
        while time.monotonic() < until:
            dispatcher.add(Operation(resource_id=ROBOT, payload={"task": "carry"}))
            time.sleep(min(2 * WORK_SECONDS, max(until - time.monotonic(), 0)))
        machine.close()
        print(f"{len(dispatcher.get_events())} events were told")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
