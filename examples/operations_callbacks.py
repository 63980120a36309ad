"""A dispatcher with callbacks, and a machine that only pretends to work.

python examples/operations_callbacks.py
"""

import asyncio

from pointsman.operation_dispatcher import (
    DispatchEvent,
    EventType,
    Operation,
    OperationDispatcher,
    OperationId,
    RequestDecision,
    SimulatedOperationRunner,
)

ROBOT = "robot-1"
WORK_SECONDS = 0.2


async def main() -> None:
    ended = asyncio.Queue[OperationId | None]()

    def decide(event: DispatchEvent) -> RequestDecision:
        """Your rules: may it start, be cancelled, paused, resumed?"""
        operation = dispatcher.get_operation(event.operation_id or "")
        starts = event.event_type is EventType.OPERATION_START_REQUESTED
        if starts and operation is not None and operation.payload["task"] == "fly":
            return RequestDecision(accepted=False, reasoning="robots do not fly")
        return RequestDecision(accepted=True)

    def tell(event: DispatchEvent) -> None:
        """What happens: here the machine begins, once a start is a fact."""
        why = event.meta_data.get("reasoning", "")
        print(event.event_type, why)
        if event.event_type is EventType.OPERATION_STARTED and event.operation_id is not None:
            machine.start(event.operation_id, WORK_SECONDS)
        if event.event_type in (EventType.OPERATION_COMPLETED, EventType.OPERATION_CANCELLED):
            ended.put_nowait(event.operation_id)

    dispatcher = OperationDispatcher(
        ROBOT, on_request_callback=decide, on_notification_callback=tell
    )
    machine = SimulatedOperationRunner(on_complete=dispatcher.complete_operation)

    for name in ("fly", "pick", "place"):
        dispatcher.add(Operation(resource_id=ROBOT, payload={"task": name}))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(dispatcher.run())
        for _ in range(2):
            await ended.get()
        [flying] = dispatcher.get_queue()
        print("why not:", dispatcher.why(flying.id)[0].line)
        await asyncio.to_thread(dispatcher.cancel, flying.id)
        dispatcher.request_stop()
    dispatcher.close()


if __name__ == "__main__":
    asyncio.run(main())
